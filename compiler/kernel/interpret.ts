/**
 * Runs kernels without compiling them: the meaning of the Kernel IR, in plain JavaScript. Slow and simple; the
 * targets are tested against it, and lowering rules before there is a target.
 */
import type {
  BinaryName,
  Expression,
  Kernel,
  KernelArray,
  Precision,
  ScalarFunction,
  Statement,
  UnaryName,
} from "./ir.ts";

/** Storage of an array parameter: reals of the precision, ints and bools as 32-bit ints. */
export type Storage = Float64Array | Float32Array | Int32Array;

type Value = number | bigint;
type Environment = Map<number, Value>;

/** Runs a kernel on its arrays, in the order of `kernel.arrays`. Throws where it reads or writes out of range. */
export function interpretKernel(kernel: Kernel, storage: readonly Storage[], precision: Precision): void {
  const arrays = new Map(kernel.arrays.map((a, i) => [a.id, storage[i]!]));
  const locals = kernel.locals ?? [];
  if (locals.length === 0) {
    new Interpreter(precision, arrays).run([kernel.grid]);
    return;
  }
  const { grid } = kernel;
  const count = Number(interpretExpression(grid.count, precision));
  for (let i = 0; i < count; i++) {
    // What is read before it was written shows.
    for (const a of locals)
      arrays.set(a.id, a.kind === "real" ? new Float64Array(a.length).fill(Number.NaN) : new Int32Array(a.length));
    new Interpreter(precision, arrays, new Map([[grid.index.id, i]])).run(grid.body);
  }
}

/** Evaluates an expression without arrays. */
export function interpretExpression(
  e: Expression,
  precision: Precision,
  locals: ReadonlyMap<number, Value> = new Map(),
): Value {
  return new Interpreter(precision, new Map(), new Map(locals)).value(e);
}

class Interpreter {
  readonly precision: Precision;
  readonly arrays: ReadonlyMap<number, Storage>;
  readonly locals: Environment;
  readonly #f64 = new Float64Array(1);
  readonly #u64 = new BigUint64Array(this.#f64.buffer);
  readonly #f32 = new Float32Array(1);
  readonly #u32 = new Uint32Array(this.#f32.buffer);

  constructor(precision: Precision, arrays: ReadonlyMap<number, Storage>, locals: Environment = new Map()) {
    this.precision = precision;
    this.arrays = arrays;
    this.locals = locals;
  }

  run(statements: readonly Statement[]): void {
    for (const s of statements) this.#statement(s);
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        this.locals.set(s.local.id, this.value(s.value));
        return;
      case "store": {
        const [at, value] = [this.#int(s.index), Number(this.value(s.value))];
        const storage = this.#storage(s.array, at);
        storage[at] = value;
        return;
      }
      case "loop": {
        const count = this.#int(s.count);
        for (let i = 0; i < count; i++) {
          this.locals.set(s.index.id, i);
          this.run(s.body);
        }
        return;
      }
      case "while":
        while (this.value(s.condition)) this.run(s.body);
        return;
      case "if":
        this.run(this.value(s.condition) ? s.then : s.otherwise);
        return;
    }
  }

  #storage(array: KernelArray, at: number): Storage {
    const storage = this.arrays.get(array.id);
    if (!storage) throw new Error(`internal error: the array ${array.name} is not bound`);
    if (!(at >= 0 && at < storage.length))
      throw new Error(`internal error: place ${at} of ${array.name}, which has ${storage.length}`);
    return storage;
  }

  #int(e: Expression): number {
    return Number(this.value(e));
  }

  value(root: Expression): Value {
    // A node that is shared is computed once: expressions are pure between statements.
    const done = new Map<Expression, Value>();
    const visit = (e: Expression): Value => {
      const found = done.get(e);
      if (found !== undefined) return found;
      const value = this.#compute(e, visit);
      done.set(e, value);
      return value;
    };
    return visit(root);
  }

  #round(x: number): number {
    return this.precision === "f32" ? Math.fround(x) : x;
  }

  #compute(e: Expression, visit: (e: Expression) => Value): Value {
    switch (e.op) {
      case "constant":
        if (e.kind === "bits") return this.#bits(BigInt(e.value));
        return e.kind === "real" ? this.#round(Number(e.value)) : e.value;
      case "local": {
        const value = this.locals.get(e.id);
        if (value === undefined) throw new Error(`internal error: the local ${e.name} has no value`);
        return value;
      }
      case "load": {
        const at = Number(visit(e.index));
        return this.#storage(e.array, at)[at]!;
      }
      case "unary":
        return this.#unary(e.name, e.a.kind, visit(e.a));
      case "binary":
        return this.#binary(e.name, e.a.kind, visit(e.a), visit(e.b));
      case "select": {
        // Both sides are evaluated, as targets may: a load out of range in either is an error.
        const [a, b] = [visit(e.a), visit(e.b)];
        return visit(e.condition) ? a : b;
      }
      case "call":
        return this.#call(e.function, e.arguments.map(visit));
    }
  }

  #call(f: ScalarFunction, values: readonly Value[]): Value {
    const locals: Environment = new Map(f.parameters.map((p, i) => [p.id, values[i]!]));
    const inner = new Interpreter(this.precision, new Map(), locals);
    inner.run(f.body);
    return inner.value(f.result);
  }

  #bits(x: bigint): bigint {
    return BigInt.asIntN(this.precision === "f64" ? 64 : 32, x);
  }

  #unary(name: UnaryName, kind: string, x: Value): Value {
    const v = Number(x);
    switch (name) {
      case "neg":
        return kind === "bits" ? this.#bits(-BigInt(x)) : kind === "int" ? -v | 0 : -v;
      case "abs":
        return Math.abs(v);
      case "sqrt":
        return this.#round(Math.sqrt(v));
      case "floor":
        return Math.floor(v);
      case "ceil":
        return Math.ceil(v);
      case "trunc":
        return Math.trunc(v);
      case "nearest":
        return nearest(v);
      case "not":
        return kind === "bool" ? (x ? 0 : 1) : kind === "bits" ? this.#bits(~BigInt(x)) : ~v;
      case "toReal":
        return this.#round(v);
      case "toInt":
        return Number.isNaN(v) ? 0 : Math.trunc(Math.min(Math.max(v, -2147483648), 2147483647)) | 0;
      case "bitsOf":
        if (this.precision === "f64") {
          this.#f64[0] = v;
          return this.#bits(this.#u64[0]!);
        }
        this.#f32[0] = v;
        return this.#bits(BigInt(this.#u32[0]!));
      case "realOf":
        if (this.precision === "f64") {
          this.#u64[0] = BigInt.asUintN(64, BigInt(x));
          return this.#f64[0]!;
        }
        this.#u32[0] = Number(BigInt.asUintN(32, BigInt(x)));
        return this.#f32[0]!;
      case "intToBits":
        return this.#bits(BigInt(v >>> 0));
      case "bitsToInt":
        return Number(BigInt.asIntN(32, BigInt(x)));
    }
  }

  #binary(name: BinaryName, kind: string, a: Value, b: Value): Value {
    const truth = compare(name, a, b);
    if (truth !== undefined) return truth ? 1 : 0;
    if (kind === "bits") return this.#bits(bitsBinary(name, BigInt(a), b, this.precision === "f64" ? 64n : 32n));
    const [x, y] = [Number(a), Number(b)];
    if (kind === "real") return this.#round(realBinary(name, x, y));
    return intBinary(name, x, y);
  }
}

function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const r = Math.round(x);
  // Math.round takes halves up.
  const even = Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : r;
  return even === 0 ? (Object.is(x, -0) || x < 0 ? -0 : 0) : even;
}

function compare(name: BinaryName, a: Value, b: Value): boolean | undefined {
  switch (name) {
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    case "lt":
      return a < b;
    case "le":
      return a <= b;
    case "gt":
      return a > b;
    case "ge":
      return a >= b;
    default:
      return undefined;
  }
}

function realBinary(name: BinaryName, x: number, y: number): number {
  switch (name) {
    case "add":
      return x + y;
    case "sub":
      return x - y;
    case "mul":
      return x * y;
    case "div":
      return x / y;
    case "min":
      return Math.min(x, y);
    case "max":
      return Math.max(x, y);
    default:
      throw new Error(`internal error: ${name} of reals`);
  }
}

function intBinary(name: BinaryName, x: number, y: number): number {
  switch (name) {
    case "add":
      return (x + y) | 0;
    case "sub":
      return (x - y) | 0;
    case "mul":
      return Math.imul(x, y);
    case "div":
      return y === 0 ? 0 : Math.trunc(x / y) | 0;
    case "rem":
      return y === 0 ? 0 : (x % y) | 0;
    case "min":
      return Math.min(x, y);
    case "max":
      return Math.max(x, y);
    case "and":
      return x & y;
    case "or":
      return x | y;
    case "xor":
      return x ^ y;
    case "shl":
      return x << y;
    case "shr":
      return (x >>> y) | 0;
    case "sar":
      return x >> y;
    default:
      throw new Error(`internal error: ${name} of ints`);
  }
}

function bitsBinary(name: BinaryName, x: bigint, other: Value, width: bigint): bigint {
  const y = BigInt(other);
  const by = ((y % width) + width) % width;
  switch (name) {
    case "add":
      return x + y;
    case "sub":
      return x - y;
    case "mul":
      return x * y;
    case "and":
      return x & y;
    case "or":
      return x | y;
    case "xor":
      return x ^ y;
    case "shl":
      return x << by;
    case "shr":
      return BigInt.asUintN(Number(width), x) >> by;
    case "sar":
      return x >> by;
    default:
      throw new Error(`internal error: ${name} of bits`);
  }
}
