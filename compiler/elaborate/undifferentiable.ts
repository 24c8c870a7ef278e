/** What has no derivative, found in a graph before anything is differentiated or run. */
import type { Equation, Graph } from "../core/graph.ts";
import { type CallParams, callPrimitive } from "../transform/control/call.ts";
import { condPrimitive } from "../transform/control/cond.ts";
import { stopGradientPrimitive } from "../transform/control/effects.ts";
import { noDerivativePrimitive, refuseDerivative } from "../transform/control/refuse.ts";
import { type ScanParams, scanOperands, scanPrimitive } from "../transform/control/scan.ts";
import { refuseUnbounded } from "../transform/control/scan-derivatives.ts";
import type { Differentiated } from "./differentiated.ts";

/** True for `stop_gradient`, also where a checked program has an opaque equation for it. */
function stops(eq: Equation): boolean {
  return (
    eq.primitive === (stopGradientPrimitive as never) ||
    (eq.primitive.name === "opaque" && String(eq.params.name).startsWith("stop_gradient "))
  );
}

/**
 * What has no derivative, on the way of one: found without running anything. In reverse also a loop whose
 * number of steps nobody knows.
 */
export function refuseUndifferentiable(d: Differentiated, mode: "forward" | "reverse"): void {
  const visit = (graph: Graph, active: Set<number>): void => {
    const reached = new Set<number>();
    for (const a of graph.outputs) if (a.kind === "var") reached.add(a.id);
    for (const eq of [...graph.equations].reverse())
      if (!stops(eq) && eq.outputs.some((v) => reached.has(v.id)))
        for (const a of eq.inputs) if (a.kind === "var") reached.add(a.id);
    for (const eq of graph.equations) {
      if (stops(eq) || !eq.outputs.some((v) => reached.has(v.id))) continue;
      const moving = eq.inputs.map((a) => a.kind === "var" && active.has(a.id));
      if (!moving.includes(true)) continue;
      if (eq.primitive === (noDerivativePrimitive as never)) refuseDerivative(eq.params as never);
      if (eq.primitive === (scanPrimitive as never)) {
        const params = eq.params as ScanParams;
        const { constants, carry, stacked } = scanOperands(moving, params);
        // What a step makes of the state is not followed: once something moves, all of it may.
        const inside = [...constants, ...carry.map(() => true), ...stacked];
        const realCarry = params.body.outputs.slice(0, params.carry).some((a) => a.type.dtype === "real");
        if (mode === "reverse" && params.length === undefined && realCarry) refuseUnbounded(eq.span);
        visit(params.body, new Set(params.body.inputs.filter((_, i) => inside[i]).map((v) => v.id)));
      } else if (eq.primitive === (callPrimitive as never)) {
        const { graph: inner } = eq.params as CallParams;
        visit(inner, new Set(inner.inputs.filter((_, i) => moving[i]).map((v) => v.id)));
      } else if (eq.primitive === (condPrimitive as never)) {
        for (const g of eq.primitive.graphs?.(eq.params) ?? [])
          visit(g, new Set(g.inputs.filter((_, i) => moving[i + 1]).map((v) => v.id)));
      } else for (const g of eq.primitive.graphs?.(eq.params) ?? []) visit(g, new Set(g.inputs.map((v) => v.id)));
      for (const v of eq.outputs) if (v.type.dtype === "real") active.add(v.id);
    }
  };
  visit(d.graph, new Set(d.graph.inputs.slice(d.captured.length).map((v) => v.id)));
}
