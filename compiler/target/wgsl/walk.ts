/** Visits what statements are made of. */
import { forEachNode } from "../../kernel/affine.ts";
import type { Expression, Statement } from "../../kernel/ir.ts";

/** Calls `visit` for each statement, those inside others included. */
export function forEachStatement(statements: readonly Statement[], visit: (s: Statement) => void): void {
  for (const s of statements) {
    visit(s);
    if (s.op === "loop" || s.op === "while") forEachStatement(s.body, visit);
    else if (s.op === "if") {
      forEachStatement(s.then, visit);
      forEachStatement(s.otherwise, visit);
    }
  }
}

/** Calls `visit` for each node of their expressions; for a node that several share, perhaps several times. */
export function forEachExpression(statements: readonly Statement[], visit: (e: Expression) => void): void {
  forEachStatement(statements, (s) => forEachNode(rootsOf(s), visit));
}

/** The expressions that stand in a statement itself. */
export function rootsOf(s: Statement): Expression[] {
  switch (s.op) {
    case "let":
    case "variable":
    case "assign":
      return [s.value];
    case "store":
      return [s.index, s.value];
    case "loop":
      return [s.count];
    case "while":
    case "if":
      return [s.condition];
  }
}
