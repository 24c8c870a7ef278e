/** Patterns: a value taken apart and its parts given names. */
import { knownDim, showDim } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Pattern } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { type Scope, suggest } from "./scope.ts";
import { leadingSlice, lengthOf } from "./stacking.ts";
import { errorTerm, showTermType, type Term } from "./terms.ts";

/** Takes a term apart. */
export function bindPattern(e: Elaborator, pattern: Pattern, term: Term, scope: Scope): void {
  switch (pattern.kind) {
    case "ignore-pattern":
      return;
    case "name-pattern": {
      const before = scope.own(pattern.name);
      if (before && before.term.kind !== "error")
        fail("K0235", pattern.span, `\`${pattern.name}\` is declared twice here.`, {
          ...(before.span ? { notes: [{ message: "The first declaration:", span: before.span }] } : {}),
          help: "An inner block may hide a name; one block may not.",
        });
      scope.bind(pattern.name, term, pattern.span);
      return;
    }
    case "tuple-pattern":
      for (const [p, part] of takeApart(e, pattern, term)) bindPattern(e, p, part, scope);
  }
}

function takeApart(e: Elaborator, pattern: Extract<Pattern, { kind: "tuple-pattern" }>, term: Term): [Pattern, Term][] {
  const count = pattern.items.length;
  if (term.kind === "error") return pattern.items.map((p) => [p, errorTerm]);
  if (term.kind === "tuple" && term.names) {
    for (const p of pattern.items) if (p.kind === "name-pattern") term.onRead?.(p.name);
    // Named tuples come apart by field name, in any order, some or all.
    return pattern.items.map((p) => {
      if (p.kind !== "name-pattern")
        fail("K0236", p.span, "A named tuple comes apart by the names of its fields.", {
          help: `Its fields are ${term.names!.join(", ")}.`,
        });
      const at = term.names!.indexOf(p.name);
      if (at < 0) {
        const near = suggest(p.name, term.names!);
        fail(
          "K0227",
          p.span,
          `There is no field \`${p.name}\`; the fields are ${term.names!.map((n) => `\`${n}\``).join(", ")}.`,
          {
            help: near ? `Did you mean \`${near}\`?` : "A named tuple comes apart by the names of its fields.",
          },
        );
      }
      return [p, term.items[at]!];
    });
  }
  if (term.kind === "tuple") {
    if (term.items.length !== count)
      fail("K0237", pattern.span, `This takes apart ${count} parts, but there are ${term.items.length}.`, {
        help: "A plain tuple comes apart as a whole; `_` ignores a part.",
      });
    return pattern.items.map((p, i) => [p, term.items[i]!]);
  }
  if (term.kind === "array" || term.kind === "range") {
    const array = term.kind === "range" ? e.rangeToArray(term, pattern.span) : term;
    const length = lengthOf(e, array, pattern.span);
    const known = knownDim(length);
    if (known !== count)
      fail("K0238", pattern.span, `This takes apart ${count} parts, but the array is ${showTermType(term)}.`, {
        help: `Its leading size, ${showDim(length)}, must be the number ${count}.`,
      });
    return pattern.items.map((p, i) => [p, leadingSlice(e, array, i)]);
  }
  return fail("K0239", pattern.span, `Only tuples and arrays come apart, but this is ${showTermType(term)}.`);
}
