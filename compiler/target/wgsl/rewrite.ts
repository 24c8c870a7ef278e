/** Makes new expressions and statements of old ones; what becomes simpler on the way is simplified. */
import { binary, call, load, select, unary } from "../../kernel/expressions.ts";
import type { Expression, Statement } from "../../kernel/ir.ts";

/** What an expression becomes whose operands have been rewritten. */
export type Rule = (e: Expression) => Expression;

/** Applies a rule to an expression's nodes, operands first. Nodes that are shared stay shared. */
export function rewriteExpression(root: Expression, rule: Rule): Expression {
  return rewriter(rule)(root);
}

/** Applies a rule to all expressions in statements. Functions that they call stay as they are. */
export function rewrite(statements: readonly Statement[], rule: Rule): Statement[] {
  const of = rewriter(rule);
  const all = (list: readonly Statement[]): Statement[] => list.map(one);
  const one = (s: Statement): Statement => {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        return { ...s, value: of(s.value) };
      case "store":
        return { ...s, index: of(s.index), value: of(s.value) };
      case "loop":
        return { ...s, count: of(s.count), body: all(s.body) };
      case "while":
        return { ...s, condition: of(s.condition), body: all(s.body) };
      case "if":
        return { ...s, condition: of(s.condition), then: all(s.then), otherwise: all(s.otherwise) };
    }
  };
  return all(statements);
}

function rewriter(rule: Rule): (e: Expression) => Expression {
  const done = new Map<Expression, Expression>();
  const of = (e: Expression): Expression => {
    let made = done.get(e);
    if (!made) {
      made = rule(withOperands(e, of));
      done.set(e, made);
    }
    return made;
  };
  return of;
}

function withOperands(e: Expression, of: (e: Expression) => Expression): Expression {
  switch (e.op) {
    case "constant":
    case "local":
      return e;
    case "load":
      return load(e.array, of(e.index));
    case "unary":
      return unary(e.name, of(e.a));
    case "binary":
      return binary(e.name, of(e.a), of(e.b));
    case "select":
      return select(of(e.condition), of(e.a), of(e.b));
    case "call":
      return call(e.function, ...e.arguments.map(of));
  }
}
