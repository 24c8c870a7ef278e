/** How an index depends on a loop: by a constant step, or in a way that is not one. */
import type { Expression, Local } from "./ir.ts";

/** d index / d local when the index is affine in it, else undefined. */
export function coefficientOf(e: Expression, local: Local): number | undefined {
  if (e === local) return 1;
  switch (e.op) {
    case "constant":
    case "local":
      return 0;
    case "binary": {
      if (e.name === "add" || e.name === "sub") {
        const [a, b] = [coefficientOf(e.a, local), coefficientOf(e.b, local)];
        if (a === undefined || b === undefined) return undefined;
        return e.name === "add" ? a + b : a - b;
      }
      if (e.name === "mul" && e.b.op === "constant") {
        const a = coefficientOf(e.a, local);
        return a === undefined ? undefined : a * Number(e.b.value);
      }
      return dependsOn(e, local) ? undefined : 0;
    }
    default:
      return dependsOn(e, local) ? undefined : 0;
  }
}

/** Whether a local occurs in an expression. */
export function dependsOn(root: Expression, local: Local): boolean {
  const seen = new Set<Expression>();
  const visit = (e: Expression): boolean => {
    if (e === local) return true;
    if (seen.has(e)) return false;
    seen.add(e);
    return operandsOf(e).some(visit);
  };
  return visit(root);
}

/** The expressions an expression is made of. */
export function operandsOf(e: Expression): readonly Expression[] {
  switch (e.op) {
    case "constant":
    case "local":
      return [];
    case "load":
      return [e.index];
    case "unary":
      return [e.a];
    case "binary":
      return [e.a, e.b];
    case "select":
      return [e.condition, e.a, e.b];
    case "call":
      return e.arguments;
  }
}

/** Calls `visit` once for each node below some roots, themselves included. */
export function forEachNode(roots: readonly Expression[], visit: (e: Expression) => void): void {
  const seen = new Set<Expression>();
  const walk = (e: Expression): void => {
    if (seen.has(e)) return;
    seen.add(e);
    visit(e);
    operandsOf(e).forEach(walk);
  };
  roots.forEach(walk);
}
