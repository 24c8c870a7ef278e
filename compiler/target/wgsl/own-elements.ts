/** Arrays of which each invocation of a workgroup has elements to itself, as arrays of its own: see `LocalArray.each`. */
import { int, load } from "../../kernel/expressions.ts";
import type { LocalArray, Loop, Statement } from "../../kernel/ir.ts";
import { rewrite, rewriteExpression } from "./rewrite.ts";
import { touches } from "./team.ts";

/** The arrays of a kernel of which invocations have elements to themselves. */
export const ownArrays = (locals: readonly LocalArray[] = []): LocalArray[] =>
  locals.filter((a) => a.each !== undefined);

/** Statements for one invocation of a team of `size`, with the places of such elements counted from its own first one. */
export function withOwnElements(
  statements: readonly Statement[],
  locals: readonly LocalArray[],
  size: number,
): readonly Statement[] {
  const arrays = ownArrays(locals);
  if (arrays.length === 0) return statements;
  const ids = new Set(arrays.map((a) => a.id));
  const inLoop = (loop: Loop): Loop => {
    const first = int(0);
    const own = (e: Parameters<typeof rewriteExpression>[0]) =>
      rewriteExpression(e, (x) => (x === loop.index ? first : x));
    const places = (list: readonly Statement[]): Statement[] =>
      list.map((s) => {
        if (s.op === "store" && ids.has(s.array.id)) return { ...s, index: own(s.index) };
        if (s.op === "loop" || s.op === "while") return { ...s, body: places(s.body) };
        return s.op === "if" ? { ...s, then: places(s.then), otherwise: places(s.otherwise) } : s;
      });
    const body = rewrite(loop.body, (e) => (e.op === "load" && ids.has(e.array.id) ? load(e.array, own(e.index)) : e));
    return { ...loop, body: places(body) };
  };
  const all = (list: readonly Statement[]): Statement[] =>
    list.map((s) => {
      if (s.op !== "loop" || !touches([s], arrays)) return s;
      if (s.order !== "independent") return { ...s, body: all(s.body) };
      const fits = s.count.op === "constant" && Number(s.count.value) === size;
      if (!fits)
        throw new Error(`internal error: ${size} invocations have no elements each in a loop of another count`);
      return inLoop(s);
    });
  return all(statements);
}
