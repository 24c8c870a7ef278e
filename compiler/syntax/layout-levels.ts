/** What decides on parentheses and line breaks: how tightly expressions bind, and how they begin and end. */
import { precedence } from "./operators.ts";
import type { Binary, Expression } from "./tree.ts";

/** What the place of an expression demands: anything looser needs parentheses there. */
export const any = -1;
export const withLevel = 0;
export const atomLevel = 10;

/** How tightly the outermost operator of an expression binds. */
export function level(e: Expression): number {
  switch (e.kind) {
    case "lambda":
    case "if":
    case "loop":
      return any;
    case "with":
      return withLevel;
    case "unary":
      return e.operator === "not" ? precedence.not : precedence.negation;
    case "binary":
      return binaryLevel(e);
    case "comparison":
      return precedence.comparison;
    case "range":
      return precedence.range;
    default:
      return atomLevel;
  }
}

export function binaryLevel(e: Binary): number {
  switch (e.operator) {
    case "or":
      return precedence.or;
    case "and":
      return precedence.and;
    case "~=":
      return precedence.comparison;
    case "+":
    case "-":
      return precedence.sum;
    case "^":
      return precedence.power;
    default:
      return precedence.product;
  }
}

/** Whether the lines of an expression break inside it rather than before it. */
export function breaksInside(e: Expression): boolean {
  switch (e.kind) {
    case "tuple":
    case "array":
    case "comprehension":
    case "block":
    case "call":
    case "index":
    case "lambda":
    case "if":
    case "loop":
    case "with":
      return true;
    default:
      return false;
  }
}

/** Whether the last line of an expression is that of its block. */
export function endsInBlock(e: Expression): boolean {
  if (e.parenthesized === true) return false;
  if (e.kind === "lambda") return endsInBlock(e.body);
  return e.kind === "block" || e.kind === "loop";
}

/** Whether an expression is a chain such as `f(x).y`. */
export function isPostfix(e: Expression): e is Extract<Expression, { kind: "call" | "index" | "field" | "transpose" }> {
  return e.kind === "call" || e.kind === "index" || e.kind === "field" || e.kind === "transpose";
}
