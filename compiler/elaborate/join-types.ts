/** The one type of terms that meet: the two sides of a choice, the states before and after a step. */
import { compareDims } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { convertTo } from "./operators.ts";
import { type ArrayTerm, alignFields, leavesOf, sameStructure, shapeOf, showTermType, type Term } from "./terms.ts";

/** Array leaves, or a diagnostic that says why this can not be carried, chosen or collected. */
export function carried(e: Elaborator, term: Term, what: string, span: Span): ArrayTerm[] {
  return leavesOf(term, (leaf, path) => {
    if (leaf.kind === "error") e.giveUp();
    return fail(
      "K0270",
      span,
      `${what} holds numbers, but ${path === "" ? "this" : `\`${path}\``} is ${showTermType(leaf)}.`,
      {
        help: "Functions are known while compiling: they may be captured, but not carried by a loop, chosen by a run-time `if` or put in an array.",
      },
    );
  });
}

/** The type two terms have in common, leaf by leaf: ints widen to reals. `problem` says why there is none. */
export function joinTerms(a: Term, c: Term): { readonly type: Term; readonly problem: string | undefined } {
  if (!sameStructure(a, c)) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
  if (a.kind === "tuple" && c.kind === "tuple") {
    const aligned = a.names && c.names ? alignFields(c, a.names)! : c;
    const parts = a.items.map((t, i) => joinTerms(t, aligned.items[i]!));
    return { type: { ...a, items: parts.map((p) => p.type) }, problem: parts.find((p) => p.problem)?.problem };
  }
  if (a.kind === "array" && c.kind === "array") {
    const [s, t] = [shapeOf(a), shapeOf(c)];
    const fits = s.length === t.length && s.every((d, i) => compareDims(d, t[i]!) !== "different");
    if (!fits) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
    if (a.type === c.type) return { type: a, problem: undefined };
    const order = ["bool", "int", "real"];
    const [x, y] = [order.indexOf(a.type), order.indexOf(c.type)];
    if (x < 0 || y < 0) return { type: a, problem: `one is ${showTermType(a)}, the other ${showTermType(c)}` };
    return { type: { ...a, type: x > y ? a.type : c.type }, problem: undefined };
  }
  return { type: a, problem: undefined };
}

/** Converts the leaves of `term` to the types of `like`, in its order of fields. */
export function matchTypes(e: Elaborator, term: Term, like: Term): Term {
  if (term.kind === "tuple" && like.kind === "tuple") {
    const aligned = term.names && like.names ? alignFields(term, like.names)! : term;
    return { ...aligned, items: aligned.items.map((t, i) => matchTypes(e, t, like.items[i]!)) };
  }
  if (term.kind === "array" && like.kind === "array") return convertTo(e, term, like.type);
  return term;
}
