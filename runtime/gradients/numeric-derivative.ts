/** Derivatives by differences, with an estimate of their own error: the reference that claims are held against. */

export interface NumericDerivative {
  readonly value: number;
  /** An estimate, meant to be above the error there is. */
  readonly error: number;
  /**
   * The difference quotients from the left and from the right do not approach each other: the function has a kink here, or
   * ends here. The value then means nothing.
   */
  readonly kink: boolean;
}

const rows = 14;
const shrink = 1.6;

/**
 * The derivative at 0 of a function of one real, in f64: central differences with Richardson's extrapolation over shrinking
 * steps (Ridders 1982, "Accurate computation of F'(x) and F'(x) F''(x)"). `scale` is the largest step worth trying: the size
 * over which the argument changes by about itself. `precision` is the relative precision the function computes with.
 */
export function numericDerivative(
  f: (t: number) => number,
  scale: number,
  precision: number = 2 ** -52,
): NumericDerivative {
  const middle = f(0);
  const samples: { h: number; left: number; right: number }[] = [];
  for (let i = 0, h = 0.25 * scale; i < rows; i++, h /= shrink) samples.push({ h, left: f(-h), right: f(h) });
  return derivativeFrom(middle, samples, precision);
}

/** The steps at which `derivativeFrom` wants the function, largest first. */
export function differenceSteps(scale: number): readonly number[] {
  return Array.from({ length: rows }, (_, i) => (0.25 * scale) / shrink ** i);
}

/** The same from values already computed, with steps that shrink as those of `differenceSteps`. */
export function derivativeFrom(
  middle: number,
  samples: readonly { readonly h: number; readonly left: number; readonly right: number }[],
  precision: number,
): NumericDerivative {
  let best = { value: Number.NaN, error: Number.POSITIVE_INFINITY };
  const table: number[][] = [];
  for (const [i, { h, left, right }] of samples.entries()) {
    const row = [(right - left) / (2 * h)];
    // What rounding of the values does to the quotient; extrapolation amplifies it a little.
    const rounding = (2 * precision * (Math.abs(left) + Math.abs(right) + Math.abs(middle))) / h;
    for (let j = 1; j <= i; j++) {
      const factor = shrink ** (2 * j);
      const above = table[i - 1]![j - 1]!;
      const better = (row[j - 1]! * factor - above) / (factor - 1);
      const error = Math.max(Math.abs(better - row[j - 1]!), Math.abs(better - above)) * 2 + rounding;
      const least = error + 8 * precision * Math.abs(better);
      if (Number.isFinite(better) && least < best.error) best = { value: better, error: least };
      row.push(better);
    }
    table.push(row);
  }
  return { ...best, kink: isKink(middle, samples, best, precision) };
}

/**
 * One-sided quotients of a smooth function differ by f'' h, which shrinks with h; those of a kink stay apart. They are
 * compared at the three smallest steps at which rounding is not yet what tells them apart.
 */
function isKink(
  middle: number,
  samples: readonly { readonly h: number; readonly left: number; readonly right: number }[],
  best: { readonly value: number; readonly error: number },
  precision: number,
): boolean {
  const gaps = samples.map(({ h, left, right }) => ({
    gap: Math.abs((right - middle) / h - (middle - left) / h),
    noise: (16 * precision * (Math.abs(left) + Math.abs(right) + Math.abs(middle))) / h,
  }));
  // An edge of the domain: one side is not a number, however near.
  const last = samples.at(-1)!;
  if (!Number.isFinite(last.left) || !Number.isFinite(last.right)) return true;
  if (isSteep(samples, best, precision)) return true;
  const clear = gaps.filter((g) => Number.isFinite(g.gap) && g.gap > g.noise);
  if (clear.length < 3) return false;
  const tail = clear.slice(-3).map((g) => g.gap);
  const stays = tail[2]! > 0.75 * tail[0]!;
  return stays && tail[2]! > 100 * Math.min(best.error, Math.abs(best.value) * 1e-3 + Number.MIN_VALUE);
}

/**
 * An infinite slope, as that of the square root at 0: difference quotients grow without end where those of a smooth
 * function settle.
 */
function isSteep(
  samples: readonly { readonly h: number; readonly left: number; readonly right: number }[],
  best: { readonly value: number; readonly error: number },
  precision: number,
): boolean {
  const quotients = samples.map(({ h, left, right }) => ({
    value: (right - left) / (2 * h),
    noise: (16 * precision * (Math.abs(left) + Math.abs(right))) / h,
  }));
  const changes = quotients.slice(1).map((q, i) => ({ by: q.value - quotients[i]!.value, noise: q.noise }));
  // Noise does not grow in one direction this often.
  const tail = changes.slice(-6);
  if (tail.some((c) => !Number.isFinite(c.by) || Math.abs(c.by) <= c.noise)) return false;
  const grows = tail.every((c, i) => i === 0 || c.by / tail[i - 1]!.by > 1);
  return grows && Math.abs(tail.at(-1)!.by) > Math.min(best.error, Math.abs(best.value) * 1e-3 + Number.MIN_VALUE);
}
