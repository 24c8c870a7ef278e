/** Gradients of formulas by the reverse rules, as formulas. */
import {
  add,
  apply,
  divide,
  type Formula,
  inner,
  isNumber,
  matrix,
  mentions,
  multiply,
  negative,
  number,
  ones,
  power,
  subtract,
  total,
  transpose,
} from "./formula.ts";

/** The gradient of a scalar formula in one variable. */
export function gradientOf(f: Formula, variable: string): Formula {
  const parts: Formula[] = [];
  pull(f, number(1), variable, parts);
  return add(...parts);
}

/** Derivatives of the functions that go entry by entry. */
const slopes: Readonly<Record<string, (x: Formula) => Formula>> = {
  exp: (x) => apply("exp", x),
  log: (x) => divide(number(1), x),
  sin: (x) => apply("cos", x),
  cos: (x) => negative(apply("sin", x)),
  tan: (x) => add(number(1), power(apply("tan", x), number(2))),
  tanh: (x) => subtract(number(1), power(apply("tanh", x), number(2))),
  sqrt: (x) => divide(number(0.5), apply("sqrt", x)),
  abs: (x) => apply("sign", x),
};

/** Adds to `parts` what a cotangent of `f` means for the variable. */
function pull(f: Formula, u: Formula, variable: string, parts: Formula[]): void {
  if (!mentions(f, variable)) return;
  const into = (g: Formula, v: Formula) => pull(g, v, variable, parts);
  // What was stretched to the shape of the others gathers all their shares.
  const fit = (g: Formula, v: Formula): Formula =>
    g.rank === 0 && v.rank !== 0 ? total(v) : g.rank !== 0 && v.rank === 0 ? multiply(v, ones(g.rank)) : v;
  switch (f.kind) {
    case "name":
      parts.push(fit(f, u));
      return;
    case "add":
      for (const t of f.terms) into(t, fit(t, f.rank === 0 ? u : fit(f, u)));
      return;
    case "multiply":
      f.factors.forEach((g, i) => {
        const others = f.factors.filter((_, j) => j !== i);
        into(g, fit(g, multiply(number(f.coefficient), u, ...others)));
      });
      return;
    case "divide":
      into(f.numerator, fit(f.numerator, divide(u, f.denominator)));
      into(
        f.denominator,
        fit(f.denominator, negative(divide(multiply(u, f.numerator), power(f.denominator, number(2))))),
      );
      return;
    case "power": {
      if (f.base.kind === "norm" && isNumber(f.exponent) && f.exponent.value >= 2) {
        const rest = power(f.base, number(f.exponent.value - 2));
        into(f.base.of, multiply(u, f.exponent, rest, f.base.of));
        return;
      }
      const down = isNumber(f.exponent) ? number(f.exponent.value - 1) : subtract(f.exponent, number(1));
      into(f.base, fit(f.base, multiply(u, f.exponent, power(f.base, down))));
      if (mentions(f.exponent, variable)) into(f.exponent, fit(f.exponent, multiply(u, f, apply("log", f.base))));
      return;
    }
    case "inner":
      into(f.left, multiply(u, f.right));
      into(f.right, multiply(u, f.left));
      return;
    case "matrix":
      into(f.right, matrix(transpose(f.left), u));
      if (mentions(f.left, variable)) into(f.left, matrix(u, transpose(f.right)));
      return;
    case "transpose":
      into(f.of, f.of.rank === 1 ? u : transpose(u));
      return;
    case "total":
      into(f.of, multiply(u, ones(f.of.rank)));
      return;
    case "norm":
      into(f.of, divide(multiply(u, f.of), f));
      return;
    case "entry": {
      const [place] = f.places;
      if (f.places.length === 1 && f.of.rank === 1 && place)
        into(f.of, multiply(u, { kind: "unit", index: place, rank: 1 }));
      else parts.push({ kind: "pulled", of: f, by: variable, vector: u, rank: undefined });
      return;
    }
    case "apply": {
      const slope = slopes[f.name];
      if (slope) into(f.of, fit(f.of, multiply(u, slope(f.of))));
      else parts.push({ kind: "pulled", of: f, by: variable, vector: u, rank: undefined });
      return;
    }
    default:
      parts.push({ kind: "pulled", of: f, by: variable, vector: u, rank: undefined });
  }
}

/** The inner product of a multiplier and a row, whatever their rank. */
export function weighted(multiplier: Formula, row: Formula): Formula {
  return row.rank === 0 ? multiply(multiplier, row) : inner(multiplier, row);
}
