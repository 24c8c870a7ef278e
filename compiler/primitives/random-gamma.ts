/** Gamma samples, differentiable in their shape parameter. */
import { sizeOf } from "../core/array.ts";
import { compareDims } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { fail, invariant } from "../syntax/diagnostic.ts";
import { mul } from "./arithmetic.ts";
import { batchElementwise, elementwiseLowering, elementwiseShape, mapBinary, notLinear } from "./elementwise.ts";
import { gammaSampleDerivative as derivativeOf } from "./gamma-numerics.ts";
import { batchLeading } from "./leading-axes.ts";
import { gammaSampleDerivativeExpression, gammaSampleExpression } from "./random-gamma-kernel.ts";
import { erfinv } from "./special-functions.ts";
import { drawStream, elementStream, threefryBlock, threefryWords, uniformFromBits } from "./threefry.ts";

/** Rejections have probability below 5 % each, so this many in a row never happen. */
const maxAttempts = 64;

/**
 * One sample of shape `alpha` from an element's key: G. Marsaglia and W. W. Tsang, "A simple method for
 * generating gamma variables" (2000). Attempt i uses block 2 i + 1 for its normal and 2 i + 2 for its uniform
 * number; block 0 serves the boost from alpha + 1 to alpha < 1 (their section 6).
 */
export function gammaSample(k0: number, k1: number, alpha: number, precision: "f64" | "f32"): number {
  if (!(alpha > 0)) return Number.NaN;
  const words = new Int32Array(2);
  const draw = (block: number, kind: "open" | "symmetric") => {
    threefryBlock(k0, k1, drawStream, block, words, 0);
    return uniformFromBits(words[0]!, words[1]!, kind, precision);
  };
  const boost = alpha < 1 ? draw(0, "open") ** (1 / alpha) : 1;
  const d = (alpha < 1 ? alpha + 1 : alpha) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  let accepted = 1;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const x = Math.SQRT2 * erfinv(draw(2 * attempt + 1, "symmetric"));
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(draw(2 * attempt + 2, "open")) < 0.5 * x * x + d * (1 - v + Math.log(v))) {
      accepted = v;
      break;
    }
  }
  return d * accepted * boost;
}

export const randomGammaPrimitive: Primitive<Record<string, never>> = {
  name: "randomGamma",
  infer: ([key, alpha]) => {
    const lanes = key!.shape.slice(0, -1);
    invariant(
      key!.dtype === "int" &&
        alpha!.dtype === "real" &&
        lanes.every((d, i) => alpha!.shape[i] !== undefined && compareDims(d, alpha!.shape[i]!) !== "different"),
      () => `randomGamma of ${showType(key!)} and ${showType(alpha!)}`,
    );
    return [alpha!];
  },
  evaluate: ([key, alpha], _params, context) => {
    const result = makeArray(context, "real", alpha!.shape);
    const lanes = key!.data.length / 2;
    const size = sizeOf(alpha!.shape.slice(key!.shape.length - 1));
    const own = new Int32Array(2);
    for (let lane = 0; lane < lanes; lane++)
      for (let i = 0; i < size; i++) {
        threefryBlock(key!.data[2 * lane]!, key!.data[2 * lane + 1]!, elementStream, i, own, 0);
        result.data[lane * size + i] = gammaSample(own[0]!, own[1]!, alpha!.data[lane * size + i]!, context.precision);
      }
    return [result];
  },
  lower: {
    kind: "map",
    cost: 300,
    element: ({ inputs, precision }, read, at) => {
      const lanes = inputs[0]!.shape.length - 1;
      const own = inputs[1]!.shape.slice(lanes);
      const [k0, k1] = [0, 1].map((w) => read(0, [...at.slice(0, lanes), ir.int(w)])) as [Expression, Expression];
      const [e0, e1] = threefryWords(k0, k1, ir.int(elementStream), ir.linearIndex(at.slice(lanes), own));
      return gammaSampleExpression(e0, e1, read(1, at), precision);
    },
  },
  // dz = (dz/dalpha at fixed P(alpha, z)) dalpha
  jvp: (b, { inputs }, [, dalpha]) => {
    const [key, alpha] = inputs as readonly [Atom, Atom];
    const z = randomGamma(b, key, alpha);
    return { outputs: [z], tangents: [dalpha && mul(b, gammaSampleDerivative(b, alpha, z), dalpha)] };
  },
  transpose: notLinear("randomGamma"),
  batch: batchLeading(() => randomGammaPrimitive),
};

/**
 * Gamma samples of rate 1 for each shape parameter of alpha `[...]`, from a key `int[..., 2]` whose leading axes
 * are the first of alpha; element i of a lane has the key Threefry(key; 2, i). Differentiable in alpha by the
 * implicit derivative.
 */
export function randomGamma(b: Emitter, key: Atom, alpha: Atom): Atom {
  return b.emit(randomGammaPrimitive, [key, alpha], {})[0]!;
}

export const gammaSampleDerivativePrimitive: Primitive<Record<string, never>> = {
  name: "gammaSampleDerivative",
  infer: (inputs) => [{ dtype: "real", shape: elementwiseShape("gammaSampleDerivative", inputs) }],
  evaluate: ([alpha, z], _params, context) => [mapBinary(context, "real", alpha!, z!, derivativeOf)],
  lower: elementwiseLowering(400, ([alpha, z], precision) => gammaSampleDerivativeExpression(alpha!, z!, precision)),
  // Not given: it would need the second derivative of the incomplete gamma function.
  jvp: () =>
    fail("K0608", undefined, "There is no second derivative of gamma samples.", {
      help: "Differentiate the samples once at most, or draw from scaled and shifted normal or uniform numbers.",
    }),
  transpose: notLinear("gammaSampleDerivative"),
  batch: (b, call, batched, size) => batchElementwise(b, gammaSampleDerivativePrimitive, call, batched, size),
};

/** The derivative of samples z of shape alpha in alpha, elementwise; see `gamma-numerics.ts`. */
export function gammaSampleDerivative(b: Emitter, alpha: Atom, z: Atom): Atom {
  return b.emit(gammaSampleDerivativePrimitive, [alpha, z], {})[0]!;
}

export const randomGammaPrimitives: readonly Primitive[] = [
  randomGammaPrimitive,
  gammaSampleDerivativePrimitive,
] as readonly Primitive[];
