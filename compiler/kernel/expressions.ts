/**
 * Makes Kernel IR expressions. Equal expressions are one object, constants are folded, and index
 * arithmetic is simplified (what a reshape divides and multiplies again cancels), so that fused code
 * reads as if it had been written by hand.
 */
import { knownBelow, upperBound } from "./bounds.ts";
import { foldInt, foldSame, foldUnary } from "./constant-folding.ts";
import { bool, int, intern, local, pair, serial } from "./interning.ts";
import type {
  Accumulator,
  Binary,
  BinaryName,
  Call,
  Constant,
  Expression,
  Kind,
  Local,
  Loop,
  ScalarFunction,
  Select,
  Statement,
  Unary,
  UnaryName,
} from "./ir.ts";

export { knownBelow, upperBound } from "./bounds.ts";
export {
  bits,
  bool,
  expressionId,
  forgetExpressions,
  int,
  kernelArray,
  load,
  local,
  real,
} from "./interning.ts";

const comparisons = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
const unaryKinds: Partial<Record<UnaryName, Kind>> = {
  toReal: "real",
  toInt: "int",
  bitsOf: "bits",
  realOf: "real",
  intToBits: "bits",
  bitsToInt: "int",
};

export function unary(name: UnaryName, a: Expression): Expression {
  if (a.op === "constant" && typeof a.value === "number") {
    const folded = foldUnary(name, a.kind, a.value);
    if (folded) return folded;
  }
  if (name === "not" && a.op === "unary" && a.name === "not") return a.a;
  if (name === "neg" && a.op === "unary" && a.name === "neg") return a.a;
  if (name === "realOf" && a.op === "unary" && a.name === "bitsOf") return a.a;
  if (name === "bitsOf" && a.op === "unary" && a.name === "realOf") return a.a;
  return intern(
    `unary ${name}`,
    a.serial,
    (): Unary => ({ op: "unary", serial: serial(), kind: unaryKinds[name] ?? a.kind, name, a }),
  );
}

export function binary(name: BinaryName, a: Expression, b: Expression): Expression {
  const kind = comparisons.has(name) ? "bool" : a.kind;
  if (a.kind === "int") {
    const simple = simplifyInt(name, a, b);
    if (simple) return simple;
  } else if (a.kind === "bool") {
    const simple = simplifyBool(name, a, b);
    if (simple) return simple;
  } else if (a.kind === "real") {
    const simple = simplifyReal(name, a, b);
    if (simple) return simple;
  }
  return intern(name, pair(a.serial, b.serial), (): Binary => ({ op: "binary", serial: serial(), kind, name, a, b }));
}

/** Only what changes no bit of the result: x * 1, x / 1, and products and quotients by literals stay. */
function simplifyReal(name: BinaryName, a: Expression, b: Expression): Expression | undefined {
  if (b.op === "constant" && b.value === 1 && (name === "mul" || name === "div")) return a;
  if (a.op === "constant" && a.value === 1 && name === "mul") return b;
  return undefined;
}

function simplifyBool(name: BinaryName, a: Expression, b: Expression): Expression | undefined {
  const [x, y] = a.op === "constant" ? [a, b] : [b, a];
  if (x.op !== "constant") return a === b && (name === "and" || name === "or") ? a : undefined;
  if (name === "and") return x.value ? y : x;
  if (name === "or") return x.value ? x : y;
  return undefined;
}

const intValue = (e: Expression): number | undefined => (e.op === "constant" ? Number(e.value) : undefined);

function simplifyInt(name: BinaryName, a: Expression, b: Expression): Expression | undefined {
  const [x, y] = [intValue(a), intValue(b)];
  if (x !== undefined && y !== undefined) return foldInt(name, x, y);
  const same = a === b ? foldSame(name, a) : undefined;
  if (same) return same;
  switch (name) {
    case "add":
      if (x !== undefined) return x === 0 ? b : add(b, a);
      if (y === 0) return a;
      // (e + c) + d = e + (c + d): constants gather at the end.
      if (y !== undefined && a.op === "binary" && a.name === "add" && a.b.op === "constant")
        return add(a.a, int(Number(a.b.value) + y));
      if (a.op === "binary" && a.name === "add" && a.b.op === "constant") return add(add(a.a, b), a.b);
      if (b.op === "binary" && b.name === "add" && b.b.op === "constant") return add(add(a, b.a), b.b);
      return rejoin(a, b) ?? rejoin(b, a);
    case "sub":
      if (y !== undefined) return add(a, int(-y));
      return undefined;
    case "mul":
      if (x !== undefined) return mul(b, a);
      if (y === 0) return b;
      if (y === 1) return a;
      if (y !== undefined && a.op === "binary") {
        if (a.name === "mul" && a.b.op === "constant") return mul(a.a, int(Math.imul(Number(a.b.value), y)));
        if (a.name === "add" && a.b.op === "constant") return add(mul(a.a, b), int(Math.imul(Number(a.b.value), y)));
      }
      return undefined;
    case "div":
      return y === undefined ? undefined : divide(a, y);
    case "rem":
      return y === undefined ? undefined : remainder(a, y);
    case "lt":
      if (y !== undefined && (upperBound(a) ?? Infinity) <= y) return bool(true);
      if (y !== undefined && y <= 0 && upperBound(a) !== undefined) return bool(false);
      return undefined;
    case "ge":
      if (y !== undefined && y <= 0 && upperBound(a) !== undefined) return bool(true);
      if (y !== undefined && (upperBound(a) ?? Infinity) <= y) return bool(false);
      return undefined;
    case "min":
      if (y !== undefined && (upperBound(a) ?? Infinity) <= y + 1) return a;
      return x !== undefined && (upperBound(b) ?? Infinity) <= x + 1 ? b : undefined;
    case "max":
      if (y !== undefined && y <= 0 && upperBound(a) !== undefined) return a;
      return x !== undefined && x <= 0 && upperBound(b) !== undefined ? b : undefined;
    default:
      return undefined;
  }
}

/** (e / n) * n + e % n = e, also with a common factor: (e / n) * (n m) + (e % n) * m = e m. */
function rejoin(a: Expression, b: Expression): Expression | undefined {
  const [whole, factor] = factored(a);
  const [rest, unit] = factored(b);
  if (rest.op === "binary" && rest.name === "rem") {
    const n = intValue(rest.b)!;
    // The whole part may have more: (s + e / n) * n + e % n = s n + e.
    const others = factor === n * unit ? without(whole, div(rest.a, int(n))) : undefined;
    if (others) return add(mul(others, int(factor)), mul(rest.a, int(unit)));
  }
  // A sum ends in the whole part: (s + (e / n) * n m) + (e % n) * m.
  if (a.op === "binary" && a.name === "add") {
    const joined = rejoin(a.b, b);
    if (joined) return add(a.a, joined);
    const first = rejoin(a.a, b);
    if (first) return add(first, a.b);
  }
  return undefined;
}

/** A sum less one of its terms; undefined where it has no such term. */
function without(sum: Expression, term: Expression): Expression | undefined {
  if (sum === term) return int(0);
  if (sum.op !== "binary" || sum.name !== "add") return undefined;
  const [first, second] = [without(sum.a, term), without(sum.b, term)];
  return first ? add(first, sum.b) : second && add(sum.a, second);
}

function factored(e: Expression): readonly [Expression, number] {
  if (e.op === "binary" && e.name === "mul" && e.b.op === "constant") return [e.a, Number(e.b.value)];
  return [e, 1];
}

/** The terms of a sum of products with constants. */
function terms(e: Expression): (readonly [Expression, number])[] {
  if (e.op === "binary" && e.name === "add") return [...terms(e.a), ...terms(e.b)];
  if (e.op === "constant") return [[int(1), Number(e.value)]];
  return [factored(e)];
}

function sum(parts: readonly (readonly [Expression, number])[]): Expression {
  return parts.map(([e, f]) => mul(e, int(f))).reduce((s, t) => add(s, t), int(0));
}

/** e / n for e >= 0, with what is a multiple of n taken out. */
function divide(e: Expression, n: number): Expression | undefined {
  if (n === 1) return e;
  const bound = upperBound(e);
  if (bound !== undefined && bound <= n) return int(0);
  if (bound === undefined) return undefined;
  if (e.op === "binary" && e.name === "div" && e.b.op === "constant") return div(e.a, int(Number(e.b.value) * n));
  const all = terms(e);
  const multiples = all.filter(([, f]) => f % n === 0);
  if (multiples.length === 0) return undefined;
  const rest = all.filter(([, f]) => f % n !== 0);
  if (!all.every(([t, f]) => f >= 0 && upperBound(t) !== undefined)) return undefined;
  const whole = sum(multiples.map(([t, f]) => [t, f / n] as const));
  return rest.length === 0 ? whole : add(whole, div(sum(rest), int(n)));
}

function remainder(e: Expression, n: number): Expression | undefined {
  if (n === 1) return int(0);
  const bound = upperBound(e);
  if (bound !== undefined && bound <= n) return e;
  if (bound === undefined) return undefined;
  // (a % (n m)) % n = a % n
  if (e.op === "binary" && e.name === "rem" && Number((e.b as Constant).value) % n === 0) return rem(e.a, int(n));
  const all = terms(e);
  if (!all.every(([t, f]) => f >= 0 && upperBound(t) !== undefined)) return undefined;
  const rest = all.filter(([, f]) => f % n !== 0);
  if (rest.length === all.length) return undefined;
  return rest.length === 0 ? int(0) : rem(sum(rest), int(n));
}

export const add = (a: Expression, b: Expression) => binary("add", a, b);
export const sub = (a: Expression, b: Expression) => binary("sub", a, b);
export const mul = (a: Expression, b: Expression) => binary("mul", a, b);
export const div = (a: Expression, b: Expression) => binary("div", a, b);
export const rem = (a: Expression, b: Expression) => binary("rem", a, b);
export const min = (a: Expression, b: Expression) => binary("min", a, b);
export const max = (a: Expression, b: Expression) => binary("max", a, b);
export const and = (a: Expression, b: Expression) => binary("and", a, b);
export const or = (a: Expression, b: Expression) => binary("or", a, b);
export const xor = (a: Expression, b: Expression) => binary("xor", a, b);
export const shl = (a: Expression, b: Expression) => binary("shl", a, b);
export const shr = (a: Expression, b: Expression) => binary("shr", a, b);
export const sar = (a: Expression, b: Expression) => binary("sar", a, b);
export const eq = (a: Expression, b: Expression) => binary("eq", a, b);
export const ne = (a: Expression, b: Expression) => binary("ne", a, b);
export const lt = (a: Expression, b: Expression) => binary("lt", a, b);
export const le = (a: Expression, b: Expression) => binary("le", a, b);
export const gt = (a: Expression, b: Expression) => binary("gt", a, b);
export const ge = (a: Expression, b: Expression) => binary("ge", a, b);
export const neg = (a: Expression) => unary("neg", a);
export const not = (a: Expression) => unary("not", a);
export const abs = (a: Expression) => unary("abs", a);
export const sqrt = (a: Expression) => unary("sqrt", a);
export const floor = (a: Expression) => unary("floor", a);
export const toReal = (a: Expression) => unary("toReal", a);
export const toInt = (a: Expression) => unary("toInt", a);

export function select(condition: Expression, a: Expression, b: Expression): Expression {
  if (condition.op === "constant") return condition.value ? a : b;
  if (a === b) return a;
  return intern(
    `select ${condition.serial}`,
    pair(a.serial, b.serial),
    (): Select => ({ op: "select", serial: serial(), kind: a.kind, condition, a, b }),
  );
}

const functionIds = new WeakMap<ScalarFunction, number>();
function functionId(f: ScalarFunction): number {
  let id = functionIds.get(f);
  if (id === undefined) {
    id = serial();
    functionIds.set(f, id);
  }
  return id;
}

export function call(f: ScalarFunction, ...args: readonly Expression[]): Expression {
  return intern(
    `call ${f.name} ${args.map((a) => a.serial).join(" ")} ${functionId(f)}`,
    0,
    (): Call => ({ op: "call", serial: serial(), kind: f.result.kind, function: f, arguments: args }),
  );
}

/** The place of an element in row-major order. */
export function linearIndex(coordinates: readonly Expression[], shape: readonly number[]): Expression {
  let index: Expression = int(0);
  let stride = 1;
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  for (let i = 0; i < shape.length; i++) index = add(index, mul(coordinates[i]!, int(strides[i]!)));
  return index;
}

/** The coordinates of the element at a place in row-major order. */
export function coordinatesOf(index: Expression, shape: readonly number[]): Expression[] {
  const coordinates = new Array<Expression>(shape.length);
  let rest = index;
  let left = shape.reduce((product, n) => product * Math.max(n, 1), 1);
  const isWithin = (upperBound(index) ?? Infinity) <= left;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = Math.max(shape[i]!, 1);
    coordinates[i] = i === 0 && upperBound(rest) !== undefined && upperBound(rest)! <= n ? rest : rem(rest, int(n));
    rest = div(rest, int(n));
    left /= n;
    // What the parts of a quotient can come to one by one may be more.
    if (isWithin) knownBelow(rest, left);
  }
  return coordinates;
}

/** A loop; its index is at hand for the body. */
export function loop(
  name: string,
  count: number | Expression,
  order: Loop["order"],
  body: (index: Local) => readonly Statement[],
  options: { readonly accumulators?: readonly Accumulator[]; readonly vectorize?: boolean } = {},
): Loop {
  const n = typeof count === "number" ? int(count) : count;
  const index = local("int", name, upperBound(n) === undefined ? undefined : Math.max(upperBound(n)! - 1, 1));
  return {
    op: "loop",
    index,
    count: n,
    body: body(index),
    order,
    accumulators: options.accumulators ?? [],
    vectorize: options.vectorize ?? false,
  };
}
