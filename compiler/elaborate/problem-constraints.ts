/** The restrictions of a model, one a side of a line or of a set: rows h == 0, rows g <= 0, and simple bounds. */
import { realLiteral } from "../core/graph.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Constraint, Expression, Pattern, Problem, Span, Variable } from "../syntax/tree.ts";
import { elementwiseBuiltins } from "./builtins/elementwise.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet, readField } from "./expressions.ts";
import { applyTo } from "./functions.ts";
import { arithmetic, extremum, realTerm, stretch, zeroLike } from "./operators.ts";
import { Scope } from "./scope.ts";
import { type ArrayTerm, type FunctionTerm, rankOf, realArray, shapeOf, type Term, tupleTerm } from "./terms.ts";

/** One side of a line of `subject to`, or one restriction of a variable's set. */
export interface Restriction {
  /** A row of h == 0 or of g <= 0. */
  readonly kind: "h" | "g";
  /** What it is called among the rows. */
  readonly name: string;
  /** The name of the constraint, under which its dual is shown. */
  readonly label: string | undefined;
  /** Which side of a two-sided line this is. */
  readonly side: "upper" | "lower" | undefined;
  /** The row, with the variables in sight. */
  readonly row: (inner: Scope) => Term;
  /** When it only holds one variable to one side of a fixed limit. */
  readonly bound: Bound | undefined;
  readonly span: Span;
}

export interface Bound {
  readonly variable: string;
  readonly side: "lower" | "upper";
  readonly limit: Term;
}

/** A line is a comparison, or a comprehension over one; strict ones are refused. */
export function checkConstraint(line: Constraint): void {
  const value = line.value.kind === "comprehension" ? line.value.body : line.value;
  if (value.kind !== "comparison")
    fail("K0751", line.span, "A constraint is an equation or an inequality.", {
      help: "Write `budget: sum(x) == 1` or `[x[t] <= 1 for t in 0..T]`.",
    });
  for (const operator of value.operators) {
    if (operator === "<" || operator === ">")
      fail(
        "K0752",
        value.span,
        `A constraint with \`${operator}\` has no boundary, so the optimum might not be attained.`,
        { help: `Write \`${operator}=\`.` },
      );
    if (operator === "!=") fail("K0753", value.span, "`!=` is no constraint: almost every point satisfies it.");
  }
}

/** What the lines of `subject to` say: `a <= b` is the row a - b, `a >= b` is b - a, `a == b` is a - b. */
export function restrictionsOf(e: Elaborator, declaration: Problem, scope: Scope, like: Term): Restriction[] {
  const varying = new Set(declaration.variables.map((v) => v.name.name));
  for (const line of declaration.constraints) if (line.kind === "let") addNames(line.pattern, varying);
  const all: Restriction[] = [];
  declaration.constraints.forEach((line, index) => {
    if (line.kind !== "constraint") return;
    const comparison = line.value.kind === "comprehension" ? line.value.body : line.value;
    if (comparison.kind !== "comparison") return;
    const { operands, operators } = comparison;
    operators.forEach((operator, i) => {
      const [left, right] = [operands[i]!, operands[i + 1]!];
      const [p, q] = operator === ">=" ? [right, left] : [left, right];
      const minus: Expression = { kind: "binary", operator: "-", left: p, right: q, span: comparison.span };
      const difference: Expression = line.value.kind === "comprehension" ? { ...line.value, body: minus } : minus;
      const sides =
        operators.length === 1 ? undefined : (operator === "<=") === (i === operators.length - 1) ? "upper" : "lower";
      const simple = operator !== "==" && line.value.kind === "comparison";
      const bound = simple ? boundOf(e, p, q, varying, scope, like) : undefined;
      all.push({
        kind: operator === "==" ? "h" : "g",
        name: `${line.label?.name ?? `row ${index}`}${sides ? ` ${i}` : ""}`,
        label: line.label?.name,
        side: sides,
        row: (inner) => {
          const value = realTerm(e, e.expression(difference, inner), "A constraint", difference.span);
          return bound ? withoutInfinite(e, bound, value, line.span) : value;
        },
        bound,
        span: line.span,
      });
    });
  });
  return all;
}

/** `p <= q` as a bound, when one side is a bare variable and the other mentions none. */
function boundOf(
  e: Elaborator,
  p: Expression,
  q: Expression,
  varying: ReadonlySet<string>,
  scope: Scope,
  like: Term,
): Bound | undefined {
  if (like.kind !== "tuple") return undefined;
  for (const [side, variable, limit] of [
    ["upper", p, q],
    ["lower", q, p],
  ] as const) {
    if (variable.kind !== "name" || !like.names!.includes(variable.name) || mentions(limit, varying)) continue;
    const x = like.items[like.names!.indexOf(variable.name)]!;
    const term = realTerm(e, e.expression(limit, scope), "A bound", limit.span);
    return fitsInto(e, term, x) ? { variable: variable.name, side, limit: term } : undefined;
  }
  return undefined;
}

/** The row of a bound: where the limit is infinite, a row that holds whatever the variable is. */
function withoutInfinite(e: Elaborator, { limit }: Bound, row: Term, span: Span): Term {
  if (limit.kind === "array" && limit.atom.kind === "literal" && Number.isFinite(limit.atom.value)) return row;
  const finite = elementwiseBuiltins.is_finite!(e, { positional: [limit], named: new Map(), span });
  const slack = realArray(realLiteral(-1));
  return elementwiseBuiltins.where!(e, { positional: [finite, row, slack], named: new Map(), span });
}

/** Whether an array stretches to the shape of a variable, rather than the variable to its. */
function fitsInto(e: Elaborator, limit: Term, x: Term): limit is ArrayTerm {
  if (limit.kind !== "array" || x.kind !== "array" || rankOf(limit) > rankOf(x)) return false;
  const offset = rankOf(x) - rankOf(limit);
  return shapeOf(limit).every((d, i) => d === 1 || e.couldBeEqual(d, shapeOf(x)[i + offset]!));
}

function mentions(node: unknown, names: ReadonlySet<string>): boolean {
  if (Array.isArray(node)) return node.some((n) => mentions(n, names));
  if (typeof node !== "object" || node === null) return false;
  const { kind, name } = node as { readonly kind?: unknown; readonly name?: unknown };
  if (kind === "name" && typeof name === "string") return names.has(name);
  return Object.values(node).some((n) => mentions(n, names));
}

function addNames(pattern: Pattern, names: Set<string>): void {
  if (pattern.kind === "name-pattern") names.add(pattern.name);
  else if (pattern.kind === "tuple-pattern") for (const p of pattern.items) addNames(p, names);
}

const setFields = ["lower", "upper", "equations", "inequalities"];

/** Whether a set can be written as bounds and rows, rather than by its projection alone. */
export function hasRows(set: Term): boolean {
  return set.kind === "tuple" && (set.names ?? []).some((n) => setFields.includes(n));
}

/** A set as restrictions: its fields `lower`, `upper`, `equations(v) == 0` and `inequalities(v) <= 0`. */
export function restrictionsOfSet(e: Elaborator, variable: Variable, set: Term): Restriction[] {
  const name = variable.name.name;
  const { span } = variable.set!;
  const field = (f: string): Term | undefined =>
    set.kind === "tuple" && set.names?.includes(f) ? readField(e, set, f, span) : undefined;
  const base = { label: undefined, side: undefined, span };
  const all: Restriction[] = [];
  for (const side of ["lower", "upper"] as const) {
    const limit = field(side);
    if (!limit) continue;
    const term = realTerm(e, limit, `The field \`${side}\` of a set`, span);
    const bound: Bound = { variable: name, side, limit: term };
    const row = (inner: Scope) => {
      const x = inner.find(name)!.term;
      const value = side === "lower" ? arithmetic(e, "-", term, x, span) : arithmetic(e, "-", x, term, span);
      return withoutInfinite(e, bound, value, span);
    };
    all.push({ ...base, kind: "g", name: `${name} ${side}`, row, bound });
  }
  for (const [f, kind] of [
    ["equations", "h"],
    ["inequalities", "g"],
  ] as const) {
    const rows = field(f);
    if (!rows) continue;
    const row = (inner: Scope) =>
      realTerm(e, applyTo(e, rows, [inner.find(name)!.term], span), `The field \`${f}\` of a set`, span);
    all.push({ ...base, kind, name: `${name} ${f}`, row, bound: undefined });
  }
  return all;
}

/** All bounds together: the highest lower and the lowest upper ones, shaped like the variables; infinite without any. */
export function combinedBounds(
  e: Elaborator,
  bounds: readonly Restriction[],
  like: Term,
  span: Span,
): Record<"lower" | "upper", Term> {
  if (like.kind !== "tuple") return e.giveUp();
  const { names, items } = like;
  const of = (side: "lower" | "upper"): Term =>
    tupleTerm(
      items.map((x, i) => {
        const own = bounds.flatMap(({ bound }) =>
          bound?.variable === names![i] && bound?.side === side ? [bound.limit] : [],
        );
        if (own.length === 0)
          return filled(e, x, side === "lower" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
        return own
          .map((limit) => arithmetic(e, "+", limit, zeroLike(e, x), span))
          .reduce((s, t) => extremum(e, side === "lower" ? "max" : "min", s, t, span));
      }),
      names,
    );
  return { lower: of("lower"), upper: of("upper") };
}

function filled(e: Elaborator, like: Term, value: number): Term {
  if (like.kind !== "array") return e.giveUp();
  return realArray(stretch(e, realArray(realLiteral(value)), shapeOf(like)));
}

/** A function of the variables as one named tuple; each is in sight under its name, and so are the lines' `let`s. */
export function ofVariables(
  e: Elaborator,
  declaration: Problem,
  scope: Scope,
  name: string,
  body: (inner: Scope) => Term,
): FunctionTerm {
  const variables = declaration.variables.map((v) => v.name.name);
  return {
    kind: "function",
    name,
    arity: 1,
    apply: (args) =>
      e.inFrame(() => {
        const w = args.positional[0]!;
        const inner = new Scope(scope);
        if (w.kind !== "tuple") return e.giveUp();
        for (const v of variables) inner.bind(v, w.items[w.names!.indexOf(v)]!);
        for (const line of declaration.constraints) if (line.kind === "let") elaborateLet(e, line, inner);
        return body(inner);
      }),
  };
}

/** The rows of one kind as a function of the variables, one named field a restriction. */
export function rowsFunction(
  e: Elaborator,
  declaration: Problem,
  scope: Scope,
  kind: "h" | "g",
  restrictions: readonly Restriction[],
): FunctionTerm {
  const own = restrictions.filter((r) => r.kind === kind);
  return ofVariables(e, declaration, scope, kind, (inner) =>
    tupleTerm(
      own.map((r) => r.row(inner)),
      own.map((r) => r.name),
    ),
  );
}
