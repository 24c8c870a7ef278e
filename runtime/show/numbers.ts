/** Numbers as people read them. */

const significantDigits = 6;
/** Fixed notation between these, `1.5e-7` outside. */
const smallestFixed = 1e-4;
const largestFixed = 1e6;
/** Whole numbers are shown in full while every digit means something. */
const largestWhole = 1e15;

/** `0.333333`, `12`, `1.5e-7`, `nan`, `-inf`: six significant digits, no zeros that say nothing. */
export function formatNumber(x: number, digits = significantDigits): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  if (Number.isInteger(x) && Math.abs(x) < largestWhole) return String(x);
  // Rounded first: 999999.7 to six digits is 1e6, and belongs to the other notation.
  const size = Math.abs(Number(x.toPrecision(digits)));
  if (size >= smallestFixed && size < largestFixed) return trimZeros(x.toPrecision(digits));
  const [mantissa = "", exponent = ""] = x.toExponential(digits - 1).split("e");
  return `${trimZeros(mantissa)}e${exponent.replace("+", "")}`;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A duration for people, from milliseconds: `3 ms`, `1.25 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${formatNumber(milliseconds, milliseconds < 10 ? 2 : 3)} ms`;
  if (milliseconds < 60_000) return `${formatNumber(milliseconds / 1000, 3)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
