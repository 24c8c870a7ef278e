/**
 * `numeric_grad(f)(x)`: central differences with Richardson extrapolation (Ridders 1982): for each entry a
 * table over shrinking steps, of which the entry with the least estimated error is taken. The estimate
 * travels with the result, and is what `~=` allows for. So does whether the function has a kink near an entry.
 */
import { Builder } from "../core/builder.ts";
import { knownDim, productOfDims } from "../core/dimension.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, sub } from "../primitives/arithmetic.ts";
import { and, equal, greater, isFinite as isFiniteAtom, less, lessEqual, not, or } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { abs, maximum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { broadcast, concat, reshape, slice } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { inlineGraph } from "../transform/inline.ts";
import { splitArguments } from "./differentiated.ts";
import type { Elaborator } from "./elaborator.ts";
import { numericEstimates } from "./properties.ts";
import {
  type ArrayTerm,
  type CallArguments,
  leavesOf,
  mapLeaves,
  rankOf,
  rebuild,
  shapeOf,
  showTermType,
  type Term,
} from "./terms.ts";

/** Rows of the table: steps h, h/1.4, h/1.4^2, ... */
const rows = 8;
const shrink = 1.4;
/** The smallest steps, which tell a kink. With few of them several kinks may pass for something smooth. */
const stepsForKinks = 5;

export function numericGradient(e: Elaborator, f: Term, args: CallArguments): Term {
  if (f.kind !== "function") return e.giveUp();
  const { argument: x, call } = splitArguments(e, f, args, "numeric_grad");
  const leaves = leavesOf(x, () => e.giveUp());
  const builder = new Builder({ parent: e.builder, hoist: true });
  const inputs = leaves.map((l): ArrayTerm => ({ kind: "array", type: "real", atom: builder.input(l.atom.type) }));
  const value = e.within(builder, () => call(rebuild(x, inputs)));
  if (value.kind === "error") e.giveUp();
  if (value.kind !== "array" || rankOf(value) > 0 || value.type !== "real")
    fail(
      "K0505",
      args.span,
      `\`numeric_grad\` wants a function with one real value, but this one gives ${showTermType(value)}.`,
    );
  const { graph, captured } = builder.close("numeric_grad", [value.atom]);
  const atoms = leaves.map((l) => l.atom);
  if (e.mode === "check") {
    const out = opaque(
      e.builder,
      "numeric_grad",
      [...captured, ...atoms],
      atoms.map((a) => a.type),
    );
    return mapLeaves(x, (_, i) => ({ kind: "array", type: "real", atom: out[i]! }));
  }
  const b = e.builder;
  const sizes = leaves.map((l) => knownDim(productOfDims(shapeOf(l)))!);
  const n = sizes.reduce((s, t) => s + t, 0);
  if (n === 0) return x;
  const flat =
    sizes.length === 1
      ? reshape(b, atoms[0]!, [n])
      : concat(
          b,
          atoms.map((a, i) => reshape(b, a, [sizes[i]!])),
          0,
        );
  const unit = convert(
    b,
    equal(b, broadcast(b, iota(b, n), [n, n], [0]), broadcast(b, iota(b, n), [n, n], [1])),
    "real",
  );
  // The step scales with the entry; 0.05 is large enough that eight shrinkings leave rounding behind.
  const scale = maximum(b, abs(b, flat), realLiteral(1));
  const base = mul(b, scale, realLiteral(e.precision === "f64" ? 0.05 : 0.2));
  const along = (h: Atom): Atom => {
    const points = add(b, broadcast(b, flat, [n, n], [1]), mul(b, unit, broadcast(b, h, [n, n], [0])));
    let at = 0;
    const parts = leaves.map((l, i) => {
      const part = slice(b, points, [0, at], [n, at + sizes[i]!], [1, 1]);
      at += sizes[i]!;
      return reshape(b, part, [n, ...shapeOf(l)]);
    });
    const r = batchGraph(
      b,
      graph,
      [...captured, ...parts],
      [...captured.map(() => false), ...parts.map(() => true)],
      n,
    );
    return withLanes(b, r.outputs[0]!, r.batched[0]!, n);
  };
  const table: Atom[][] = [];
  const differences: Differences[] = [];
  let best = broadcast(b, realLiteral(Number.NaN), [n], []);
  let bestError = broadcast(b, realLiteral(Number.POSITIVE_INFINITY), [n], []);
  for (let i = 0; i < rows; i++) {
    const h = mul(b, base, realLiteral(shrink ** -i));
    const [right, left] = [along(h), along(mul(b, h, realLiteral(-1)))];
    differences.push({ h, left, right });
    const central = div(b, sub(b, right, left), mul(b, h, realLiteral(2)));
    const row = [central];
    for (let j = 1; j <= i; j++) {
      const factor = shrink ** (2 * j);
      const better = div(
        b,
        sub(b, mul(b, row[j - 1]!, realLiteral(factor)), table[i - 1]![j - 1]!),
        realLiteral(factor - 1),
      );
      const error = maximum(b, abs(b, sub(b, better, row[j - 1]!)), abs(b, sub(b, better, table[i - 1]![j - 1]!)));
      const wins = and(b, isFiniteAtom(b, better), less(b, error, bestError));
      best = select(b, wins, better, best);
      bestError = select(b, wins, error, bestError);
      row.push(better);
    }
    table.push(row);
  }
  let at = 0;
  return mapLeaves(x, (leaf, i) => {
    const part = (v: Atom) => reshape(b, slice(b, v, [at], [at + sizes[i]!], [1]), shapeOf(leaf));
    const [g, error, from] = [part(best), part(bestError), at];
    at += sizes[i]!;
    numericEstimates.set(g, {
      // The difference of two estimates understates the error a little.
      error: mul(b, error, realLiteral(4)),
      isKink: (at, mismatch) => {
        const middle = inlineGraph(at, graph, [...captured, ...atoms])[0]!;
        const flat = (v: Atom) => slice(at, v, [from], [from + sizes[i]!], [1]);
        const near = differences
          .slice(-stepsForKinks)
          .map((d) => ({ h: flat(d.h), left: flat(d.left), right: flat(d.right) }));
        const flags = isKink(at, middle, near, reshape(at, mismatch, [sizes[i]!]));
        return reshape(at, flags, shapeOf(leaf));
      },
    });
    return { kind: "array", type: "real", atom: g };
  });
}

/** Steps from the entries, and the function's values there. */
interface Differences {
  readonly h: Atom;
  readonly left: Atom;
  readonly right: Atom;
}

/**
 * Whether one-sided derivatives explain by how much a claim misses the numeric derivative. Those of a smooth function
 * differ by f'' h, so by `shrink` times less from each step to the next; near a kink, or an edge of the domain, they do not.
 */
function isKink(b: Emitter, middle: Atom, near: readonly Differences[], mismatch: Atom): Atom {
  const gaps = near.map(({ h, left, right }) => abs(b, div(b, sub(b, add(b, left, right), add(b, middle, middle)), h)));
  const fallsSteadily = (after: Atom, before: Atom) =>
    and(
      b,
      greater(b, after, mul(b, before, realLiteral(0.95 / shrink))),
      less(b, after, mul(b, before, realLiteral(1.05 / shrink))),
    );
  const smooth = gaps
    .slice(1)
    .map((gap, i) => fallsSteadily(gap, gaps[i]!))
    .reduce((all, steady) => and(b, all, steady));
  const largest = gaps.reduce((most, gap) => maximum(b, most, gap));
  const explains = and(b, not(b, smooth), lessEqual(b, mismatch, mul(b, largest, realLiteral(2))));
  return or(b, explains, not(b, isFiniteAtom(b, largest)));
}
