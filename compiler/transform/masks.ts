/**
 * Which elements of a cotangent are zero by structure: those on the side that a `select` did not take.
 * On their way back they may meet an infinite partial (the square root's at 0, say), and 0 * inf must
 * not become a NaN. A zero that came about by arithmetic gets no such protection: its NaN is honest.
 */
import { type Atom, type Equation, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { and, not, or } from "../primitives/comparison.ts";
import { select } from "../primitives/select.ts";

/** A bool of the cotangent's shape, or a scalar: false where the cotangent is zero by structure. */
export type Mask = Atom | undefined;

/** Linear primitives whose transpose moves elements and multiplies none: a mask moves in the same way. */
const moving = new Set(["reshape", "transpose", "reverse", "reduceSum", "slice", "pad", "concat"]);
/** Those that leave elements where they are. */
const elementwise = new Set(["neg", "add", "sub", "select", "mul", "div"]);

/** The mask of operand `i`'s cotangent in a transposed equation, given that of the result's. */
export function passMask(b: Emitter, e: Equation, marks: readonly boolean[], i: number, mask: Mask): Mask {
  if (e.primitive.name === "select") {
    const taken = i === 1 ? e.inputs[0]! : not(b, e.inputs[0]!);
    return mask ? and(b, mask, taken) : taken;
  }
  if (!mask || mask.type.shape.length === 0) return mask;
  if (elementwise.has(e.primitive.name)) return mask;
  if (moving.has(e.primitive.name)) return e.primitive.transpose(b, e, marks, [mask])[i];
  return undefined;
}

/** Zero where the mask says so, if the equation multiplied by something that may not be finite. */
export function applyMask(b: Emitter, e: Equation, marks: readonly boolean[], cotangent: Atom, mask: Mask): Atom {
  const safe = e.inputs.every(
    (a, i) => marks[i] || (a.kind === "literal" && Number.isFinite(a.value) && a.value !== 0),
  );
  // A rule that has summed already leaves nothing to choose elements from.
  if (mask && mask.type.shape.length > cotangent.type.shape.length) return cotangent;
  if (!mask || safe || e.primitive.name === "select" || moving.has(e.primitive.name)) return cotangent;
  return select(b, mask, cotangent, realLiteral(0));
}

/** The mask of a sum of two cotangents. */
export function joinMasks(b: Emitter, x: Mask, y: Mask): Mask {
  if (!x || !y || x === y) return x && y;
  return or(b, x, y);
}

/** The mask, if it fits a cotangent of that many axes. */
export function fitMask(mask: Mask, rank: number): Mask {
  return mask && (mask.type.shape.length === 0 || mask.type.shape.length === rank) ? mask : undefined;
}
