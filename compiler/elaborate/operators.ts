/** Arithmetic on terms: broadcasting as in NumPy, promotion of ints, tuples leaf by leaf. */
import {
  addDims,
  applyOperation,
  type Dim,
  multiplyDims,
  powerDim,
  resolve,
  showShape,
  subtractDims,
  unifyDims,
} from "../core/dimension.ts";
import { type Atom, boolScalar, intLiteral, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, neg, sub } from "../primitives/arithmetic.ts";
import { convert } from "../primitives/convert.ts";
import { integerPower, pow } from "../primitives/power.ts";
import { maximum, minimum } from "../primitives/rounding.ts";
import { broadcast } from "../primitives/shape.ts";
import type { ScalarType } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { type ArrayTerm, alignFields, coreType, mapLeaves, rankOf, shapeOf, showTermType, type Term } from "./terms.ts";

export function convertTo(e: Elaborator, term: ArrayTerm, type: ScalarType): ArrayTerm {
  if (term.type === type) return term;
  const dtype = coreType(type, []).dtype;
  const atom = e.emit(`convert ${dtype}`, [term.atom], coreType(type, shapeOf(term)), (b) =>
    convert(b, term.atom, dtype),
  );
  const known = type === "real" ? knownOf(term) : undefined;
  return { kind: "array", type, atom, ...(known === undefined ? {} : { known }) };
}

/** The value of a scalar that is known when data are bound. */
export function knownOf(term: ArrayTerm): number | "later" | undefined {
  if (term.known !== undefined) return term.known;
  if (term.dimension !== undefined) return typeof term.dimension === "number" ? term.dimension : "later";
  if (term.atom.kind === "literal" && term.type !== "bool") return term.atom.value;
  return undefined;
}

/** Stretches an array to a shape it broadcasts to. */
export function stretch(e: Elaborator, term: ArrayTerm, shape: readonly Dim[]): Atom {
  const own = shapeOf(term);
  if (own.length === shape.length && own.every((d, i) => d === shape[i] || d !== 1)) return term.atom;
  const tail = term.type === "key" ? [2] : [];
  const offset = shape.length - own.length;
  const axes = [...own.map((_, i) => i + offset), ...(term.type === "key" ? [shape.length] : [])];
  return e.emit("broadcast", [term.atom], { dtype: term.atom.type.dtype, shape: [...shape, ...tail] }, (b) =>
    broadcast(b, term.atom, [...shape, ...tail], axes),
  );
}

/** The broadcast shape: only a literal 1 stretches. */
export function commonShape(
  e: Elaborator,
  terms: readonly ArrayTerm[],
  what: string,
  span: Span | undefined,
): readonly Dim[] {
  let shape: readonly Dim[] = [];
  for (const term of terms) {
    const next = shapeOf(term);
    const rank = Math.max(shape.length, next.length);
    const joined: Dim[] = [];
    for (let i = 0; i < rank; i++) {
      const a = shape[i - rank + shape.length];
      const c = next[i - rank + next.length];
      if (a === undefined) joined.push(c!);
      else if (c === undefined || c === 1) joined.push(a);
      else if (a === 1) joined.push(c);
      else {
        if (unifyDims(a, c) === "different") {
          const shapes = terms.map((t) => showShape(shapeOf(t)));
          fail("K0210", span, `${what}: the shapes ${shapes.join(" and ")} do not go together.`, {
            help: "Axes are matched from the right; each pair must be equal, or one of them the number 1. A leading axis can be added by `reshape`.",
          });
        }
        e.deferEquality([a], [c], what, span);
        joined.push(typeof a === "number" ? a : c);
      }
    }
    shape = joined;
  }
  return shape;
}

/** The widest of bool, int, real. */
export function commonType(terms: readonly ArrayTerm[], what: string, span: Span | undefined): ScalarType {
  const order: readonly ScalarType[] = ["bool", "int", "real"];
  let widest = -1;
  for (const t of terms) {
    const at = order.indexOf(t.type);
    if (at < 0) {
      if (terms.every((s) => s.type === t.type)) return t.type;
      fail("K0211", span, `${what} wants numbers, but this is ${showTermType(t)}.`, {
        help:
          t.type === "key"
            ? "A key is not a number: draw from it, as in `normal[n](k)`."
            : "Compare a status with `==`.",
      });
    }
    widest = Math.max(widest, at);
  }
  return order[widest]!;
}

/** An elementwise function of several arrays, after promotion and broadcasting. */
export function elementwise(
  e: Elaborator,
  name: string,
  terms: readonly ArrayTerm[],
  span: Span | undefined,
  options: { readonly at?: ScalarType; readonly result?: ScalarType; readonly what?: string },
  make: (b: Emitter, atoms: readonly Atom[]) => Atom,
): ArrayTerm {
  const what = options.what ?? `\`${name}\``;
  const common = commonType(terms, what, span);
  if (common === "key" || (common === "status" && options.at !== undefined))
    fail("K0211", span, `${what} wants numbers, but this is ${showTermType(terms[0]!)}.`, {
      help:
        common === "key" ? "A key is not a number: draw from it, as in `normal[n](k)`." : "Compare a status with `==`.",
    });
  const type = widen(common, options.at);
  const shape = commonShape(e, terms, what, span);
  const atoms = terms.map((t) => {
    const converted = convertTo(e, t, type);
    return rankOf(converted) === 0 ? converted.atom : stretch(e, converted, shape);
  });
  const result = options.result ?? type;
  const atom = e.emit(name, atoms, coreType(result, shape), (b) => make(b, atoms));
  return { kind: "array", type: result, atom };
}

function widen(type: ScalarType, least: ScalarType | undefined): ScalarType {
  if (least === undefined) return type;
  if (least === "real" && (type === "int" || type === "bool")) return "real";
  if (least === "int" && type === "bool") return "int";
  return type;
}

/** Applies an elementwise function leaf by leaf: operands are arrays, or tuples of one structure and scalars. */
export function leafwise(
  e: Elaborator,
  terms: readonly Term[],
  what: string,
  span: Span | undefined,
  f: (leaves: readonly ArrayTerm[]) => ArrayTerm,
): Term {
  const operands = terms.map((t) => (t.kind === "range" ? e.rangeToArray(t, span) : t));
  const tuple = operands.find((t) => t.kind === "tuple");
  if (!tuple || tuple.kind !== "tuple") {
    const arrays = operands.map((t) => {
      if (t.kind === "error") e.giveUp();
      if (t.kind !== "array")
        fail("K0212", span, `${what} wants numbers, but this is ${showTermType(t)}.`, {
          ...(t.kind === "function" ? { help: "Call the function first: a function has no arithmetic." } : {}),
          ...(t.kind === "text"
            ? { help: 'There are no values of text; `show "caption", x` prints one beside a value.' }
            : {}),
        });
      return t as ArrayTerm;
    });
    return f(arrays);
  }
  const aligned = operands.map((t) => {
    if (t.kind !== "tuple") return t;
    const same = tuple.names && t.names ? alignFields(t, tuple.names) : t;
    if (!same || same.items.length !== tuple.items.length || (same.names === undefined) !== (tuple.names === undefined))
      fail("K0213", span, `${what}: the tuples ${showTermType(tuple)} and ${showTermType(t)} have different fields.`);
    return same;
  });
  for (const t of aligned)
    if (t.kind === "array" && rankOf(t) > 0)
      fail(
        "K0214",
        span,
        `${what}: a tuple goes with a tuple of the same fields or with one number, not with ${showTermType(t)}.`,
      );
  const items = tuple.items.map((_, i) =>
    leafwise(
      e,
      aligned.map((t) => (t.kind === "tuple" ? t.items[i]! : t)),
      tuple.names ? `${what} of field \`${tuple.names[i]}\`` : what,
      span,
      f,
    ),
  );
  return { kind: "tuple", names: tuple.names, items };
}

const dimensionOperators: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = {
  "+": addDims,
  "-": subtractDims,
  "*": multiplyDims,
};

export function arithmetic(e: Elaborator, operator: "+" | "-" | "*" | "/" | "^", x: Term, y: Term, span: Span): Term {
  const what = `\`${operator}\``;
  return leafwise(e, [x, y], what, span, ([a, c]) => arrayArithmetic(e, operator, a!, c!, what, span));
}

function arrayArithmetic(
  e: Elaborator,
  operator: string,
  a: ArrayTerm,
  c: ArrayTerm,
  what: string,
  span: Span,
): ArrayTerm {
  const onDims = dimensionOperators[operator];
  if (onDims && a.dimension !== undefined && c.dimension !== undefined)
    return e.dimensionTerm(onDims(a.dimension, c.dimension), wrappedProduct(operator, a.dimension, c.dimension));
  if (operator === "^") return power(e, a, c, span);
  const known = combineKnown(operator, a, c);
  const result = elementwise(e, operator, [a, c], span, { at: operator === "/" ? "real" : "int", what }, (b, [p, q]) =>
    operator === "+"
      ? add(b, p!, q!)
      : operator === "-"
        ? sub(b, p!, q!)
        : operator === "*"
          ? mul(b, p!, q!)
          : div(b, p!, q!),
  );
  const offset = result.type === "int" ? offsetOf(operator, a, c) : undefined;
  if (offset) return { ...result, offset };
  return known === undefined || result.type !== "real" ? result : { ...result, known };
}

/** Products of ints can have more digits than a number of the compiler's. */
function wrappedProduct(operator: string, a: Dim, c: Dim): number | undefined {
  const [x, y] = [resolve(a), resolve(c)];
  return operator === "*" && typeof x === "number" && typeof y === "number" ? Math.imul(x, y) : undefined;
}

/** `i + 128`, `128 + i`, `i - 1`: the int and the dimension added to it. */
function offsetOf(operator: string, a: ArrayTerm, c: ArrayTerm): ArrayTerm["offset"] {
  if (rankOf(a) > 0 || rankOf(c) > 0) return undefined;
  if ((operator === "+" || operator === "-") && a.dimension === undefined && c.dimension !== undefined) {
    const by = operator === "+" ? c.dimension : multiplyDims(-1, c.dimension);
    return a.offset ? { base: a.offset.base, by: addDims(a.offset.by, by) } : { base: a.atom, by };
  }
  if (operator === "+" && c.dimension === undefined && a.dimension !== undefined) return offsetOf("+", c, a);
  return undefined;
}

/** Keeps track of reals made of dimensions, literals and params. */
function combineKnown(operator: string, a: ArrayTerm, c: ArrayTerm): number | "later" | undefined {
  if (rankOf(a) > 0 || rankOf(c) > 0) return undefined;
  const [x, y] = [knownOf(a), knownOf(c)];
  if (x === undefined || y === undefined) return undefined;
  if (x === "later" || y === "later") return "later";
  const f: Record<string, number> = { "+": x + y, "-": x - y, "*": x * y, "/": x / y, "^": x ** y };
  return f[operator];
}

/** `x^p` by kind of exponent: a literal whole number, any other constant, a variable. */
function power(e: Elaborator, base: ArrayTerm, exponent: ArrayTerm, span: Span): ArrayTerm {
  const p = exponent.atom;
  const known = combineKnown("^", base, exponent);
  const add = (t: ArrayTerm): ArrayTerm => (known === undefined || t.type !== "real" ? t : { ...t, known });
  if (p.kind === "literal" && Number.isInteger(p.value) && Math.abs(p.value) <= 64) {
    if (base.type === "int" && exponent.type === "int" && p.value >= 0) {
      if (base.dimension !== undefined) return powerOfDimension(e, base.dimension, p.value, span);
      let result: ArrayTerm = { kind: "array", type: "int", atom: intLiteral(1) };
      for (let i = 0; i < p.value; i++)
        result = elementwise(e, "*", [result, base], span, {}, (b, [x, y]) => mul(b, x!, y!));
      return p.value === 0 ? { ...result, atom: stretch(e, result, shapeOf(base)) } : result;
    }
    if (base.square?.of === base.atom && p.value > 0 && p.value % 2 === 0) {
      const half = { ...exponent, atom: { ...p, value: p.value / 2 } };
      const square = base.square.make();
      return p.value === 2 ? square : power(e, square, half, span);
    }
    const real = convertTo(e, base, "real");
    if (real.type === "real")
      return add({
        kind: "array",
        type: "real",
        atom: e.emit(`power ${p.value}`, [real.atom], coreType("real", shapeOf(real)), (b) =>
          integerPower(b, real.atom, p.value),
        ),
      });
  }
  return add(elementwise(e, "^", [base, exponent], span, { at: "real" }, (b, [x, y]) => pow(b, x!, y!)));
}

/** A power that leaves the ints is never meant to wrap: it is refused. */
function powerOfDimension(e: Elaborator, base: Dim, exponent: number, span: Span): ArrayTerm {
  const result = powerDim(resolve(base), exponent);
  if (typeof result === "number" && (result < -(2 ** 31) || result >= 2 ** 31))
    fail("K1142", span, `This power of ints would be ${result}.`, {
      help: "Ints end at 2147483647. With a point it is a real: `2.0 ^ 40`.",
    });
  return e.dimensionTerm(result);
}

export function negate(e: Elaborator, x: Term, span: Span): Term {
  return leafwise(e, [x], "`-`", span, ([a]) => {
    if (a!.dimension !== undefined) return e.dimensionTerm(multiplyDims(-1, a!.dimension));
    const known = knownOf(a!);
    const result = elementwise(e, "neg", [a!], span, { at: "int", what: "`-`" }, (b, [p]) => neg(b, p!));
    return known === undefined || result.type !== "real"
      ? result
      : { ...result, known: known === "later" ? known : -known };
  });
}

/** `max(a, b)` and `min(a, b)` of two values; dimensions stay dimensions. */
export function extremum(e: Elaborator, which: "max" | "min", x: Term, y: Term, span: Span): Term {
  return leafwise(e, [x, y], `\`${which}\``, span, ([a, c]) => {
    if (a!.dimension !== undefined && c!.dimension !== undefined)
      return e.dimensionTerm(applyOperation(which, a!.dimension, c!.dimension));
    return elementwise(e, which, [a!, c!], span, { at: "int" }, (b, [p, q]) =>
      which === "max" ? maximum(b, p!, q!) : minimum(b, p!, q!),
    );
  });
}

/** Ints become reals, leaf by leaf; a leaf that is no number is refused by its name. */
export function realTerm(e: Elaborator, term: Term, what: string, span: Span): Term {
  const source = term.kind === "range" ? e.rangeToArray(term, span) : term;
  const go = (t: Term, path: string): Term => {
    if (t.kind === "error") e.giveUp();
    if (t.kind === "tuple")
      return { kind: "tuple", names: t.names, items: t.items.map((s, i) => go(s, `${path}.${t.names?.[i] ?? i}`)) };
    if (t.kind === "array" && (t.type === "real" || t.type === "int")) {
      if (t.type === "int" && path !== "") return refuse(t, path);
      return convertTo(e, t, "real");
    }
    return refuse(t, path);
  };
  const refuse = (t: Term, path: string): never =>
    fail(
      "K0502",
      span,
      `${what} must be real throughout, but ${path === "" ? "it" : `\`${path.slice(1)}\``} is ${showTermType(t)}.`,
      {
        help: "Leave what is not real out of the argument: a function may capture it.",
      },
    );
  return go(source, "");
}

export function zeroLike(e: Elaborator, term: Term): Term {
  return mapLeaves(term, (leaf) => {
    if (leaf.type === "key") return leaf;
    const zero =
      leaf.type === "real"
        ? realLiteral(0)
        : leaf.type === "bool"
          ? { kind: "literal" as const, value: 0, type: boolScalar }
          : intLiteral(0);
    return {
      kind: "array",
      type: leaf.type,
      atom: stretch(e, { kind: "array", type: leaf.type, atom: zero }, shapeOf(leaf)),
    };
  });
}
