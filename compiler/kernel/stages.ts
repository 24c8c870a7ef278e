/** Routines in stages: one launch for each, of a kernel with the arrays that it touches. */
import { forEachNode } from "./affine.ts";
import * as ir from "./expressions.ts";
import type { Expression, KernelArray, Statement } from "./ir.ts";
import type { StagedRoutine } from "./lowering.ts";
import type { RoutineNode } from "./nodes.ts";
import type { Buffer, Launch } from "./plan.ts";

/** Where the arrays of a routine are. */
export interface RoutineBuffers {
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  readonly scratch: readonly Buffer[];
}

export function launchesOfStages(node: RoutineNode, { stages }: StagedRoutine, buffers: RoutineBuffers): Launch[] {
  return stages.map((stage): Launch => {
    const own = new Map<KernelArray, Buffer>();
    const arraysOf = (places: readonly Buffer[]) =>
      places.map((b) => {
        const array = ir.kernelArray(b.name, b.kind, b.length, "both");
        own.set(array, b);
        return array;
      });
    const arrays = {
      inputs: arraysOf(buffers.inputs),
      outputs: arraysOf(buffers.outputs),
      scratch: arraysOf(buffers.scratch),
    };
    const grid = ir.loop("lane", stage.grid, "independent", (lane) => stage.body(lane, arrays));
    const { read, written } = touched(grid.body);
    const used = [...own.keys()].filter((array) => read.has(array) || written.has(array));
    for (const array of used)
      Object.assign(array, { access: written.has(array) ? (read.has(array) ? "both" : "write") : "read" });
    return {
      kind: "launch",
      kernel: {
        name: `${node.name}_${stage.name}`,
        span: node.span,
        arrays: used,
        grid,
        description: `${node.name}: ${stage.description}`,
      },
      buffers: used.map((array) => own.get(array)!),
      cost: stage.cost,
    };
  });
}

/** The arrays that statements load from and store to. */
function touched(statements: readonly Statement[]) {
  const [read, written] = [new Set<KernelArray>(), new Set<KernelArray>()];
  const evaluate = (...roots: readonly Expression[]) =>
    forEachNode(roots, (e) => {
      if (e.op === "load") read.add(e.array);
    });
  const visit = (s: Statement): void => {
    switch (s.op) {
      case "store":
        written.add(s.array);
        evaluate(s.index, s.value);
        return;
      case "loop":
        evaluate(s.count);
        s.body.forEach(visit);
        return;
      case "while":
        evaluate(s.condition);
        s.body.forEach(visit);
        return;
      case "if":
        evaluate(s.condition);
        s.then.forEach(visit);
        s.otherwise.forEach(visit);
        return;
      default:
        evaluate(s.value);
    }
  };
  statements.forEach(visit);
  return { read, written };
}
