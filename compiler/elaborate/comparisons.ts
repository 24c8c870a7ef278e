/** Comparisons, and `and`, `or` and `not`. */

import { statusNames } from "../core/status.ts";
import { and, equal, greater, greaterEqual, less, lessEqual, not, notEqual, or } from "../primitives/comparison.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { ComparisonOperator, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elementwise, leafwise } from "./operators.ts";
import { type ArrayTerm, showTermType, type Term } from "./terms.ts";

const comparisons = {
  "==": equal,
  "!=": notEqual,
  "<": less,
  "<=": lessEqual,
  ">": greater,
  ">=": greaterEqual,
} as const;

export function compare(e: Elaborator, operator: ComparisonOperator, x: Term, y: Term, span: Span): Term {
  const isStatus = (t: Term) => t.kind === "array" && t.type === "status";
  const text = x.kind === "text" && isStatus(y) ? x : y.kind === "text" && isStatus(x) ? y : undefined;
  if (text)
    fail("K0215", span, "A status is compared with a status, not with a text.", {
      help: `Write the word without quotes: \`r.status == ${statusNames.find((name) => name === text.text) ?? "converged"}\`.`,
    });
  return leafwise(e, [x, y], `\`${operator}\``, span, ([a, c]) => {
    if ((a!.type === "status") !== (c!.type === "status"))
      fail(
        "K0215",
        span,
        `A status is compared with a status, not with ${showTermType(a!.type === "status" ? c! : a!)}.`,
        {
          help: "Write `r.status == converged`.",
        },
      );
    const decided = compareKnown(operator, a!, c!);
    if (decided !== undefined) return e.boolTerm(decided);
    return elementwise(e, operator, [a!, c!], span, { result: "bool", what: `\`${operator}\`` }, (b, [p, q]) =>
      comparisons[operator](b, p!, q!),
    );
  });
}

function compareKnown(operator: ComparisonOperator, a: ArrayTerm, c: ArrayTerm): boolean | undefined {
  if (typeof a.dimension !== "number" || typeof c.dimension !== "number") return undefined;
  const [x, y] = [a.dimension, c.dimension];
  return { "==": x === y, "!=": x !== y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y }[operator];
}

export function logical(e: Elaborator, operator: "and" | "or", x: Term, y: Term, span: Span): Term {
  return leafwise(e, [x, y], `\`${operator}\``, span, ([a, c]) => {
    for (const t of [a!, c!]) wantBool(t, operator, span);
    return elementwise(e, operator, [a!, c!], span, {}, (b, [p, q]) =>
      operator === "and" ? and(b, p!, q!) : or(b, p!, q!),
    );
  });
}

export function negation(e: Elaborator, x: Term, span: Span): Term {
  return leafwise(e, [x], "`not`", span, ([a]) => {
    wantBool(a!, "not", span);
    return elementwise(e, "not", [a!], span, {}, (b, [p]) => not(b, p!));
  });
}

function wantBool(t: ArrayTerm, operator: string, span: Span): void {
  if (t.type !== "bool")
    fail("K0216", span, `\`${operator}\` wants true or false, but this is ${showTermType(t)}.`, {
      help: "Compare first, as in `x > 0`.",
    });
}
