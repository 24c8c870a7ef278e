/**
 * Computes what is made of constants alone. WGSL evaluates such expressions too, but an overflow, a division by zero
 * or a NaN on the way is an error there.
 */
import { bits, bool, int, real } from "../../kernel/expressions.ts";
import { interpretExpression } from "../../kernel/interpret.ts";
import type { Constant, Expression, Kind, ScalarFunction, Statement } from "../../kernel/ir.ts";
import { rewrite, rewriteExpression } from "./rewrite.ts";

function constantOf(kind: Kind, value: number | bigint): Constant {
  switch (kind) {
    case "real":
      return real(Number(value));
    case "int":
      return int(Number(value));
    case "bool":
      return bool(Number(value) !== 0);
    case "bits":
      return bits(BigInt(value));
  }
}

/** Statements of the same meaning in f32, with no operator left whose operands are all constants. */
export const foldConstants = (statements: readonly Statement[]): Statement[] => rewrite(statements, computed);

/** The same for a function. */
export function foldFunction(f: ScalarFunction): ScalarFunction {
  return { ...f, body: foldConstants(f.body), result: rewriteExpression(f.result, computed) };
}

function computed(e: Expression): Expression {
  const known =
    (e.op === "unary" && e.a.op === "constant") ||
    (e.op === "binary" && e.a.op === "constant" && e.b.op === "constant");
  return known ? constantOf(e.kind, interpretExpression(e, "f32")) : e;
}
