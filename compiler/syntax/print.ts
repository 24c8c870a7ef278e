/** Parts of the tree on one line, for messages and reports. */

import { type Doc, render } from "./layout.ts";
import { ExpressionLayout } from "./layout-expressions.ts";
import type { Expression, Pattern, TypeExpression } from "./tree.ts";

function oneLine(doc: Doc): string {
  return render(doc, Number.POSITIVE_INFINITY);
}

/** An expression on one line: `sum(x^2) + 1`. */
export function printExpression(e: Expression): string {
  return oneLine(new ExpressionLayout(undefined).expression(e));
}

/** A pattern on one line: `(a, (b, _))`. */
export function printPattern(pattern: Pattern): string {
  return oneLine(new ExpressionLayout(undefined).pattern(pattern));
}

/** A type on one line: `(x: real[n], t: int) -> real`. */
export function printType(type: TypeExpression): string {
  return oneLine(new ExpressionLayout(undefined).type(type));
}
