/**
 * `one_step` and `neumann(k)`: the derivative of a few steps of the solver from its answer, which is held constant
 * (Bolte, Pauwels and Vaiter 2023, "One-step differentiation of iterative algorithms"). With T the step, k steps give
 * the first k terms of the Neumann series of (I - dT/dx)^-1 dT/dp, so the error falls like the solver's own.
 */
import { Builder } from "../core/builder.ts";
import { intLiteral } from "../core/graph.ts";
import { add } from "../primitives/arithmetic.ts";
import { foldIn } from "../primitives/threefry.ts";
import { customDerivativePrimitive } from "../transform/control/custom.ts";
import { stopGradient } from "../transform/control/effects.ts";
import { randomBuiltins } from "./builtins/random.ts";
import { stopped } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { matchTypes } from "./join-types.ts";
import type { LoopResult, SolveForm } from "./solve-form.ts";
import { memberOf, membersAt } from "./solver-terms.ts";
import { type ArrayTerm, leavesOf, realArray, rebuild, type Term, type TupleTerm } from "./terms.ts";

/** The answer `x`, with the derivative of `count` steps from there. */
export function steppedSolution(e: Elaborator, form: SolveForm, r: LoopResult, x: Term, count: number): Term {
  if (e.mode === "check") return x;
  const { solver, span } = form;
  const wantsKey = memberOf(solver.declaration, "next")!.parameters.length === 3;
  const key = wantsKey
    ? ((solver.options.get("key") ?? randomBuiltins.key!(e, { positional: [], named: new Map(), span })) as ArrayTerm)
    : undefined;
  const answer = stopped(e, x);
  let state: Term = {
    ...r.final,
    items: r.final.items.map((t, i) => (i === r.xIndex ? answer : stopped(e, t))),
  } as TupleTerm;
  for (let step = 0; step < count; step++) {
    const time: ArrayTerm = { kind: "array", type: "int", atom: add(e.builder, r.iterations, intLiteral(step)) };
    const members = membersAt(e, solver, form.parts, time);
    const drawn = key && {
      kind: "array" as const,
      type: "key" as const,
      atom: foldIn(e.builder, key.atom, time.atom),
    };
    const next = members.call("next", drawn ? [state, time, drawn] : [state, time], span);
    state = matchTypes(e, e.alignTo(next, r.state), r.state);
  }
  const moved = (state as TupleTerm).items[r.xIndex]!;
  const leaves = leavesOf(x, () => e.giveUp());
  const steps = leavesOf(e.alignTo(moved, x), () => e.giveUp());
  return rebuild(
    x,
    leaves.map((leaf, i) => realArray(withTangentOf(e, stopGradient(e.builder, leaf.atom), steps[i]!.atom))),
  );
}

/** One value with the derivative of another. */
function withTangentOf(e: Elaborator, value: ArrayTerm["atom"], moving: ArrayTerm["atom"]): ArrayTerm["atom"] {
  const graph = new Builder();
  const [first] = [graph.input(value.type), graph.input(value.type)];
  const rule = new Builder();
  const [, , , tangent] = [0, 1, 2, 3].map(() => rule.input(value.type));
  return e.builder.emit(customDerivativePrimitive as never, [value, moving], {
    graph: graph.close("answer", [first]).graph,
    rule: rule.close("answer.tangent", [tangent!]).graph,
  })[0]!;
}
