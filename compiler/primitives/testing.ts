/**
 * The property test of a primitive (or of a function built of primitives): that shapes are as inferred,
 * that derivatives agree with numeric ones and with their transposes to second order, and that lanes of a
 * batch give what they give alone. Used by the *.test.ts files; no part of the compiler.
 *
 * A family's cases are an array `...Cases` exported by a file `*.cases.ts`, which a test file runs through
 * `checkPrimitive`; completeness.test.ts finds the primitives that no case uses.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type NdArray, ndArray, sizeOf } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { evaluationContext } from "../core/evaluate.ts";
import { type ArrayType, type Atom, concreteShape, type Graph, realLiteral, showType } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { jvpGraph, jvpOf } from "../transform/jvp.ts";
import { vjp } from "../transform/transpose.ts";
import { instantiate } from "../transform/zeros.ts";
import { fill } from "./shape.ts";
import { assertClose, assertDot, assertNear, numericDerivative } from "./testing-assertions.ts";

export * from "./testing-assertions.ts";
export * from "./testing-generators.ts";

export type Build = (b: Emitter, atoms: readonly Atom[]) => readonly Atom[];

/** A function together with operands to test it on. */
export interface Instance {
  readonly operands: readonly NdArray[];
  readonly build: Build;
}

interface CaseOptions {
  readonly name: string;
  /** Which operands to differentiate in; missing ones are not. */
  readonly differentiable: readonly boolean[];
  /** Relative tolerance of derivatives on top of the numeric error estimate. Default 1e-7. */
  readonly tolerance?: number;
  /** How far an f32 run may be off, relative to the largest result. Default 1e-4; false when it says nothing. */
  readonly single?: number | false;
  /** Highest derivative to test. Default 2. */
  readonly order?: 0 | 1 | 2;
  /** Operand of lane k of a batch. By default reals are scaled a little, ints and bools rotated. */
  readonly lane?: (operand: NdArray, k: number, index: number) => NdArray;
  readonly runs?: number;
}

/** A function of fixed structure on random operands. */
export interface PrimitiveCase extends CaseOptions {
  readonly operands: fc.Arbitrary<readonly NdArray[]>;
  readonly build: Build;
}

/** A function whose parameters are random too. */
export interface InstanceCase extends CaseOptions {
  readonly instances: fc.Arbitrary<Instance>;
}

const seed = 20240607;

/** Runs all checks that apply; a failure names the case, the counterexample and the seed. */
export function checkPrimitive(testCase: PrimitiveCase | InstanceCase): void {
  fc.assert(
    fc.property(instancesOf(testCase), fc.integer({ min: 0, max: 1 << 30 }), (instance, salt) => {
      checkInstance(testCase, instance, salt);
    }),
    { seed, numRuns: testCase.runs ?? 40 },
  );
}

export function instancesOf(testCase: PrimitiveCase | InstanceCase): fc.Arbitrary<Instance> {
  if ("instances" in testCase) return testCase.instances;
  return testCase.operands.map((operands) => ({ operands, build: testCase.build }));
}

/** The graph of a function of arrays like the given ones. */
export function traceFunction(build: Build, operands: readonly NdArray[]): Graph {
  const b = new Builder();
  const inputs = operands.map((x) => b.input(typeOf(x)));
  const { graph, captured } = b.close("test", build(b, inputs));
  assert.equal(captured.length, 0, "the function uses variables of another scope");
  return graph;
}

/** The function's values: for tests of meaning. */
export function apply(build: Build, operands: readonly NdArray[], precision: "f64" | "f32" = "f64"): NdArray[] {
  return run(traceFunction(build, operands), operands, precision);
}

/** Values and tangents in a direction; operands without a tangent are held. */
export function applyJvp(
  build: Build,
  operands: readonly NdArray[],
  tangents: readonly (NdArray | undefined)[],
): { values: NdArray[]; tangents: NdArray[] } {
  const graph = traceFunction(build, operands);
  const results = run(
    forward(
      graph,
      tangents.map((t) => t !== undefined),
    ),
    [...operands, ...tangents.filter((t) => t !== undefined)],
  );
  const n = graph.outputs.length;
  return { values: results.slice(0, n), tangents: results.slice(n) };
}

/** Cotangents of the operands marked in `wrt`, given those of all real outputs. */
export function applyVjp(
  build: Build,
  operands: readonly NdArray[],
  wrt: readonly boolean[],
  cotangents: readonly NdArray[],
): NdArray[] {
  return run(backward(traceFunction(build, operands), wrt), [...operands, ...cotangents]);
}

/** The elementwise derivative of an elementwise function of one operand, to be applied again for higher orders. */
export function differentiated(f: (b: Emitter, x: Atom) => Atom): (b: Emitter, x: Atom) => Atom {
  return (b, x) => {
    const inner = new Builder();
    const input = inner.input(x.type);
    const { graph, captured } = inner.close("differentiated", [f(inner, input)]);
    const seeds = [...captured.map(() => undefined), fill(b, realLiteral(1), x.type.shape)];
    const result = jvpGraph(b, graph, [...captured, x], seeds);
    return instantiate(b, result.tangents[0], x.type);
  };
}

export function typeOf(x: NdArray): ArrayType {
  return { dtype: x.dtype, shape: x.shape };
}

/** Evaluates a graph, holding every equation to its inferred types. */
export function run(graph: Graph, inputs: readonly NdArray[], precision: "f64" | "f32" = "f64"): NdArray[] {
  const context = evaluationContext({
    precision,
    observe: (equation, _inputs, outputs) => {
      equation.outputs.forEach((v, i) => {
        const found = outputs[i]!;
        const text = `${equation.primitive.name}: inferred ${showType(v.type)}, computed ${showType(typeOf(found))}`;
        assert.equal(found.dtype, v.type.dtype, text);
        assert.deepEqual(found.shape, concreteShape(v.type.shape), text);
        assert.equal(found.data.length, sizeOf(found.shape), text);
      });
    },
  });
  return context.run(graph, inputs);
}

/** Operands and tangents to values and a tangent for each real output. */
function forward(graph: Graph, mask: readonly boolean[]): Graph {
  return jvpOf(
    graph,
    mask,
    graph.outputs.map((a) => a.type.dtype === "real"),
  ).graph;
}

/** Operands and cotangents of the real outputs to cotangents of the operands in `wrt`. */
function backward(graph: Graph, wrt: readonly boolean[]): Graph {
  const b = new Builder();
  const primals = graph.inputs.map((v) => b.input(v.type));
  const cotangents = graph.outputs.map((a) => (a.type.dtype === "real" ? b.input(a.type) : undefined));
  const { pullback } = vjp(b, graph, primals, wrt);
  const marked = graph.inputs.filter((_, i) => wrt[i]);
  const results = pullback(cotangents);
  return b.close(
    "backward",
    results.map((c, i) => instantiate(b, c, marked[i]!.type)),
  ).graph;
}

/** A small generator of its own, so that directions do not disturb shrinking. */
function randomSource(salt: number): () => number {
  let state = salt | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

const like = (x: NdArray, next: () => number): NdArray => ndArray("real", x.shape, Array.from(x.data, next));

const defaultLane = (x: NdArray, k: number): NdArray => {
  if (x.dtype === "real")
    return ndArray(
      "real",
      x.shape,
      Array.from(x.data, (v) => v * (1 + 0.011 * k)),
    );
  const n = x.data.length;
  return ndArray(
    x.dtype,
    x.shape,
    Array.from(x.data, (_, i) => x.data[(i + k) % n]!),
  );
};

function checkInstance(testCase: CaseOptions, { operands, build }: Instance, salt: number): void {
  const { name, tolerance = 1e-7, single = 1e-4, order = 2, lane = defaultLane } = testCase;
  const graph = traceFunction(build, operands);
  const values = run(graph, operands);
  if (single !== false) checkSingle(name, graph, operands, values, single);

  const wrt = operands.map((_, i) => testCase.differentiable[i] ?? false);
  const graphs: { readonly graph: Graph; readonly operands: readonly NdArray[] }[] = [{ graph, operands }];
  const realOutputs = values.filter((v) => v.dtype === "real");
  if (order > 0 && wrt.includes(true) && realOutputs.length > 0) {
    const next = randomSource(salt);
    const [v, w] = [0, 1].map(() => operands.filter((_, i) => wrt[i]).map((x) => like(x, next))) as [
      NdArray[],
      NdArray[],
    ];
    const u = realOutputs.map((y) => like(y, next));
    const pushed = forward(graph, wrt);
    const pulled = backward(graph, wrt);
    checkFirst(name, { graph, pushed, pulled }, operands, wrt, v, u, tolerance);
    if (order > 1) checkSecond(name, { pushed, pulled }, operands, wrt, { v, w, u }, tolerance);
    graphs.push({ graph: pushed, operands: [...operands, ...v] }, { graph: pulled, operands: [...operands, ...u] });
  }
  for (const g of graphs) checkBatch(name, g.graph, g.operands, lane, g.graph === graph);
}

function checkSingle(
  name: string,
  graph: Graph,
  operands: readonly NdArray[],
  exact: readonly NdArray[],
  tolerance: number,
) {
  const narrow = operands.map((x) => (x.dtype === "real" ? { ...x, data: Float32Array.from(x.data) } : x));
  run(graph, narrow, "f32").forEach((y, i) => {
    if (y.dtype !== "real") return;
    assert.ok(y.data instanceof Float32Array, `${name}: an f32 run gives f32 arrays`);
    assertClose(`${name} in f32`, y.data, exact[i]!.data, tolerance);
  });
}

function checkFirst(
  name: string,
  graphs: { readonly graph: Graph; readonly pushed: Graph; readonly pulled: Graph },
  operands: readonly NdArray[],
  wrt: readonly boolean[],
  v: readonly NdArray[],
  u: readonly NdArray[],
  tolerance: number,
): void {
  const count = graphs.graph.outputs.length;
  const results = run(graphs.pushed, [...operands, ...v]);
  const tangents = results.slice(count);
  const values = run(graphs.graph, operands);
  values.forEach((y, i) => {
    assertClose(`${name}: value beside its tangent`, results[i]!.data, y.data, 1e-13);
  });
  const numeric = numericDerivative((t) => reals(run(graphs.graph, shifted(operands, wrt, v, t))));
  assertNear(`${name}: jvp against numeric`, reals(tangents), numeric, tolerance);
  const pulled = run(graphs.pulled, [...operands, ...u]);
  assertDot(`${name}: u.Jv against J'u.v`, u, tangents, pulled, v);
}

function checkSecond(
  name: string,
  graphs: { readonly pushed: Graph; readonly pulled: Graph },
  operands: readonly NdArray[],
  wrt: readonly boolean[],
  { v, w, u }: { readonly v: readonly NdArray[]; readonly w: readonly NdArray[]; readonly u: readonly NdArray[] },
  tolerance: number,
): void {
  const { pushed, pulled } = graphs;
  const total = pushed.outputs.length;
  const realCount = u.length;
  // Only the operands move, along w; the first direction is held.
  const twice = forward(pushed, [...wrt, ...v.map(() => false)]);
  const second = run(twice, [...operands, ...v, ...w]).slice(-realCount);
  const numeric = numericDerivative((t) =>
    reals(run(pushed, [...shifted(operands, wrt, w, t), ...v]).slice(total - realCount)),
  );
  assertNear(`${name}: second derivative against numeric`, reals(second), numeric, 10 * tolerance);
  const mixed = forward(pulled, [...wrt, ...u.map(() => false)]);
  const hessian = run(mixed, [...operands, ...u, ...w]).slice(-v.length);
  assertDot(`${name}: forward over forward against forward over reverse`, u, second, hessian, v);
}

function checkBatch(
  name: string,
  graph: Graph,
  operands: readonly NdArray[],
  lane: (operand: NdArray, k: number, index: number) => NdArray,
  allSubsets: boolean,
): void {
  const everything = 2 ** operands.length - 1;
  if (everything === 0) return;
  for (let mask = allSubsets ? 1 : everything; mask <= everything; mask++)
    for (const size of mask === everything ? [3, 0] : [3]) {
      const batched = operands.map((_, i) => ((mask >> i) & 1) === 1);
      const lanes = Array.from({ length: size }, (_, k) => operands.map((x, i) => (batched[i] ? lane(x, k, i) : x)));
      const b = new Builder();
      const types = operands.map((x, i) => ({ dtype: x.dtype, shape: batched[i] ? [size, ...x.shape] : x.shape }));
      const inputs = types.map((t) => b.input(t));
      const result = batchGraph(b, graph, inputs, batched, size);
      const outputs = result.outputs.map((a, i) => withLanes(b, a, result.batched[i]!, size));
      const together = run(
        b.close("batched", outputs).graph,
        operands.map((x, i) =>
          batched[i]
            ? stack(
                x,
                lanes.map((l) => l[i]!),
              )
            : x,
        ),
      );
      const alone = lanes.map((l) => run(graph, l));
      together.forEach((y, i) => {
        const expected = alone.flatMap((outs) => Array.from(outs[i]!.data));
        assertClose(`${name}: batched ${batched.join(", ")} against looped`, y.data, expected, 1e-12);
      });
    }
}

function stack(like: NdArray, lanes: readonly NdArray[]): NdArray {
  return ndArray(
    like.dtype,
    [lanes.length, ...like.shape],
    lanes.flatMap((x) => Array.from(x.data)),
  );
}

function shifted(
  operands: readonly NdArray[],
  wrt: readonly boolean[],
  direction: readonly NdArray[],
  t: number,
): NdArray[] {
  let k = 0;
  return operands.map((x, i) => {
    if (!wrt[i]) return x;
    const d = direction[k++]!;
    return ndArray(
      "real",
      x.shape,
      Array.from(x.data, (v, j) => v + t * d.data[j]!),
    );
  });
}

/** All real results, one after the other. */
function reals(arrays: readonly NdArray[]): number[] {
  return arrays.flatMap((x) => (x.dtype === "real" ? Array.from(x.data) : []));
}
