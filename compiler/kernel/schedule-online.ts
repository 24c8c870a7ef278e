/**
 * Rows' largest elements, and sums of exponentials of the elements less something made of these, in one pass over each row:
 * log-sum-exp and softmax. For adapters that compute on the CPU: reading an element takes them as long as some ten
 * operations, so the second pass costs more than what saves it.
 *
 * The exponentials are of the elements less a reference, one of the elements before: a part of the row in which an element
 * is much larger is added up again with that as the reference, and what was added up before is scaled (M. Milakov and
 * N. Gimelshein, Online normalizer calculation for softmax, 2018, do so at each element). In the end the sum is scaled from
 * the last reference to what was asked for.
 */
import { sizeOf } from "../core/array.ts";
import type { Atom, Var } from "../core/graph.ts";
import { dependsOn } from "./affine.ts";
import type { KernelAssembly } from "./assemble.ts";
import * as ir from "./expressions.ts";
import { isFinite as isFiniteReal, isNaN as isNaNReal } from "./functions/classify.ts";
import { exp, expWithin } from "./functions/exponential.ts";
import type { Member, Space } from "./fuse.ts";
import type { Expression, Local, Statement } from "./ir.ts";
import type { MapNode, ReduceNode } from "./nodes.ts";
import { Puller, placeholder } from "./puller.ts";
import { type Context, isStored, longestChain, outputOf } from "./schedule-common.ts";
import type { Segment } from "./schedule-rows.ts";

type Inner = Extract<Segment, { kind: "inner" }>;

/** A reduction's value where its loop was. */
export interface OnlineResult {
  readonly root: ReduceNode;
  readonly value: Expression;
  readonly statements: readonly Statement[];
}

interface Pair {
  readonly most: ReduceNode;
  readonly sum: ReduceNode;
  readonly space: Space;
  readonly maps: readonly Member[];
  /** What the exponentials are of: elements less this. */
  readonly shift: Atom;
  /** Once the pass over the row is written. */
  pass: OnlinePass | undefined;
}

/** The sums of a row that are found while its largest element is. */
export class OnlineSums {
  readonly #first = new Map<Segment, Pair>();
  readonly #second = new Map<Segment, Pair>();

  constructor(segments: readonly Segment[], c: Context) {
    const { style, products, precision } = c.options;
    if (style !== "invocations" || products !== "blocks" || precision !== "f32") return;
    segments.forEach((s, i) => {
      const later = s.kind === "inner" ? segments.slice(i + 1) : [];
      for (const t of later) {
        const pair = t.kind === "inner" && !this.#second.has(t) ? pairOf(s as Inner, t, segments, c) : undefined;
        if (!pair) continue;
        this.#first.set(s, pair);
        this.#second.set(t, pair);
        return;
      }
    });
  }

  /** What stands in the place of a segment's loop, if it is one of these; `at`: the row, `known`: what is known of it. */
  step(
    s: Segment,
    a: KernelAssembly,
    at: readonly Expression[],
    known: ReadonlyMap<number, Expression>,
  ): OnlineResult | undefined {
    const [first, second] = [this.#first.get(s), this.#second.get(s)];
    if (first) {
      first.pass = onlinePass(
        (place) => pulled(first, a, at, known, place).read(first.most.inputs[0]!),
        sizeOf(dimsOf(first.space)),
        first.most.name,
      );
      return { root: first.most, value: first.pass.most, statements: first.pass.statements };
    }
    if (!second) return undefined;
    const shift = pulled(second, a, at, known, ir.int(0)).read(second.shift);
    return { root: second.sum, value: second.pass!.sumLess(shift), statements: [] };
  }
}

const dimsOf = (space: Space): number[] => space.axes.map((x) => space.shape[x]!);

/** Reads values at a place of a row: what the row's own maps give is computed. */
function pulled(
  { space, maps }: Pick<Pair, "space" | "maps">,
  a: KernelAssembly,
  at: readonly Expression[],
  known: ReadonlyMap<number, Expression>,
  place: Expression,
): { read(x: Atom): Expression } {
  const coordinates = placesOf(space, at, ir.coordinatesOf(place, dimsOf(space)));
  const own = new Map(maps.map((m) => [outputOf(m.root).id, m.root as MapNode]));
  a.own = (v) => {
    const map = own.get(v.id);
    return known.get(v.id) ?? (map && puller.element(map, coordinates));
  };
  const puller = a.newPuller();
  return { read: (x) => puller.read(x, coordinates) };
}

function placesOf(space: Space, at: readonly Expression[], reduced: readonly Expression[]): Expression[] {
  let next = 0;
  return space.shape.map((_, i) => {
    const axis = space.axes.indexOf(i);
    return axis >= 0 ? reduced[axis]! : at[next++]!;
  });
}

/** The pair of two loops, if the second is a sum of exponentials less something made of the first's largest element. */
function pairOf(s: Inner, t: Inner, segments: readonly Segment[], c: Context): Pair | undefined {
  if (`${s.space.shape}/${s.space.axes}` !== `${t.space.shape}/${t.space.axes}`) return undefined;
  const [most, sum] = [onlyReduction(s, "reduceMax", c), onlyReduction(t, "reduceSum", c)];
  if (!most || !sum || sizeOf(dimsOf(s.space)) < 2) return undefined;
  const members = segments.flatMap((segment) => segment.members);
  /** The map that gives a value, where it is computed in the second loop. */
  const mapOf = (x: Atom | undefined, name: string): MapNode | undefined => {
    const node = x?.kind === "var" ? c.fusion.producer.get(x.id) : undefined;
    const isHere = node?.kind === "map" && (c.fusion.virtual.has(node.outputs[0]!.id) || hasRoot(t.members, node));
    return isHere && node.name === name ? node : undefined;
  };
  const difference = mapOf(mapOf(sum.inputs[0], "exp")?.inputs[0], "sub");
  const [x, shift] = difference?.inputs ?? [];
  const element = most.inputs[0]!;
  if (x?.kind !== "var" || element.kind !== "var" || x.id !== element.id || shift === undefined) return undefined;
  const pair: Pair = {
    most,
    sum,
    space: s.space,
    maps: [...s.members, ...t.members].filter((m) => m.root.kind === "map"),
    shift,
    pass: undefined,
  };
  return isMadeOf(pair, members, c) ? pair : undefined;
}

const hasRoot = (members: readonly Member[], node: MapNode): boolean => members.some((m) => m.root === node);

/** The reduction of reals of a loop that does nothing else but compute what it reduces. */
function onlyReduction(s: Inner, name: string, c: Context): ReduceNode | undefined {
  const reduces = s.members.flatMap((m) => (m.root.kind === "reduce" ? [m.root] : []));
  const [root] = reduces;
  if (reduces.length !== 1 || root!.name !== name || root!.reduction.initial[0]!.kind !== "real") return undefined;
  return s.members.some((m) => m.root.kind === "map" && isStored(c, m.root)) ? undefined : root;
}

/** Whether the shift is the largest element, or under some condition something else, and the same for all of the row. */
function isMadeOf({ most, shift, space }: Pair, members: readonly Member[], c: Context): boolean {
  const [largest, roots] = [ir.local("real", most.name), new Map(members.map((m) => [outputOf(m.root).id, m.root]))];
  const source = (v: Var, at: readonly Expression[]): Expression => {
    if (v.id === outputOf(most).id) return largest;
    const root = roots.get(v.id);
    return root?.kind === "map" ? puller.element(root, at) : placeholder(v, at);
  };
  const puller = new Puller(c.fusion.producer, c.fusion.virtual, source);
  const coordinates = space.shape.map((n, i) => ir.local("int", `i${i}`, n));
  const value = puller.read(shift, coordinates);
  if (space.axes.some((x) => dependsOn(value, coordinates[x] as Local))) return false;
  return value === largest || (value.op === "select" && (value.a === largest || value.b === largest));
}

/** What one pass over a row finds. */
export interface OnlinePass {
  readonly statements: readonly Statement[];
  /** The largest element, NaN if one is. */
  readonly most: Expression;
  /** The sum of the exponentials of the elements less a number. */
  sumLess(shift: Expression): Expression;
}

/**
 * By how much the largest element may exceed the reference, so that sums of exponentials are finite, and by how much it may
 * be below, so that what `expWithin` makes of minus infinity is nothing beside it.
 */
const excess = { most: 60, least: -20 } as const;
const [middle, radius] = [(excess.most + excess.least) / 2, (excess.most - excess.least) / 2];

/** A pass over `n` elements in f32, at least one. */
export function onlinePass(element: (place: Expression) => Expression, n: number, name: string): OnlinePass {
  const [most, reference, total] = [name, "reference", "total"].map((l) => ir.local("real", l)) as [
    Local,
    Local,
    Local,
  ];
  const assign = (local: Local, value: Expression): Statement => ({ op: "assign", local, value });
  const length = partLength(n);
  const start = element(ir.int(0));
  const part = (begin: Expression, count: Expression): Statement[] => {
    const sum = ir.local("real", "part_sum");
    const terms = (before: (x: Expression) => Statement[]) =>
      ir.loop("k", count, "serial", (k) => {
        const x = element(ir.knownBelow(ir.add(begin, k), n));
        return [...before(x), assign(sum, ir.add(sum, expWithin(ir.sub(x, reference))))];
      });
    const above = ir.sub(most, reference);
    return [
      { op: "variable", local: sum, value: ir.real(0) },
      // What is no number is passed over: it is found in the sum.
      terms((x) => [assign(most, ir.select(ir.gt(x, most), x, most))]),
      {
        op: "if",
        condition: ir.and(ir.gt(ir.abs(ir.sub(above, ir.real(middle))), ir.real(radius)), isFiniteReal(most, "f32")),
        then: [
          // Where the reference is larger, there was nothing but exponentials of minus infinity before.
          assign(total, ir.mul(total, expWithin(ir.select(ir.gt(above, ir.real(0)), ir.neg(above), ir.real(0))))),
          assign(reference, most),
          assign(sum, ir.real(0)),
          terms(() => []),
        ],
        otherwise: [],
      },
      assign(total, ir.add(total, sum)),
    ];
  };
  const left = (begin: Expression) =>
    n % length === 0 ? ir.int(length) : ir.min(ir.int(length), ir.sub(ir.int(n), begin));
  const parts = Math.ceil(n / length);
  return {
    statements: [
      { op: "variable", local: most, value: ir.real(Number.NEGATIVE_INFINITY) },
      { op: "variable", local: reference, value: ir.select(isFiniteReal(start, "f32"), start, ir.real(0)) },
      { op: "variable", local: total, value: ir.real(0) },
      ...(parts === 1
        ? part(ir.int(0), ir.int(n))
        : [
            ir.loop("part", parts, "serial", (p) => {
              const begin = ir.mul(p, ir.int(length));
              return part(begin, left(begin));
            }),
          ]),
    ],
    most: ir.select(isNaNReal(total, "f32"), ir.real(Number.NaN), most),
    sumLess: (shift) => {
      // Beside an infinite element finite ones do not matter; several minus infinities give nothing, or NaN as one does.
      const scaled = ir.mul(total, exp(ir.sub(reference, shift), "f32"));
      const infinite = exp(ir.sub(most, shift), "f32");
      return ir.select(ir.or(isFiniteReal(most, "f32"), isNaNReal(total, "f32")), scaled, infinite);
    },
  };
}

/** How many elements are added up one after the other: all parts as long as each other, if there is such a length. */
function partLength(n: number): number {
  if (n <= 2 * longestChain) return n;
  for (let length = 2 * longestChain; length >= longestChain / 2; length -= 4) if (n % length === 0) return length;
  return longestChain;
}
