/** Derivatives of a declared function for callers outside: along a direction, pulled back, and of second order. */
import { directional, gradient, pulledBack } from "./elaborate/derivatives.ts";
import type { Elaborator } from "./elaborate/elaborator.ts";
import { applyTerm } from "./elaborate/functions.ts";
import { convertTo } from "./elaborate/operators.ts";
import { suggest } from "./elaborate/scope.ts";
import {
  type CallArguments,
  type FunctionTerm,
  mapLeaves,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./elaborate/terms.ts";
import type { Value } from "./program.ts";
import { fail } from "./syntax/diagnostic.ts";

/**
 * - `jvp`: value and tangent along `tangents`, one for each argument that moves.
 * - `vjp`: value and the cotangents of the arguments in `wrt`, given one of the value.
 * - `hvp`: gradient in the arguments that move, and its tangent along `tangents`; for a real value.
 */
export type DerivativeRequest =
  | { readonly kind: "jvp" | "hvp"; readonly tangents: Readonly<Record<string, Value>> }
  | { readonly kind: "vjp"; readonly wrt: readonly string[]; readonly cotangent: Value };

/** Two named values: `value` and `tangent`, `value` and `cotangents`, or `gradient` and `tangent`. */
export interface DerivativeAnswer {
  readonly first: Value;
  readonly second: Value;
}

const given = "given: ";

/** The request's own values among the arguments of the call that is compiled. */
export function argumentsOf(
  args: Readonly<Record<string, Value>>,
  request: DerivativeRequest,
): Readonly<Record<string, Value>> {
  const extra = request.kind === "vjp" ? { "": request.cotangent } : request.tangents;
  return { ...args, ...Object.fromEntries(Object.entries(extra).map(([k, v]) => [given + k, v])) };
}

/** What a caller calls an argument, and what goes with it to a derivative. */
export function describeArgument(name: string): string {
  if (name === given) return "the cotangent";
  return name.startsWith(given) ? `the tangent of \`${name.slice(given.length)}\`` : `\`${name}\``;
}

/** What makes two requests compile to one program, beside the types of their values. */
export function keyOf(request: DerivativeRequest): string {
  return request.kind === "vjp" ? `vjp ${request.wrt.join(",")}` : request.kind;
}

export function derivativeTerm(
  e: Elaborator,
  f: FunctionTerm,
  call: CallArguments,
  request: DerivativeRequest,
): TupleTerm {
  const all = new Map([...call.named, ...(call.parameters?.named ?? [])]);
  const own = (source: ReadonlyMap<string, Term>) => new Map([...source].filter(([k]) => !k.startsWith(given)));
  const plain: CallArguments = {
    ...call,
    named: own(call.named),
    ...(call.parameters ? { parameters: { positional: [], named: own(call.parameters.named) } } : {}),
  };
  const names =
    request.kind === "vjp"
      ? request.wrt
      : [...all.keys()].filter((k) => k.startsWith(given)).map((k) => k.slice(given.length));
  const at = (name: string) => real(e, all.get(name) ?? noArgument(f, name, [...all.keys()]));
  const x = tupleTerm(names.map(at), names);
  const inAll: FunctionTerm = {
    kind: "function",
    name: f.name,
    arity: 1,
    apply: ({ positional: [moved] }) => applyTerm(e, f, replaced(plain, names, moved as TupleTerm)),
  };
  const { span } = call;
  const one = (...positional: Term[]): CallArguments => ({ positional, named: new Map(), span });
  if (request.kind === "vjp") {
    const cotangents = pulledBack(e, inAll, one(x, at(given)));
    return tupleTerm([applyTerm(e, inAll, one(x)), cotangents]);
  }
  const v = tupleTerm(
    names.map((n) => at(given + n)),
    names,
  );
  if (request.kind === "jvp") return tupleTerm([applyTerm(e, inAll, one(x)), directional(e, inAll, one(x, v))]);
  const slope: FunctionTerm = {
    kind: "function",
    name: `grad(${f.name})`,
    arity: 1,
    apply: (args) => gradient(e, inAll, args, "grad").gradient,
  };
  return tupleTerm([applyTerm(e, slope, one(x)), directional(e, slope, one(x, v))]);
}

function noArgument(f: FunctionTerm, name: string, all: readonly string[]): never {
  const plain = name.startsWith(given) ? name.slice(given.length) : name;
  const names = all.filter((k) => !k.startsWith(given));
  const near = suggest(plain, names);
  return fail(
    "K0233",
    f.span,
    `\`${f.name}\` is given no argument called \`${plain}\`, in which it could be differentiated.`,
    {
      help: near ? `Did you mean \`${near}\`?` : `Its arguments here are ${names.map((n) => `\`${n}\``).join(", ")}.`,
    },
  );
}

/**
 * Whole numbers that a caller outside gives for reals: there, 1 and 1.0 are one number, so it cannot say which it means.
 */
function real(e: Elaborator, term: Term): Term {
  return mapLeaves(term, (leaf) => (leaf.type === "int" ? convertTo(e, leaf, "real") : leaf));
}

/** A call from outside, with reals for what `grad` differentiates in: all unknowns, or the first argument. */
export function differentiable(e: Elaborator, f: FunctionTerm, call: CallArguments): CallArguments {
  const names = f.unknowns ?? (f.firstArgument === undefined ? [] : [f.firstArgument]);
  const moved = (name: string, term: Term) => (names.includes(name) ? real(e, term) : term);
  return { ...call, named: new Map([...call.named].map(([name, term]) => [name, moved(name, term)])) };
}

/** The call with some arguments replaced, wherever they stand. */
function replaced(call: CallArguments, names: readonly string[], by: TupleTerm): CallArguments {
  const change = (source: ReadonlyMap<string, Term>) =>
    new Map([...source].map(([k, t]) => [k, names.includes(k) ? by.items[by.names!.indexOf(k)]! : t] as const));
  return {
    ...call,
    named: change(call.named),
    ...(call.parameters ? { parameters: { positional: [], named: change(call.parameters.named) } } : {}),
  };
}
