/** The user's functions as a solver may try them anywhere: a failure makes the trial not finite. */
import { Builder } from "../core/builder.ts";
import { graphHasEffect } from "../core/effects.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import { select } from "../primitives/select.ts";
import { collectChecks } from "../transform/collect-checks.ts";
import { inlineGraph } from "../transform/inline.ts";
import type { Elaborator } from "./elaborator.ts";
import { type ArrayTerm, leavesOf, rebuild, type Term } from "./terms.ts";

/**
 * A part of a form as a solver may try it anywhere: where it fails (an index out of range, a singular
 * matrix, an inner solve that diverged) its value is not finite, so that the trial is rejected.
 */
export function guarded(e: Elaborator, part: Term): Term {
  if (part.kind !== "function" || e.mode === "check") return part;
  return {
    ...part,
    apply: (args) => {
      const inner = new Builder({ parent: e.builder });
      // The part is the user's own function: its inner solves report, and a bad ending rejects the trial.
      const inside = e.insideSolver;
      e.insideSolver = false;
      let result: Term;
      try {
        result = e.within(inner, () => part.apply(args));
      } finally {
        e.insideSolver = inside;
      }
      if (result.kind === "function") return guarded(e, result);
      const leaves = leavesOf(result, () => e.giveUp());
      const { graph, captured } = inner.close(
        "trial",
        leaves.map((l) => l.atom),
      );
      if (!graphHasEffect(graph)) return rebuildOn(result, leaves, inlineGraph(e.builder, graph, captured));
      const outputs = inlineGraph(e.builder, collectChecks(graph), captured);
      const ok = outputs.at(-1)!;
      const atoms = leaves.map((l, i) =>
        l.type === "real" ? select(e.builder, ok, outputs[i]!, realLiteral(Number.NaN)) : outputs[i]!,
      );
      return rebuildOn(result, leaves, atoms);
    },
  };
}

function rebuildOn(like: Term, leaves: readonly ArrayTerm[], atoms: readonly Atom[]): Term {
  return rebuild(
    like,
    leaves.map((l, i) => ({ ...l, atom: atoms[i]! })),
  );
}
