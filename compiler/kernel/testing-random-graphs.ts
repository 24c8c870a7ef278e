/**
 * Random graphs of array operations for the tests of fusion and of back ends: sums, products, gathers and changes of
 * shape on top of each other, over shapes that meet again, so that kernels take in as much as they may. Values stay
 * near one. What jumps is asked only of numbers that both sides have exactly, or of constants that no sum meets.
 */
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { type Atom, concreteShape, intLiteral, realLiteral } from "../core/graph.ts";
import { sigmoid } from "../primitives/activation.ts";
import { add, div, mul, neg, sub } from "../primitives/arithmetic.ts";
import { greater } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { cumsum } from "../primitives/cumulative.ts";
import { dotGeneral } from "../primitives/dot.ts";
import { gather, scatterAdd } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { cos, exp, sin, sqrt, tanh } from "../primitives/math.ts";
import { argmax, argmin, reduceMax, reduceMin } from "../primitives/reduce.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { modFloor } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import * as shape from "../primitives/shape.ts";
import { picker } from "../transform/random-programs.ts";
import { randomArray } from "./testing-comparison.ts";
import type { Runnable } from "./testing-graphs.ts";

interface Value {
  readonly atom: Atom;
  readonly shape: readonly number[];
  /** Without rounding: whoever computes it gets the same bits. */
  readonly exact: boolean;
}

/** Sizes of the arrays: a graph draws its axes from them. `most` elements are the largest array. */
export interface Sizes {
  readonly dims: readonly number[];
  readonly most: number;
}

/** Small arrays of many shapes, empty ones among them; rows and columns; and what is worth two kernels. */
export const sizes: Readonly<Record<"small" | "medium" | "large", Sizes>> = {
  small: { dims: [1, 2, 3, 4, 5, 0], most: 130 },
  medium: { dims: [3, 4, 33, 40, 64], most: 12_000 },
  large: { dims: [3, 8, 300, 5000, 40_000], most: 130_000 },
};

/** The same graph for the same seed, with operands. */
export function randomGraph(seed: number, operations: number, of: Sizes): Runnable {
  return new GraphWriter(seed, of).write(operations);
}

class GraphWriter {
  readonly #pick: (n: number) => number;
  readonly #seed: number;
  readonly #sizes: Sizes;
  readonly #b = new Builder();
  readonly #values: Value[] = [];
  readonly #operands: NdArray[] = [];

  constructor(seed: number, of: Sizes) {
    this.#pick = picker(seed);
    this.#seed = seed;
    this.#sizes = of;
  }

  write(operations: number): Runnable {
    const inputs = 1 + this.#pick(3);
    for (let i = 0; i < inputs; i++) this.#input();
    for (let i = 0; i < operations; i++) this.#operation();
    const outputs = this.#values.filter((_, i) => i === this.#values.length - 1 || this.#pick(4) === 0);
    const { graph } = this.#b.close(
      "random",
      outputs.map((v) => v.atom),
    );
    return { name: `graph ${this.#seed}`, graph, operands: this.#operands };
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)]!;
  }

  #shape(): number[] {
    for (;;) {
      const found = Array.from({ length: this.#pick(4) }, () => this.#one(this.#sizes.dims));
      if (sizeOf(found) <= this.#sizes.most) return found;
    }
  }

  #input(): void {
    const x = randomArray(this.#shape(), this.#seed + this.#operands.length);
    this.#operands.push(x);
    this.#keep(this.#b.input({ dtype: "real", shape: x.shape }), true);
  }

  #keep(atom: Atom, exact: boolean): void {
    const found = concreteShape(atom.type.shape);
    if (sizeOf(found) <= this.#sizes.most) this.#values.push({ atom, shape: found, exact });
  }

  /** The newest most often: graphs get deep. */
  #value(): Value {
    const n = this.#values.length;
    return this.#values[n - 1 - Math.min(this.#pick(n), this.#pick(n))]!;
  }

  /** Another of this shape, if need be made of a row or a number. */
  #alike(v: Value): Value {
    const same = this.#values.filter(
      (o) => o.shape.length === v.shape.length && o.shape.every((d, i) => d === v.shape[i]),
    );
    if (same.length > 1 && this.#pick(4) > 0) return this.#one(same);
    for (let tries = 0; tries < 8; tries++) {
      const o = this.#value();
      const axes: number[] = [];
      for (const d of o.shape) {
        const from = axes.length === 0 ? 0 : axes.at(-1)! + 1;
        const at = v.shape.findIndex((n, i) => i >= from && n === d);
        if (at < 0) break;
        axes.push(at);
      }
      if (axes.length < o.shape.length) continue;
      return { atom: shape.broadcast(this.#b, o.atom, v.shape, axes), shape: v.shape, exact: o.exact };
    }
    return v;
  }

  #axes(v: Value): number[] {
    const axes = v.shape.map((_, i) => i).filter(() => this.#pick(2) === 0);
    return axes.length > 0 ? axes : v.shape.length > 0 ? [this.#pick(v.shape.length)] : [];
  }

  #operation(): void {
    const b = this.#b;
    const v = this.#value();
    const rank = v.shape.length;
    switch (this.#pick(20)) {
      case 0:
      case 1:
        this.#keep(this.#one([sin, cos, tanh, sigmoid])(b, v.atom), false);
        return;
      case 2:
        this.#keep(exp(b, neg(b, mul(b, v.atom, v.atom))), false);
        return;
      case 3:
      case 4:
      case 5:
        this.#keep(this.#one([add, sub, mul])(b, v.atom, this.#alike(v).atom), false);
        return;
      case 6: {
        const w = this.#alike(v);
        this.#keep(div(b, v.atom, sqrt(b, add(b, mul(b, w.atom, w.atom), realLiteral(0.7)))), false);
        return;
      }
      case 7:
      case 8:
      case 9: {
        const axes = this.#axes(v);
        const count = axes.reduce((n, a) => n * v.shape[a]!, 1);
        this.#keep(div(b, reduceSum(b, v.atom, axes), realLiteral(Math.sqrt(count + 1))), false);
        return;
      }
      case 10: {
        const axes = this.#axes(v);
        if (axes.some((a) => v.shape[a] === 0)) return;
        this.#keep(this.#one([reduceMax, reduceMin])(b, v.atom, axes), v.exact);
        return;
      }
      case 11: {
        const exact = this.#values.filter((o) => o.exact && o.shape.length > 0 && !o.shape.includes(0));
        if (exact.length === 0) return;
        const o = this.#one(exact);
        const places = this.#one([argmax, argmin])(b, o.atom, this.#pick(o.shape.length));
        this.#keep(mul(b, convert(b, places, "real"), realLiteral(1 / 64)), true);
        return;
      }
      case 12:
        this.#keep(
          select(b, greater(b, v.atom, realLiteral(0.31239)), this.#alike(v).atom, this.#alike(v).atom),
          false,
        );
        return;
      case 13: {
        const order = v.shape.map((_, i) => i).sort(() => this.#pick(3) - 1);
        this.#keep(shape.transpose(b, v.atom, order), v.exact);
        return;
      }
      case 14: {
        const flat = sizeOf(v.shape);
        const d = this.#sizes.dims.find((n) => n > 1 && flat % n === 0);
        this.#keep(shape.reshape(b, v.atom, d && this.#pick(2) === 0 ? [flat / d, d] : [flat]), v.exact);
        return;
      }
      case 15: {
        if (rank === 0) return;
        const axis = this.#pick(rank);
        const n = v.shape[axis]!;
        const from = this.#pick(n + 1);
        const part = shape.sliceAxis(b, v.atom, axis, from, from + this.#pick(n - from + 1));
        this.#keep(this.#pick(2) === 0 ? part : shape.concat(b, [v.atom, part], axis), v.exact);
        return;
      }
      case 16: {
        if (rank === 0) return;
        const some = () => v.shape.map(() => this.#pick(3));
        const zeros = v.shape.map(() => 0);
        this.#keep(
          this.#pick(2) === 0
            ? shape.reverse(b, v.atom, [this.#pick(rank)])
            : shape.pad(b, v.atom, some(), some(), zeros, 0.25),
          v.exact,
        );
        return;
      }
      case 17: {
        const axis = v.shape.findIndex((n) => n > 0);
        if (axis < 0) return;
        const n = v.shape[axis]!;
        const places = modFloor(b, mul(b, iota(b, n), intLiteral(1 + this.#pick(5))), intLiteral(n));
        if (this.#pick(3) > 0) this.#keep(gather(b, v.atom, places, axis), v.exact);
        else this.#keep(scatterAdd(b, v.atom, places, this.#alike(v).atom, axis), false);
        return;
      }
      case 18: {
        if (rank === 0) return;
        const axis = this.#pick(rank);
        this.#keep(div(b, cumsum(b, v.atom, axis, this.#pick(2) === 0), realLiteral(1 + v.shape[axis]!)), false);
        return;
      }
      default:
        this.#product(v);
    }
  }

  #product(v: Value): void {
    const w = this.#value();
    const pairs: [number, number][] = [];
    v.shape.forEach((n, i) => {
      const j = w.shape.findIndex((m, k) => m === n && !pairs.some(([, used]) => used === k));
      if (j >= 0) pairs.push([i, j]);
    });
    if (pairs.length === 0) return;
    const batch = pairs.length > 1 && this.#pick(2) === 0 ? pairs.slice(0, 1) : [];
    const contract = pairs.slice(batch.length, batch.length + 1 + this.#pick(2));
    const free = (s: readonly number[], which: 0 | 1) =>
      s.filter((_, i) => ![...batch, ...contract].some((p) => p[which] === i));
    const result = [...batch.map(([i]) => v.shape[i]!), ...free(v.shape, 0), ...free(w.shape, 1)];
    if (sizeOf(result) > this.#sizes.most) return;
    const count = contract.reduce((n, [i]) => n * v.shape[i]!, 1);
    if (sizeOf(result) * count > 4_000_000) return;
    const sides = (list: readonly (readonly [number, number])[]): [number[], number[]] => [
      list.map(([i]) => i),
      list.map(([, j]) => j),
    ];
    const made = dotGeneral(this.#b, v.atom, w.atom, { contract: sides(contract), batch: sides(batch) });
    this.#keep(div(this.#b, made, realLiteral(Math.sqrt(count + 1))), false);
  }
}

/** The operands as a precision has them. */
export const narrowed = (operands: readonly NdArray[], precision: "f64" | "f32"): NdArray[] =>
  operands.map((x) =>
    x.dtype === "real" && precision === "f32"
      ? { ...x, data: Float32Array.from(x.data) }
      : ndArray(x.dtype, x.shape, x.data),
  );
