/** What an expression means while it is elaborated: atoms of the graph at the leaves of tuples, and functions. */
import type { Dim } from "../core/dimension.ts";
import { equalDims, showDim } from "../core/dimension.ts";
import type { ArrayType, Atom } from "../core/graph.ts";
import type { ScalarType } from "../program.ts";
import type { Span } from "../syntax/tree.ts";

export type Term =
  | ArrayTerm
  | TupleTerm
  | FunctionTerm
  | RangeTerm
  | TextTerm
  | WordTerm
  | SolverTerm
  | ProblemTerm
  | ErrorTerm;

export interface ArrayTerm {
  readonly kind: "array";
  readonly type: ScalarType;
  readonly atom: Atom;
  /** For an int that may stand in a shape: its value as a dimension. */
  readonly dimension?: Dim;
  /** What `dimension` would be if ints had more than 32 bits, where that is another number. */
  readonly beyond?: number;
  /** For a real made of dimensions, literals and params: its value, or "later" while data are not bound. */
  readonly known?: number | "later";
  /** Of a norm or an absolute value: its square, which has all derivatives at 0, where the root of it has none. */
  readonly square?: { readonly of: Atom; readonly make: () => ArrayTerm };
  /** An int that is another plus a dimension: how `X[i:i + 128]` knows its length. */
  readonly offset?: { readonly base: Atom; readonly by: Dim };
}

export interface TupleTerm {
  readonly kind: "tuple";
  readonly names: readonly string[] | undefined;
  readonly items: readonly Term[];
  /** For the record of a solve: told when a field is read. */
  readonly onRead?: (field: string) => void;
  /** For the record of a solve: why it has no such field. */
  readonly whyAbsent?: (field: string) => string | undefined;
}

export interface CallArguments {
  readonly positional: readonly Term[];
  readonly named: ReadonlyMap<string, Term>;
  /** What stands after `;`. */
  readonly parameters?: { readonly positional: readonly Term[]; readonly named: ReadonlyMap<string, Term> };
  /** `f[64]`, `f[h = 64]`. */
  readonly dimensions?: { readonly positional: readonly Dim[]; readonly named: ReadonlyMap<string, Dim> };
  /** The places of the arguments, for messages. */
  readonly spans?: readonly Span[];
  readonly span: Span;
}

export interface FunctionTerm {
  readonly kind: "function";
  readonly name: string;
  readonly apply: (args: CallArguments) => Term;
  /** For objectives and conditions: the names of the unknowns, which `grad` takes together. */
  readonly unknowns?: readonly string[];
  /** True when a call must have a `;`. */
  readonly hasParameters?: boolean;
  /** The name of the first argument, where arguments go by name: derivatives are in it. */
  readonly firstArgument?: string;
  /** How many arguments it takes, when that is fixed. */
  readonly arity?: number;
  /** Where it was declared. */
  readonly span?: Span;
  /** The pull-back rule replaces the derivative on purpose. */
  readonly surrogate?: boolean;
}

/** `a..b`: half-open; its length is a dimension when both ends are. */
export interface RangeTerm {
  readonly kind: "range";
  readonly from: ArrayTerm;
  readonly to: ArrayTerm;
}
export interface TextTerm {
  readonly kind: "text";
  readonly text: string;
}
/** An option word such as `same` or `implicit`, or a call of one: `implicit(by = cg())`. */
export interface WordTerm {
  readonly kind: "word";
  readonly word: string;
  readonly options?: CallArguments;
}
/** A solver with its options: `lbfgs(tol = 1e-6)`. */
export interface SolverTerm {
  readonly kind: "solver";
  readonly name: string;
  readonly configured: unknown;
}
/** A model with its parameters. */
export interface ProblemTerm {
  readonly kind: "problem";
  readonly name: string;
  readonly model: unknown;
}
/** Stands for what was already reported. */
export interface ErrorTerm {
  readonly kind: "error";
}

export const errorTerm: ErrorTerm = { kind: "error" };

/** A real array. */
export function realArray(atom: Atom): ArrayTerm {
  return { kind: "array", type: "real", atom };
}

/** Another array of a leaf's type: what was known of its value does not carry over. */
export function plainLeaf(leaf: ArrayTerm, atom: Atom): ArrayTerm {
  return { kind: "array", type: leaf.type, atom };
}

export function tupleTerm(items: readonly Term[], names?: readonly string[]): TupleTerm {
  return { kind: "tuple", names, items };
}

/** The user's shape: a key's two words are not an axis. */
export function shapeOf(term: ArrayTerm): readonly Dim[] {
  const { shape } = term.atom.type;
  return term.type === "key" ? shape.slice(0, -1) : shape;
}

export function rankOf(term: ArrayTerm): number {
  return shapeOf(term).length;
}

/** The core type of a user's type. */
export function coreType(type: ScalarType, shape: readonly Dim[]): ArrayType {
  if (type === "key") return { dtype: "int", shape: [...shape, 2] };
  return { dtype: type === "status" ? "int" : type, shape };
}

/** `real[n, d]`, `(x: real, y: int)`, `function`: what messages call a term's type. */
export function showTermType(term: Term): string {
  switch (term.kind) {
    case "array": {
      const shape = shapeOf(term);
      return shape.length === 0 ? term.type : `${term.type}[${shape.map(showDim).join(", ")}]`;
    }
    case "tuple": {
      const items = term.items.map((t, i) => (term.names ? `${term.names[i]}: ${showTermType(t)}` : showTermType(t)));
      return `(${items.join(", ")})`;
    }
    case "function":
      return term.name === "" ? "a function" : `the function \`${term.name}\``;
    case "range":
      return "a range of ints";
    case "text":
      return "a text";
    case "word":
      return `the word \`${term.word}\``;
    case "solver":
      return `the solver \`${term.name}\``;
    case "problem":
      return `the problem \`${term.name}\``;
    case "error":
      return "something already reported";
  }
}

/** The array leaves, in order. Leaves that are no arrays are passed to `other`. */
export function leavesOf(term: Term, other: (leaf: Term, path: string) => never, path = ""): ArrayTerm[] {
  if (term.kind === "array") return [term];
  if (term.kind === "tuple")
    return term.items.flatMap((t, i) =>
      leavesOf(t, other, path === "" ? fieldName(term, i) : `${path}.${fieldName(term, i)}`),
    );
  return other(term, path);
}

export function fieldName(term: TupleTerm, i: number): string {
  return term.names ? term.names[i]! : String(i);
}

/** The same structure with each array leaf replaced, in order. */
export function mapLeaves(term: Term, f: (leaf: ArrayTerm, index: number) => Term): Term {
  let index = 0;
  const go = (t: Term): Term => {
    if (t.kind === "array") return f(t, index++);
    if (t.kind === "tuple") return { ...t, items: t.items.map(go) };
    return t;
  };
  return go(term);
}

/** The structure filled with new leaves, in order. */
export function rebuild(like: Term, leaves: readonly Term[]): Term {
  return mapLeaves(like, (_, i) => leaves[i]!);
}

/** True when the two have one structure of tuples, field names in any order. */
export function sameStructure(a: Term, b: Term): boolean {
  if (a.kind === "tuple" && b.kind === "tuple") {
    if (a.items.length !== b.items.length) return false;
    if ((a.names === undefined) !== (b.names === undefined)) return false;
    const other = alignFields(b, a.names);
    return other !== undefined && a.items.every((t, i) => sameStructure(t, other.items[i]!));
  }
  return a.kind !== "tuple" && b.kind !== "tuple";
}

/** The tuple with its fields in the order of `names`; undefined when the fields differ. */
export function alignFields(term: TupleTerm, names: readonly string[] | undefined): TupleTerm | undefined {
  if (names === undefined || term.names === undefined) return names === term.names ? term : undefined;
  const items: Term[] = [];
  for (const name of names) {
    const at = term.names.indexOf(name);
    if (at < 0) return undefined;
    items.push(term.items[at]!);
  }
  return names.length === term.names.length ? { ...term, names, items } : undefined;
}

/** Whether two arrays have one shape, as far as symbols tell. */
export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((d, i) => equalDims(d, b[i]!));
}
