/** What a loop of a paper is measured with. */

/** An array in row-major order. */
export interface Input {
  readonly shape: readonly number[];
  readonly values: Float64Array | Int32Array;
}
export type Inputs = Readonly<Record<string, Input>>;

/** A loop of one of the papers, as `name.opt` and as plain JavaScript. */
export interface Paper {
  /** The number in front of the paper's folder in examples/papers, and that of the script beside this file. */
  readonly name: string;
  readonly title: string;
  /** How many steps the loop takes, and how many in the test, which compares. */
  readonly steps: { readonly measured: number; readonly tested: number };
  /** How many times as fast as the plain loop; below 1 where one number follows from the last. */
  readonly goal: number;
  /** Of results, the largest difference over the largest number. */
  readonly tolerance: number;
  inputs(isTest: boolean): Inputs;
  /** The same loop written directly; its results are those of the script's last statement. */
  plain(inputs: Inputs, steps: number): () => readonly ArrayLike<number>[];
}

/** Mulberry32 (Tommy Ettinger, 2017). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function filled(shape: readonly number[], value: () => number): Input {
  const values = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) values[i] = value();
  return { shape, values };
}

/** Uniform between `low` and `high`. */
export function uniform(seed: number, shape: readonly number[], low: number, high: number): Input {
  const next = generator(seed);
  return filled(shape, () => low + (high - low) * next());
}

/** The lower factor of a symmetric positive definite matrix, in place of its lower half; false where there is none. */
export function factor(a: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j]!;
    for (let k = 0; k < j; k++) d -= a[j * n + k]! ** 2;
    if (!(d > 0)) return false;
    const root = Math.sqrt(d);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j]!;
      for (let k = 0; k < j; k++) s -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = s / root;
    }
  }
  return true;
}

/** Solves with a factor for every `stride`th number of `x` from `first` on, in place. */
export function substitute(l: Float64Array, n: number, x: Float64Array, first = 0, stride = 1): void {
  for (let i = 0; i < n; i++) {
    let s = x[first + i * stride]!;
    for (let k = 0; k < i; k++) s -= l[i * n + k]! * x[first + k * stride]!;
    x[first + i * stride] = s / l[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let s = x[first + i * stride]!;
    for (let k = i + 1; k < n; k++) s -= l[k * n + i]! * x[first + k * stride]!;
    x[first + i * stride] = s / l[i * n + i]!;
  }
}
