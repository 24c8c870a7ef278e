/**
 * Vectors with values that exceptional functions have to give. A branch in the midst of a vector costs a tenth of the
 * loop's time or more, taken or not. So it is only noted that there was such a value, and then the loop runs once more, one
 * iteration at a time.
 */
import { operandsOf } from "../../kernel/affine.ts";
import type { Expression, KernelArray, Loop, Statement } from "../../kernel/ir.ts";
import { bodiesOf } from "./forms.ts";
import type { Varying } from "./vectorize.ts";

/**
 * Whether a loop calls exceptional functions, and may run again: no element is read that it stores. Accumulators have
 * their values from before the loop until its end.
 */
export function canRestart(loop: Loop, { isVarying }: Varying): boolean {
  const [read, stored] = [new Set<KernelArray>(), new Set<KernelArray>()];
  const seen = new Set<Expression>();
  let calls = false;
  const expression = (e: Expression): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === "load") read.add(e.array);
    if (e.op === "call" && e.function.isExceptional && isVarying(e)) calls = true;
    operandsOf(e).forEach(expression);
  };
  const statement = (s: Statement): void => {
    if (s.op === "store") {
      stored.add(s.array);
      expression(s.index);
    }
    if ("value" in s) expression(s.value);
    if ("condition" in s) expression(s.condition);
    if ("count" in s) expression(s.count);
    for (const body of bodiesOf(s)) body.forEach(statement);
  };
  loop.body.forEach(statement);
  return calls && ![...stored].some((array) => read.has(array));
}
