/** Declared types: from what is written to dimensions, and fitting a term to one. */

import { foreignTypes } from "../check/foreign-words.ts";
import { type Dim, flexibleDimension, resolve, showDim, unifyDims } from "../core/dimension.ts";
import type { ScalarType } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Expression, Span, TypeExpression } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { convertTo } from "./operators.ts";
import { Scope, suggest } from "./scope.ts";
import { type ArrayTerm, alignFields, shapeOf, showTermType, type Term, type TupleTerm } from "./terms.ts";

export type DeclaredType =
  | { readonly kind: "array"; readonly type: ScalarType; readonly shape: readonly Dim[] }
  | { readonly kind: "tuple"; readonly names: readonly string[] | undefined; readonly items: readonly DeclaredType[] }
  | { readonly kind: "function"; readonly parameters: readonly DeclaredType[]; readonly result: DeclaredType };

export interface TypeDefinition {
  readonly expression: TypeExpression;
  readonly scope: Scope;
}

/** The dimensions a signature introduces: fresh symbols, found by matching arguments. */
export class SignatureDimensions {
  readonly found = new Map<string, Dim>();
  readonly scope: Scope;
  readonly mayIntroduce: boolean;
  constructor(scope: Scope, mayIntroduce: boolean) {
    this.scope = scope;
    this.mayIntroduce = mayIntroduce;
  }

  get(name: string, span: Span): Dim {
    const own = this.found.get(name);
    if (own !== undefined) return own;
    const outer = this.scope.find(name)?.term;
    if (outer?.kind === "array" && outer.dimension !== undefined) return outer.dimension;
    if (outer?.kind === "error") return this.introduce(name);
    if (!this.mayIntroduce)
      fail("K0205", span, `\`${name}\` is no dimension here.`, {
        help: "A dimension is a number, a size of `data`, an `int` param, or arithmetic on them.",
      });
    return this.introduce(name);
  }

  introduce(name: string): Dim {
    const fresh = flexibleDimension(name);
    this.found.set(name, fresh);
    return fresh;
  }
}

const scalars = new Set<string>(["real", "int", "bool", "key"]);

export function resolveType(e: Elaborator, expression: TypeExpression, dims: SignatureDimensions): DeclaredType {
  switch (expression.kind) {
    case "named-type": {
      if (scalars.has(expression.name)) return { kind: "array", type: expression.name as ScalarType, shape: [] };
      const definition = dims.scope.findType(expression.name);
      if (!definition) {
        const near = foreignTypes.has(expression.name)
          ? undefined
          : suggest(expression.name, [...scalars, ...dims.scope.typeNames()]);
        fail("K0202", expression.span, `There is no type \`${expression.name}\`.`, {
          help: near
            ? `Did you mean \`${near}\`?`
            : (foreignTypes.get(expression.name.toLowerCase()) ??
              "Types are real, int, bool, key, tuples of them, and what `type` declares."),
        });
      }
      return resolveType(e, definition.expression, dims);
    }
    case "tuple-type": {
      const names = expression.items[0]?.name ? expression.items.map((i) => i.name?.name ?? "") : undefined;
      return { kind: "tuple", names, items: expression.items.map((i) => resolveType(e, i.type, dims)) };
    }
    case "array-of-type": {
      const fixed = expression.places.filter((p) => p.name);
      let inner = dims;
      if (fixed.length > 0) {
        inner = new SignatureDimensions(dims.scope, dims.mayIntroduce);
        for (const [k, v] of dims.found) inner.found.set(k, v);
        for (const p of fixed) inner.found.set(p.name!.name, dimensionOf(e, p.dimension, dims));
      }
      const element = resolveType(e, expression.element, inner);
      if (inner !== dims)
        for (const [k, v] of inner.found) if (!fixed.some((p) => p.name!.name === k)) dims.found.set(k, v);
      const leading = expression.places.filter((p) => !p.name).map((p) => dimensionOf(e, p.dimension, dims));
      return addAxes(element, leading, expression.span);
    }
    case "function-type":
      return {
        kind: "function",
        parameters: expression.parameters.map((p) => resolveType(e, p, dims)),
        result: resolveType(e, expression.result, dims),
      };
  }
}

function addAxes(type: DeclaredType, leading: readonly Dim[], span: Span): DeclaredType {
  switch (type.kind) {
    case "array":
      return { ...type, shape: [...leading, ...type.shape] };
    case "tuple":
      return { ...type, items: type.items.map((t) => addAxes(t, leading, span)) };
    case "function":
      return fail("K0203", span, "There are no arrays of functions.", { help: "Keep functions in a tuple." });
  }
}

/** A dimension as it stands in a type: numbers, names and arithmetic on them. */
function dimensionOf(e: Elaborator, expression: Expression, dims: SignatureDimensions): Dim {
  const inner = new DimensionScope(dims);
  return e.dimension(expression, inner.scopeFor(expression));
}

/** Names inside a dimension expression are looked up as dimensions, new ones introduced. */
class DimensionScope {
  readonly dims: SignatureDimensions;
  constructor(dims: SignatureDimensions) {
    this.dims = dims;
  }
  scopeFor(expression: Expression): Scope {
    const scope = new Scope(this.dims.scope);
    const visit = (x: Expression): void => {
      if (x.kind === "name") scope.bind(x.name, dimensionTermLater(this.dims.get(x.name, x.span)), x.span);
      else if (x.kind === "binary") {
        visit(x.left);
        visit(x.right);
      } else if (x.kind === "unary") visit(x.operand);
      else if (x.kind === "call") for (const a of x.arguments) visit(a.value);
    };
    visit(expression);
    return scope;
  }
}

/** A placeholder that carries a dimension and no atom of any graph. */
function dimensionTermLater(dimension: Dim): ArrayTerm {
  const value = typeof dimension === "number" ? dimension : 0;
  return { kind: "array", type: "int", atom: { kind: "literal", value, type: { dtype: "int", shape: [] } }, dimension };
}

function showDeclared(type: DeclaredType): string {
  switch (type.kind) {
    case "array":
      return type.shape.length === 0 ? type.type : `${type.type}[${type.shape.map(showDim).join(", ")}]`;
    case "tuple":
      return `(${type.items.map((t, i) => (type.names ? `${type.names[i]}: ` : "") + showDeclared(t)).join(", ")})`;
    case "function": {
      const ps = type.parameters.map(showDeclared);
      return `${ps.length === 1 ? ps[0] : `(${ps.join(", ")})`} -> ${showDeclared(type.result)}`;
    }
  }
}

/** Makes the term fit the declared type, promoting ints; `what` names it in messages ("`w`", "the result of `f`"). */
export function fitTerm(
  e: Elaborator,
  term: Term,
  type: DeclaredType,
  what: string,
  span: Span | undefined,
  declared?: Span,
): Term {
  const refuse = (help?: string): never =>
    fail("K0204", span, `${capitalised(what)} should be ${showDeclared(type)}, but this is ${showTermType(term)}.`, {
      ...(declared ? { notes: [{ message: `${capitalised(what)} is declared here:`, span: declared }] } : {}),
      ...(help ? { help } : {}),
    });
  if (term.kind === "error") return term;
  if (term.kind === "range") return fitTerm(e, e.rangeToArray(term, span), type, what, span, declared);
  switch (type.kind) {
    case "array": {
      if (term.kind !== "array") return refuse();
      const shape = shapeOf(term);
      if (shape.length !== type.shape.length) return refuse(shapeHelp(shape, type.shape));
      for (let i = 0; i < shape.length; i++)
        if (unifyDims(shape[i]!, type.shape[i]!) === "different")
          return refuse(dimensionHelp(shape[i]!, type.shape[i]!, what));
      e.deferEquality(shape, type.shape, what, span);
      if (term.type === type.type) return term;
      const order = ["bool", "int", "real"];
      const [have, want] = [order.indexOf(term.type), order.indexOf(type.type)];
      if (have < 0 || want < 0 || have > want)
        return refuse(term.type === "real" && type.type === "int" ? "`int(x)` rounds toward zero." : undefined);
      return convertTo(e, term, type.type);
    }
    case "tuple": {
      if (term.kind !== "tuple") return refuse();
      if (term.items.length !== type.items.length) return refuse();
      const aligned: TupleTerm | undefined = type.names && term.names ? alignFields(term, type.names) : term;
      if (!aligned || (type.names === undefined) !== (term.names === undefined)) return refuse();
      const items = aligned.items.map((t, i) =>
        fitTerm(
          e,
          t,
          type.items[i]!,
          type.names ? `${what}'s field \`${type.names[i]}\`` : `part ${i} of ${what}`,
          span,
          declared,
        ),
      );
      return { ...aligned, items };
    }
    case "function":
      if (term.kind !== "function") return refuse();
      if (term.arity !== undefined && term.arity !== type.parameters.length)
        return refuse(`It takes ${term.arity} argument${term.arity === 1 ? "" : "s"}.`);
      return {
        ...term,
        apply: (args) => {
          const positional = args.positional.map((a, i) => {
            const p = type.parameters[i];
            return p ? fitTerm(e, a, p, `argument ${i + 1} of ${what}`, args.span) : a;
          });
          return fitTerm(e, term.apply({ ...args, positional }), type.result, `the result of ${what}`, args.span);
        },
      };
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function shapeHelp(found: readonly Dim[], wanted: readonly Dim[]): string {
  const axes = (n: number) => (n === 0 ? "no axes" : n === 1 ? "one axis" : `${n} axes`);
  if (wanted.length === 0) return "One number is wanted. For each entry of an array: `[f(v) for v in x]`.";
  return `An array with ${axes(wanted.length)} is wanted, but this has ${axes(found.length)}.`;
}

function dimensionHelp(found: Dim, wanted: Dim, what: string): string | undefined {
  if (typeof resolve(found) === "number" && typeof resolve(wanted) === "number")
    return what.startsWith("the argument")
      ? "A name that stands for a size in a signature is one number: the first argument with it decides."
      : undefined;
  return `\`${showDim(found)}\` and \`${showDim(wanted)}\` need not be equal.`;
}

/** The dimension a flexible one was found to be. */
export function settled(dim: Dim): Dim {
  return resolve(dim);
}
