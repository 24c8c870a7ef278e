/** `grad` and its kin: the function becomes a graph, the graph is transformed, the result is emitted here. */
import { Builder } from "../core/builder.ts";
import { addDims, type Dim, knownDim, productOfDims } from "../core/dimension.ts";
import { type Atom, type Graph, realLiteral, type Var } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { equal } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { iota } from "../primitives/iota.ts";
import { broadcast, concat, reshape, slice, transpose } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { batchGraph, withLanes } from "../transform/batch.ts";
import { stopGradient } from "../transform/control/effects.ts";
import { inlineGraph } from "../transform/inline.ts";
import { jvpGraph } from "../transform/jvp.ts";
import { applyLinear, linearize } from "../transform/linearize.ts";
import { transposeLinear } from "../transform/transpose.ts";
import { instantiate, zerosOf } from "../transform/zeros.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTerm } from "./functions.ts";
import { realTerm } from "./operators.ts";
import {
  type ArrayTerm,
  type CallArguments,
  coreType,
  type FunctionTerm,
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

/** A function at given arguments, as a graph of its differentiated leaves. */
export interface Differentiated {
  readonly graph: Graph;
  readonly captured: readonly Var[];
  /** The leaves differentiated in, and the structure they form. */
  readonly leaves: readonly ArrayTerm[];
  readonly argument: Term;
  readonly result: Term;
}

const refuseLeaf =
  (e: Elaborator, what: string, span: Span) =>
  (leaf: Term, path: string): never => {
    if (leaf.kind === "error") e.giveUp();
    return fail(
      "K0502",
      span,
      `${what} must be real throughout, but ${path === "" ? "it" : `\`${path}\``} is ${showTermType(leaf)}.`,
    );
  };

/** The argument that is differentiated in, and how to call the function with another in its place. */
export function splitArguments(
  e: Elaborator,
  f: FunctionTerm,
  args: CallArguments,
  what: string,
): { readonly argument: Term; readonly call: (x: Term) => Term } {
  if (
    f.unknowns &&
    f.unknowns.length > 0 &&
    (args.parameters !== undefined || !f.hasParameters) &&
    f.unknowns.length > 1
  ) {
    // All unknowns of an objective together, as one named tuple in the order of the declaration.
    const names = f.unknowns;
    const values = names.map((n, i) => args.named.get(n) ?? args.positional[i]);
    const missing = names.find((_, i) => values[i] === undefined);
    if (missing !== undefined) fail("K0240", args.span, `The unknown \`${missing}\` of \`${f.name}\` is missing.`);
    const argument = realTerm(e, tupleTerm(values as Term[], names), `What \`${what}\` differentiates in`, args.span);
    return {
      argument,
      call: (x) => {
        const items = x.kind === "tuple" ? x.items : [];
        return applyTerm(e, f, { ...args, positional: items, named: new Map() });
      },
    };
  }
  const firstName = f.unknowns?.[0] ?? f.firstArgument;
  const named = args.positional.length === 0 && firstName !== undefined ? args.named.get(firstName) : undefined;
  const first = named ?? args.positional[0];
  if (!first)
    fail("K0503", args.span, `\`${what}(f)\` takes the arguments of \`f\`, and differentiates in the first.`, {
      help: `Write \`${what}(f)(x)\`.`,
    });
  const argument = realTerm(e, first, `What \`${what}\` differentiates in`, args.spans?.[0] ?? args.span);
  return {
    argument,
    call: (x) =>
      named
        ? applyTerm(e, f, { ...args, named: new Map([...args.named, [firstName!, x]]) })
        : applyTerm(e, f, { ...args, positional: [x, ...args.positional.slice(1)] }),
  };
}

function differentiate(
  e: Elaborator,
  argument: Term,
  call: (x: Term) => Term,
  what: string,
  span: Span,
): Differentiated {
  const leaves = leavesOf(argument, refuseLeaf(e, `What \`${what}\` differentiates in`, span));
  const builder = new Builder({ parent: e.builder, hoist: true });
  const inputs = leaves.map((l): ArrayTerm => ({ kind: "array", type: "real", atom: builder.input(l.atom.type) }));
  const result = e.within(builder, () => {
    const value = call(rebuild(argument, inputs));
    return value.kind === "range" ? e.rangeToArray(value, span) : value;
  });
  if (result.kind === "error") e.giveUp();
  const outputs = leavesOf(result, refuseLeaf(e, `What \`${what}\` differentiates`, span)).map((t) => t.atom);
  const { graph, captured } = builder.close(what, outputs);
  return { graph, captured, leaves, argument, result };
}

const operandsOf = (d: Differentiated) => [...d.captured, ...d.leaves.map((l) => l.atom)];
const maskOf = (d: Differentiated) => [...d.captured.map(() => false), ...d.leaves.map(() => true)];

function asFunction(e: Elaborator, term: Term, what: string, span: Span): FunctionTerm {
  if (term.kind === "error") e.giveUp();
  if (term.kind !== "function")
    fail("K0504", span, `\`${what}\` takes a function, but this is ${showTermType(term)}.`, {
      help: `Write \`${what}(x => ...)(x)\`.`,
    });
  return term;
}

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

/** Like `differentiate`, for a value whose first part is differentiated and whose other parts may be anything. */
function differentiateWithRest(
  e: Elaborator,
  argument: Term,
  call: (x: Term) => Term,
  what: string,
  span: Span,
): Differentiated {
  return differentiate(
    e,
    argument,
    (x) => {
      const t = call(x);
      const items = t.kind === "tuple" ? t.items : [t];
      const first = items[0]!;
      if (first.kind === "array" && first.type === "int")
        return tupleTerm([
          realArray(
            e.emit("convert real", [first.atom], coreType("real", shapeOf(first)), (b) =>
              convert(b, first.atom, "real"),
            ),
          ),
          ...items.slice(1),
        ]);
      return t;
    },
    what,
    span,
  );
}

/** `jvp(f)(x, v)`: the derivative of f at x in the direction v. */
export function directional(e: Elaborator, given: Term, args: CallArguments, what = "jvp"): Term {
  const f = asFunction(e, given, what, args.span);
  const { x, v } = pointAndDirection(e, args, what);
  const d = differentiate(
    e,
    x,
    (t) => applyTerm(e, f, { positional: [t], named: new Map(), span: args.span }),
    what,
    args.span,
  );
  requireReal(d.result, what, args.span);
  const directions = leavesOf(v, refuseLeaf(e, "The direction", args.span));
  return forward(
    e,
    d,
    directions.map((t) => t.atom),
  );
}

function requireReal(result: Term, what: string, span: Span): void {
  for (const leaf of leavesOf(result, refuseLeaf({ giveUp: () => undefined as never } as never, what, span)))
    if (leaf.type !== "real")
      fail("K0506", span, `\`${what}\` differentiates reals, but this function gives ${showTermType(result)}.`, {
        help: "Whole numbers and truth values have no derivative.",
      });
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
  const d = differentiate(
    e,
    x,
    (t) => applyTerm(e, f, { positional: [t], named: new Map(), span: args.span }),
    "vjp",
    args.span,
  );
  requireReal(d.result, "vjp", args.span);
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
  const d = differentiate(
    e,
    x,
    (t) => applyTerm(e, f, { positional: [t], named: new Map(), span: args.span }),
    "linearize",
    args.span,
  );
  requireReal(d.result, "linearize", args.span);
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

/** `jacobian(f)(x, ...)`: the output's axes, then the input's; over tuples a matrix. */
export function jacobian(
  e: Elaborator,
  given: Term,
  args: CallArguments,
  mode: "forward" | "reverse" | undefined,
  what = "jacobian",
): Term {
  const f = asFunction(e, given, what, args.span);
  const { argument, call } = splitArguments(e, f, args, what);
  const d = differentiate(
    e,
    argument,
    (x) => realTerm(e, call(x), `What \`${what}\` differentiates`, args.span),
    what,
    args.span,
  );
  requireReal(d.result, what, args.span);
  const outs = leavesOf(d.result, refuseLeaf(e, "", args.span));
  const sizes = (terms: readonly ArrayTerm[]) => terms.map((t) => productOfDims(shapeOf(t)));
  const total = (dims: readonly Dim[]) => dims.reduce<Dim>((s, t) => e.dimensionTerm(addDim(s, t)).dimension!, 0);
  const [rows, columns] = [total(sizes(outs)), total(sizes(d.leaves))];
  const matrix = argument.kind === "tuple" || d.result.kind === "tuple";
  const shape = matrix ? [rows, columns] : [...shapeOf(outs[0]!), ...shapeOf(d.leaves[0]!)];
  const type = coreType("real", shape);
  if (e.mode === "check") {
    refuseUndifferentiable(d, mode ?? "forward");
    return realArray(opaque(e.builder, what, operandsOf(d), [type])[0]!);
  }
  const [m, n] = [knownDim(rows)!, knownDim(columns)!];
  const reverse = mode === "reverse" || (mode === undefined && m < n && !hasUnboundedLoop(d));
  const b = e.builder;
  // The derivative as a graph of one direction, applied to all unit directions at once. What does not depend
  // on the direction is hoisted out of it as it is made.
  const inner = new Builder({ parent: b, hoist: true });
  const from = reverse ? outs : d.leaves;
  const inputs = from.map((t) => inner.input(t.atom.type));
  const applied = reverse
    ? transposeLinear(inner, linearize(b, d.graph, operandsOf(d), maskOf(d)).linear, inputs)
    : jvpGraph(inner, d.graph, operandsOf(d), [...d.captured.map(() => undefined), ...inputs]).tangents;
  const to = reverse ? d.leaves : outs;
  const { graph, captured } = inner.close(
    what,
    to.map((t, i) => instantiate(inner, applied[i], t.atom.type)),
  );
  const count = reverse ? m : n;
  const identity = convert(
    b,
    equal(b, broadcast(b, iota(b, count), [count, count], [0]), broadcast(b, iota(b, count), [count, count], [1])),
    "real",
  );
  let offset = 0;
  const basis = from.map((t) => {
    const size = knownDim(productOfDims(shapeOf(t)))!;
    const part = slice(b, identity, [0, offset], [count, offset + size], [1, 1]);
    offset += size;
    return reshape(b, part, [count, ...shapeOf(t)]);
  });
  const batched = batchGraph(
    b,
    graph,
    [...captured, ...basis],
    [...captured.map(() => false), ...basis.map(() => true)],
    count,
  );
  const flat = to.map((t, i) =>
    reshape(b, withLanes(b, batched.outputs[i]!, batched.batched[i]!, count), [count, productOfDims(shapeOf(t))]),
  );
  const joined =
    flat.length === 0 ? zerosOf(b, coreType("real", [count, 0])) : flat.length === 1 ? flat[0]! : concat(b, flat, 1);
  const result = reverse ? joined : transpose(b, joined, [1, 0]);
  return realArray(reshape(b, result, shape));
}

function addDim(a: Dim, c: Dim): Dim {
  return typeof a === "number" && typeof c === "number" ? a + c : addDims(a, c);
}

function hasUnboundedLoop(d: Differentiated): boolean {
  try {
    refuseUndifferentiable(d, "reverse");
    return false;
  } catch {
    return true;
  }
}

/** `stop_gradient(x)`: x, with derivative zero. */
export function stopped(e: Elaborator, term: Term): Term {
  if (term.kind === "tuple") return { ...term, items: term.items.map((t) => stopped(e, t)) };
  if (term.kind !== "array" || term.type !== "real") return term;
  return realArray(e.emit("stop_gradient", [term.atom], term.atom.type, (b) => stopGradient(b, term.atom)));
}
