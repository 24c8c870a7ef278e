/**
 * Loops that become functions of their own. Engines first compile code quickly and badly and replace functions
 * that run much when they are called again, not while a loop in them runs; so a loop of loops that is itself
 * run many times has to be a call.
 */

import { operandsOf } from "../../kernel/affine.ts";
import { upperBound } from "../../kernel/expressions.ts";
import type { Expression, KernelArray, Local, Loop, Statement, While } from "../../kernel/ir.ts";
import { bodiesOf } from "./forms.ts";

/** A function that runs a loop: it takes the addresses of the arrays and the captured locals, in this order. */
export interface Outlined {
  readonly index: number;
  readonly arrays: readonly KernelArray[];
  readonly captured: readonly Local[];
  /** Those of them that the loop assigns: the results. */
  readonly assigned: readonly Local[];
}

/** What a loop has from around it. */
export type Surroundings = Omit<Outlined, "index">;

/** Whether a loop that runs within another is worth a call: it has loops inside, and is not known to be short. */
export function isWorthCall(s: Loop | While): boolean {
  if (!s.body.some(hasLoop)) return false;
  return s.op === "while" || (upperBound(s.count) ?? Infinity) > 16;
}

/** Whether a statement is or has a loop. */
export const hasLoop = (s: Statement): boolean =>
  s.op === "loop" || s.op === "while" || (s.op === "if" && (s.then.some(hasLoop) || s.otherwise.some(hasLoop)));

export function surroundingsOf(loop: Loop | While): Surroundings {
  const arrays = new Map<number, KernelArray>();
  const [used, assigned] = [new Map<number, Local>(), new Map<number, Local>()];
  const defined = new Set<number>();
  const seen = new Set<Expression>();
  const expression = (e: Expression): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === "local") used.set(e.id, e);
    if (e.op === "load") arrays.set(e.array.id, e.array);
    operandsOf(e).forEach(expression);
  };
  const statement = (s: Statement): void => {
    switch (s.op) {
      case "let":
      case "variable":
        expression(s.value);
        defined.add(s.local.id);
        break;
      case "assign":
        expression(s.value);
        assigned.set(s.local.id, s.local);
        break;
      case "store":
        arrays.set(s.array.id, s.array);
        expression(s.index);
        expression(s.value);
        break;
      case "loop":
        expression(s.count);
        defined.add(s.index.id);
        break;
      default:
        expression(s.condition);
    }
    for (const body of bodiesOf(s)) body.forEach(statement);
  };
  statement(loop);
  const outer = (locals: Iterable<Local>) => [...locals].filter((local) => !defined.has(local.id));
  return {
    arrays: [...arrays.values()],
    captured: outer(new Map([...used, ...assigned]).values()),
    assigned: outer(assigned.values()),
  };
}
