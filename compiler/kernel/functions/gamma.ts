/**
 * lgamma, digamma and polygamma as functions with control flow: the methods, and where they are from, are those of
 * primitives/special-functions.ts.
 */
import * as ir from "../expressions.ts";
import type { Expression, Local, Precision, ScalarFunction, Statement } from "../ir.ts";
import { log, log1p } from "./logarithm.ts";
import { polynomial } from "./polynomial.ts";
import { pow } from "./power.ts";
import { bernoulli, cotangentPolynomial, lgammaAtTwo } from "./series.ts";
import { cos, sin } from "./trigonometric.ts";

const { add, mul, sub, div, real, abs, select, lt, le, gt, eq, and, or, neg } = ir;

const infinity = real(Number.POSITIVE_INFINITY);
const nan = real(Number.NaN);
const assign = (local: Local, value: Expression): Statement => ({ op: "assign", local, value });
const variable = (name: string, value: Expression): [Local, Statement] => {
  const local = ir.local("real", name);
  return [local, { op: "variable", local, value }];
};
const when = (condition: Expression, then: Statement[], otherwise: Statement[] = []): Statement => ({
  op: "if",
  condition,
  then,
  otherwise,
});

const made = new Map<string, ScalarFunction>();
function once(key: string, make: () => ScalarFunction): ScalarFunction {
  let f = made.get(key);
  if (!f) {
    f = make();
    made.set(key, f);
  }
  return f;
}

/** sin(pi x) and cos(pi x), exact in the reduction. */
function sinCosPi(x: Expression, precision: Precision): readonly [Expression, Expression] {
  const half = ir.floor(add(mul(real(2), x), real(0.5)));
  const rest = mul(real(Math.PI), sub(x, mul(half, real(0.5))));
  const [s, c] = [sin(rest, precision), cos(rest, precision)];
  const quarter = sub(half, mul(real(4), ir.floor(mul(half, real(0.25)))));
  const [one, two, three] = [1, 2, 3].map((q) => eq(quarter, real(q))) as [Expression, Expression, Expression];
  return [
    select(one, c, select(two, neg(s), select(three, neg(c), s))),
    select(one, neg(s), select(two, neg(c), select(three, s, c))),
  ];
}

const isWhole = (x: Expression) => eq(ir.floor(x), x);

/** log |Gamma(x)| for x > 0, finite. */
function positiveLgamma(precision: Precision): ScalarFunction {
  return once(`lgamma ${precision}`, () => {
    const x = ir.local("real", "x");
    const [value, first] = variable("value", real(0));
    const [product, second] = variable("product", real(1));
    const [y, third] = variable("y", x);
    const s = div(real(1), mul(x, x));
    let correction: Expression = real(0);
    for (let k = 8; k >= 1; k--) correction = add(mul(correction, s), real(bernoulli[k - 1]! / (2 * k * (2 * k - 1))));
    const coefficients = lgammaAtTwo;
    const stirling = add(
      add(mul(sub(x, real(0.5)), sub(log(x, precision), real(1))), real(0.5 * Math.log(2 * Math.PI) - 0.5)),
      div(correction, x),
    );
    const near = sub(polynomial(sub(x, real(1)), coefficients), log1p(sub(x, real(1)), precision));
    // log Gamma(x) = log Gamma(x + 1) - log x
    const below = sub(sub(polynomial(x, coefficients), log1p(x, precision)), log(x, precision));
    const body: Statement[] = [
      first,
      second,
      third,
      when(
        lt(x, real(0.5)),
        [assign(value, below)],
        [
          when(
            lt(x, real(1.5)),
            [assign(value, near)],
            [
              when(
                lt(x, real(10)),
                [
                  {
                    op: "while",
                    condition: gt(y, real(2.5)),
                    body: [assign(y, sub(y, real(1))), assign(product, mul(product, y))],
                  },
                  assign(value, add(log(product, precision), polynomial(sub(y, real(2)), coefficients))),
                ],
                [assign(value, stirling)],
              ),
            ],
          ),
        ],
      ),
    ];
    return { name: "lgamma_positive", parameters: [x], body, result: value };
  });
}

/** log |Gamma(x)|, infinite at 0, -1, ...: within 3 ULP for x > 0; below, 8 ULP of max(1, |result|). */
export function lgamma(x: Expression, precision: Precision): Expression {
  const f = positiveLgamma(precision);
  const usable = and(gt(x, real(0)), lt(x, infinity));
  const positive = ir.call(f, select(usable, x, real(1)));
  const below = and(le(x, real(0)), gt(x, neg(infinity)));
  const inner = select(below, x, real(-0.5));
  const [s] = sinCosPi(inner, precision);
  const reflected = sub(log(div(real(Math.PI), abs(s)), precision), ir.call(f, sub(real(1), inner)));
  const pole = or(and(below, isWhole(x)), eq(abs(x), infinity));
  return select(pole, infinity, select(usable, positive, select(below, reflected, nan)));
}

/** The derivative of lgamma for 0 < x < infinity. */
function positiveDigamma(precision: Precision): ScalarFunction {
  return once(`digamma ${precision}`, () => {
    const x = ir.local("real", "x");
    const [below, first] = variable("below", real(0));
    const [y, second] = variable("y", x);
    const t = div(real(1), mul(y, y));
    let correction: Expression = real(0);
    for (let k = 8; k >= 1; k--) correction = add(mul(correction, t), real(bernoulli[k - 1]! / (2 * k)));
    const body: Statement[] = [
      first,
      second,
      {
        op: "while",
        condition: lt(y, real(10)),
        body: [assign(below, add(below, div(real(1), y))), assign(y, add(y, real(1)))],
      },
    ];
    const result = sub(sub(sub(log(y, precision), div(real(0.5), y)), mul(correction, t)), below);
    return { name: "digamma_positive", parameters: [x], body, result };
  });
}

/** The derivative of lgamma, NaN at its poles: within 8 ULP of max(1, |psi|). */
export function digamma(x: Expression, precision: Precision): Expression {
  const f = positiveDigamma(precision);
  const usable = and(gt(x, real(0)), lt(x, infinity));
  const below = and(and(lt(x, real(0)), gt(x, neg(infinity))), ir.not(isWhole(x)));
  const inner = select(below, x, real(-0.5));
  const [s, c] = sinCosPi(inner, precision);
  const reflected = sub(ir.call(f, sub(real(1), inner)), div(mul(real(Math.PI), c), s));
  const value = select(usable, ir.call(f, select(usable, x, real(1))), select(below, reflected, nan));
  return select(eq(x, infinity), infinity, value);
}

/** |psi_n(x)| for 0 < x < infinity, n >= 1. */
function positivePolygamma(n: number, precision: Precision): ScalarFunction {
  return once(`polygamma ${n} ${precision}`, () => {
    const x = ir.local("real", "x");
    const [total, first] = variable("sum", real(0));
    const [y, second] = variable("y", x);
    const body: Statement[] = [
      first,
      second,
      {
        op: "while",
        condition: lt(y, real(10 + n)),
        body: [assign(total, add(total, pow(y, real(-(n + 1)), precision))), assign(y, add(y, real(1)))],
      },
    ];
    const power = pow(y, real(-n), precision);
    let tail = add(div(power, real(n)), div(power, mul(real(2), y)));
    const t = div(real(1), mul(y, y));
    let weight = 1 / 2;
    let decay: Expression = t;
    for (let k = 1; k <= bernoulli.length; k++) {
      if (k === 1) weight = (n + 1) / 2;
      else weight *= ((n + 2 * k - 2) * (n + 2 * k - 1)) / ((2 * k - 1) * (2 * k));
      tail = add(tail, mul(mul(real(bernoulli[k - 1]! * weight), power), decay));
      decay = mul(decay, t);
    }
    let factorial = 1;
    for (let i = 2; i <= n; i++) factorial *= i;
    return {
      name: `polygamma${n}_positive`,
      parameters: [x],
      body,
      result: mul(real(factorial), add(total, tail)),
    };
  });
}

/** The derivative of digamma of order n, digamma itself for 0: of low orders within 4 ULP for x > 0. */
export function polygamma(n: number, x: Expression, precision: Precision): Expression {
  if (n === 0) return digamma(x, precision);
  const f = positivePolygamma(n, precision);
  const sign = n % 2 === 1 ? 1 : -1;
  const usable = and(gt(x, real(0)), lt(x, infinity));
  const positive = mul(real(sign), ir.call(f, select(usable, x, real(1))));
  const below = and(and(lt(x, real(0)), gt(x, neg(infinity))), ir.not(isWhole(x)));
  const inner = select(below, x, real(-0.5));
  const [s, c] = sinCosPi(inner, precision);
  // -sign psi_n(1 - x) - pi^(n+1) (d/dz)^n cot z
  const reflected = sub(
    neg(ir.call(f, sub(real(1), inner))),
    mul(real(Math.PI ** (n + 1)), polynomial(div(c, s), cotangentPolynomial(n))),
  );
  const pole = and(and(le(x, real(0)), gt(x, neg(infinity))), isWhole(x));
  const atPole = n % 2 === 1 ? infinity : nan;
  const value = select(usable, positive, select(below, reflected, select(pole, atPole, nan)));
  return select(eq(x, infinity), real(0), value);
}
