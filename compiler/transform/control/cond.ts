/** `cond`: one of two graphs, by a scalar bool. Only the chosen one runs; lanes of a batch run both and select. */
import { Builder } from "../../core/builder.ts";
import type { Atom, Graph } from "../../core/graph.ts";
import type { BatchResult, Emitter, Primitive } from "../../core/primitive.ts";
import { and, not } from "../../primitives/comparison.ts";
import { select } from "../../primitives/select.ts";
import { broadcast } from "../../primitives/shape.ts";
import { batchGraph, batchOf, withLanes } from "../batch.ts";
import { inlineGraph, memoized } from "../inline.ts";
import { jvpOf } from "../jvp.ts";
import { splitGraph } from "../linearize.ts";
import { transposeOf } from "../transpose.ts";
import { zerosOf } from "../zeros.ts";
import { stopUnread } from "./effects.ts";

export interface CondParams extends Readonly<Record<string, unknown>> {
  /** Both take the operands after the predicate and give values of the same types. */
  readonly then: Graph;
  readonly otherwise: Graph;
}

export const condPrimitive: Primitive<CondParams> = {
  name: "cond",
  lower: { kind: "control" },
  graphs: ({ then, otherwise }) => [then, otherwise],
  infer: (_inputs, { then }) => then.outputs.map((a) => a.type),
  evaluate: ([predicate, ...operands], { then, otherwise }, context) =>
    context.run(predicate!.data[0] ? then : otherwise, operands),
  jvp: (b, { inputs, params }, tangents) => {
    const [predicate, ...operands] = inputs as readonly [Atom, ...Atom[]];
    const mask = tangents.slice(1).map((t) => t !== undefined);
    const a = jvpOf(params.then, mask).tangents;
    const c = jvpOf(params.otherwise, mask).tangents;
    const wanted = a.map((x, i) => x || c[i]!);
    const present = tangents.slice(1).filter((t) => t !== undefined);
    const results = cond(
      b,
      predicate,
      jvpOf(params.then, mask, wanted).graph,
      jvpOf(params.otherwise, mask, wanted).graph,
      [...operands, ...present],
    );
    const count = params.then.outputs.length;
    let next = count;
    return { outputs: results.slice(0, count), tangents: wanted.map((w) => (w ? results[next++] : undefined)) };
  },
  split: (known, linear, { inputs, params }, isLinear) => {
    const [predicate, ...operands] = inputs as readonly [Atom, ...Atom[]];
    const marks = isLinear.slice(1);
    const forced = splitGraph(params.then, marks).linearOutputs.map(
      (l, i) => l || splitGraph(params.otherwise, marks).linearOutputs[i]!,
    );
    const parts = [splitGraph(params.then, marks, forced), splitGraph(params.otherwise, marks, forced)] as const;
    const values = operands.filter((_, i) => !marks[i]);
    const directions = operands.filter((_, i) => marks[i]);
    const plainCount = forced.filter((f) => !f).length;
    // Each branch gives its own residuals and zeros for the other's.
    const residualTypes = parts.map((p) => p.known.outputs.slice(plainCount).map((a) => a.type));
    const knownGraphs = parts.map((p, which) => {
      const b = new Builder();
      const atoms = p.known.inputs.map((v) => b.input(v.type));
      const results = inlineGraph(b, p.known, atoms);
      const plain = results.slice(0, plainCount);
      const own = results.slice(plainCount);
      const other = residualTypes[1 - which]!.map((t) => zerosOf(b, t));
      return b.close(p.known.name, [...plain, ...(which === 0 ? [...own, ...other] : [...other, ...own])]).graph;
    });
    const knownResults = cond(known, predicate, knownGraphs[0]!, knownGraphs[1]!, values);
    const firstCount = parts[0].computed;
    const residualsOf = parts.map((p, which) =>
      p.residuals.map((r) =>
        r.kind === "input" ? values[r.index]! : knownResults[plainCount + (which === 0 ? 0 : firstCount) + r.index]!,
      ),
    );
    const allResiduals = [...residualsOf[0]!, ...residualsOf[1]!];
    const linearGraphs = parts.map((p, which) => {
      const b = new Builder();
      const residuals = allResiduals.map((a) => b.input(a.type));
      const tangents = directions.map((a) => b.input(a.type));
      const split = residualsOf[0]!.length;
      const own = which === 0 ? residuals.slice(0, split) : residuals.slice(split);
      return b.close(p.linear.name, inlineGraph(b, p.linear, [...own, ...tangents])).graph;
    });
    const linearResults =
      linearGraphs[0]!.outputs.length === 0
        ? []
        : linear.emit(condPrimitive as Primitive, [predicate, ...allResiduals, ...directions], {
            then: linearGraphs[0]!,
            otherwise: linearGraphs[1]!,
          });
    let [k, l] = [0, 0];
    return forced.map((f) => (f ? linearResults[l++]! : knownResults[k++]!));
  },
  transpose: (b, { inputs, params }, linear, cotangents) => {
    const [predicate, ...operands] = inputs as readonly [Atom, ...Atom[]];
    const marks = linear.slice(1);
    const given = cotangents.map((c) => c !== undefined);
    const results = cond(
      b,
      predicate,
      transposeOf(params.then, marks, given),
      transposeOf(params.otherwise, marks, given),
      [...operands.filter((_, i) => !marks[i]), ...cotangents.filter((c) => c !== undefined)],
    );
    let next = 0;
    return [undefined, ...marks.map((l) => (l ? results[next++] : undefined))];
  },
  batch: (b, { inputs, params }, batched, size, guard) => {
    const [predicate, ...operands] = inputs as readonly [Atom, ...Atom[]];
    const marks = batched.slice(1);
    if (batched[0]) return selectLanes(b, predicate, params, operands, marks, size, guard);
    const guarded = guard !== undefined;
    const first = batchOf(params.then, marks, size, guarded).batched;
    const second = batchOf(params.otherwise, marks, size, guarded).batched;
    const wanted = first.map((m, i) => m || second[i]!);
    const outputs = cond(
      b,
      predicate,
      batchOf(params.then, marks, size, guarded, wanted).graph,
      batchOf(params.otherwise, marks, size, guarded, wanted).graph,
      guard ? [guard, ...operands] : operands,
    );
    return { outputs, batched: wanted };
  },
};

/** Both branches on all lanes; each lane keeps its own, and only its own may fail. */
function selectLanes(
  b: Emitter,
  predicate: Atom,
  params: CondParams,
  operands: readonly Atom[],
  marks: readonly boolean[],
  size: Parameters<Primitive["batch"]>[3],
  guard: Atom | undefined,
): BatchResult {
  const taken = guard ? and(b, guard, predicate) : predicate;
  const refused = guard ? and(b, guard, not(b, predicate)) : not(b, predicate);
  const first = batchGraph(b, params.then, gateLanes(b, predicate, params.then, operands, marks), marks, size, taken);
  const second = batchGraph(
    b,
    params.otherwise,
    gateLanes(b, not(b, predicate), params.otherwise, operands, marks),
    marks,
    size,
    refused,
  );
  const outputs = params.then.outputs.map((_, i) =>
    selectPerLane(
      b,
      predicate,
      withLanes(b, first.outputs[i]!, first.batched[i]!, size),
      withLanes(b, second.outputs[i]!, second.batched[i]!, size),
    ),
  );
  return { outputs, batched: outputs.map(() => true) };
}

/**
 * The operands as lanes that count see them. The others get the same values, but no derivative comes back
 * from them: what runs there may have infinite partials, and 0 * inf would be a NaN. Where all of a graph
 * goes element by element, the masks of the transpose see to that alone.
 */
export function gateLanes(
  b: Emitter,
  lanes: Atom,
  graph: Graph,
  operands: readonly Atom[],
  batched: readonly boolean[],
): readonly Atom[] {
  if (!mixesElements(graph)) return operands;
  return operands.map((a, i) =>
    batched[i] && a.type.dtype === "real" ? selectPerLane(b, lanes, a, stopUnread(b, a)) : a,
  );
}

const mixing = new Set(
  "broadcast cholesky cofactors conv cumprod cumsum determinant dotGeneral eigh factoredSolve fold gather inverse linearRecurrence linearSolve logDeterminant lu luFactors qr resize scatterAdd scatterSet sort sortWithIndices svd takeAlongAxis topK triangularSolve unfold".split(
    " ",
  ),
);

function mixesElements(graph: Graph): boolean {
  return memoized(graph, "mixes elements", () =>
    graph.equations.some((e) => e.primitive.graphs !== undefined || mixing.has(e.primitive.name)),
  );
}

/** Selects whole lanes by a bool per lane. */
export function selectPerLane(b: Emitter, lanes: Atom, x: Atom, y: Atom): Atom {
  if (x === y) return x;
  const shape = x.type.shape;
  const mask = shape.length === lanes.type.shape.length ? lanes : broadcast(b, lanes, shape, [0]);
  return select(b, mask, x, y);
}

/** Applies one of two closed graphs; a predicate known while compiling leaves one side only. */
export function cond(
  b: Emitter,
  predicate: Atom,
  then: Graph,
  otherwise: Graph,
  operands: readonly Atom[],
): readonly Atom[] {
  if (predicate.kind === "literal") return inlineGraph(b, predicate.value ? then : otherwise, operands);
  return b.emit(condPrimitive as Primitive, [predicate, ...operands], { then, otherwise });
}
