/**
 * Solves whose traces nobody reads. A solve tells the host of the value and the error of each step, which are slices of
 * its traces; where a trace is not read, the latest entry of it is state of the loop, and there is no trace.
 */
import { type Equation, type Graph, newVar, realLiteral } from "../../core/graph.ts";
import { memoized } from "../inline.ts";
import { movedPlaces, type ScanParams, scanOperands, toldPlaces } from "./scan.ts";

/** A loop, and which of its results are wanted. */
export interface AskedLoop {
  readonly e: Equation;
  readonly asked: readonly boolean[];
}

/** The same loop with the trace entries it tells as state after its other state, where their traces are not `asked` for. */
export function withoutUnreadTraces(e: Equation, asked: readonly boolean[]): AskedLoop {
  const params = e.params as ScanParams;
  const { body, carry, condition, constants } = params;
  const told = toldPlaces(params);
  const unread = told.filter((place): place is number => place !== undefined && place >= carry && !asked[place]);
  const isUnmeasured = (place: number) => {
    const a = body.outputs[place]!;
    return unread.includes(place) && a.kind === "literal" && Number.isNaN(a.value);
  };
  // Lanes of a batched solve would need an operand of their shape.
  const moved = unread.filter((place) => !isUnmeasured(place) && body.outputs[place]!.type.shape.length === 0);
  if (moved.length === 0 && !unread.some(isUnmeasured)) return { e, asked };
  const stacked = body.outputs.map((_, i) => i).filter((i) => i >= carry && !moved.includes(i));
  const order = [...body.outputs.slice(0, carry).map((_, i) => i), ...moved, ...stacked];
  const operands = scanOperands(e.inputs, params);
  const at = constants + carry;
  return {
    e: {
      ...e,
      inputs: [
        ...(operands.count ? [operands.count] : []),
        ...operands.constants,
        ...operands.carry,
        ...moved.map(() => realLiteral(Number.NaN)),
        ...operands.stacked,
      ],
      outputs: [
        ...e.outputs.slice(0, carry),
        ...moved.map((place) => newVar(body.outputs[place]!.type)),
        ...stacked.map((i) => e.outputs[i]!),
        e.outputs.at(-1)!,
      ],
      params: {
        ...params,
        body: reordered(withUnreadReals(body, at, moved.length), order),
        condition: condition && withUnreadReals(condition, at, moved.length),
        carry: carry + moved.length,
        progress: params.progress && {
          ...params.progress,
          told: movedPlaces(told, (place) => (isUnmeasured(place) ? undefined : order.indexOf(place))),
        },
      },
    },
    asked: [...order.map((i) => asked[i]!), asked.at(-1)!],
  };
}

/** With real inputs at a place that it does not read. */
function withUnreadReals(graph: Graph, at: number, count: number): Graph {
  if (count === 0) return graph;
  return memoized(graph, `unread reals ${at} ${count}`, () => {
    const unread = Array.from({ length: count }, () => newVar({ dtype: "real", shape: [] }));
    return { ...graph, inputs: [...graph.inputs.slice(0, at), ...unread, ...graph.inputs.slice(at)] };
  });
}

function reordered(graph: Graph, order: readonly number[]): Graph {
  if (order.every((from, i) => from === i)) return graph;
  return memoized(graph, `order ${order}`, () => ({ ...graph, outputs: order.map((i) => graph.outputs[i]!) }));
}
