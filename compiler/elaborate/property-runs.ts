/** `property` declarations: checked like functions, then evaluated on values somebody else makes up. */

import type { NdArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { rigidDimension } from "../core/dimension.ts";
import { evaluate, evaluationContext } from "../core/evaluate.ts";
import { concreteShape, type Graph, type Var } from "../core/graph.ts";
import type { BoundProperty, PropertyVariable, Value } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Expression, Property } from "../syntax/tree.ts";
import { inputOfType } from "./declarations.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { logical } from "./operators.ts";
import { Scope } from "./scope.ts";
import type { ElaboratedScript } from "./script.ts";
import { rankOf, showTermType, type Term } from "./terms.ts";
import { type DeclaredType, resolveType, SignatureDimensions } from "./types.ts";
import { leafArrays, termValue, termValueFrom, valueArrays } from "./values.ts";

type Variable = Property["variables"][number];

export function checkProperties(e: Elaborator, script: ElaboratedScript): void {
  for (const property of script.properties)
    e.recover(() => elaborateProperty(e, property, script.scope, undefined), undefined);
}

function generatorOf(e: Elaborator, v: Variable, scope: Scope): PropertyVariable["generator"] {
  const g = v.generator;
  const number = (x: Expression): number => {
    const t = e.expression(x, scope);
    if (t.kind === "array" && t.atom.kind === "literal") return t.atom.value;
    return fail("K0761", x.span, "The ends of a generator are plain numbers.");
  };
  if (!g) return { kind: "normal" };
  if (g.kind === "range") return { kind: "range", low: number(g.from), high: number(g.to) };
  if (g.kind === "call" && g.callee.kind === "name") {
    const name = g.callee.name;
    if (name === "normal" && g.arguments.length === 0) return { kind: "normal" };
    if (name === "simplex" && g.arguments.length === 0) return { kind: "simplex" };
    if (name === "uniform" && g.arguments.length === 2) {
      const [low, high] = g.arguments.map((a) => number(a.value)) as [number, number];
      if (!(low < high)) fail("K0761", g.span, `\`uniform(${low}, ${high})\` has nothing between its ends.`);
      return { kind: "uniform", low, high };
    }
  }
  return fail("K0760", g.span, "There is no such generator.", {
    help: "Generators are `normal()`, `uniform(a, b)`, `simplex()` and, for ints, ranges such as `1..6`.",
  });
}

interface Elaborated {
  readonly graph: Graph;
  readonly captured: readonly Var[];
  readonly result: Term;
  readonly sides: readonly { readonly expression: string; readonly term: Term }[];
  readonly keep: Term;
  readonly inputs: readonly Term[];
}

/** The property as a graph of its real variables, for given ints. */
function elaborateProperty(
  e: Elaborator,
  property: Property,
  scope: Scope,
  ints: Readonly<Record<string, number>> | undefined,
): Elaborated {
  const builder = new Builder();
  const inner = new Scope(scope);
  return e.within(builder, () =>
    e.inFrame(() => {
      const dims = new SignatureDimensions(inner, true);
      const inputs: Term[] = [];
      let keep: Term = e.boolTerm(true);
      for (const v of property.variables) {
        const type: DeclaredType = resolveType(e, v.type, dims);
        const generator = generatorOf(e, v, inner);
        if (type.kind === "array" && type.type === "int" && type.shape.length === 0) {
          if (generator.kind !== "range")
            fail("K0762", v.span, `\`${v.name.name}\` is an int, so it is drawn from a range.`, {
              help: `Write \`${v.name.name}: int in 1..6\`.`,
            });
          const value = ints?.[v.name.name];
          inner.bind(
            v.name.name,
            value === undefined ? e.dimensionTerm(rigid(v.name.name)) : e.dimensionTerm(value),
            v.name.span,
          );
          inputs.push(inner.own(v.name.name)!.term);
        } else {
          const t = inputOfType(e, type, builder, v.span);
          inputs.push(t);
          inner.bind(v.name.name, t, v.name.span);
        }
        if (v.condition) {
          const c = e.expression(v.condition, inner);
          if (c.kind !== "array" || c.type !== "bool" || rankOf(c) > 0)
            fail("K0271", v.condition.span, `\`where\` wants one true or false, but this is ${showTermType(c)}.`);
          keep = logical(e, "and", keep, c, v.condition.span);
        }
      }
      const body = new Scope(inner);
      for (const line of property.body.lets) elaborateLet(e, line, body);
      const x = property.body.result;
      const result = e.expression(x, body);
      if (result.kind === "error") e.giveUp();
      if (result.kind !== "array" || result.type !== "bool" || rankOf(result) > 0)
        fail("K0763", x.span, `A property ends in one true or false, but this is ${showTermType(result)}.`, {
          help: "Compare two values with `~=`, or say `all(...)`.",
        });
      const operands =
        x.kind === "binary" && x.operator === "~=" ? [x.left, x.right] : x.kind === "comparison" ? x.operands : [];
      const sides = operands.map((o) => ({ expression: e.textOf(o.span), term: e.expression(o, body) }));
      const outputs = [result, keep, ...sides.map((s) => s.term)].flatMap((t) => leafArrays(t).map((l) => l.atom));
      const { graph, captured } = builder.close("property", outputs);
      return { graph, captured, result, sides, keep, inputs };
    }),
  );
}

function rigid(name: string) {
  return rigidDimension(`property ${name}`);
}

/** The properties of a bound script. `value` gives the script's own variables. */
export function boundProperties(e: Elaborator, script: ElaboratedScript, value: (v: Var) => NdArray): BoundProperty[] {
  return script.properties.map((property): BoundProperty => {
    const cache = new Map<string, Elaborated>();
    const at = (ints: Readonly<Record<string, number>>): Elaborated => {
      const key = JSON.stringify(ints);
      let found = cache.get(key);
      if (!found) {
        found = elaborateProperty(e, property, script.scope, ints);
        cache.set(key, found);
      }
      return found;
    };
    return {
      title: property.title.value,
      span: property.span,
      variables: property.variables.map((v): PropertyVariable => {
        const dims = new SignatureDimensions(new Scope(script.scope), true);
        const type = e.within(new Builder(), () => resolveType(e, v.type, dims));
        return {
          name: v.name.name,
          span: v.span,
          type: type.kind === "array" ? type.type : "tuple",
          generator: e.within(new Builder(), () => generatorOf(e, v, script.scope)),
        };
      }),
      shapeOf: (name, ints) => {
        // The body is left alone: ints chosen later may be missing.
        const builder = new Builder();
        const inner = new Scope(script.scope);
        const dims = new SignatureDimensions(inner, true);
        const term = e.within(builder, () => {
          for (const v of property.variables) {
            const type = resolveType(e, v.type, dims);
            const isSize = type.kind === "array" && type.type === "int" && type.shape.length === 0;
            const made = isSize ? e.dimensionTerm(ints[v.name.name] ?? 0) : inputOfType(e, type, builder, v.span);
            if (v.name.name === name) return made;
            inner.bind(v.name.name, made, v.name.span);
          }
          throw new Error(`internal error: the property has no variable ${name}`);
        });
        return termValue(term, (a) => {
          const shape = concreteShape(a.type.shape);
          const size = shape.reduce((s, t) => s * t, 1);
          return {
            dtype: a.type.dtype,
            shape,
            data:
              a.type.dtype === "real"
                ? new Float64Array(size)
                : a.type.dtype === "int"
                  ? new Int32Array(size)
                  : new Uint8Array(size),
          };
        });
      },
      evaluate: (ints, values) => {
        const p = at(ints);
        const operands = p.captured.map(value);
        property.variables.forEach((v, i) => {
          const t = p.inputs[i]!;
          if (t.kind === "array" && t.atom.kind === "literal") return;
          operands.push(...valueArrays(values[v.name.name]!));
        });
        const results = evaluate(p.graph, operands, evaluationContext({ precision: e.precision }));
        let next = 0;
        const take = (t: Term): Value => termValueFrom(t, () => results[next++]!);
        const passed = take(p.result);
        const kept = take(p.keep);
        const details = p.sides.map((s) => ({ expression: s.expression, value: take(s.term) }));
        const isTrue = (v: Value) => v.kind === "array" && v.array.data[0] === 1;
        return { outcome: !isTrue(kept) ? "discarded" : isTrue(passed) ? "passed" : "failed", details };
      },
    };
  });
}
