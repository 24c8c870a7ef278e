/** Powers, by kind of exponent; `atan2` and `hypot`, the other functions of two reals. */
import { type Atom, intLiteral, realLiteral } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import * as functions from "../kernel/functions/index.ts";
import type { Expression } from "../kernel/ir.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { and, equal, greaterEqual } from "./comparison.ts";
import { binaryPrimitive, notLinear } from "./elementwise.ts";
import { log } from "./math.ts";
import { select } from "./select.ts";
import { fill } from "./shape.ts";

type IntegerPowerParams = { readonly n: number };

const zero = realLiteral(0);
const one = realLiteral(1);

/** x^n by squaring up to 4, where it is exact to a rounding or two, and the library's power beyond. */
function integerPowerOf(x: number, n: number): number {
  if (n === 2) return x * x;
  if (n === 3) return x * x * x;
  if (n === 4) return x * x * (x * x);
  if (n === -1) return 1 / x;
  return x ** n;
}

/** The same for ints, wrapping; n >= 0. */
function wrappingPower(x: number, n: number): number {
  let [result, base] = [1, x];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

/** `wrappingPower` in Kernel IR. */
function wrappingProduct(x: Expression, n: number): Expression {
  let [result, base]: [Expression, Expression] = [ir.int(1), x];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = ir.mul(result, base);
    base = ir.mul(base, base);
  }
  return result;
}

export const integerPowerPrimitive: Primitive<IntegerPowerParams> = {
  name: "integerPower",
  infer: ([x], { n }) => {
    invariant(
      Number.isInteger(n) && (x!.dtype === "real" || (x!.dtype === "int" && n >= 0)),
      () => `integerPower ${n} of ${x!.dtype}`,
    );
    return [x!];
  },
  evaluate: ([x], { n }, context) => {
    const result = makeArray(context, x!.dtype, x!.shape);
    const [from, to] = [x!.data, result.data];
    const power = x!.dtype === "int" ? wrappingPower : integerPowerOf;
    for (let i = 0; i < to.length; i++) to[i] = power(from[i]!, n);
    return [result];
  },
  lower: {
    kind: "map",
    cost: 3,
    element: ({ params: { n }, inputs, precision }, read, at) => {
      const x = read(0, at);
      return inputs[0]!.dtype === "int" ? wrappingProduct(x, n) : functions.integerPower(x, n, precision);
    },
  },
  // d x^n = n x^(n-1) dx, the power of 0 being the constant 1: right at x = 0 for every n
  jvp: (b, call, [dx]) => {
    const outputs = b.emit(integerPowerPrimitive, call.inputs, call.params);
    const { n } = call.params;
    if (!dx || n === 0) return { outputs, tangents: [undefined] };
    const slope = mul(b, realLiteral(n), integerPower(b, call.inputs[0]!, n - 1));
    return { outputs, tangents: [mul(b, slope, dx)] };
  },
  transpose: notLinear("integerPower"),
  batch: (b, call) => ({ outputs: b.emit(integerPowerPrimitive, call.inputs, call.params), batched: [true] }),
};

export const powPrimitive = binaryPrimitive({
  name: "pow",
  // ECMAScript makes (+-1)^(+-inf) NaN; IEEE 754, C and NumPy have 1, and 1^NaN = 1.
  cost: 90,
  kernel: functions.pow,
  scalar: (x, y) => (x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) ? 1 : x ** y),
  tangents: [
    // d x^y = y x^(y-1) dx; at x = y = 0 the inner power would be infinite, and the slope of x^0 is 0
    (b, x, y, _z, dx) => mul(b, mul(b, y, power(b, x, sub(b, awayFromZero(b, x, y), one))), dx),
    // d x^y = x^y log(x) dy, and 0 at x = 0 for y >= 0
    (b, x, y, z, dy) => {
      const flat = and(b, equal(b, x, zero), greaterEqual(b, y, zero));
      return mul(b, mul(b, z, log(b, select(b, flat, one, x))), dy);
    },
  ],
  combine: (b, s, t) => add(b, s, t),
});

/** The exponent, or 1 where base and exponent are both 0. */
function awayFromZero(b: Emitter, x: Atom, y: Atom): Atom {
  if (y.kind === "literal" && y.value !== 0) return y;
  return select(b, and(b, equal(b, x, zero), equal(b, y, zero)), one, y);
}

/** The primitive as it is, so that the derivative of a variable exponent stays in its own kind. */
function power(b: Emitter, x: Atom, y: Atom): Atom {
  return b.emit(powPrimitive, [x, y], {})[0]!;
}

/**
 * x^n for a whole number n known when compiling; ints (n >= 0) wrap. Exact kind: right for x <= 0, and
 * x^0 is 1 everywhere.
 */
export function integerPower(b: Emitter, x: Atom, n: number): Atom {
  if (n === 1) return x;
  if (n === 0) return fill(b, x.type.dtype === "int" ? intLiteral(1) : one, x.type.shape);
  return b.emit(integerPowerPrimitive, [x], { n })[0]!;
}

/**
 * x^y of reals. A literal whole exponent is an `integerPower`; otherwise x < 0 with y not whole is NaN,
 * 0^0 is 1, and the derivative in y is x^y log x, taken as 0 at x = 0 for y >= 0.
 */
export function pow(b: Emitter, x: Atom, y: Atom): Atom {
  if (y.kind === "literal" && Number.isInteger(y.value)) return integerPower(b, x, y.value);
  return power(b, x, y);
}

export const atan2Primitive = binaryPrimitive({
  name: "atan2",
  scalar: Math.atan2,
  cost: 45,
  kernel: functions.atan2,
  // d atan2(y, x) = (x dy - y dx) / (x^2 + y^2)
  tangents: [
    (b, y, x, _z, dy) => mul(b, div(b, x, squaredRadius(b, x, y)), dy),
    (b, y, x, _z, dx) => mul(b, neg(b, div(b, y, squaredRadius(b, x, y))), dx),
  ],
  combine: (b, s, t) => add(b, s, t),
});

function squaredRadius(b: Emitter, x: Atom, y: Atom): Atom {
  return add(b, mul(b, x, x), mul(b, y, y));
}

export const hypotPrimitive = binaryPrimitive({
  name: "hypot",
  scalar: Math.hypot,
  cost: 16,
  kernel: functions.hypot,
  // d hypot(x, y) = (x dx + y dy) / hypot(x, y), 0 at the origin
  tangents: [(b, x, _y, z, dx) => mul(b, direction(b, x, z), dx), (b, _x, y, z, dy) => mul(b, direction(b, y, z), dy)],
  combine: (b, s, t) => add(b, s, t),
});

/** x / z, and 0 with all its derivatives where z is 0. */
function direction(b: Emitter, x: Atom, z: Atom): Atom {
  const origin = equal(b, z, zero);
  return select(b, origin, zero, div(b, x, select(b, origin, one, z)));
}

/** The angle of (x, y), first argument y, in [-pi, pi]. */
export function atan2(b: Emitter, y: Atom, x: Atom): Atom {
  return b.emit(atan2Primitive, [y, x], {})[0]!;
}

/** sqrt(x^2 + y^2) without overflow; derivative 0 at the origin. */
export function hypot(b: Emitter, x: Atom, y: Atom): Atom {
  return b.emit(hypotPrimitive, [x, y], {})[0]!;
}

export const powerPrimitives: readonly Primitive[] = [
  integerPowerPrimitive as Primitive,
  powPrimitive,
  atan2Primitive,
  hypotPrimitive,
];
