/** The graphs that a primitive's case gives rise to, with operands: for tests of back ends, no part of the compiler. */
import fc from "fast-check";
import { type NdArray, ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { concreteShape, type Graph } from "../core/graph.ts";
import {
  type Instance,
  type InstanceCase,
  instancesOf,
  type PrimitiveCase,
  traceFunction,
} from "../primitives/testing.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { jvpOf } from "../transform/jvp.ts";
import { vjp } from "../transform/transpose.ts";
import { instantiate } from "../transform/zeros.ts";
import { randomNumbers } from "./testing-comparison.ts";

export interface Runnable {
  readonly name: string;
  readonly graph: Graph;
  readonly operands: readonly NdArray[];
}

/** Some instances of a case, always the same ones. */
export function sampleInstances(testCase: PrimitiveCase | InstanceCase, count: number): Instance[] {
  return fc.sample(instancesOf(testCase), { seed: 20240607, numRuns: count });
}

/** A case's function, its derivatives forward and in reverse, and batches of two lanes and of none. */
export function graphsOf(testCase: PrimitiveCase | InstanceCase, { operands, build }: Instance): Runnable[] {
  const { name } = testCase;
  const graph = traceFunction(build, operands);
  const found: Runnable[] = [{ name, graph, operands }];
  const wrt = operands.map((_, i) => testCase.differentiable[i] ?? false);
  const real = graph.outputs.map((a) => a.type.dtype === "real");
  const next = randomNumbers(operands.length + 1);
  const direction = (shape: readonly number[]) =>
    ndArray("real", shape, Array.from({ length: shape.reduce((p, d) => p * d, 1) }, next));
  if ((testCase.order ?? 2) > 0 && wrt.includes(true) && real.includes(true)) {
    const v = operands.filter((_, i) => wrt[i]).map((x) => direction(x.shape));
    found.push({ name: `jvp of ${name}`, graph: jvpOf(graph, wrt, real).graph, operands: [...operands, ...v] });
    const u = graph.outputs.filter((_, i) => real[i]).map((a) => direction(concreteShape(a.type.shape)));
    found.push({ name: `vjp of ${name}`, graph: backward(graph, wrt), operands: [...operands, ...u] });
  }
  const lane = testCase.lane;
  for (const size of operands.length > 0 ? [2, 0] : [])
    found.push({
      name: `${size} lanes of ${name}`,
      graph: batched(graph, operands, size),
      operands: operands.map((x, i) =>
        ndArray(
          x.dtype,
          [size, ...x.shape],
          Array.from({ length: size }, (_, k) => [...(lane ? lane(x, k, i) : x).data]).flat(),
        ),
      ),
    });
  return found;
}

function backward(graph: Graph, wrt: readonly boolean[]): Graph {
  const b = new Builder();
  const primals = graph.inputs.map((v) => b.input(v.type));
  const cotangents = graph.outputs.map((a) => (a.type.dtype === "real" ? b.input(a.type) : undefined));
  const { pullback } = vjp(b, graph, primals, wrt);
  const marked = graph.inputs.filter((_, i) => wrt[i]);
  return b.close(
    "backward",
    pullback(cotangents).map((c, i) => instantiate(b, c, marked[i]!.type)),
  ).graph;
}

function batched(graph: Graph, operands: readonly NdArray[], size: number): Graph {
  const b = new Builder();
  const inputs = operands.map((x) => b.input({ dtype: x.dtype, shape: [size, ...x.shape] }));
  const all = operands.map(() => true);
  const result = batchGraph(b, graph, inputs, all, size);
  return b.close(
    "batched",
    result.outputs.map((a, i) => withLanes(b, a, result.batched[i]!, size)),
  ).graph;
}
