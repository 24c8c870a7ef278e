/** A function at given arguments as a graph of the leaves it is differentiated in: what every derivative starts from. */
import { Builder } from "../core/builder.ts";
import type { Graph, Var } from "../core/graph.ts";
import { convert } from "../primitives/convert.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTerm } from "./functions.ts";
import { realTerm } from "./operators.ts";
import {
  type ArrayTerm,
  type CallArguments,
  coreType,
  type FunctionTerm,
  leavesOf,
  realArray,
  rebuild,
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

export const refuseLeaf =
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

export function differentiate(
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

export const operandsOf = (d: Differentiated) => [...d.captured, ...d.leaves.map((l) => l.atom)];

export const maskOf = (d: Differentiated) => [...d.captured.map(() => false), ...d.leaves.map(() => true)];

export function asFunction(e: Elaborator, term: Term, what: string, span: Span): FunctionTerm {
  if (term.kind === "error") e.giveUp();
  if (term.kind !== "function")
    fail("K0504", span, `\`${what}\` takes a function, but this is ${showTermType(term)}.`, {
      help: `Write \`${what}(x => ...)(x)\`.`,
    });
  return term;
}

/** Like `differentiate`, for a value whose first part is differentiated and whose other parts may be anything. */
export function differentiateWithRest(
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

export function requireReal(result: Term, what: string, span: Span): void {
  for (const leaf of leavesOf(result, refuseLeaf({ giveUp: () => undefined as never } as never, what, span)))
    if (leaf.type !== "real")
      fail("K0506", span, `\`${what}\` differentiates reals, but this function gives ${showTermType(result)}.`, {
        help: "Whole numbers and truth values have no derivative.",
      });
}

export function hasUnboundedLoop(d: Differentiated): boolean {
  try {
    refuseUndifferentiable(d, "reverse");
    return false;
  } catch {
    return true;
  }
}

/** A function of one argument at a point; all it gives is real. */
export function differentiateAt(e: Elaborator, f: FunctionTerm, x: Term, what: string, span: Span): Differentiated {
  const at = (t: Term) => applyTerm(e, f, { positional: [t], named: new Map(), span });
  const d = differentiate(e, x, at, what, span);
  requireReal(d.result, what, span);
  return d;
}
