/**
 * Places of array elements as sums of products with constants, seen through the names that `let`s give to
 * parts of them: what the code of an address is made from. All of it is modulo 2^32, as addresses are.
 */
import { sourcesOf } from "../../kernel/changes.ts";
import { expressionId, upperBound } from "../../kernel/expressions.ts";
import type { Expression, Let, Statement } from "../../kernel/ir.ts";

/** The sum of the terms times their coefficients, and the constant. */
export interface Form {
  readonly terms: ReadonlyMap<Expression, number>;
  readonly constant: number;
}

export class Forms {
  readonly #ofLocal = new Map<number, Form>();
  readonly #variables = new Set<number>();

  constructor(statements: readonly Statement[]) {
    this.#find(statements);
    this.#define(statements);
  }

  #find(statements: readonly Statement[]): void {
    for (const s of statements) {
      if (s.op === "variable" || s.op === "assign") this.#variables.add(s.local.id);
      for (const body of bodiesOf(s)) this.#find(body);
    }
  }

  #define(statements: readonly Statement[]): void {
    for (const s of statements) {
      if (s.op === "let" && s.local.kind === "int") this.#let(s);
      for (const body of bodiesOf(s)) this.#define(body);
    }
  }

  /** A name is seen through only if what is behind it stays the same for as long as the name is in use. */
  #let({ local, value }: Let): void {
    const form = this.of(value);
    const stays = [...form.terms.keys()].every((term) => {
      const { locals, arrays } = sourcesOf(term);
      return arrays.size === 0 && term.op !== "call" && ![...locals].some((id) => this.#variables.has(id));
    });
    if (stays) this.#ofLocal.set(local.id, form);
  }

  of(e: Expression): Form {
    switch (e.op) {
      case "constant":
        return { terms: new Map(), constant: Number(e.value) | 0 };
      case "local":
        return this.#ofLocal.get(e.id) ?? single(e);
      case "binary":
        if (e.name === "add") return combined(this.of(e.a), this.of(e.b), 1);
        if (e.name === "sub") return combined(this.of(e.a), this.of(e.b), -1);
        if (e.name === "mul" && e.b.op === "constant")
          return combined({ terms: new Map(), constant: 0 }, this.of(e.a), Number(e.b.value));
        return single(e);
      default:
        return single(e);
    }
  }
}

export const bodiesOf = (s: Statement): readonly (readonly Statement[])[] =>
  s.op === "loop" || s.op === "while" ? [s.body] : s.op === "if" ? [s.then, s.otherwise] : [];

const single = (e: Expression): Form => ({ terms: new Map([[e, 1]]), constant: 0 });

/** a + factor b */
function combined(a: Form, b: Form, factor: number): Form {
  const terms = new Map(a.terms);
  for (const [term, coefficient] of b.terms) {
    const total = ((terms.get(term) ?? 0) + Math.imul(coefficient, factor)) | 0;
    if (total === 0) terms.delete(term);
    else terms.set(term, total);
  }
  return { terms, constant: (a.constant + Math.imul(b.constant, factor)) | 0 };
}

/** Whether a sum is known not to be negative. */
export const isNeverNegative = (terms: ReadonlyMap<Expression, number>): boolean =>
  [...terms].every(([term, coefficient]) => coefficient > 0 && upperBound(term) !== undefined);

/** The same text for the same sum. */
export const keyOfTerms = (terms: ReadonlyMap<Expression, number>): string =>
  [...terms]
    .map(([term, coefficient]) => `${expressionId(term)}*${coefficient}`)
    .sort()
    .join("+");
