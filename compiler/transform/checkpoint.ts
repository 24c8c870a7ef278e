/**
 * A loop under `checkpoint` is cut in halves, and these again: the reverse pass keeps the state at the cuts
 * on the way down, so memory grows with the logarithm of the number of steps and work by that factor
 * (Griewank and Walther, Evaluating Derivatives, chapter 12, the binary schedule).
 */
import { Builder } from "../core/builder.ts";
import type { Atom, Graph } from "../core/graph.ts";
import { boolLiteral, boolScalar, intLiteral } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { add } from "../primitives/arithmetic.ts";
import { and } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { concat, slice } from "../primitives/shape.ts";
import { call } from "./control/call.ts";
import { condPrimitive } from "./control/cond.ts";
import { type ScanParams, scan, scanOperands, scanPrimitive } from "./control/scan.ts";
import { inlineGraph, memoized } from "./inline.ts";
import { zerosOf } from "./zeros.ts";

/** Loops of at most this many steps keep all their values. */
const shortLoop = 4;

/** The graph with its loops of known length replaced by nested halves. */
export function halveLoops(graph: Graph): Graph {
  return memoized(graph, "halve loops", () => {
    const b = new Builder();
    const atoms = new Map<number, Atom>();
    graph.inputs.forEach((v) => {
      atoms.set(v.id, b.input(v.type));
    });
    const get = (a: Atom) => (a.kind === "literal" ? a : atoms.get(a.id)!);
    for (const e of graph.equations) {
      const inputs = e.inputs.map(get);
      const outputs = b.at(
        e.span,
        () => {
          if (e.primitive === (scanPrimitive as Primitive)) {
            const params = e.params as ScanParams;
            if (typeof params.length === "number" && params.length > shortLoop && !params.counted && !params.reverse)
              return halved(b, inputs, params);
          }
          return b.emit(e.primitive, inputs, e.params);
        },
        e.pass,
      );
      e.outputs.forEach((v, i) => {
        atoms.set(v.id, outputs[i]!);
      });
    }
    return b.close(graph.name, graph.outputs.map(get)).graph;
  });
}

/** A loop as pieces that are powers of two long, each a nest of halves. */
function halved(b: Builder, inputs: readonly Atom[], params: ScanParams): readonly Atom[] {
  const { constants, carry, stacked } = scanOperands(inputs, params);
  const total = params.length as number;
  // The state of a piece: the loop's own, whether it still runs, how many steps it took.
  let state: readonly Atom[] = [...carry, boolLiteral(true), intLiteral(0)];
  const pieces: (readonly Atom[])[] = [];
  for (let start = 0; start < total; ) {
    let length = 1;
    while (length * 2 <= total - start) length *= 2;
    const part = stacked.map((a) => sliceRows(b, a, start, start + length));
    const results = call(b, segment(params, length), [...constants, ...state, ...part], true);
    state = results.slice(0, params.carry + 2);
    pieces.push(results.slice(params.carry + 2));
    start += length;
  }
  const outs = params.body.outputs.slice(params.carry).map((_, i) => {
    const parts = pieces.map((p) => p[i]!);
    return parts.length === 1 ? parts[0]! : concat(b, parts, 0);
  });
  return [...state.slice(0, params.carry), ...outs, state[params.carry + 1]!];
}

function sliceRows(b: Builder, a: Atom, from: number, to: number): Atom {
  const shape = a.type.shape;
  return slice(
    b,
    a,
    shape.map((_, i) => (i === 0 ? from : 0)),
    shape.map((d, i) => (i === 0 ? to : d)),
    shape.map(() => 1),
  );
}

/** `length` steps (a power of two) as a graph: two calls of half of them, or a short loop. */
function segment(params: ScanParams, length: number): Graph {
  return memoized(
    params.body,
    `segment ${length} ${params.constants} ${params.carry} ${params.condition !== undefined}`,
    () => {
      const b = new Builder();
      const types = params.body.inputs.map((v) => v.type);
      const constants = types.slice(0, params.constants).map((t) => b.input(t));
      const carry = types.slice(params.constants, params.constants + params.carry).map((t) => b.input(t));
      const running = b.input(boolScalar);
      const steps = b.input({ dtype: "int", shape: [] });
      const stacked = types
        .slice(params.constants + params.carry)
        .map((t) => b.input({ dtype: t.dtype, shape: [length, ...t.shape] }));
      const state = [...carry, running, steps];
      if (length <= shortLoop) {
        const body = guardedBody(params);
        const results = scan(b, [...constants, ...state, ...stacked], {
          ...params,
          body,
          condition: undefined,
          length,
          carry: params.carry + 2,
        });
        return b.close("segment", results.slice(0, -1)).graph;
      }
      const half = segment(params, length / 2);
      const first = call(
        b,
        half,
        [...constants, ...state, ...stacked.map((a) => sliceRows(b, a, 0, length / 2))],
        true,
      );
      const middle = first.slice(0, params.carry + 2);
      const second = call(
        b,
        half,
        [...constants, ...middle, ...stacked.map((a) => sliceRows(b, a, length / 2, length))],
        true,
      );
      const outs = first.slice(params.carry + 2).map((a, i) => concat(b, [a, second[params.carry + 2 + i]!], 0));
      return b.close("segment", [...second.slice(0, params.carry + 2), ...outs]).graph;
    },
  );
}

/** A step that does nothing once the loop's condition has failed. */
function guardedBody(params: ScanParams): Graph {
  return memoized(params.body, `guarded ${params.condition !== undefined}`, () => {
    const b = new Builder();
    const types = params.body.inputs.map((v) => v.type);
    const constants = types.slice(0, params.constants).map((t) => b.input(t));
    const carry = types.slice(params.constants, params.constants + params.carry).map((t) => b.input(t));
    const running = b.input(boolScalar);
    const steps = b.input({ dtype: "int", shape: [] });
    const slices = types.slice(params.constants + params.carry).map((t) => b.input(t));
    const operands = [...constants, ...carry, ...slices];
    if (!params.condition) {
      const results = inlineGraph(b, params.body, operands);
      return b.close("step", [
        ...results.slice(0, params.carry),
        running,
        add(b, steps, intLiteral(1)),
        ...results.slice(params.carry),
      ]).graph;
    }
    const go = and(b, running, inlineGraph(b, params.condition, operands)[0]!);
    const idle = new Builder();
    const idleInputs = operands.map((a) => idle.input(a.type));
    const rest = params.body.outputs.slice(params.carry).map((a) => zerosOf(idle, a.type));
    const still = idle.close("idle", [
      ...idleInputs.slice(params.constants, params.constants + params.carry),
      ...rest,
    ]).graph;
    const results = b.emit(condPrimitive as Primitive, [go, ...operands], { then: params.body, otherwise: still });
    return b.close("step", [
      ...results.slice(0, params.carry),
      go,
      add(b, steps, convert(b, go, "int")),
      ...results.slice(params.carry),
    ]).graph;
  });
}
