/** Reports in the place of values that tell something where they are read. */
import { Builder } from "../core/builder.ts";
import { type Atom, type Equation, type Graph, intLiteral, realLiteral } from "../core/graph.ts";
import { internGraph } from "../core/intern.ts";
import type { Primitive } from "../core/primitive.ts";
import { toldIfReadPrimitive } from "../primitives/if-read.ts";
import { select } from "../primitives/select.ts";
import { type ReportParams, reportPrimitive } from "./control/effects.ts";
import { emitEquations, memoized } from "./inline.ts";

const isTold = (e: Equation): boolean => e.primitive === (toldIfReadPrimitive as Primitive);

function tells(graph: Graph): boolean {
  return memoized(graph, "tells if read", () =>
    graph.equations.some((e) => isTold(e) || (e.primitive.graphs?.(e.params) ?? []).some(tells)),
  );
}

/** The same function, where every `told_if_read` is a report and its operand. To be asked of graphs without dead equations. */
export function tellIfRead(graph: Graph): Graph {
  if (!tells(graph)) return graph;
  return memoized(graph, "tell if read", () => {
    const b = new Builder();
    const inputs = graph.inputs.map((v) => b.input(v.type));
    const outputs = emitEquations(b, graph, inputs, (e, operands) => {
      if (!isTold(e)) return b.emit(e.primitive, operands, withGraphs(e));
      const [x, flag] = operands as [Atom, Atom];
      const status = select(b, flag, intLiteral(0), intLiteral(-1));
      b.emit(reportPrimitive as Primitive, [status, status, realLiteral(0)], reportOf(e));
      return [x];
    });
    return internGraph(b.close(graph.name, outputs).graph);
  });
}

function withGraphs(e: Equation): Equation["params"] {
  return Object.fromEntries(
    Object.entries(e.params).map(([name, value]) => [name, isGraph(value) ? tellIfRead(value) : value]),
  );
}

const isGraph = (x: unknown): x is Graph => typeof x === "object" && x !== null && "equations" in x && "outputs" in x;

const reportOf = (e: Equation): ReportParams => ({
  expression: "",
  span: e.span,
  watched: { statusRead: true },
  trial: false,
  quiet: true,
  role: "repeated",
});
