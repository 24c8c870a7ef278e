/**
 * A loop in many lanes at once. Lanes that end at different steps are frozen where they ended: each gives
 * what it would give alone.
 */
import { Builder } from "../../core/builder.ts";
import type { Dim } from "../../core/dimension.ts";
import { graphHasEffect } from "../../core/effects.ts";
import { type Atom, boolLiteral, type Graph, intLiteral } from "../../core/graph.ts";
import type { BatchResult, Emitter, PrimitiveCall } from "../../core/primitive.ts";
import { add } from "../../primitives/arithmetic.ts";
import { and, less } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import { iota } from "../../primitives/iota.ts";
import { reduceAny, reduceMax } from "../../primitives/reduce.ts";
import { broadcast, transpose } from "../../primitives/shape.ts";
import { batchGraph, batchOf, withLanes } from "../batch.ts";
import { gateLanes, selectPerLane } from "./cond.ts";
import { type ScanParams, scan, scanOperands } from "./scan.ts";

const swapLeading = (rank: number) => [1, 0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)];

export function batchScan(
  b: Emitter,
  { inputs, params }: PrimitiveCall<ScanParams>,
  batched: readonly boolean[],
  size: Dim,
  guard: Atom | undefined,
): BatchResult {
  const values = scanOperands(inputs, params);
  const marks = scanOperands(batched, params);
  const carryMask = carryLanes(params, marks, size);
  const bodyMask = [...marks.constants, ...carryMask, ...marks.stacked];
  // The loop's axis comes before the lanes: a step reads the slices of all lanes.
  const stacked = values.stacked.map((a, i) =>
    marks.stacked[i] ? transpose(b, a, swapLeading(a.type.shape.length)) : a,
  );
  const perLane =
    (marks.count ?? false) ||
    (params.condition !== undefined && batchOf(params.condition, bodyMask, size, false).batched[0]!);
  const guarded = guard !== undefined && graphHasEffect(params.body);
  if (!perLane && !guarded)
    return together(b, values.count, values.constants, values.carry, stacked, params, carryMask, bodyMask, size);
  return separately(b, values, marks, stacked, params, size, guard);
}

function carryLanes(
  params: ScanParams,
  marks: { constants: readonly boolean[]; carry: readonly boolean[]; stacked: readonly boolean[] },
  size: Dim,
): boolean[] {
  let mask = [...marks.carry];
  for (;;) {
    const { batched } = batchOf(params.body, [...marks.constants, ...mask, ...marks.stacked], size, false);
    const grown = mask.map((m, i) => m || batched[i]!);
    if (grown.every((m, i) => m === mask[i])) return mask;
    mask = grown;
  }
}

/** All lanes take the same number of steps. */
function together(
  b: Emitter,
  count: Atom | undefined,
  constants: readonly Atom[],
  carry: readonly Atom[],
  stacked: readonly Atom[],
  params: ScanParams,
  carryMask: readonly boolean[],
  bodyMask: readonly boolean[],
  size: Dim,
): BatchResult {
  const wanted = params.body.outputs.map((_, i) => i < params.carry && carryMask[i]!);
  const body = batchOf(params.body, bodyMask, size, false, wanted);
  const condition = params.condition && batchOf(params.condition, bodyMask, size, false).graph;
  const initial = carry.map((a, i) =>
    carryMask[i]
      ? withLanes(b, a, a.type.shape.length > params.body.inputs[params.constants + i]!.type.shape.length, size)
      : a,
  );
  const results = scan(b, [...(count ? [count] : []), ...constants, ...initial, ...stacked], {
    ...params,
    body: body.graph,
    condition,
  });
  const outputs = results.map((r, i) =>
    i >= params.carry && body.batched[i] ? transpose(b, r, swapLeading(r.type.shape.length)) : r,
  );
  return { outputs, batched: [...body.batched, false] };
}

/** Each lane has its own end: a bool per lane says which still run, an int how many steps each took. */
function separately(
  b: Emitter,
  values: ReturnType<typeof scanOperands<Atom>>,
  marks: ReturnType<typeof scanOperands<boolean>>,
  stacked: readonly Atom[],
  params: ScanParams,
  size: Dim,
  guard: Atom | undefined,
): BatchResult {
  const { body, condition } = params;
  const count = values.count ? (marks.count ? values.count : broadcast(b, values.count, [size], [])) : undefined;
  const boundLength = params.length;
  const initialActive = guard ?? broadcast(b, boolLiteral(true), [size], []);
  const initialSteps = broadcast(b, intLiteral(0), [size], []);
  const carryMask = params.carry ? values.carry.map(() => true) : [];
  const bodyMask = [...marks.constants, ...carryMask, ...marks.stacked];
  const initial = values.carry.map((a, i) => withLanes(b, a, marks.carry[i]!, size));

  // Operands: [lane counts] constants | active, steps, carry | [step number] stacked.
  const make = (finish: (nb: Builder, s: ReturnType<typeof parts>) => readonly Atom[], name: string): Graph => {
    const nb = new Builder();
    const s = parts(nb);
    return nb.close(name, finish(nb, s)).graph;
  };
  const constantTypes = values.constants.map((a) => a.type);
  const stackedTypes = stacked.map((a) => ({ dtype: a.type.dtype, shape: a.type.shape.slice(1) }));
  function parts(nb: Builder) {
    const laneCount = count ? nb.input({ dtype: "int", shape: [size] }) : undefined;
    const constants = constantTypes.map((t) => nb.input(t));
    const active = nb.input({ dtype: "bool", shape: [size] });
    const steps = nb.input({ dtype: "int", shape: [size] });
    const carry = initial.map((a) => nb.input(a.type));
    const number = boundLength !== undefined ? nb.input({ dtype: "int", shape: [] }) : undefined;
    const slices = stackedTypes.map((t) => nb.input(t));
    let running: Atom = active;
    // A counted lane takes the steps numbered below its own count, in either direction.
    if (laneCount && number) running = and(nb, running, less(nb, number, laneCount));
    if (condition) {
      const result = batchGraph(nb, condition, [...constants, ...carry, ...slices], bodyMask, size);
      running = and(nb, running, withLanes(nb, result.outputs[0]!, result.batched[0]!, size));
    }
    return { constants, active, steps, carry, slices, running };
  }
  const newBody = make((nb, s) => {
    const operands = gateLanes(nb, s.running, body, [...s.constants, ...s.carry, ...s.slices], bodyMask);
    const result = batchGraph(nb, body, operands, bodyMask, size, s.running);
    const wide = result.outputs.map((a, i) => withLanes(nb, a, result.batched[i]!, size));
    const next = s.carry.map((old, i) => selectPerLane(nb, s.running, wide[i]!, old));
    const results = wide.slice(params.carry).map((a) => selectPerLane(nb, s.running, a, zerosLike(nb, a)));
    const ended = condition ? s.running : s.active;
    const steps = add(nb, s.steps, convert(nb, s.running, "int"));
    return [ended, steps, ...next, ...results];
  }, `${body.name}.batch`);
  const newCondition = condition
    ? make((nb, s) => [reduceAny(nb, s.running, [0])], `${condition.name}.batch`)
    : undefined;
  const total = count ? reduceMax(b, count, [0]) : undefined;
  const numbers = boundLength !== undefined ? [iota(b, boundLength)] : [];
  const results = scan(
    b,
    [
      ...(total ? [total] : []),
      ...(count ? [count] : []),
      ...values.constants,
      initialActive,
      initialSteps,
      ...initial,
      ...numbers,
      ...stacked,
    ],
    {
      body: newBody,
      condition: newCondition,
      length: boundLength,
      constants: params.constants + (count ? 1 : 0),
      carry: params.carry + 2,
      stacked: params.stacked + numbers.length,
      reverse: params.reverse,
      counted: params.counted,
    },
  );
  const carry = results.slice(2, 2 + params.carry);
  const out = results.slice(2 + params.carry, -1).map((r) => transpose(b, r, swapLeading(r.type.shape.length)));
  const outputs = [...carry, ...out, results[1]!];
  return { outputs, batched: outputs.map(() => true) };
}

function zerosLike(b: Emitter, a: Atom): Atom {
  const zero: Atom = { kind: "literal", value: 0, type: { dtype: a.type.dtype, shape: [] } };
  return broadcast(b, zero, a.type.shape, []);
}
