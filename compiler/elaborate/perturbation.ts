/**
 * What rounding does to a derivative, found by trying: numbers moved by a few units in their last place. Factorisations are
 * backward stable, so a system whose entries are moved so has an answer as far off as the computed one may be
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 1.5; Chesneaux and Vignes 1988 for the idea).
 */
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { sin } from "../primitives/math.ts";
import { reshape } from "../primitives/shape.ts";
import type { Elaborator } from "./elaborator.ts";

/** Which of the moved evaluations of a certificate is being made, if one is. */
export function drawOf(e: Elaborator): 0 | 1 | undefined {
  return e.certifying ? ((e.certifying - 1) as 0 | 1) : undefined;
}

/** The distance from 1 to the next number. */
export function epsilonOf(e: Elaborator): number {
  return e.precision === "f64" ? 2 ** -52 : 2 ** -23;
}

/** Angles, in radians, whose multiples fill the circle evenly: one pattern of shares each. */
const angles = [12.9898, 78.233] as const;
/** Units in the last place. */
const most = 4;

/** The numbers times 1 + s, with shares s of at most four times `epsilon`: another fixed pattern for each `draw`. */
export function perturbed(b: Emitter, x: Atom, epsilon: number, draw: 0 | 1): Atom {
  const { shape } = x.type;
  const size = shape.reduce<number>((s, d) => s * (d as number), 1);
  if (size === 0) return x;
  const places = add(b, convert(b, iota(b, size), "real"), realLiteral(1));
  const shares = mul(b, realLiteral(most * epsilon), sin(b, mul(b, realLiteral(angles[draw]), places)));
  return mul(b, x, add(b, realLiteral(1), reshape(b, shares, shape)));
}
