/** Long lines to sort and to run along, for tests of what does that in stages; no part of the compiler. */
import { type NdArray, ndArray } from "../core/array.ts";
import { randomNumbers } from "../kernel/testing-comparison.ts";
import { cumargPrimitive, cumprodPrimitive, cumsum } from "./cumulative.ts";
import { argsort } from "./sort.ts";
import type { Build } from "./testing.ts";

export interface LongCase {
  readonly name: string;
  readonly operands: readonly NdArray[];
  readonly build: Build;
  /** Whether results have to be the same; else they may differ by rounding. */
  readonly isExact: boolean;
}

/** Reals with ties and zeros of both signs; of `odd` elements one is NaN or infinite. */
export function longLine(n: number, odd: number, seed = 1): NdArray {
  const next = randomNumbers(seed + n);
  const strange = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const values = Array.from({ length: n }, (_, i) => {
    if (odd > 0 && i % odd === odd - 1) return strange[((i / odd) % 3) | 0]!;
    return i % 3 === 0 ? Math.fround(next()) : Math.round(8 * next()) / 4;
  });
  return ndArray("real", [n], values);
}

const reshaped = (x: NdArray, shape: readonly number[]): NdArray => ({ ...x, shape });

function longInts(n: number): NdArray {
  const next = randomNumbers(n);
  const ends = [2 ** 31 - 1, -(2 ** 31)];
  const values = Array.from({ length: n }, (_, i) => ends[i % 97] ?? Math.round(50 * next()));
  return ndArray("int", [n], values);
}

/** Sorts and running results of lines of the given lengths, alone and some side by side. */
export function longCases(lengths: readonly number[]): LongCase[] {
  return lengths.flatMap((n) => {
    const [plain, odd, ints] = [longLine(n, 0), longLine(n, 211), longInts(n)];
    const bools = ndArray(
      "bool",
      [n],
      Array.from(plain.data, (v) => (v > 0.3 ? 1 : 0)),
    );
    const stack = longLine(3 * n, 401);
    const sums = longLine(3 * n, 0, 5);
    // So that the first NaN is not among the first elements, and infinities come before.
    const late = ndArray(
      "real",
      [n],
      Array.from(plain.data, (v, i) => (i === (n >> 1) + 3 || i === n - 7 ? Number.NaN : v)),
    );
    const cases: LongCase[] = [];
    const add = (name: string, x: NdArray, build: Build, isExact = true) =>
      cases.push({ name: `${name} of ${n}, ${x.dtype}s ${x.shape.join(" x ")}`, operands: [x], build, isExact });
    for (const descending of [false, true]) {
      const way = descending ? " descending" : "";
      for (const x of [odd, ints, bools]) add(`argsort${way}`, x, (b, [a]) => [argsort(b, a!, 0, descending)]);
      add(`argsort${way} of rows`, reshaped(stack, [3, n]), (b, [a]) => [argsort(b, a!, 1, descending)]);
      add(`argsort${way} of columns`, reshaped(stack, [n, 3]), (b, [a]) => [argsort(b, a!, 0, descending)]);
    }
    for (const reverse of [false, true]) {
      const way = reverse ? " backwards" : "";
      add(`cumsum${way}`, plain, (b, [a]) => [cumsum(b, a!, 0, reverse)], false);
      add(`cumsum${way} with NaNs`, late, (b, [a]) => [cumsum(b, a!, 0, reverse)], false);
      add(`cumsum${way} of rows`, reshaped(sums, [3, n]), (b, [a]) => [cumsum(b, a!, 1, reverse)], false);
      add(`cumsum${way} of columns`, reshaped(sums, [n, 3]), (b, [a]) => [cumsum(b, a!, 0, reverse)], false);
      add(`cumsum${way}`, ints, (b, [a]) => [cumsum(b, a!, 0, reverse)]);
      add(`cumprod${way}`, ints, (b, [a]) => b.emit(cumprodPrimitive, [a!], { axis: 0, reverse }));
      for (const which of ["max", "min"] as const) {
        for (const x of [plain, odd, late, ints])
          add(`cumarg${which}${way}`, x, (b, [a]) => b.emit(cumargPrimitive, [a!], { axis: 0, reverse, which }));
        add(`cumarg${which}${way} of columns`, reshaped(stack, [n, 3]), (b, [a]) =>
          b.emit(cumargPrimitive, [a!], { axis: 0, reverse, which }),
        );
      }
    }
    return cases;
  });
}
