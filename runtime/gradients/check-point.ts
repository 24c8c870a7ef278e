/**
 * One point of a gradient check. What needs no differences comes first: forward and reverse mode must be transposes of each
 * other, derivatives linear, second derivatives symmetric. Then differences decide.
 */
import { derivativeFrom, differenceSteps, type NumericDerivative } from "./numeric-derivative.ts";
import type { Subject } from "./subject.ts";

export interface Disagreement {
  /** Which two things should be equal: `reverse mode` and `differences`, say. */
  readonly claim: string;
  readonly reference: string;
  readonly claimed: number;
  readonly expected: number;
  readonly tolerance: number;
  /** The entry of the arguments where they differ, if that could be found. */
  readonly index?: number;
  readonly order: 1 | 2;
}

export type PointOutcome =
  | { readonly kind: "agrees" }
  /** Not differentiable here: one-sided derivatives differ, or the domain ends. */
  | { readonly kind: "kink" }
  /** The function has no finite value here. */
  | { readonly kind: "undefined" }
  | { readonly kind: "disagrees"; readonly disagreement: Disagreement };

export interface PointOptions {
  readonly order: 1 | 2;
  readonly precision: "f64" | "f32";
  /** A relative error to grant. */
  readonly slack: number;
  /** Random normal numbers. */
  readonly normal: () => number;
}

export async function checkPoint(subject: Subject, x: Float64Array, options: PointOptions): Promise<PointOutcome> {
  const { normal, order, precision, slack } = options;
  const epsilon = precision === "f64" ? 2 ** -52 : 2 ** -23;
  const y = await subject.evaluate(x);
  if (!y.every(Number.isFinite)) return { kind: "undefined" };
  const direction = () => x.map((t) => normal() * Math.max(Math.abs(t), 0.1));
  const u = y.map(() => normal());
  const [v, w] = [direction(), direction()];
  const forward = subject.tangent && (await subject.tangent(x, v));
  const pulled = subject.cotangent && (await subject.cotangent(x, u));

  const differ = (claim: string, reference: string, a: number, b: number, tolerance: number, at: 1 | 2 = order) =>
    ({ kind: "disagrees", disagreement: { claim, reference, claimed: a, expected: b, tolerance, order: at } }) as const;
  const far = (a: number, b: number, tolerance: number) => !(Math.abs(a - b) <= tolerance);

  if (forward && pulled) {
    const [a, b] = [dot(u, forward), dot(pulled, v)];
    const tolerance = (slack + epsilon ** 0.6) * (size(u) * size(forward) + size(pulled) * size(v)) + Number.MIN_VALUE;
    if (far(b, a, tolerance)) return differ("reverse mode, u'J v,", "forward mode", b, a, tolerance, 1);
  }
  if (forward && subject.tangent) {
    const mixed = await subject.tangent(
      x,
      v.map((t, i) => 2 * t - w[i]!),
    );
    const other = await subject.tangent(x, w);
    const [a, b] = [dot(u, mixed), 2 * dot(u, forward) - dot(u, other)];
    const tolerance =
      (slack + epsilon ** 0.6) * size(u) * (size(mixed) + 2 * size(forward) + size(other)) + Number.MIN_VALUE;
    if (far(a, b, tolerance))
      return differ("the derivative along 2 v - w", "its parts by linearity", a, b, tolerance, 1);
  }

  const along = async (d: Float64Array): Promise<NumericDerivative> =>
    slope(async (p) => dot(u, await subject.evaluate(p)), x, d, epsilon);
  const numeric = await along(v);
  // What a slack is relative to does not vanish where the parts of a directional derivative cancel.
  const scale = (pulled ? size(pulled) * size(v) : 0) + (forward ? size(u) * size(forward) : 0);
  if (numeric.kink) return { kind: "kink" };
  for (const [claim, value] of [
    ["reverse mode", pulled && dot(pulled, v)],
    ["forward mode", forward && dot(u, forward)],
  ] as const) {
    if (value === undefined) continue;
    const tolerance = toleranceOf(numeric, value, epsilon ** 0.7) + slack * scale;
    if (!far(value, numeric.value, tolerance)) continue;
    if (!(await isAdditive(along, v, numeric, normal, epsilon ** 0.7))) return { kind: "kink" };
    const wrong = differ(claim, "differences", value, numeric.value, tolerance, 1);
    const located = pulled && (await locate(pulled, v, along, epsilon ** 0.7, slack));
    if (located === "kink") return { kind: "kink" };
    return located
      ? { kind: "disagrees", disagreement: { ...wrong.disagreement, ...located, claim: "reverse mode" } }
      : wrong;
  }

  if (order === 2 && subject.second && subject.cotangent && y.length === 1) {
    const [hv, hw] = [await subject.second(x, v), await subject.second(x, w)];
    const [a, b] = [dot(w, hv), dot(v, hw)];
    const one = Float64Array.of(1);
    const { cotangent } = subject;
    const bend = (d: Float64Array) => slope(async (p) => dot(w, await cotangent(p, one)), x, d, epsilon);
    // Where there is no second derivative, anything may come out, and need not be symmetric.
    const lost = !Number.isFinite(a) || !Number.isFinite(b);
    if (lost && ((await bend(v)).kink || (await bend(w)).kink)) return { kind: "kink" };
    const symmetric = (slack + epsilon ** 0.5) * (size(w) * size(hv) + size(v) * size(hw)) + Number.MIN_VALUE;
    if (far(a, b, symmetric)) return differ("w'H v", "v'H w by symmetry", a, b, symmetric, 2);
    const second = await bend(v);
    if (second.kink) return { kind: "kink" };
    const tolerance = toleranceOf(second, a, epsilon ** 0.7) + slack * (size(w) * size(hv) + size(v) * size(hw));
    if (far(a, second.value, tolerance) && !(await isAdditive(bend, v, second, normal, epsilon ** 0.7)))
      return { kind: "kink" };
    if (far(a, second.value, tolerance))
      return differ("the second derivative", "differences of the gradient", a, second.value, tolerance, 2);
  }
  return { kind: "agrees" };
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, t, i) => s + t * b[i]!, 0);
const size = (a: Float64Array) => Math.hypot(...(a.length < 1e5 ? a : [Math.sqrt(dot(a, a))]));

/** The numeric estimate's own error, and what rounding leaves of the claim. */
function toleranceOf(numeric: NumericDerivative, claimed: number, relative: number): number {
  return 4 * numeric.error + relative * Math.max(Math.abs(numeric.value), Math.abs(claimed)) + Number.MIN_VALUE;
}

async function slope(
  f: (x: Float64Array) => Promise<number>,
  x: Float64Array,
  d: Float64Array,
  epsilon: number,
): Promise<NumericDerivative> {
  const at = (t: number) => f(x.map((s, i) => s + t * d[i]!));
  const samples: { h: number; left: number; right: number }[] = [];
  for (const h of differenceSteps(1)) samples.push({ h, left: await at(-h), right: await at(h) });
  return derivativeFrom(await at(0), samples, epsilon);
}

/** Entries that tie keep their order in a split by chance: this many do not. */
const splits = 8;

/**
 * Whether the derivative along v is the sum of those along two parts of it. At a tie it need not be: the second largest of
 * three equal numbers moves along any line without a kink, and is differentiable nowhere near.
 */
async function isAdditive(
  along: (d: Float64Array) => Promise<NumericDerivative>,
  v: Float64Array,
  whole: NumericDerivative,
  normal: () => number,
  relative: number,
): Promise<boolean> {
  for (let i = 0; i < splits; i++) {
    const part = v.map((t) => t * normal());
    const [a, b] = [await along(part), await along(v.map((t, k) => t - part[k]!))];
    if (a.kink || b.kink) return false;
    const allowed = 4 * (a.error + b.error + whole.error) + relative * (Math.abs(a.value) + Math.abs(b.value));
    if (!(Math.abs(a.value + b.value - whole.value) <= allowed + Number.MIN_VALUE)) return false;
  }
  return true;
}

/** The entry whose partial derivative is wrong, by halving the direction along which the whole is. */
async function locate(
  gradient: Float64Array,
  v: Float64Array,
  along: (d: Float64Array) => Promise<NumericDerivative>,
  relative: number,
  slack: number,
): Promise<Pick<Disagreement, "index" | "claimed" | "expected" | "tolerance"> | "kink" | undefined> {
  let [from, to] = [0, v.length];
  const wrongIn = async (a: number, b: number) => {
    const part = v.map((t, i) => (a <= i && i < b ? t : 0));
    const numeric = await along(part);
    const claimed = dot(gradient, part);
    const tolerance = toleranceOf(numeric, claimed, relative) + slack * size(gradient) * size(part);
    return {
      excess: numeric.kink ? Number.NaN : Math.abs(claimed - numeric.value) - tolerance,
      numeric,
      claimed,
      tolerance,
    };
  };
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    const [left, right] = [await wrongIn(from, middle), await wrongIn(middle, to)];
    if (Number.isNaN(left.excess) || Number.isNaN(right.excess)) return "kink";
    if (Math.max(left.excess, right.excess) <= 0) return undefined;
    if (left.excess > right.excess) to = middle;
    else from = middle;
  }
  const { numeric, claimed, tolerance } = await wrongIn(from, to);
  const unit = v[from]!;
  if (unit === 0) return undefined;
  return {
    index: from,
    claimed: claimed / unit,
    expected: numeric.value / unit,
    tolerance: Math.abs(tolerance / unit),
  };
}
