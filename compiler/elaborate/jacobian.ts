/** `jacobian` and its kin: the derivative in all unit directions at once. */
import { Builder } from "../core/builder.ts";
import { addDims, type Dim, knownDim, productOfDims } from "../core/dimension.ts";
import { opaque } from "../core/opaque.ts";
import { equal } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { broadcast, concat, reshape, slice, transpose } from "../primitives/shape.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { linearize } from "../transform/linearize.ts";
import { transposeLinear } from "../transform/transpose.ts";
import { instantiate, zerosOf } from "../transform/zeros.ts";
import {
  asFunction,
  differentiate,
  hasUnboundedLoop,
  maskOf,
  operandsOf,
  refuseLeaf,
  requireReal,
  splitArguments,
} from "./differentiated.ts";
import type { Elaborator } from "./elaborator.ts";
import { realTerm } from "./operators.ts";
import { type ArrayTerm, type CallArguments, coreType, leavesOf, realArray, shapeOf, type Term } from "./terms.ts";
import { refuseUndifferentiable } from "./undifferentiable.ts";

/** `jacobian(f)(x, ...)`: the output's axes, then the input's; over tuples a matrix. */
export function jacobian(
  e: Elaborator,
  given: Term,
  args: CallArguments,
  mode: "forward" | "reverse" | undefined,
  what = "jacobian",
): Term {
  const f = asFunction(e, given, what, args.span);
  const { argument, call } = splitArguments(e, f, args, what);
  const d = differentiate(
    e,
    argument,
    (x) => realTerm(e, call(x), `What \`${what}\` differentiates`, args.span),
    what,
    args.span,
  );
  requireReal(d.result, what, args.span);
  const outs = leavesOf(d.result, refuseLeaf(e, "", args.span));
  const sizes = (terms: readonly ArrayTerm[]) => terms.map((t) => productOfDims(shapeOf(t)));
  const total = (dims: readonly Dim[]) => dims.reduce<Dim>((s, t) => e.dimensionTerm(addDim(s, t)).dimension!, 0);
  const [rows, columns] = [total(sizes(outs)), total(sizes(d.leaves))];
  const matrix = argument.kind === "tuple" || d.result.kind === "tuple";
  const shape = matrix ? [rows, columns] : [...shapeOf(outs[0]!), ...shapeOf(d.leaves[0]!)];
  const type = coreType("real", shape);
  if (e.mode === "check") {
    refuseUndifferentiable(d, mode ?? "forward");
    return realArray(opaque(e.builder, what, operandsOf(d), [type])[0]!);
  }
  const [m, n] = [knownDim(rows)!, knownDim(columns)!];
  const reverse = mode === "reverse" || (mode === undefined && m < n && !hasUnboundedLoop(d));
  const b = e.builder;
  // The derivative as a graph of one direction, applied to all unit directions at once. What does not depend
  // on the direction is hoisted out of it as it is made.
  const inner = new Builder({ parent: b, hoist: true });
  const from = reverse ? outs : d.leaves;
  const inputs = from.map((t) => inner.input(t.atom.type));
  const applied = reverse
    ? transposeLinear(inner, linearize(b, d.graph, operandsOf(d), maskOf(d)).linear, inputs)
    : jvpGraph(inner, d.graph, operandsOf(d), [...d.captured.map(() => undefined), ...inputs]).tangents;
  const to = reverse ? d.leaves : outs;
  const { graph, captured } = inner.close(
    what,
    to.map((t, i) => instantiate(inner, applied[i], t.atom.type)),
  );
  const count = reverse ? m : n;
  const identity = convert(
    b,
    equal(b, broadcast(b, iota(b, count), [count, count], [0]), broadcast(b, iota(b, count), [count, count], [1])),
    "real",
  );
  let offset = 0;
  const basis = from.map((t) => {
    const size = knownDim(productOfDims(shapeOf(t)))!;
    const part = slice(b, identity, [0, offset], [count, offset + size], [1, 1]);
    offset += size;
    return reshape(b, part, [count, ...shapeOf(t)]);
  });
  const batched = batchGraph(
    b,
    graph,
    [...captured, ...basis],
    [...captured.map(() => false), ...basis.map(() => true)],
    count,
  );
  const flat = to.map((t, i) =>
    reshape(b, withLanes(b, batched.outputs[i]!, batched.batched[i]!, count), [count, productOfDims(shapeOf(t))]),
  );
  const joined =
    flat.length === 0 ? zerosOf(b, coreType("real", [count, 0])) : flat.length === 1 ? flat[0]! : concat(b, flat, 1);
  const result = reverse ? joined : transpose(b, joined, [1, 0]);
  return realArray(reshape(b, result, shape));
}

function addDim(a: Dim, c: Dim): Dim {
  return typeof a === "number" && typeof c === "number" ? a + c : addDims(a, c);
}
