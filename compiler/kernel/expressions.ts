/**
 * Makes Kernel IR expressions. Equal expressions are one object, constants are folded, and index
 * arithmetic is simplified (what a reshape divides and multiplies again cancels), so that fused code
 * reads as if it had been written by hand.
 */
import type {
  Accumulator,
  Binary,
  BinaryName,
  Call,
  Constant,
  Expression,
  KernelArray,
  Kind,
  Load,
  Local,
  Loop,
  ScalarFunction,
  Select,
  Statement,
  Unary,
  UnaryName,
} from "./ir.ts";

let nextSerial = 0;
const serial = (): number => {
  nextSerial += 1;
  return nextSerial;
};

/** A number that is the same for equal expressions, and only for them. */
export const expressionId = (e: Expression): number => e.serial;

/** Expressions by what they are: the name of an operation, then the serials of two operands as one number. */
const interned = new Map<string, Map<number | string, Expression>>();
let internedCount = 0;
const mostInterned = 1_000_000;

/**
 * Forgets all expressions: those made from now on are never the same objects as those made before. Called between
 * plans, so that memory does not grow with their number.
 */
export function forgetExpressions(): void {
  interned.clear();
  internedCount = 0;
}

function intern<E extends Expression>(name: string, key: number | string, make: () => E): E {
  let table = interned.get(name);
  if (!table) {
    table = new Map();
    interned.set(name, table);
  }
  const found = table.get(key);
  if (found) return found as E;
  const made = make();
  table.set(key, made);
  internedCount += 1;
  if (internedCount > mostInterned) forgetExpressions();
  return made;
}

/** Two serials as one number while that is exact, else as a text. */
const pair = (a: number, b: number): number | string => (a < 2 ** 26 && b < 2 ** 26 ? a * 2 ** 26 + b : `${a} ${b}`);

const number = (kind: Kind, value: number | bigint): Constant =>
  intern(`${kind}:${Object.is(value, -0) ? "-0" : value}`, 0, () => ({
    op: "constant",
    serial: serial(),
    kind,
    value,
  }));

export const real = (value: number): Constant => number("real", value);
export const int = (value: number): Constant => number("int", value | 0);
export const bool = (value: boolean): Constant => number("bool", value ? 1 : 0);
/** A pattern of bits; of the f32 width only the low 32 count. */
export const bits = (value: bigint): Constant => number("bits", value);

let localCount = 0;
/** A new local; `below` when 0 <= value < below is known. */
export function local(kind: Kind, name: string, below?: number): Local {
  localCount += 1;
  return { op: "local", serial: serial(), kind, id: localCount, name, below };
}

let arrayCount = 0;
export function kernelArray(
  name: string,
  kind: KernelArray["kind"],
  length: number,
  access: KernelArray["access"],
): KernelArray {
  arrayCount += 1;
  return { id: arrayCount, name, kind, length, access };
}

export function load(array: KernelArray, index: Expression): Load {
  return intern("load", pair(array.id, index.serial), () => ({
    op: "load",
    serial: serial(),
    kind: array.kind,
    array,
    index,
  }));
}

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

function foldUnary(name: UnaryName, kind: Kind, x: number): Constant | undefined {
  switch (name) {
    case "neg":
      return kind === "real" ? real(-x) : int(-x);
    case "not":
      return kind === "bool" ? bool(x === 0) : int(~x);
    case "toReal":
      return real(x);
    case "toInt":
      return int(Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -2147483648), 2147483647)));
    case "abs":
      return real(Math.abs(x));
    case "floor":
      return real(Math.floor(x));
    default:
      return undefined;
  }
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

const bounds = new WeakMap<Expression, number | null>();

/** The same expression, of which the caller knows that 0 <= e < n wherever it is evaluated. */
export function knownBelow(e: Expression, n: number): Expression {
  const bound = upperBound(e);
  if (bound === undefined || bound > n) bounds.set(e, n);
  return e;
}

/** One more than the largest value an index can have, when it is known not to be negative. */
export function upperBound(e: Expression): number | undefined {
  if (e.op === "constant") return Number(e.value) >= 0 ? Number(e.value) + 1 : undefined;
  if (e.op === "local") return e.below;
  if (e.kind !== "int" || e.op === "load" || e.op === "call" || e.op === "select") return bounds.get(e) ?? undefined;
  let bound = bounds.get(e);
  if (bound === undefined) {
    // Remembered also when there is none: operands are shared, and many.
    bound = boundOf(e) ?? null;
    bounds.set(e, bound);
  }
  return bound ?? undefined;
}

function boundOf(e: Unary | Binary): number | undefined {
  if (e.op === "unary") return e.name === "toInt" && e.a.kind === "bool" ? 2 : undefined;
  const both = (join: (x: number, y: number) => number): number | undefined => {
    const [x, y] = [upperBound(e.a), upperBound(e.b)];
    return x !== undefined && y !== undefined ? join(x, y) : undefined;
  };
  switch (e.name) {
    case "add":
      return both((x, y) => x + y - 1);
    case "mul":
      return both((x, y) => (x - 1) * (y - 1) + 1);
    case "min":
      return both(Math.min);
    case "div": {
      const x = upperBound(e.a);
      return x !== undefined && e.b.op === "constant" ? Math.floor((x - 1) / Number(e.b.value)) + 1 : undefined;
    }
    case "rem":
      return e.b.op === "constant" ? Math.min(Number(e.b.value), upperBound(e.a) ?? Infinity) : undefined;
    default:
      return undefined;
  }
}

function foldInt(name: BinaryName, x: number, y: number): Expression | undefined {
  switch (name) {
    case "add":
      return int(x + y);
    case "sub":
      return int(x - y);
    case "mul":
      return int(Math.imul(x, y));
    case "div":
      return y > 0 ? int(Math.trunc(x / y)) : undefined;
    case "rem":
      return y > 0 ? int(x % y) : undefined;
    case "min":
      return int(Math.min(x, y));
    case "max":
      return int(Math.max(x, y));
    case "and":
      return int(x & y);
    case "or":
      return int(x | y);
    case "xor":
      return int(x ^ y);
    case "shl":
      return int(x << y);
    case "shr":
      return int(x >>> y);
    case "sar":
      return int(x >> y);
    case "eq":
      return bool(x === y);
    case "ne":
      return bool(x !== y);
    case "lt":
      return bool(x < y);
    case "le":
      return bool(x <= y);
    case "gt":
      return bool(x > y);
    case "ge":
      return bool(x >= y);
  }
}

function simplifyInt(name: BinaryName, a: Expression, b: Expression): Expression | undefined {
  const [x, y] = [intValue(a), intValue(b)];
  if (x !== undefined && y !== undefined) return foldInt(name, x, y);
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
      return a === b ? int(0) : undefined;
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
    case "max":
      return a === b ? a : undefined;
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
    if (factor === n * unit && div(rest.a, int(n)) === whole) return mul(rest.a, int(unit));
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
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = Math.max(shape[i]!, 1);
    coordinates[i] = i === 0 && upperBound(rest) !== undefined && upperBound(rest)! <= n ? rest : rem(rest, int(n));
    rest = div(rest, int(n));
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
