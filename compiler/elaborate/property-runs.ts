/** `property` declarations: checked like functions, then evaluated on values somebody else makes up. */

import type { NdArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { rigidDimension } from "../core/dimension.ts";
import { type Atom, concreteShape, type Graph, type Var } from "../core/graph.ts";
import type { BoundProperty, PropertyVariable, Value } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Expression, Property } from "../syntax/tree.ts";
import { logical } from "./comparisons.ts";
import { inputOfType } from "./declarations.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { checkGenerator, generatorOf } from "./generators.ts";
import { kinkExcuses } from "./properties.ts";
import { Scope } from "./scope.ts";
import type { ElaboratedScript } from "./script.ts";
import { rankOf, showTermType, type Term } from "./terms.ts";
import { type DeclaredType, resolveType, SignatureDimensions } from "./types.ts";
import { leafArrays, termValue, termValueFrom, valueArrays } from "./values.ts";

export function checkProperties(e: Elaborator, script: ElaboratedScript): void {
  for (const property of script.properties)
    e.recover(() => elaborateProperty(e, property, script.scope, undefined), undefined);
}

interface Elaborated {
  readonly graph: Graph;
  readonly captured: readonly Var[];
  /** What the graph computes, in order. */
  readonly outputs: readonly { readonly expression: string; readonly term: Term }[];
  readonly inputs: readonly Term[];
}

/**
 * The property as a graph of its real variables, for given ints: whether it holds, whether its inputs are wanted and
 * whether a kink excuses it; or the two sides of what it compares, which only a failure needs.
 */
function elaborateProperty(
  e: Elaborator,
  property: Property,
  scope: Scope,
  ints: Readonly<Record<string, number>> | undefined,
  wanted: "verdict" | "sides" = "verdict",
): Elaborated {
  e.renewBudget();
  const builder = new Builder();
  const excuses: Atom[] = [];
  kinkExcuses.set(builder, excuses);
  const inner = new Scope(scope);
  return e.within(builder, () =>
    e.inFrame(() => {
      const dims = new SignatureDimensions(inner, true);
      const inputs: Term[] = [];
      let keep: Term = e.boolTerm(true);
      for (const v of property.variables) {
        const type: DeclaredType = resolveType(e, v.type, dims);
        const generator = generatorOf(e, v, inner);
        checkGenerator(e, v, type, generator);
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
      const outputs =
        wanted === "sides"
          ? comparedIn(x).map((o) => ({ expression: e.textOf(o.span), term: e.expression(o, body) }))
          : [result, keep, ...excuses.map((atom): Term => ({ kind: "array", type: "bool", atom }))].map((term) => ({
              expression: "",
              term,
            }));
      const leaves = outputs.flatMap(({ term }) => leafArrays(term).map((l) => l.atom));
      const { graph, captured } = builder.close("property", leaves);
      return { graph, captured, outputs, inputs };
    }),
  );
}

/** The operands of the comparison that a property ends in; none of anything else. */
function comparedIn(x: Expression): readonly Expression[] {
  if (x.kind === "binary" && x.operator === "~=") return [x.left, x.right];
  return x.kind === "comparison" ? x.operands : [];
}

function rigid(name: string) {
  return rigidDimension(`property ${name}`);
}

/** How many choices of ints are remembered: each holds its compiled form. The one used longest ago goes first. */
const mostRemembered = 64;

/** The properties of a bound script. `value` gives the script's own variables, `run` the results of a graph. */
export function boundProperties(
  e: Elaborator,
  script: ElaboratedScript,
  value: (v: Var) => NdArray,
  run: (graph: Graph, inputs: readonly NdArray[]) => readonly NdArray[],
): BoundProperty[] {
  return script.properties.map((property): BoundProperty => {
    const cache = new Map<string, Elaborated>();
    const at = (ints: Readonly<Record<string, number>>, wanted: "verdict" | "sides"): Elaborated => {
      const key = JSON.stringify([wanted, ints]);
      const found = cache.get(key) ?? elaborateProperty(e, property, script.scope, ints, wanted);
      cache.delete(key);
      cache.set(key, found);
      const [oldest] = cache.keys();
      if (cache.size > mostRemembered) cache.delete(oldest!);
      return found;
    };
    const compute = (
      ints: Readonly<Record<string, number>>,
      values: Readonly<Record<string, Value>>,
      wanted: "verdict" | "sides",
    ): { readonly expression: string; readonly value: Value }[] => {
      const p = at(ints, wanted);
      const operands = p.captured.map(value);
      property.variables.forEach((v, i) => {
        const t = p.inputs[i]!;
        if (t.kind === "array" && t.atom.kind === "literal") return;
        operands.push(...valueArrays(values[v.name.name]!));
      });
      const results = run(p.graph, operands);
      let next = 0;
      return p.outputs.map(({ expression, term }) => ({
        expression,
        value: termValueFrom(term, () => results[next++]!),
      }));
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
        const [passed, kept, ...excuses] = compute(ints, values, "verdict").map(
          (o) => o.value.kind === "array" && o.value.array.data[0] === 1,
        );
        if (!kept) return "discarded";
        if (!passed) return "failed";
        return excuses.includes(true) ? "kink" : "passed";
      },
      sides: (ints, values) => compute(ints, values, "sides"),
    };
  });
}
