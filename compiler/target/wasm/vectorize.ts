/**
 * Whether the iterations of a loop can run several at a time, and which values are then many: those that depend
 * on its index. Branches, inner loops and calls (but of exceptional functions) have to be the same for all iterations; a
 * loop where they are not runs one iteration after the other.
 */
import { operandsOf } from "../../kernel/affine.ts";
import { meets, sourcesOf } from "../../kernel/changes.ts";
import type { Expression, Loop, Statement } from "../../kernel/ir.ts";
import { costOf } from "./scalar.ts";

/** The locals of which each iteration has its own value. */
export interface Varying {
  isVarying(e: Expression): boolean;
  has(id: number): boolean;
}

/** Undefined when the loop has to run one iteration at a time. */
export function varyingOf(loop: Loop): Varying | undefined {
  if (loop.order === "serial") return undefined;
  const ids = new Set([loop.index.id, ...loop.accumulators.map((a) => a.local.id)]);
  const isVarying = (e: Expression) => meets(sourcesOf(e).locals, ids);
  for (let before = -1; before !== ids.size; ) {
    before = ids.size;
    addVarying(loop.body, ids, isVarying);
  }
  const mayAssign = new Set(loop.accumulators.map((a) => a.local.id));
  return canRunTogether(loop.body, isVarying, mayAssign) ? { isVarying, has: (id) => ids.has(id) } : undefined;
}

function addVarying(statements: readonly Statement[], ids: Set<number>, isVarying: (e: Expression) => boolean): void {
  for (const s of statements) {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        if (isVarying(s.value)) ids.add(s.local.id);
        break;
      case "loop":
      case "while":
        addVarying(s.body, ids, isVarying);
        break;
      case "if":
        addVarying(s.then, ids, isVarying);
        addVarying(s.otherwise, ids, isVarying);
        break;
    }
  }
}

/** `mayAssign` has the locals that belong to an iteration, or are accumulators. */
function canRunTogether(
  statements: readonly Statement[],
  isVarying: (e: Expression) => boolean,
  mayAssign: Set<number>,
): boolean {
  const callsAreUniform = (e: Expression): boolean =>
    e.op === "call" && !e.function.isExceptional ? !isVarying(e) : operandsOf(e).every(callsAreUniform);
  const canRun = (s: Statement): boolean => {
    switch (s.op) {
      case "let":
        return callsAreUniform(s.value);
      case "variable":
        mayAssign.add(s.local.id);
        return callsAreUniform(s.value);
      case "assign":
        return mayAssign.has(s.local.id) && callsAreUniform(s.value);
      case "store":
        return isVarying(s.index) && callsAreUniform(s.index) && callsAreUniform(s.value);
      case "loop":
        return !isVarying(s.count) && canRunTogether(s.body, isVarying, mayAssign);
      case "while":
        return !isVarying(s.condition) && canRunTogether(s.body, isVarying, mayAssign);
      case "if":
        return (
          !isVarying(s.condition) &&
          canRunTogether(s.then, isVarying, mayAssign) &&
          canRunTogether(s.otherwise, isVarying, mayAssign)
        );
    }
  };
  return statements.every(canRun);
}

/** Accumulators in vectors, those of all copies of a body: with more of them registers run out. */
const mostAccumulators = 12;

/**
 * How many vectors of iterations to run in one step, a power of two: enough to keep the adders busy in a sum, and where
 * the body is so short that counting costs as much.
 */
export function vectorsPerStep(loop: Loop): number {
  const cost = bodyCost(loop.body);
  if (loop.order !== "reduction") return cost <= 16 ? 2 : 1;
  const isShort = cost <= 40 || (cost <= 120 && loop.accumulators.length === 1);
  let copies = isShort ? 4 : cost <= 120 ? 2 : 1;
  while (copies > 1 && copies * loop.accumulators.length > mostAccumulators) copies /= 2;
  return copies;
}

/** About how many instructions; loops inside count as very many. */
function bodyCost(statements: readonly Statement[]): number {
  return statements.reduce((sum, s) => {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        return sum + costOf(s.value, 200);
      case "store":
        return sum + 2 + costOf(s.value, 200);
      default:
        return Infinity;
    }
  }, 0);
}
