/** `grad` and its kin: the function becomes a graph, the graph is transformed, the result is emitted here. */
import { type Atom, realLiteral } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { stopGradient } from "../transform/control/effects.ts";
import { inlineGraph } from "../transform/inline.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { applyLinear, linearize } from "../transform/linearize.ts";
import { transposeLinear } from "../transform/transpose.ts";
import { instantiate } from "../transform/zeros.ts";
import {
  asFunction,
  type Differentiated,
  differentiateAt,
  differentiateWithRest,
  hasUnboundedLoop,
  maskOf,
  operandsOf,
  refuseLeaf,
  splitArguments,
} from "./differentiated.ts";
import type { Elaborator } from "./elaborator.ts";
import { realTerm } from "./operators.ts";
import {
  type ArrayTerm,
  type CallArguments,
  leavesOf,
  rankOf,
  realArray,
  rebuild,
  sameStructure,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "./terms.ts";
import { refuseUndifferentiable } from "./undifferentiable.ts";

/** `value_and_grad(f)(x, ...)`; with `aux` the function may give `(value, rest)`. */
export function gradient(
  e: Elaborator,
  given: Term,
  args: CallArguments,
  what: "grad" | "value_and_grad",
): { value: Term; gradient: Term } {
  const f = asFunction(e, given, what, args.span);
  const { argument, call } = splitArguments(e, f, args, what);
  let rest: { readonly term: Term; readonly leaves: readonly ArrayTerm[] } | undefined;
  let value: Term | undefined;
  const d = differentiateWithRest(
    e,
    argument,
    (x) => {
      const result = call(x);
      if (result.kind === "tuple" && what === "value_and_grad" && result.items.length === 2 && !result.names) {
        value = result.items[0]!;
        const term = result.items[1]!;
        rest = { term, leaves: leavesOf(term, refuseLeaf(e, "What stands beside the value", args.span)) };
        return tupleTerm([value, ...rest.leaves]);
      }
      value = result;
      return tupleTerm([result]);
    },
    what,
    args.span,
  );
  let scalar = value!;
  if (scalar.kind === "error") e.giveUp();
  if (scalar.kind !== "array" || rankOf(scalar) > 0 || (scalar.type !== "real" && scalar.type !== "int"))
    fail(
      "K0505",
      args.span,
      `\`${what}\` wants a function with one real value, but this one gives ${showTermType(scalar)}.`,
      {
        help:
          scalar.kind === "array" && rankOf(scalar) > 0
            ? "For all derivatives of an array take `jacobian`; or sum it first."
            : "Return a number.",
      },
    );
  const leaves = d.leaves;
  if (e.mode === "check") {
    refuseUndifferentiable(d, "reverse");
    const types = [...d.graph.outputs.map((a) => a.type), ...leaves.map((l) => l.atom.type)];
    const out = opaque(e.builder, `${what} ${d.graph.equations.length}`, operandsOf(d), types);
    const restTerm =
      rest &&
      rebuild(
        rest.term,
        rest.leaves.map((l, i) => ({ ...l, atom: out[1 + i]! })),
      );
    scalar = realArray(out[0]!);
    const g = rebuild(
      argument,
      leaves.map((_, i) => realArray(out[d.graph.outputs.length + i]!)),
    );
    return { value: restTerm ? tupleTerm([scalar, restTerm]) : scalar, gradient: g };
  }
  const wanted = d.graph.outputs.map((_, i) => i === 0);
  const { outputs, linear } = linearize(e.builder, d.graph, operandsOf(d), maskOf(d), wanted);
  const cotangents = outputs.map((_, i) => (i === 0 ? realLiteral(1) : undefined));
  const result = transposeLinear(e.builder, linear, cotangents);
  const g = rebuild(
    argument,
    leaves.map((l, i) => realArray(instantiate(e.builder, result[i], l.atom.type))),
  );
  const main = realArray(outputs[0]!);
  const restTerm =
    rest &&
    rebuild(
      rest.term,
      rest.leaves.map((l, i) => ({ ...l, atom: outputs[1 + i]! })),
    );
  return { value: restTerm ? tupleTerm([main, restTerm]) : main, gradient: g };
}

/** `jvp(f)(x, v)`: the derivative of f at x in the direction v. */
export function directional(e: Elaborator, given: Term, args: CallArguments, what = "jvp"): Term {
  const f = asFunction(e, given, what, args.span);
  const { x, v } = pointAndDirection(e, args, what);
  const d = differentiateAt(e, f, x, what, args.span);
  const directions = leavesOf(v, refuseLeaf(e, "The direction", args.span));
  return forward(
    e,
    d,
    directions.map((t) => t.atom),
  );
}

function forward(e: Elaborator, d: Differentiated, directions: readonly Atom[]): Term {
  const outs = leavesOf(d.result, refuseLeaf(e, "The result", e.builder.span!));
  if (e.mode === "check") {
    refuseUndifferentiable(d, "forward");
    const results = opaque(
      e.builder,
      "jvp",
      [...operandsOf(d), ...directions],
      outs.map((t) => t.atom.type),
    );
    return rebuild(d.result, results.map(realArray));
  }
  const tangents = [...d.captured.map(() => undefined), ...directions];
  const result = jvpGraph(e.builder, d.graph, operandsOf(d), tangents);
  return rebuild(
    d.result,
    outs.map((t, i) => realArray(instantiate(e.builder, result.tangents[i], t.atom.type))),
  );
}

function pointAndDirection(e: Elaborator, args: CallArguments, what: string): { readonly x: Term; readonly v: Term } {
  const [point, direction] = args.positional;
  if (!point || !direction || args.positional.length !== 2)
    fail("K0507", args.span, `\`${what}(f)\` takes a point and a direction.`, {
      help: `Write \`${what}(f)(x, v)\`; other arguments are captured: \`${what}(x => f(x, y))(x, v)\`.`,
    });
  const x = realTerm(e, point, "The point", args.span);
  const v = realTerm(e, direction, "The direction", args.span);
  return { x, v: alignDirection(e, v, x, "direction", args.span) };
}

function alignDirection(e: Elaborator, v: Term, x: Term, what: string, span: Span): Term {
  // Named tuples are of one type whatever the order of their fields, also inside others.
  const aligned = sameStructure(x, v) ? e.alignTo(v, x) : undefined;
  const others = aligned && leavesOf(aligned, refuseLeaf(e, "", span));
  const fits = leavesOf(x, refuseLeaf(e, "", span)).every((l, i) => {
    const other = others?.[i];
    return (
      other !== undefined &&
      rankOf(l) === rankOf(other) &&
      shapeOf(l).every((s, k) => s === shapeOf(other)[k] || e.couldBeEqual(s, shapeOf(other)[k]!))
    );
  });
  if (!aligned || !fits)
    fail("K0508", span, `The ${what} must be like ${showTermType(x)}, but it is ${showTermType(v)}.`);
  return aligned;
}

/** `vjp(f)(x, u)`: the cotangent u of f(x) pulled back to x. */
export function pulledBack(e: Elaborator, given: Term, args: CallArguments): Term {
  const f = asFunction(e, given, "vjp", args.span);
  const [point, cotangent] = args.positional;
  if (!point || !cotangent || args.positional.length !== 2)
    fail("K0507", args.span, "`vjp(f)` takes a point and a cotangent of the value.", { help: "Write `vjp(f)(x, u)`." });
  const x = realTerm(e, point, "The point", args.span);
  const d = differentiateAt(e, f, x, "vjp", args.span);
  const u = alignDirection(e, realTerm(e, cotangent, "The cotangent", args.span), d.result, "cotangent", args.span);
  const incoming = leavesOf(u, refuseLeaf(e, "", args.span)).map((t) => t.atom);
  if (e.mode === "check") {
    refuseUndifferentiable(d, "reverse");
    const out = opaque(
      e.builder,
      "vjp",
      [...operandsOf(d), ...incoming],
      d.leaves.map((l) => l.atom.type),
    );
    return rebuild(x, out.map(realArray));
  }
  const { linear } = linearize(e.builder, d.graph, operandsOf(d), maskOf(d));
  const result = transposeLinear(e.builder, linear, incoming);
  return rebuild(
    x,
    d.leaves.map((l, i) => realArray(instantiate(e.builder, result[i], l.atom.type))),
  );
}

/** `linearize(f)(x)`: the value, and the derivative at x as a function. */
export function linearized(e: Elaborator, given: Term, args: CallArguments): Term {
  const f = asFunction(e, given, "linearize", args.span);
  const [point] = args.positional;
  if (!point || args.positional.length !== 1)
    fail("K0507", args.span, "`linearize(f)` takes a point.", { help: "Write `linearize(f)(x)`." });
  const x = realTerm(e, point, "The point", args.span);
  const d = differentiateAt(e, f, x, "linearize", args.span);
  const outs = leavesOf(d.result, refuseLeaf(e, "", args.span));
  // A loop without a bound cannot be split into values and a linear part: it runs again for each direction.
  const whole = e.mode === "check" || hasUnboundedLoop(d);
  const split = whole ? undefined : linearize(e.builder, d.graph, operandsOf(d), maskOf(d));
  const values = split?.outputs ?? valuesOf(e, d, outs);
  const apply = (inner: CallArguments): Term => {
    const v = inner.positional[0];
    if (!v) fail("K0507", inner.span, "The derivative takes a direction.");
    const w = alignDirection(e, realTerm(e, v, "The direction", inner.span), x, "direction", inner.span);
    const directions = leavesOf(w, refuseLeaf(e, "", inner.span)).map((t) => t.atom);
    if (!split) return forward(e, d, directions);
    const tangents = applyLinear(e.builder, split.linear, directions);
    return rebuild(
      d.result,
      outs.map((t, i) => realArray(instantiate(e.builder, tangents[i], t.atom.type))),
    );
  };
  return tupleTerm([rebuild(d.result, values.map(realArray)), { kind: "function", name: "", arity: 1, apply }]);
}

/** The function's value at its point. */
function valuesOf(e: Elaborator, d: Differentiated, outs: readonly ArrayTerm[]): readonly Atom[] {
  const types = outs.map((t) => t.atom.type);
  return e.emitMany("value", operandsOf(d), types, (b) => inlineGraph(b, d.graph, operandsOf(d)));
}

/** `stop_gradient(x)`: x, with derivative zero. */
export function stopped(e: Elaborator, term: Term): Term {
  if (term.kind === "tuple") return { ...term, items: term.items.map((t) => stopped(e, t)) };
  if (term.kind !== "array" || term.type !== "real") return term;
  return realArray(e.emit("stop_gradient", [term.atom], term.atom.type, (b) => stopGradient(b, term.atom)));
}
