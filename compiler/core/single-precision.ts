/** Numbers that f64 holds and f32 does not: they would become infinities without a word. */
import { DiagnosticError, errorAt } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { NdArray } from "./array.ts";

export const tooLargeForSingle = "K1150";
export const singleHelp = "Scale it, write `inf` where that is meant, or compute with `--precision f64` on the CPU.";

/** Whether a number is finite, but not once it is rounded to f32. */
export function overflowsSingle(x: number): boolean {
  return Number.isFinite(x) && !Number.isFinite(Math.fround(x));
}

/** That a number is too large; `what` says which, as in `1e39` or `Entry [2, 0] of y is 1e39`. */
export function describeOverflow(what: string): string {
  return `${what}, which is too large for f32: its largest number is about 3.4e38.`;
}

/**
 * Throws a DiagnosticError for the first entry that is too large, where the run is in f32. `what` is the array: as in
 * "`w`" or "the cotangent".
 */
export function refuseOverflow(
  what: string,
  { dtype, shape, data }: NdArray,
  precision: "f64" | "f32",
  span: Span | undefined,
): void {
  if (precision === "f64" || dtype !== "real" || data instanceof Float32Array) return;
  const at = data.findIndex(overflowsSingle);
  if (at < 0) return;
  const entry = shape.length === 0 ? what : `entry [${coordinates(at, shape).join(", ")}] of ${what}`;
  const message = describeOverflow(`${entry} is ${data[at]}`);
  throw new DiagnosticError(
    errorAt(tooLargeForSingle, span, message.charAt(0).toUpperCase() + message.slice(1), { help: singleHelp }),
  );
}

function coordinates(at: number, shape: readonly number[]): number[] {
  const entry = new Array<number>(shape.length);
  let rest = at;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    entry[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return entry;
}
