/**
 * `operator_solve`: the solution of A x = b where A is only a function, by whatever iteration its `solve` graph
 * holds. Its derivative is its own and never looks inside that iteration: A dx = db - dA x, and in reverse
 * A' u = v with the same kind of iteration on the transposed operator (Blondel et al. 2022, section 2.3). So it can be
 * differentiated in any mode, any number of times, at the cost of one more solve each.
 */
import type { Atom, Graph } from "../../core/graph.ts";
import type { Emitter, Primitive } from "../../core/primitive.ts";
import { neg, sub } from "../../primitives/arithmetic.ts";
import { notLinear } from "../../primitives/elementwise.ts";
import { fail } from "../../syntax/diagnostic.ts";
import { batchOf, withLanes } from "../batch.ts";
import { jvpOf } from "../jvp.ts";
import { instantiate } from "../zeros.ts";
import { call } from "./call.ts";

/** All graphs take the constants first, then one vector, leaf by leaf: x, u, b or v. */
export interface OperatorSolveParams extends Readonly<Record<string, unknown>> {
  /** v => A v. */
  readonly operator: Graph;
  /** u => A' u; absent where A can not be transposed. */
  readonly transposed: Graph | undefined;
  /** b => x, with whatever it reports. */
  readonly solve: Graph;
  readonly solveTransposed: Graph | undefined;
  readonly constants: number;
}

export const operatorSolvePrimitive: Primitive<OperatorSolveParams> = {
  name: "operator_solve",
  lower: { kind: "control" },
  graphs: ({ operator, transposed, solve, solveTransposed }) =>
    [operator, transposed, solve, solveTransposed].filter((g) => g !== undefined),
  infer: (_inputs, { solve }) => solve.outputs.map((a) => a.type),
  evaluate: (inputs, { solve }, context) => context.run(solve, inputs),
  jvp: (b, { inputs, params }, tangents) => {
    const { constants, operator } = params;
    const x = b.emit(operatorSolvePrimitive as Primitive, inputs, params);
    const moved = tangents.slice(0, constants);
    let right: readonly (Atom | undefined)[] = tangents.slice(constants);
    if (moved.some((t) => t !== undefined)) {
      const mask = [...moved.map((t) => t !== undefined), ...x.map(() => false)];
      const derived = jvpOf(
        operator,
        mask,
        operator.outputs.map(() => true),
      );
      const operands = [...inputs.slice(0, constants), ...x, ...moved.filter((t) => t !== undefined)];
      const change = call(b, derived.graph, operands, false).slice(x.length);
      right = right.map((t, i) => (t ? sub(b, t, change[i]!) : neg(b, change[i]!)));
    }
    if (right.every((t) => t === undefined)) return { outputs: x, tangents: x.map(() => undefined) };
    const rhs = right.map((t, i) => instantiate(b, t, x[i]!.type));
    const operands = [...inputs.slice(0, constants), ...rhs];
    return { outputs: x, tangents: b.emit(operatorSolvePrimitive as Primitive, operands, params) };
  },
  // <u, A^-1 b> = <A'^-1 u, b>
  transpose: (b, { inputs, params }, linear, cotangents) => {
    const { constants } = params;
    if (linear.slice(0, constants).includes(true)) return notLinear("operator_solve in its operator")();
    if (params.transposed === undefined || params.solveTransposed === undefined) return refuseTransposition();
    const incoming = params.solve.outputs.map((a, i) => instantiate(b, cotangents[i], a.type));
    const u = b.emit(operatorSolvePrimitive as Primitive, [...inputs.slice(0, constants), ...incoming], {
      operator: params.transposed,
      transposed: params.operator,
      solve: params.solveTransposed,
      solveTransposed: params.solve,
      constants,
    });
    return [
      ...inputs.slice(0, constants).map(() => undefined),
      ...u.map((t, i) => (linear[constants + i] ? t : undefined)),
    ];
  },
  batch: (b, { inputs, params }, batched, size, guard) => {
    const { constants } = params;
    const marks = [...batched.slice(0, constants), ...inputs.slice(constants).map(() => true)];
    const lanes = (graph: Graph) =>
      batchOf(
        graph,
        marks,
        size,
        guard !== undefined,
        graph.outputs.map(() => true),
      ).graph;
    const wide = inputs.map((a, i) => (i < constants ? a : withLanes(b, a, batched[i]!, size)));
    const outputs = b.emit(operatorSolvePrimitive as Primitive, guard ? [guard, ...wide] : wide, {
      operator: lanes(params.operator),
      transposed: params.transposed && lanes(params.transposed),
      solve: lanes(params.solve),
      solveTransposed: params.solveTransposed && lanes(params.solveTransposed),
      constants: constants + (guard ? 1 : 0),
    });
    return { outputs, batched: outputs.map(() => true) };
  },
};

function refuseTransposition(): never {
  return fail(
    "K0525",
    undefined,
    "The function of this linear system can not be transposed, so reverse mode stops here.",
    {
      help: "Differentiate forward (`jvp`, `jacobian(f, mode = forward)`), or bound the loops in the function.",
    },
  );
}

/** Solves A x = b; `inputs` are the constants, then b. */
export function operatorSolve(b: Emitter, inputs: readonly Atom[], params: OperatorSolveParams): readonly Atom[] {
  return b.emit(operatorSolvePrimitive as Primitive, inputs, params);
}
