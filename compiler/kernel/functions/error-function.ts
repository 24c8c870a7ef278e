/** erf, erfc and erfinv: the reference is in primitives/special-functions.ts. */
import * as ir from "../expressions.ts";
import type { Expression, Local, Precision, ScalarFunction, Statement } from "../ir.ts";
import {
  erfcTail,
  erfcUpper,
  erfinvCentre,
  erfinvTail,
  erfMiddle,
  erfOne,
  erfSmall,
} from "./error-function-coefficients.ts";
import { exp } from "./exponential.ts";
import { log } from "./logarithm.ts";
import { polynomial, upperHalf, withSignOf } from "./polynomial.ts";

const { add, mul, sub, div, real, abs, select, lt, gt, eq, neg } = ir;

const rational = (x: Expression, { p, q }: { readonly p: readonly number[]; readonly q: readonly number[] }) =>
  div(polynomial(x, p), polynomial(x, q));

interface Parts {
  /** (erf(x) - x) / x, for |x| < 0.84375. */
  readonly small: Expression;
  /** erf(|x|) - erfOne, for |x| < 1.25. */
  readonly middle: Expression;
  /** erfc(|x|), for |x| >= 1.25. */
  readonly large: Expression;
}

/** So few digits of x that z^2 + 0.5625 is exact: in f32 eleven. */
function leading(x: Expression, precision: Precision): Expression {
  if (precision === "f64") return upperHalf(x, precision);
  return ir.unary("realOf", ir.and(ir.unary("bitsOf", x), ir.bits(~0x1fffn)));
}

function partsOf(a: Expression, precision: Precision): Parts {
  const most = precision === "f64" ? 28 : 10.2;
  const inside = select(lt(a, real(0.84375)), a, real(0));
  const square = mul(inside, inside);
  const b = ir.min(ir.max(a, real(1.25)), real(most));
  const s = div(real(1), mul(b, b));
  const near = lt(b, real(1 / 0.35));
  const choose = (which: "p" | "q") => {
    const [upper, tail] = [erfcUpper[which], erfcTail[which]];
    const length = Math.max(upper.length, tail.length);
    let value: Expression = real(0);
    for (let i = length - 1; i >= 0; i--)
      value = add(mul(value, s), select(near, real(upper[i] ?? 0), real(tail[i] ?? 0)));
    return value;
  };
  const z = leading(b, precision);
  const first = exp(sub(neg(mul(z, z)), real(0.5625)), precision);
  const second = exp(add(mul(sub(z, b), add(z, b)), div(choose("p"), choose("q"))), precision);
  const large = select(gt(a, real(most)), real(0), div(mul(first, second), b));
  const t = sub(ir.min(ir.max(a, real(0.84375)), real(1.25)), real(1));
  return { small: rational(square, erfSmall), middle: rational(t, erfMiddle), large };
}

const nanOr = (x: Expression, value: Expression) => select(eq(x, x), value, x);

/** The error function: within 1 ULP. */
export function erf(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const { small, middle, large } = partsOf(a, precision);
  const far = select(lt(a, real(1.25)), add(real(erfOne), middle), sub(real(1), large));
  return nanOr(x, select(lt(a, real(0.84375)), add(x, mul(x, small)), withSignOf(far, x, precision)));
}

/** 1 - erf(x) without cancellation: within 3 ULP up to 8, 5 until it becomes subnormal. */
export function erfc(x: Expression, precision: Precision): Expression {
  const a = abs(x);
  const { small, middle, large } = partsOf(a, precision);
  const y = mul(x, small);
  const central = select(lt(x, real(0.25)), sub(real(1), add(x, y)), sub(real(0.5), add(y, sub(x, real(0.5)))));
  const positive = gt(x, real(0));
  const next = select(positive, sub(real(1 - erfOne), middle), add(real(1), add(real(erfOne), middle)));
  const tail = select(positive, large, sub(real(2), large));
  return nanOr(x, select(lt(a, real(0.84375)), central, select(lt(a, real(1.25)), next, tail)));
}

const inverses = new Map<Precision, ScalarFunction>();

/** The inverse of erf, infinite at -1 and 1, NaN beyond: Giles' start and Halley's steps; within 2 ULP. */
export function erfinv(x: Expression, precision: Precision): Expression {
  let made = inverses.get(precision);
  if (!made) {
    made = inverseOf(precision);
    inverses.set(precision, made);
  }
  return ir.call(made, x);
}

function inverseOf(precision: Precision): ScalarFunction {
  const x = ir.local("real", "x");
  const a = abs(x);
  const [w, y] = [ir.local("real", "w"), ir.local("real", "y")];
  const assign = (local: Local, value: Expression): Statement => ({ op: "assign", local, value });
  const inside = lt(a, real(1));
  const body: Statement[] = [
    { op: "variable", local: w, value: real(1) },
    { op: "variable", local: y, value: mul(a, real(Math.sqrt(Math.PI) / 2)) },
    {
      op: "if",
      condition: ir.and(inside, gt(a, real(precision === "f64" ? 1e-150 : 1e-15))),
      then: [
        assign(w, neg(log(mul(sub(real(1), a), add(real(1), a)), precision))),
        {
          op: "if",
          condition: lt(w, real(5)),
          then: [assign(y, mul(a, polynomial(sub(w, real(2.5)), erfinvCentre)))],
          otherwise: [
            {
              op: "if",
              condition: lt(w, real(16)),
              then: [assign(y, mul(a, polynomial(sub(ir.sqrt(w), real(3)), erfinvTail)))],
              otherwise: extremeStart(a, y, precision),
            },
          ],
        },
        ...[1, 2].flatMap((): Statement[] => {
          // In the tail 1 - a is exact and erfc keeps all its digits.
          const [excess, newton] = [ir.local("real", "excess"), ir.local("real", "newton")];
          return [
            {
              op: "let",
              local: excess,
              value: select(lt(a, real(0.5)), sub(erf(y, precision), a), sub(sub(real(1), a), erfc(y, precision))),
            },
            {
              op: "let",
              local: newton,
              value: mul(mul(excess, real(Math.sqrt(Math.PI) / 2)), exp(mul(y, y), precision)),
            },
            assign(y, sub(y, div(newton, add(real(1), mul(y, newton))))),
          ];
        }),
      ],
      otherwise: [],
    },
  ];
  const value = select(inside, y, select(eq(a, real(1)), real(Number.POSITIVE_INFINITY), real(Number.NaN)));
  return { name: "erfinv", parameters: [x], body, result: withSignOf(value, x, precision) };
}

/** Solves q = exp(-y^2) (1 - 1 / (2 y^2)) / (y sqrt(pi)) for tiny q = 1 - a, by fixed points. */
function extremeStart(a: Expression, y: Local, precision: Precision): Statement[] {
  const q = sub(real(1), a);
  const assign = (value: Expression): Statement => ({ op: "assign", local: y, value });
  const step = div(mul(mul(q, real(Math.sqrt(Math.PI))), y), sub(real(1), div(real(0.5), mul(y, y))));
  return [
    assign(ir.sqrt(neg(log(q, precision)))),
    ...Array.from({ length: 4 }, () => assign(ir.sqrt(neg(log(step, precision))))),
  ];
}
