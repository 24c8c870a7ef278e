/** For tests: rational arithmetic, in which a linear system or a quadratic program has its answer without rounding. */

/** A numerator and a denominator above zero, without common factors. */
export type Rational = readonly [bigint, bigint];
export type Vector = readonly Rational[];
export type Matrix = readonly Vector[];

export const zero: Rational = [0n, 1n];
export const one: Rational = [1n, 1n];

function reduced(numerator: bigint, denominator: bigint): Rational {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator < 0n ? -denominator : denominator];
  while (b > 0n) [a, b] = [b, a % b];
  const factor = denominator < 0n ? -a : a;
  return [numerator / factor, denominator / factor];
}

/** The rational number that a finite f64 is. */
export function exactly(x: number): Rational {
  let [numerator, power] = [x, 0n];
  for (; !Number.isInteger(numerator); power++) numerator *= 2;
  return reduced(BigInt(numerator), 2n ** power);
}

/** The nearest f64, but for the last place. */
export function rounded([numerator, denominator]: Rational): number {
  if (numerator === 0n) return 0;
  const size = numerator < 0n ? -numerator : numerator;
  const shift = 64 - (size.toString(2).length - denominator.toString(2).length);
  const digits = shift >= 0 ? (size << BigInt(shift)) / denominator : size / (denominator << BigInt(-shift));
  return (numerator < 0n ? -1 : 1) * Number(digits) * 2 ** -shift;
}

export const plus = (a: Rational, b: Rational): Rational => reduced(a[0] * b[1] + b[0] * a[1], a[1] * b[1]);
export const times = (a: Rational, b: Rational): Rational => reduced(a[0] * b[0], a[1] * b[1]);
export const minus = (a: Rational): Rational => [-a[0], a[1]];
export const over = (a: Rational, b: Rational): Rational => reduced(a[0] * b[1], a[1] * b[0]);
export const inner = (a: Vector, b: Vector): Rational => a.reduce((s, x, i) => plus(s, times(x, b[i]!)), zero);
export const vector = (v: readonly number[]): Vector => v.map(exactly);
export const matrix = (m: readonly (readonly number[])[]): Matrix => m.map(vector);
export const transposed = (m: Matrix): Matrix => m[0]!.map((_, j) => m.map((row) => row[j]!));

/** The solutions of A x = b for several b; undefined where A is singular. */
export function solutions(A: Matrix, rights: readonly Vector[]): readonly Vector[] | undefined {
  const n = A.length;
  const rows: Rational[][] = A.map((row, i) => [...row, ...rights.map((b) => b[i]!)]);
  for (let k = 0; k < n; k++) {
    const pivot = rows.findIndex((row, i) => i >= k && row[k]![0] !== 0n);
    if (pivot < 0) return undefined;
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k || rows[i]![k]![0] === 0n) continue;
      const factor = minus(over(rows[i]![k]!, rows[k]![k]!));
      rows[i] = rows[i]!.map((x, j) => (j < k ? x : plus(x, times(factor, rows[k]![j]!))));
    }
  }
  return rights.map((_, c) => rows.map((row, i) => over(row[n + c]!, row[i]!)));
}

export interface Program {
  /** Positive definite: 1/2 x'Qx - c'x is least, with G x <= d and H x == h. */
  readonly Q: Matrix;
  readonly c: Vector;
  readonly G: Matrix;
  readonly d: Vector;
  readonly H: Matrix;
  readonly h: Vector;
}

/**
 * How the answer of a quadratic program moves with (c, d, h) along some directions: the active rows are found by trying
 * all sets of them. Undefined where it has no answer, or one with a kink.
 */
export function movements(p: Program, directions: readonly Pick<Program, "c" | "d" | "h">[]): Matrix | undefined {
  const n = p.c.length;
  for (let set = 0; set < 2 ** p.G.length; set++) {
    const active = p.G.map((_, i) => i).filter((i) => set & (1 << i));
    const rows = [...p.H, ...active.map((i) => p.G[i]!)];
    const corner = rows.map(() => zero);
    const columns = rows.length > 0 ? transposed(rows) : [];
    const system = [...p.Q.map((row, i) => [...row, ...(columns[i] ?? [])]), ...rows.map((row) => [...row, ...corner])];
    const right = (v: Pick<Program, "c" | "d" | "h">) => [...v.c, ...v.h, ...active.map((i) => v.d[i]!)];
    const found = solutions(rows.length > 0 ? system : p.Q, [right(p), ...directions.map(right)]);
    if (!found) continue;
    const [x, duals] = [found[0]!.slice(0, n), found[0]!.slice(n + p.H.length)];
    const free = p.G.every((row, i) => active.includes(i) || plus(p.d[i]!, minus(inner(row, x)))[0] > 0n);
    if (free && duals.every((y) => y[0] > 0n)) return found.slice(1).map((v) => v.slice(0, n));
  }
  return undefined;
}
