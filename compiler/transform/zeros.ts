/** Zeros, and making tangents and cotangents fit the shape they are asked for. */
import { resolve } from "../core/dimension.ts";
import { type ArrayType, type Atom, boolLiteral, intLiteral, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { reduceSum } from "../primitives/reduce.ts";
import { broadcast } from "../primitives/shape.ts";

/** An array of zeros (or false). */
export function zerosOf(b: Emitter, type: ArrayType): Atom {
  const zero = type.dtype === "real" ? realLiteral(0) : type.dtype === "int" ? intLiteral(0) : boolLiteral(false);
  return type.shape.length === 0 ? zero : broadcast(b, zero, type.shape.map(resolve), []);
}

/** The tangent, or zeros where it is zero. */
export function instantiate(b: Emitter, tangent: Atom | undefined, type: ArrayType): Atom {
  return tangent === undefined ? zerosOf(b, type) : fitTangent(b, tangent, type);
}

/** Elementwise rules may give a scalar tangent for an array: repeat it. */
export function fitTangent(b: Emitter, tangent: Atom, type: ArrayType): Atom {
  if (tangent.type.shape.length === type.shape.length) return tangent;
  return broadcast(b, tangent, type.shape.map(resolve), []);
}

/** Elementwise rules may give an array cotangent for a scalar that was repeated (sum it), or the reverse. */
export function fitCotangent(b: Emitter, cotangent: Atom, type: ArrayType): Atom {
  const [have, want] = [cotangent.type.shape.length, type.shape.length];
  if (have === want) return cotangent;
  if (want === 0)
    return reduceSum(
      b,
      cotangent,
      cotangent.type.shape.map((_, i) => i),
    );
  return broadcast(b, cotangent, type.shape.map(resolve), []);
}
