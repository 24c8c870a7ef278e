/** Expressions: one case a kind of node, each handed to the file that knows it. */
import { intLiteral, realLiteral } from "../core/graph.ts";
import { describeOverflow, overflowsSingle, singleHelp, tooLargeForSingle } from "../core/single-precision.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Block, Expression, Let, Span } from "../syntax/tree.ts";
import { elaborateIf } from "./branches.ts";
import { refuseLargeTuple } from "./budget.ts";
import { compare, logical, negation } from "./comparisons.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateCall, lambdaTerm } from "./functions.ts";
import { elaborateIndex } from "./indexing.ts";
import { elaborateLoop } from "./loops.ts";
import { elaborateComprehension } from "./maps.ts";
import { matrixProduct, transposeTerm } from "./matrix-operators.ts";
import { arithmetic, negate } from "./operators.ts";
import { bindPattern } from "./patterns.ts";
import { approximately } from "./properties.ts";
import { Scope, suggest } from "./scope.ts";
import { solverField } from "./solver-terms.ts";
import { stackTerms } from "./stacking.ts";
import { errorTerm, showTermType, type Term, tupleTerm } from "./terms.ts";
import { fitTerm, resolveType, SignatureDimensions } from "./types.ts";
import { elaborateWith } from "./updates.ts";

export function elaborateExpression(e: Elaborator, x: Expression, scope: Scope): Term {
  switch (x.kind) {
    case "number":
      if (e.precision === "f32" && overflowsSingle(x.value))
        fail(tooLargeForSingle, x.span, describeOverflow(`This is ${x.text}`), { help: singleHelp });
      if (!x.integer) return { kind: "array", type: "real", atom: realLiteral(x.value) };
      if (x.value > 0xffffffff || (x.value > 0x7fffffff && !/^0x/i.test(x.text)))
        // Too large for an int, but a fine real.
        return { kind: "array", type: "real", atom: realLiteral(x.value) };
      return { kind: "array", type: "int", atom: intLiteral(x.value), dimension: x.value | 0 };
    case "string":
      return { kind: "text", text: x.value };
    case "boolean":
      return e.boolTerm(x.value);
    case "name":
      return lookUp(x.name, x.span, scope);
    case "tuple": {
      const names = x.items[0]?.name ? x.items.map((i) => i.name!.name) : undefined;
      if (names)
        refuseRepeats(
          x.items.map((i) => i.name!),
          "field",
        );
      const tuple = tupleTerm(
        x.items.map((i) => e.expression(i.value, scope)),
        names,
      );
      refuseLargeTuple(tuple, x.span);
      return tuple;
    }
    case "array":
      e.budget.spendEntries(x.items.length, x.span);
      return stackTerms(
        e,
        x.items.map((i) => e.expression(i, scope)),
        x.items.map((i) => i.span),
        x.span,
      );
    case "comprehension":
      return elaborateComprehension(e, x, scope);
    case "block":
      return elaborateBlock(e, x, scope);
    case "call":
      return elaborateCall(e, x, scope);
    case "index":
      return elaborateIndex(e, x, scope);
    case "field":
      return readField(e, e.expression(x.base, scope), x.name.name, x.name.span);
    case "transpose":
      return transposeTerm(e, e.expression(x.base, scope), x.span);
    case "unary": {
      const operand = e.expression(x.operand, scope);
      return x.operator === "-" ? negate(e, operand, x.span) : negation(e, operand, x.span);
    }
    case "binary": {
      const [left, right] = [e.expression(x.left, scope), e.expression(x.right, scope)];
      if (left.kind === "error" || right.kind === "error") return errorTerm;
      if (x.operator === "and" || x.operator === "or") return logical(e, x.operator, left, right, x.span);
      if (x.operator === "@") return matrixProduct(e, left, right, x.span);
      if (x.operator === "~=") return approximately(e, left, right, x.within && e.expression(x.within, scope), x);
      return arithmetic(e, x.operator, left, right, x.span);
    }
    case "comparison": {
      const operands = x.operands.map((o) => e.expression(o, scope));
      if (operands.some((o) => o.kind === "error")) return errorTerm;
      return x.operators
        .map((operator, i) => compare(e, operator, operands[i]!, operands[i + 1]!, x.span))
        .reduce((s, t) => logical(e, "and", s, t, x.span));
    }
    case "range": {
      const ends = [x.from, x.to].map((end) => {
        const t = e.expression(end, scope);
        if (t.kind === "error") e.giveUp();
        if (t.kind !== "array" || t.type !== "int" || t.atom.type.shape.length > 0)
          fail("K0224", end.span, `The ends of a range are ints, but this is ${showTermType(t)}.`);
        return t;
      });
      return { kind: "range", from: ends[0]!, to: ends[1]! };
    }
    case "with":
      return elaborateWith(e, x, scope);
    case "lambda":
      return lambdaTerm(e, x, scope);
    case "if":
      return elaborateIf(e, x, scope);
    case "loop":
      return elaborateLoop(e, x, scope);
    default:
      x satisfies never;
      return errorTerm;
  }
}

function lookUp(name: string, span: Span, scope: Scope): Term {
  const found = scope.find(name);
  if (found) return found.term;
  const near = suggest(name, scope.names());
  const later = scope.names().length > 0 ? "Names are declared before they are used." : undefined;
  return fail("K0201", span, `There is nothing called \`${name}\` here.`, {
    ...(near ? { help: `Did you mean \`${near}\`?` } : later ? { help: later } : {}),
  });
}

function refuseRepeats(names: readonly { readonly name: string; readonly span: Span }[], what: string): void {
  const seen = new Map<string, Span>();
  for (const { name, span } of names) {
    const first = seen.get(name);
    if (first)
      fail("K0225", span, `The ${what} \`${name}\` stands here twice.`, {
        notes: [{ message: "The first one:", span: first }],
      });
    seen.set(name, span);
  }
}

/** What is a property or a method of an array elsewhere. */
const methodHelp: ReadonlyMap<string, string> = new Map([
  ["T", "A transpose is written `A'`."],
  [
    "shape",
    "The leading size is `len(x)`, the number of entries `size(x)`; a signature names the others: `A: real[n, m]`.",
  ],
  ["size", "The number of entries is `size(x)`."],
  ["length", "The leading size is `len(x)`."],
  ...["sum", "mean", "max", "min", "reshape", "dot", "flatten", "std", "argmax", "argmin", "sort", "cumsum"].map(
    (name) => [name, `\`${name}\` is a function: \`${name === "reshape" ? "reshape[2, 3]" : name}(x)\`.`] as const,
  ),
]);

export function readField(e: Elaborator, base: Term, name: string, span: Span): Term {
  if (base.kind === "error") return base;
  if (base.kind === "solver") return solverField(e, base, name, span);
  if (base.kind !== "tuple" || !base.names)
    fail("K0226", span, `\`.${name}\` reads a field of a named tuple, but this is ${showTermType(base)}.`, {
      ...(base.kind === "tuple" ? { help: "A plain tuple comes apart by a pattern: `let (a, b) = p`." } : {}),
      ...(base.kind === "array" && methodHelp.has(name) ? { help: methodHelp.get(name)! } : {}),
    });
  const at = base.names.indexOf(name);
  if (at < 0) {
    const near = suggest(name, base.names);
    const help = base.whyAbsent?.(name) ?? (near && `Did you mean \`${near}\`?`);
    fail(
      "K0227",
      span,
      `There is no field \`${name}\`; the fields are ${base.names.map((n) => `\`${n}\``).join(", ")}.`,
      help ? { help } : {},
    );
  }
  base.onRead?.(name);
  const item = base.items[at]!;
  return item;
}

export function elaborateBlock(e: Elaborator, block: Block, scope: Scope): Term {
  const inner = new Scope(scope);
  for (const line of block.lets) elaborateLet(e, line, inner);
  return e.expression(block.result, inner);
}

/** Binds a `let`; a mistake in it is reported and the names stand for it from then on. */
export function elaborateLet(e: Elaborator, line: Let, scope: Scope): void {
  const term = e.recover<Term>(() => {
    const value = e.expression(line.value, scope);
    if (!line.type) return value;
    const dims = new SignatureDimensions(scope, true);
    const declared = resolveType(e, line.type, dims);
    const fitted = fitTerm(e, value, declared, "this", line.value.span, line.type.span);
    for (const [name, dim] of dims.found) scope.bind(name, e.dimensionTerm(dim), line.type.span);
    return fitted;
  }, errorTerm);
  e.recover(() => bindPattern(e, line.pattern, term, scope), undefined);
}
