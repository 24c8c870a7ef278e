/** Drawing random values for the variables of a property, and making them smaller. */
import { type ArrayData, type NdArray, stridesOf } from "../../compiler/core/array.ts";
import type { ArrayValue, PropertyVariable, Value } from "../../compiler/program.ts";
import { gaussian } from "./random-matrices.ts";
import { inBlocks, structureOf } from "./structured.ts";

/** Uniform numbers in [0, 1). */
export type Uniform = () => number;
type Distribution = PropertyVariable["generator"];

/** Fills a template, the value a variable would have if all were zero, with random entries. */
export function draw(template: Value, distribution: Distribution, uniform: Uniform): Value {
  return mapLeaves(template, (leaf) => {
    const structure = structureOf(leaf, distribution);
    if (structure) return inBlocks(leaf, structure, (_, n) => structure.draw(n, uniform));
    return fill(leaf, () => drawEntry(leaf, distribution, uniform));
  });
}

function drawEntry(leaf: ArrayValue, distribution: Distribution, uniform: Uniform): number {
  switch (leaf.type) {
    case "key":
      return Math.floor(uniform() * 2 ** 32) | 0;
    case "bool":
      return uniform() < 0.5 ? 0 : 1;
    case "status":
      return 0;
    case "int":
    case "real":
      break;
    default:
      leaf.type satisfies never;
  }
  switch (distribution.kind) {
    case "range":
      return distribution.low + Math.floor(uniform() * Math.max(1, distribution.high - distribution.low));
    case "uniform":
      return distribution.low + uniform() * (distribution.high - distribution.low);
    case "positive":
      return Math.exp(gaussian(uniform));
    default:
      return gaussian(uniform);
  }
}

/** The simplest value of an entry: zero, or the bound nearest to it. */
export function simplestEntry(distribution: Distribution): number {
  switch (distribution.kind) {
    case "range":
      return Math.max(distribution.low, Math.min(0, distribution.high - 1));
    case "uniform":
      return Math.max(distribution.low, Math.min(0, distribution.high));
    case "positive":
      return 1;
    default:
      return 0;
  }
}

/** Simpler values of the same shape, the boldest first: all entries simplest, then blocks, single entries, shorter numbers. */
export function* simpler(value: Value, distribution: Distribution): Generator<Value, void, undefined> {
  const leaves = leavesOf(value);
  if (leaves.some((leaf) => structureOf(leaf, distribution))) {
    const simplest = mapLeaves(value, (leaf) => {
      const structure = structureOf(leaf, distribution);
      return structure ? inBlocks(leaf, structure, (_, n) => structure.simplest(n)) : leaf;
    });
    if (!sameEntries(simplest, value)) yield simplest;
    return;
  }
  const target = simplestEntry(distribution);
  for (let blocks = 1; blocks <= mostBlocks; blocks *= 2) {
    let any = false;
    for (const [index, leaf] of leaves.entries()) {
      const n = leaf.array.data.length;
      if (blocks > n && blocks > 1) continue;
      any = true;
      for (let b = 0; b < blocks; b++) {
        const changed = changeEntries(leaf, Math.floor((b * n) / blocks), Math.floor(((b + 1) * n) / blocks), () =>
          leaf.type === "real" || leaf.type === "int" ? target : 0,
        );
        if (changed) yield replaceLeaf(value, index, changed);
      }
    }
    if (!any) break;
  }
  // Numbers people can read: 1 rather than 1.0382, and if not, 1.04.
  for (const digits of [0, 1, 2])
    for (const [index, leaf] of leaves.entries()) {
      if (leaf.type !== "real") continue;
      const n = leaf.array.data.length;
      const round = (x: number) => inside(Number(x.toFixed(digits)), distribution);
      const all = changeEntries(leaf, 0, n, round);
      if (all) yield replaceLeaf(value, index, all);
      for (let i = 0; i < Math.min(n, mostBlocks); i++) {
        const one = changeEntries(leaf, i, i + 1, round);
        if (one) yield replaceLeaf(value, index, one);
      }
    }
}

/** Larger arrays are made simpler in blocks of more than one entry. */
const mostBlocks = 64;

function inside(x: number, distribution: Distribution): number {
  if (distribution.kind === "positive") return x > 0 ? x : 1;
  return distribution.kind === "uniform" ? Math.max(distribution.low, Math.min(x, distribution.high)) : x;
}

/** The value cut, or filled up with the simplest entries, to the shape of a template. */
export function resized(value: Value, template: Value, distribution: Distribution): Value {
  const old = leavesOf(value);
  let next = 0;
  return mapLeaves(template, (leaf) => {
    const from = old[next++]!.array;
    const structure = structureOf(leaf, distribution);
    if (structure) {
      const leading = stridesOf(leaf.array.shape.slice(0, -structure.axes));
      return inBlocks(leaf, structure, (block, n) => {
        const place = leading.map((stride, axis) => Math.floor(block / stride) % leaf.array.shape[axis]!);
        const entry = (i: number, j: number) => entryAt(from, structure.axes === 2 ? [...place, i, j] : [...place, j]);
        // There is nothing to keep of a block that grows.
        return entry(n - 1, n - 1) === undefined ? structure.simplest(n) : structure.cut((i, j) => entry(i, j)!, n);
      });
    }
    const fallback = leaf.type === "real" || leaf.type === "int" ? simplestEntry(distribution) : 0;
    return fill(leaf, (at) => entryAt(from, at) ?? fallback);
  });
}

export function leavesOf(value: Value): readonly ArrayValue[] {
  return value.kind === "array" ? [value] : value.items.flatMap(leavesOf);
}

export function mapLeaves(value: Value, change: (leaf: ArrayValue) => ArrayValue): Value {
  if (value.kind === "array") return change(value);
  return { ...value, items: value.items.map((item) => mapLeaves(item, change)) };
}

function replaceLeaf(value: Value, index: number, leaf: ArrayValue): Value {
  let at = 0;
  return mapLeaves(value, (old) => (at++ === index ? leaf : old));
}

function withData(leaf: ArrayValue, data: ArrayData): ArrayValue {
  return { ...leaf, array: { ...leaf.array, data } };
}

function fill(leaf: ArrayValue, entry: (indices: readonly number[]) => number): ArrayValue {
  const data = leaf.array.data.slice();
  const strides = stridesOf(leaf.array.shape);
  for (let i = 0; i < data.length; i++)
    data[i] = entry(leaf.array.shape.map((n, axis) => Math.floor(i / strides[axis]!) % n));
  return withData(leaf, data);
}

/** A copy with some entries changed; undefined when none of them differs. */
function changeEntries(
  leaf: ArrayValue,
  from: number,
  to: number,
  change: (x: number) => number,
): ArrayValue | undefined {
  let data: ArrayData | undefined;
  for (let i = from; i < to; i++) {
    const x = leaf.array.data[i]!;
    const next = change(x);
    if (Object.is(next, x) || (next === 0 && x === 0)) continue;
    data ??= leaf.array.data.slice();
    data[i] = next;
  }
  return data && withData(leaf, data);
}

function entryAt({ shape, data }: NdArray, indices: readonly number[]): number | undefined {
  if (indices.length !== shape.length || indices.some((i, axis) => i >= shape[axis]!)) return undefined;
  const strides = stridesOf(shape);
  return data[indices.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)];
}

function sameEntries(a: Value, b: Value): boolean {
  const [x, y] = [leavesOf(a), leavesOf(b)];
  return x.every((leaf, i) => leaf.array.data.every((entry, k) => entry === y[i]!.array.data[k]));
}
