/** Random arguments for functions of arrays, as fast-check arbitraries that shrink towards zeros and short numbers. */
import fc from "fast-check";
import type { Shaped } from "../values.ts";

/** A number for a real scalar, otherwise an array with its shape. */
export type Tensorial = number | Shaped;
type Uniform = () => number;

export interface EdgeOptions {
  /**
   * How often entries are what functions trip over. `mild`: zeros and ties, in a quarter of the draws. `all`: subnormal and
   * huge numbers too. `none`: never.
   */
  readonly edges?: "none" | "mild" | "all";
}

interface Kind {
  readonly shape: readonly number[];
  readonly whole: boolean;
  draw(uniform: Uniform): Float64Array;
  /** Simpler arrays of the same kind; nothing when the entries hang together. */
  readonly free: boolean;
  /** Into the kind's range. */
  clamp(x: number): number;
}

class TensorArbitrary extends fc.Arbitrary<Tensorial> {
  readonly #kind: Kind;

  constructor(kind: Kind) {
    super();
    this.#kind = kind;
  }

  override generate(random: fc.Random): fc.Value<Tensorial> {
    const data = this.#kind.draw(() => random.nextInt(0, 2 ** 31 - 1) / 2 ** 31);
    return new fc.Value(this.#shaped(data), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is Tensorial {
    return true;
  }

  override shrink(value: Tensorial): fc.Stream<fc.Value<Tensorial>> {
    if (!this.#kind.free) return fc.Stream.nil();
    const data = typeof value === "number" ? Float64Array.of(value) : Float64Array.from(value.data);
    return new fc.Stream(this.#simpler(data)).map((d) => new fc.Value(this.#shaped(d), undefined));
  }

  #shaped(data: Float64Array): Tensorial {
    const { shape, whole } = this.#kind;
    if (shape.length === 0 && !whole) return data[0]!;
    return { data: whole ? Int32Array.from(data) : data, shape };
  }

  *#simpler(data: Float64Array): Generator<Float64Array, void, undefined> {
    const zero = this.#kind.clamp(0);
    for (let blocks = 1; blocks <= Math.min(64, data.length); blocks *= 2)
      for (let b = 0; b < blocks; b++) {
        const [from, to] = [Math.floor((b * data.length) / blocks), Math.floor(((b + 1) * data.length) / blocks)];
        if (data.subarray(from, to).every((x) => x === zero)) continue;
        yield data.map((x, i) => (from <= i && i < to ? zero : x));
      }
    for (const digits of [0, 1, 3]) {
      const shorter = data.map((x) => this.#kind.clamp(Number(x.toFixed(digits))));
      if (shorter.some((x, i) => x !== data[i])) yield shorter;
    }
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((s, n) => s * n, 1);

/** Box and Muller's method. */
const gaussian = (uniform: Uniform) => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

function entries(
  shape: readonly number[],
  draw: (uniform: Uniform) => number,
  { edges = "mild" }: EdgeOptions = {},
  clamp: (x: number) => number = (x) => x,
  whole = false,
): fc.Arbitrary<Tensorial> {
  return new TensorArbitrary({
    shape,
    whole,
    free: true,
    clamp,
    draw: (uniform) => {
      const data = Float64Array.from({ length: sizeOf(shape) }, () => draw(uniform));
      if (edges !== "none" && uniform() < 0.25) spoil(data, uniform, edges, clamp);
      return data;
    },
  });
}

function spoil(data: Float64Array, uniform: Uniform, edges: "mild" | "all", clamp: (x: number) => number): void {
  const kinds = edges === "mild" ? 2 : 4;
  const kind = Math.floor(uniform() * kinds);
  for (let i = 0; i < data.length; i++) {
    if (uniform() < 0.5) continue;
    if (kind === 0) data[i] = clamp(0);
    else if (kind === 1) data[i] = data[0]!;
    else if (kind === 2) data[i] = clamp(Math.sign(uniform() - 0.5) * 5e-324 * 2 ** Math.floor(52 * uniform()));
    else data[i] = clamp(Math.sign(uniform() - 0.5) * 10 ** (8 + 100 * uniform()));
  }
}

/** Arrays whose entries hang together: they are drawn as a whole, and do not shrink. */
function whole(
  shape: readonly number[],
  draw: (uniform: Uniform) => Float64Array,
  ints = false,
): fc.Arbitrary<Tensorial> {
  return new TensorArbitrary({ shape, draw, whole: ints, free: false, clamp: (x) => x });
}

function requireSize(name: string, n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new TypeError(`tensors.${name} wants a size of at least 1, but got ${n}.`);
}

/** A random orthogonal matrix, by Gram and Schmidt's method twice over. */
function orthogonalMatrix(n: number, uniform: Uniform): Float64Array {
  const q = Float64Array.from({ length: n * n }, () => gaussian(uniform));
  for (let i = 0; i < n; i++) {
    const row = q.subarray(i * n, (i + 1) * n);
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const other = q.subarray(j * n, (j + 1) * n);
        const c = row.reduce((s, x, k) => s + x * other[k]!, 0);
        for (let k = 0; k < n; k++) row[k]! -= c * other[k]!;
      }
    const size = Math.hypot(...row);
    for (let k = 0; k < n; k++) row[k]! /= size;
  }
  return q;
}

/** U diag(s) V'; V is U when the matrix is to be symmetric. Singular values fall from 1 to 1 / condition, evenly in logarithm. */
function matrixOf(n: number, condition: number, symmetric: boolean, uniform: Uniform): Float64Array {
  const u = orthogonalMatrix(n, uniform);
  const v = symmetric ? u : orthogonalMatrix(n, uniform);
  const s = Array.from({ length: n }, (_, i) => condition ** (n === 1 ? 0 : -i / (n - 1)));
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) out[i * n + j]! += u[k * n + i]! * s[k]! * v[k * n + j]!;
  return out;
}

export const tensors = {
  /** Entries from the standard normal distribution; `[]` is one number. */
  normal: (shape: readonly number[] = [], options?: EdgeOptions) => entries(shape, gaussian, options),
  /** Entries from [low, high). */
  uniform: (low: number, high: number, shape: readonly number[] = [], options?: EdgeOptions) => {
    if (!(low < high)) throw new TypeError(`tensors.uniform wants low < high, but got ${low} and ${high}.`);
    const clamp = (x: number) => Math.min(Math.max(x, low), high);
    return entries(shape, (uniform) => low + uniform() * (high - low), { edges: "none", ...options }, clamp);
  },
  /** Positive entries of many sizes: e to the power of a normal variable. */
  positive: (shape: readonly number[] = []) =>
    entries(
      shape,
      (uniform) => Math.exp(gaussian(uniform)),
      { edges: "none" },
      (x) => (x > 0 ? x : 1),
    ),
  /** A point of the simplex: n positive numbers that sum to 1. */
  simplex: (n: number) => {
    requireSize("simplex", n);
    return whole([n], (uniform) => {
      const x = Float64Array.from({ length: n }, () => -Math.log(1 - uniform()));
      const sum = x.reduce((s, t) => s + t, 0);
      return x.map((t) => t / sum);
    });
  },
  /** An orthogonal matrix. */
  orthogonal: (n: number) => {
    requireSize("orthogonal", n);
    return whole([n, n], (uniform) => orthogonalMatrix(n, uniform));
  },
  /** A symmetric positive definite matrix whose condition number is given. */
  spd: (n: number, { condition = 10 }: { readonly condition?: number } = {}) => {
    requireSize("spd", n);
    return whole([n, n], (uniform) => matrixOf(n, condition, true, uniform));
  },
  /** A matrix whose condition number is given: 10 unless told, 1e8 and more for an ill-conditioned one. */
  conditioned: (n: number, condition = 10) => {
    requireSize("conditioned", n);
    return whole([n, n], (uniform) => matrixOf(n, condition, false, uniform));
  },
  /** Whole numbers from low to high, both included. */
  integer: (low: number, high: number, shape: readonly number[] = []) =>
    entries(
      shape,
      (uniform) => low + Math.floor(uniform() * (high - low + 1)),
      { edges: "none" },
      (x) => Math.min(Math.max(Math.round(x), low), high),
      true,
    ),
  /** The numbers 0 to n - 1 in random order. */
  permutation: (n: number) => {
    requireSize("permutation", n);
    const draw = (uniform: Uniform) => {
      const p = Float64Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [p[i], p[j]] = [p[j]!, p[i]!];
      }
      return p;
    };
    return whole([n], draw, true);
  },
  /** Normal entries, of which only a share is not zero. */
  sparse: (shape: readonly number[], density = 0.1) =>
    entries(shape, (uniform) => (uniform() < density ? gaussian(uniform) : 0), { edges: "none" }),
};
