/** How the iteration of a solver goes on or ends: what is asked of each step, and the status that follows. */
import type { Builder } from "../core/builder.ts";
import { type Atom, boolLiteral, intLiteral, type Literal } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { type StatusName, statusCode } from "../core/status.ts";
import { and, equal, isFinite as isFiniteAtom, not, notEqual } from "../primitives/comparison.ts";
import { reduceAll } from "../primitives/reduce.ts";
import { select } from "../primitives/select.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { joinTerms, matchTypes } from "./join-types.ts";
import { type ArrayTerm, leavesOf, type Term, type TupleTerm, tupleTerm } from "./terms.ts";

/** The literal of a status. */
export const code = (name: StatusName): Literal => intLiteral(statusCode(name));

const flag = (atom: Atom): ArrayTerm => ({ kind: "array", type: "bool", atom });

/** The state where no step is taken, in the form of `judged`. */
export const unchanged = (state: Term): Term => tupleTerm([state, flag(boolLiteral(true)), flag(boolLiteral(false))]);

/**
 * The state after a step, whether all its reals are finite, and whether it is the state before. These are asked where
 * the step is computed, so that who computes an entry looks at it too, and at the place of the step in its solver: what
 * several statements share of a solver names none of them.
 */
export function judged(e: Elaborator, next: Term, current: TupleTerm, declared: TupleTerm, place: Span): Term {
  const wanted = leavesOf(declared, () => e.giveUp());
  const joined = leavesOf(joinTerms(declared, next).type, () => e.giveUp());
  // The loop is written again, with a wider state.
  if (joined.some((l, i) => l.type !== wanted[i]!.type)) return unchanged(next);
  const state = matchTypes(e, e.alignTo(next, declared), declared);
  const [after, before] = [state, current].map((t) => leavesOf(t, () => e.giveUp())) as [ArrayTerm[], ArrayTerm[]];
  const b = e.builder;
  return b.at(place, () => {
    const reals = after.filter((l) => l.type === "real");
    const finite = reals.map((l) => isFiniteAtom(b, l.atom));
    const same = after.map((l, i) => equal(b, l.atom, before[i]!.atom));
    return tupleTerm([state, flag(allOf(b, finite)), flag(allOf(b, same))]);
  });
}

export interface Ending {
  readonly converged: Atom;
  /** The status that the solver itself gives. */
  readonly own: Atom;
  readonly outOfTime: Atom;
  readonly finite: Atom;
  readonly same: Atom;
}

/** The status after a step; all but `running` end the loop, with the state before that step. */
export function statusAfter(b: Builder, { converged, own, outOfTime, finite, same }: Ending): Atom {
  const running = code("running");
  const stepped = select(b, not(b, finite), code("diverged"), select(b, same, code("stalled"), running));
  const timed = select(b, outOfTime, code("iterations"), stepped);
  return select(b, converged, code("converged"), select(b, notEqual(b, own, running), own, timed));
}

/** All entries of all flags. */
function allOf(b: Emitter, flags: readonly Atom[]): Atom {
  return flags
    .map((f) =>
      f.type.shape.length === 0
        ? f
        : reduceAll(
            b,
            f,
            f.type.shape.map((_, i) => i),
          ),
    )
    .reduce<Atom>((s, t) => and(b, s, t), boolLiteral(true));
}
