/**
 * Random bits: Threefry-2x32 with 20 rounds, and the conversions from bits to numbers.
 *
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3"
 * (SC 2011); the constants are those of the Random123 library. A block is a function of a key (2 words)
 * and a counter (2 words), so any element of any stream can be computed alone, on any target, with the
 * same bits. Words are held in ints, as their 32-bit pattern.
 *
 * Counter layout: word 0 is the stream, word 1 the index. Stream 0 gives draws and the keys of `split`
 * (one path of a program may do only one of these with a key), stream 1 the keys of `fold_in`,
 * stream 2 the keys of the elements of a rejection sampler.
 */
import type { NdArray } from "../core/array.ts";
import { compareDims, type Dim } from "../core/dimension.ts";
import { type ArrayType, type Atom, concreteShape, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import * as ir from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { notLinear, zeroJvp } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import { fill } from "./shape.ts";

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** The parity word of the Threefish key schedule, 32-bit version. */
const parity = 0x1bd11bda;

export const drawStream = 0;
const foldStream = 1;
export const elementStream = 2;

/** One block: two words from a key and a counter of two words each, written to `out[at]` and `out[at + 1]`. */
export function threefryBlock(k0: number, k1: number, c0: number, c1: number, out: Int32Array, at: number): void {
  const k2 = k0 ^ k1 ^ parity;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let round = 0; round < 20; round++) {
    const r = rotations[round & 7]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if ((round & 3) !== 3) continue;
    // After every fourth round a rotation of the key (k0, k1, k2) and the number of the injection are added.
    const s = (round + 1) >> 2;
    x0 = (x0 + (s % 3 === 0 ? k0 : s % 3 === 1 ? k1 : k2)) | 0;
    x1 = (x1 + (s % 3 === 0 ? k1 : s % 3 === 1 ? k2 : k0) + s) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
}

/** The same in Kernel IR: both words. */
export function threefryWords(
  k0: Expression,
  k1: Expression,
  c0: Expression,
  c1: Expression,
): readonly [Expression, Expression] {
  const k2 = ir.xor(ir.xor(k0, k1), ir.int(parity));
  const keys = [k0, k1, k2];
  let [x0, x1] = [ir.add(c0, k0), ir.add(c1, k1)];
  for (let round = 0; round < 20; round++) {
    const r = rotations[round & 7]!;
    x0 = ir.add(x0, x1);
    x1 = ir.xor(ir.or(ir.shl(x1, ir.int(r)), ir.shr(x1, ir.int(32 - r))), x0);
    if ((round & 3) !== 3) continue;
    const s = (round + 1) >> 2;
    x0 = ir.add(x0, keys[s % 3]!);
    x1 = ir.add(ir.add(x1, keys[(s + 1) % 3]!), ir.int(s));
  }
  return [x0, x1];
}

/** The word that the last coordinate asks for. */
const wordAt = (words: readonly [Expression, Expression], word: Expression) =>
  ir.select(ir.eq(word, ir.int(0)), words[0], words[1]);

type ThreefryParams = { readonly count: Dim; readonly stream: number };

function keyBatch(name: string, key: ArrayType): readonly Dim[] {
  const last = key.shape.at(-1);
  invariant(
    key.dtype === "int" && last !== undefined && compareDims(last, 2) !== "different",
    () => `${name} of ${showType(key)}`,
  );
  return key.shape.slice(0, -1);
}

/** The number the parameter stands for; evaluation happens on bound programs only. */
const bound = (dim: Dim) => concreteShape([dim])[0]!;

export const threefryPrimitive: Primitive<ThreefryParams> = {
  name: "threefry",
  infer: ([key], { count }) => [{ dtype: "int", shape: [...keyBatch("threefry", key!), count, 2] }],
  evaluate: ([key], { count, stream }, context) => {
    const n = bound(count);
    const out = makeArray(context, "int", [...key!.shape.slice(0, -1), n, 2]);
    const words = out.data as Int32Array;
    for (let lane = 0; lane < key!.data.length / 2; lane++) {
      const [k0, k1] = [key!.data[2 * lane]!, key!.data[2 * lane + 1]!];
      for (let i = 0; i < n; i++) threefryBlock(k0, k1, stream, i, words, 2 * (lane * n + i));
    }
    return [out];
  },
  lower: {
    kind: "map",
    cost: 90,
    element: ({ params }, read, at) => {
      const [lane, i, word] = [at.slice(0, -2), at.at(-2)!, at.at(-1)!];
      const [k0, k1] = [0, 1].map((w) => read(0, [...lane, ir.int(w)])) as [Expression, Expression];
      return wordAt(threefryWords(k0, k1, ir.int(params.stream), i), word);
    },
  },
  jvp: zeroJvp(() => threefryPrimitive),
  transpose: notLinear("threefry"),
  batch: batchLeading(() => threefryPrimitive),
};

/**
 * Keys `int[..., 2]` to blocks `int[..., count, 2]`: block i is Threefry of the counter (stream, i).
 */
export function threefry(b: Emitter, keys: Atom, count: Dim, stream = drawStream): Atom {
  return b.emit(threefryPrimitive, [keys], { count, stream })[0]!;
}

export const foldInPrimitive: Primitive<Record<string, never>> = {
  name: "foldIn",
  infer: ([key, index]) => {
    const shape = keyBatch("foldIn", key!);
    invariant(
      index!.dtype === "int" && index!.shape.length === shape.length,
      () => `foldIn of ${showType(key!)} and ${showType(index!)}`,
    );
    return [{ dtype: "int", shape: [...shape, 2] }];
  },
  evaluate: ([key, index], _params, context) => {
    const out = makeArray(context, "int", key!.shape);
    const words = out.data as Int32Array;
    for (let lane = 0; lane < index!.data.length; lane++)
      threefryBlock(key!.data[2 * lane]!, key!.data[2 * lane + 1]!, foldStream, index!.data[lane]!, words, 2 * lane);
    return [out];
  },
  lower: {
    kind: "map",
    cost: 90,
    element: (_context, read, at) => {
      const lane = at.slice(0, -1);
      const [k0, k1] = [0, 1].map((w) => read(0, [...lane, ir.int(w)])) as [Expression, Expression];
      return wordAt(threefryWords(k0, k1, ir.int(foldStream), read(1, lane)), at.at(-1)!);
    },
  },
  jvp: zeroJvp(() => foldInPrimitive),
  transpose: notLinear("foldIn"),
  batch: batchLeading(() => foldInPrimitive),
};

/** The key `int[..., 2]` for each integer `int[...]`: Threefry of the counter (1, index). */
export function foldIn(b: Emitter, key: Atom, index: Atom): Atom {
  return b.emit(foldInPrimitive, [key, index], {})[0]!;
}

/**
 * `unit`: k / 2^53 in [0, 1). `open`: (k + 1/2) / 2^52 in (0, 1). `symmetric`: (2 k + 1) / 2^53 - 1, k of 53
 * bits, in (-1, 1), never 0. All are exact. In f32 the formulas use the leading 24, 23 and 24 bits of word 0 in
 * place of 53, 52 and 53 bits of both words, so the two precisions agree to the resolution of f32.
 */
export type UniformKind = "unit" | "open" | "symmetric";

/** One number from two words; see `UniformKind`. */
export function uniformFromBits(hi: number, lo: number, kind: UniformKind, precision: "f64" | "f32"): number {
  if (precision === "f32") {
    if (kind === "unit") return (hi >>> 8) * 2 ** -24;
    if (kind === "open") return ((hi >>> 9) + 0.5) * 2 ** -23;
    return ((hi >>> 8) - 2 ** 23 + 0.5) * 2 ** -23;
  }
  if (kind === "open") return ((hi >>> 5) * 2 ** 25 + (lo >>> 7) + 0.5) * 2 ** -52;
  const k = (hi >>> 5) * 2 ** 26 + (lo >>> 6);
  if (kind === "unit") return k * 2 ** -53;
  // 2k - 2^53 is exact, and so is the odd number next to it.
  return (k - 2 ** 52 + 0.5) * 2 ** -52;
}

/** The same in Kernel IR. All parts have fewer than 32 bits, so signed conversions are right. */
export function uniformExpression(
  hi: Expression,
  lo: Expression,
  kind: UniformKind,
  precision: "f64" | "f32",
): Expression {
  const top = (x: Expression, by: number) => ir.toReal(ir.shr(x, ir.int(by)));
  const [add, mul, real] = [ir.add, ir.mul, ir.real];
  if (precision === "f32") {
    if (kind === "unit") return mul(top(hi, 8), real(2 ** -24));
    if (kind === "open") return mul(add(top(hi, 9), real(0.5)), real(2 ** -23));
    return mul(add(ir.sub(top(hi, 8), real(2 ** 23)), real(0.5)), real(2 ** -23));
  }
  if (kind === "open") return mul(add(add(mul(top(hi, 5), real(2 ** 25)), top(lo, 7)), real(0.5)), real(2 ** -52));
  const k = add(mul(top(hi, 5), real(2 ** 26)), top(lo, 6));
  if (kind === "unit") return mul(k, real(2 ** -53));
  return mul(add(ir.sub(k, real(2 ** 52)), real(0.5)), real(2 ** -52));
}

type UniformParams = { readonly kind: UniformKind };

export const bitsToUniformPrimitive: Primitive<UniformParams> = {
  name: "bitsToUniform",
  infer: ([bits]) => [{ dtype: "real", shape: keyBatch("bitsToUniform", bits!) }],
  evaluate: ([bits], { kind }, context) => {
    const out = makeArray(context, "real", bits!.shape.slice(0, -1));
    const [from, to] = [bits!.data, out.data];
    for (let i = 0; i < to.length; i++)
      to[i] = uniformFromBits(from[2 * i]!, from[2 * i + 1]!, kind, context.precision);
    return [out];
  },
  lower: {
    kind: "map",
    cost: 6,
    element: ({ params, precision }, read, at) => {
      const [hi, lo] = [0, 1].map((w) => read(0, [...at, ir.int(w)])) as [Expression, Expression];
      return uniformExpression(hi, lo, params.kind, precision);
    },
  },
  jvp: zeroJvp(() => bitsToUniformPrimitive),
  transpose: notLinear("bitsToUniform"),
  batch: batchLeading(() => bitsToUniformPrimitive),
};

/** Blocks `int[..., 2]` to reals `[...]`; see `UniformKind`. */
export function bitsToUniform(b: Emitter, bits: Atom, kind: UniformKind): Atom {
  return b.emit(bitsToUniformPrimitive, [bits], { kind })[0]!;
}

/** The upper 32 bits of the product of two 32-bit words, by halves. */
function highProduct(x: number, y: number): number {
  const [xh, xl, yh, yl] = [x >>> 16, x & 0xffff, y >>> 16, y & 0xffff];
  const low = xl * yl;
  const middle = xh * yl + Math.floor(low / 0x10000);
  const other = xl * yh + (middle % 0x10000);
  return xh * yh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
}

/** floor(bits * range / 2^64), where both are unsigned: the first 32 bits of a 96-bit product. */
export function scaleBits(hi: number, lo: number, range: number): number {
  // The low words of hi * range and the high word of lo * range carry at most 1 into the result.
  const lowOfHigh = Math.imul(hi, range) >>> 0;
  const carry = lowOfHigh + highProduct(lo >>> 0, range >>> 0) >= 2 ** 32 ? 1 : 0;
  return (highProduct(hi >>> 0, range >>> 0) + carry) | 0;
}

/** `highProduct` in Kernel IR. */
function highWord(x: Expression, y: Expression): Expression {
  const sixteen = ir.int(16);
  const half = (e: Expression) => ir.and(e, ir.int(0xffff));
  const [xh, xl, yh, yl] = [ir.shr(x, sixteen), half(x), ir.shr(y, sixteen), half(y)];
  const middle = ir.add(ir.mul(xh, yl), ir.shr(ir.mul(xl, yl), sixteen));
  const other = ir.add(ir.mul(xl, yh), half(middle));
  return ir.add(ir.add(ir.mul(xh, yh), ir.shr(middle, sixteen)), ir.shr(other, sixteen));
}

/** `scaleBits` in Kernel IR: the sum of two words carries when it is less, unsigned, than one of them. */
function scaledBits(hi: Expression, lo: Expression, range: Expression): Expression {
  const low = ir.mul(hi, range);
  const sum = ir.add(low, highWord(lo, range));
  const unsigned = (e: Expression) => ir.xor(e, ir.int(-2147483648));
  return ir.add(highWord(hi, range), ir.toInt(ir.lt(unsigned(sum), unsigned(low))));
}

export const bitsBelowPrimitive: Primitive<Record<string, never>> = {
  name: "bitsBelow",
  infer: ([bits, range]) => {
    const shape = keyBatch("bitsBelow", bits!);
    invariant(
      range!.dtype === "int" && range!.shape.length === shape.length,
      () => `bitsBelow of ${showType(bits!)} and ${showType(range!)}`,
    );
    return [{ dtype: "int", shape }];
  },
  evaluate: ([bits, range], _params, context) => {
    const out = makeArray(context, "int", bits!.shape.slice(0, -1));
    const [from, below, to] = [bits!.data, range!.data, out.data];
    for (let i = 0; i < to.length; i++) to[i] = scaleBits(from[2 * i]!, from[2 * i + 1]!, below[i]!);
    return [out];
  },
  lower: {
    kind: "map",
    cost: 30,
    element: (_context, read, at) => {
      const [hi, lo] = [0, 1].map((w) => read(0, [...at, ir.int(w)])) as [Expression, Expression];
      return scaledBits(hi, lo, read(1, at));
    },
  },
  jvp: zeroJvp(() => bitsBelowPrimitive),
  transpose: notLinear("bitsBelow"),
  batch: batchLeading(() => bitsBelowPrimitive),
};

/**
 * Blocks `int[..., 2]` to integers in [0, range), range `int[...]` taken as unsigned; 0 where the range is 0.
 * Each value's probability is off by less than 2^-64, so any event's by less than range / 2^64.
 */
export function bitsBelow(b: Emitter, bits: Atom, range: Atom): Atom {
  const shape = bits.type.shape.slice(0, -1);
  const full = range.type.shape.length === shape.length ? range : fill(b, range, shape);
  return b.emit(bitsBelowPrimitive, [bits, full], {})[0]!;
}

/** A key as two words, for tests and for `key(seed)`: (0, seed). */
export function keyOfSeed(seed: number): NdArray {
  return { dtype: "int", shape: [2], data: Int32Array.of(0, seed) };
}

export const threefryPrimitives: readonly Primitive[] = [
  threefryPrimitive,
  foldInPrimitive,
  bitsToUniformPrimitive,
  bitsBelowPrimitive,
];
