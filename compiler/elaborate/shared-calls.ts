/** Calls with like arguments share one graph of the function. */
import { Builder } from "../core/builder.ts";
import type { Graph, Var } from "../core/graph.ts";
import { call } from "../transform/control/call.ts";
import type { Elaborator } from "./elaborator.ts";
import { type ArrayTerm, rebuild, showTermType, type Term } from "./terms.ts";

/** How many graphs of a function are remembered. */
const mostShared = 256;

export interface Shared {
  readonly graph: Graph;
  readonly captured: readonly Var[];
  /** One for each leaf of the arguments. */
  readonly inputs: readonly ArrayTerm["atom"][];
  readonly result: Term;
}

/**
 * Calls a function through a graph all calls with these types share. Undefined when it takes or gives
 * functions: then the body is elaborated in place.
 */
export function sharedCall(
  e: Elaborator,
  cache: Map<string, Shared>,
  sizes: string,
  args: readonly Term[],
  body: (values: readonly Term[]) => Term,
): Term | undefined {
  if (e.mode === "check") return undefined;
  const leaves: ArrayTerm[] = [];
  let key = `${e.insideSolver} ${e.certifying ?? ""} ${sizes}`;
  const describe = (t: Term): boolean => {
    if (t.kind === "tuple") {
      key += `(${t.names?.join() ?? t.items.length}:`;
      return t.onRead === undefined && t.items.every(describe);
    }
    if (t.kind !== "array") return false;
    leaves.push(t);
    const constant = t.atom.kind === "literal" ? `=${Object.is(t.atom.value, -0) ? "-0" : t.atom.value}` : "";
    key += `${showTermType(t)}${constant}${t.dimension !== undefined ? "d" : ""}${t.known ?? ""};`;
    return true;
  };
  if (!args.every(describe)) return undefined;
  // `x[i:i + 2]` has a length because both ends are known to start from one int: a graph would forget that.
  const related = (l: ArrayTerm) =>
    leaves.some((m) => m !== l && (m.atom === l.offset!.base || m.offset?.base === l.offset!.base));
  if (leaves.some((l) => l.offset && related(l))) return undefined;
  let shared = cache.get(key);
  if (!shared) {
    const b = new Builder();
    b.span = e.builder.span;
    const inputs = leaves.map((l) => (l.atom.kind === "literal" ? l.atom : b.input(l.atom.type)));
    let next = 0;
    const values = args.map((a) => rebuildFrom(a, () => inputs[next++]!));
    const result = e.within(b, () => body(values));
    const outputs: ArrayTerm[] = [];
    if (!collect(result, outputs)) return undefined;
    const { graph, captured } = b.close(
      "function",
      outputs.map((o) => o.atom),
    );
    shared = { graph, captured, inputs, result };
    cache.set(key, shared);
    // A program may be called with ever new sizes: what was shared first goes first.
    if (cache.size > mostShared) cache.delete(cache.keys().next().value!);
  }
  const operands = [...shared.captured, ...leaves.map((l) => l.atom).filter((a) => a.kind !== "literal")];
  const outputs = call(e.builder, shared.graph, operands, false);
  const leavesOut: ArrayTerm[] = [];
  collect(shared.result, leavesOut);
  const { inputs, result } = shared;
  return rebuild(
    result,
    leavesOut.map(({ offset, ...l }, i) => {
      const from = offset ? inputs.indexOf(offset.base) : -1;
      return {
        ...l,
        atom: outputs[i]!,
        ...(offset && from >= 0 ? { offset: { base: leaves[from]!.atom, by: offset.by } } : {}),
      };
    }),
  );
}

function rebuildFrom(term: Term, next: () => ArrayTerm["atom"]): Term {
  if (term.kind === "array") return { ...term, atom: next() };
  if (term.kind === "tuple") return { ...term, items: term.items.map((t) => rebuildFrom(t, next)) };
  return term;
}

/** The array leaves; false when something else is among them. */
export function collect(term: Term, leaves: ArrayTerm[]): boolean {
  if (term.kind === "array") {
    leaves.push(term);
    return true;
  }
  return term.kind === "tuple" && term.onRead === undefined && term.items.every((t) => collect(t, leaves));
}
