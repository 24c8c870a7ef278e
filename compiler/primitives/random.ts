/**
 * Samplers, composed of the primitives: each is a function of a key `int[..., 2]` whose leading axes are
 * those of the result, so that mapping a sampler over keys is the sampler on an array of keys.
 * Samples depend on the key alone: none has a derivative of its own; location and scale are applied by
 * the caller, and carry derivatives. (Gamma samples, whose parameter is a shape, are in random-gamma.ts.)
 */
import { type Dim, productOfDims, subtractDims } from "../core/dimension.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, mul, neg, sub } from "./arithmetic.ts";
import { less, lessEqual } from "./comparison.ts";
import { convert } from "./convert.ts";
import { cumsum } from "./cumulative.ts";
import { gather } from "./gather.ts";
import { erfinv, log } from "./math.ts";
import { reduceSum } from "./reduce.ts";
import { abs, sign } from "./rounding.ts";
import { broadcast, reshape, sliceAxis } from "./shape.ts";
import { argsort } from "./sort.ts";
import { bitsBelow, bitsToUniform, threefry, type UniformKind } from "./threefry.ts";

export { foldIn } from "./threefry.ts";

/** `n` new keys `int[..., n, 2]`. */
export function splitKey(b: Emitter, key: Atom, n: Dim): Atom {
  return threefry(b, key, n);
}

/** Blocks of random bits `int[..., shape, 2]`, element by element in row-major order. */
export function randomBlocks(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  const blocks = threefry(b, key, productOfDims(shape));
  return reshape(b, blocks, [...key.type.shape.slice(0, -1), ...shape, 2]);
}

/** Random 32-bit words `int[..., shape]`: the first word of each block. */
export function randomBits(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  return wordOf(b, randomBlocks(b, key, shape), 0);
}

/** One of the two words of blocks `int[..., 2]`: `int[...]`. */
function wordOf(b: Emitter, blocks: Atom, word: 0 | 1): Atom {
  const axis = blocks.type.shape.length - 1;
  return reshape(b, sliceAxis(b, blocks, axis, word, word + 1), blocks.type.shape.slice(0, -1));
}

function uniformOf(b: Emitter, key: Atom, shape: readonly Dim[], kind: UniformKind): Atom {
  return bitsToUniform(b, randomBlocks(b, key, shape), kind);
}

/** Uniform on [0, 1): multiples of 2^-53 (2^-24 in f32). */
export function uniform(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  return uniformOf(b, key, shape, "unit");
}

/**
 * Standard normal, by inversion: sqrt(2) erfinv(v), v = 2 u - 1 moved to the middle of its cell so that it is
 * never -1, 0 or 1. |x| is below 8.3 (5.5 in f32).
 */
export function normal(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  return mul(b, realLiteral(Math.SQRT2), erfinv(b, uniformOf(b, key, shape, "symmetric")));
}

/** Exponential of rate 1: -log u, u in the open unit interval. */
export function exponential(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  return neg(b, log(b, uniformOf(b, key, shape, "open")));
}

/** Standard Gumbel: -log(-log u), u in the open unit interval. */
export function gumbel(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  return neg(b, log(b, exponential(b, key, shape)));
}

/** Standard Laplace (density exp(-|x|) / 2): -sign(v) log(1 - |v|), v uniform on (-1, 1). */
export function laplace(b: Emitter, key: Atom, shape: readonly Dim[]): Atom {
  const v = uniformOf(b, key, shape, "symmetric");
  return neg(b, mul(b, sign(b, v), log(b, sub(b, realLiteral(1), abs(b, v)))));
}

/**
 * Integers in [lo, hi), `lo` and `hi` scalars or of the result's shape: lo + floor(bits * (hi - lo) / 2^64),
 * with a bias below 2^-64 for each value. The range may span all 32 bits; an empty one gives lo.
 */
export function randint(b: Emitter, key: Atom, shape: readonly Dim[], lo: Atom, hi: Atom): Atom {
  return add(b, lo, bitsBelow(b, randomBlocks(b, key, shape), sub(b, hi, lo)));
}

/**
 * A uniform permutation of 0..n: the order of n random 64-bit numbers (sorted by the second word, then
 * stably by the first). Two equal ones have probability below n^2 / 2^65, and then keep their order.
 */
export function permutation(b: Emitter, key: Atom, n: Dim): Atom {
  const blocks = randomBlocks(b, key, [n]);
  const axis = key.type.shape.length - 1;
  const bySecond = argsort(b, wordOf(b, blocks, 1), axis);
  const firstWords = gather(b, wordOf(b, blocks, 0), bySecond, axis, axis);
  return gather(b, bySecond, argsort(b, firstWords, axis), axis, axis);
}

/** `k` different ones of 0..n, in random order: the start of a permutation. */
export function choose(b: Emitter, key: Atom, k: Dim, n: Dim): Atom {
  return sliceAxis(b, permutation(b, key, n), key.type.shape.length - 1, 0, k);
}

/** True with probability p, for each of p; the leading axes of the key, if any, are those of p. */
export function bernoulli(b: Emitter, key: Atom, p: Atom): Atom {
  const lanes = key.type.shape.length - 1;
  return less(b, uniform(b, key, p.type.shape.slice(lanes)), p);
}

/**
 * An index along the last axis of p, with probability proportional to the (non-negative) weights there,
 * for each of the axes before it: the number of partial sums that do not exceed u * total. An index of
 * weight zero never comes out (its partial sum equals the one before it, and u * total < total in any
 * rounding), unless all weights are zero.
 */
export function categorical(b: Emitter, key: Atom, p: Atom): Atom {
  const lanes = key.type.shape.length - 1;
  const axis = p.type.shape.length - 1;
  invariant(axis >= lanes, () => "categorical needs weights");
  const outer = p.type.shape.slice(0, -1);
  const sums = cumsum(b, p, axis);
  const last = subtractDims(p.type.shape[axis]!, 1);
  const total = reshape(b, sliceAxis(b, sums, axis, last), outer);
  const threshold = mul(b, uniform(b, key, outer.slice(lanes)), total);
  // The last sum is never passed, so it need not be counted: the index stays in range whatever the weights.
  const others = sliceAxis(b, sums, axis, 0, last);
  const passed = lessEqual(
    b,
    others,
    broadcast(
      b,
      threshold,
      others.type.shape,
      outer.map((_, i) => i),
    ),
  );
  return reduceSum(b, convert(b, passed, "int"), [axis]);
}
