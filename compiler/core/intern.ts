/**
 * One object for graphs that are the same but for the numbers of their variables. A script that writes one solve in
 * several places elaborates it as often; what is made of graphs, and remembered with them, is made once all the same.
 *
 * Graphs are the same when their names, types, equations and outputs are, and when the equations came from the same
 * places of the script, so that what is told of them is the same too. Nested graphs have to be the same object: they
 * are interned first.
 */
import type { Span } from "../syntax/tree.ts";
import { type ArrayType, type Atom, type Equation, equalTypes, type Graph, type Var } from "./graph.ts";

const buckets = new Map<number, WeakRef<Graph>[]>();
const interned = new WeakSet<Graph>();

/** Graphs that nobody has any more leave the table. */
const gone = new FinalizationRegistry<number>((hash) => {
  const alive = buckets.get(hash)?.filter((r) => r.deref() !== undefined) ?? [];
  if (alive.length > 0) buckets.set(hash, alive);
  else buckets.delete(hash);
});

/** The first graph that was the same as this one, while it is in use: this one, if there was none. */
export function internGraph(graph: Graph): Graph {
  if (interned.has(graph)) return graph;
  const hash = hashOf(graph);
  const bucket = buckets.get(hash) ?? [];
  for (const reference of bucket) {
    const other = reference.deref();
    if (other && isSameGraph(graph, other)) return other;
  }
  bucket.push(new WeakRef(graph));
  buckets.set(hash, bucket);
  gone.register(graph, hash);
  interned.add(graph);
  return graph;
}

const mix = (hash: number, x: number): number => Math.imul(hash ^ (x | 0), 0x01000193);

const textHashes = new Map<string, number>();
function hashOfText(text: string): number {
  let hash = textHashes.get(text);
  if (hash === undefined) {
    hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
    if (text.length < 32) textHashes.set(text, hash); // names of primitives and parameters, which are few
  }
  return hash;
}

/** Equal for graphs that are the same. Parameters count with their numbers and texts alone. */
function hashOf(graph: Graph): number {
  const numbers = new Map<number, number>();
  let hash = mix(hashOfText(graph.name), graph.inputs.length);
  const define = (v: Var) => {
    numbers.set(v.id, numbers.size);
    hash = mix(hash, v.type.shape.length);
  };
  const use = (a: Atom) => {
    hash = mix(hash, a.kind === "var" ? (numbers.get(a.id) ?? -1) : Math.fround(a.value) * 64);
  };
  const parameter = (value: unknown): void => {
    if (typeof value === "number") hash = mix(hash, value);
    else if (typeof value === "string") hash = mix(hash, hashOfText(value));
    else if (Array.isArray(value)) value.forEach(parameter);
  };
  graph.inputs.forEach(define);
  for (const e of graph.equations) {
    hash = mix(hash, hashOfText(e.primitive.name));
    hash = mix(hash, e.span?.start ?? 0);
    e.inputs.forEach(use);
    for (const key in e.params) parameter(e.params[key]);
    e.outputs.forEach(define);
  }
  graph.outputs.forEach(use);
  return hash;
}

function isSameGraph(a: Graph, b: Graph): boolean {
  if (a.name !== b.name || a.inputs.length !== b.inputs.length || a.equations.length !== b.equations.length)
    return false;
  /** The variables of `b` by those of `a`. */
  const partners = new Map<number, number>();
  const areDefinedAlike = (v: Var, w: Var): boolean => {
    partners.set(v.id, w.id);
    return equalTypes(v.type, w.type);
  };
  const areUsedAlike = (v: Atom, w: Atom): boolean => {
    if (v.kind === "literal") return w.kind === "literal" && Object.is(v.value, w.value) && hasSameType(v.type, w.type);
    return w.kind === "var" && partners.get(v.id) === w.id;
  };
  const isSameEquation = (e: Equation, f: Equation): boolean =>
    e.primitive === f.primitive &&
    e.pass === f.pass &&
    isSameSpan(e.span, f.span) &&
    areAlike(e.inputs, f.inputs, areUsedAlike) &&
    isSameParameter(e.params, f.params) &&
    areAlike(e.outputs, f.outputs, areDefinedAlike);
  return (
    areAlike(a.inputs, b.inputs, areDefinedAlike) &&
    areAlike(a.equations, b.equations, isSameEquation) &&
    areAlike(a.outputs, b.outputs, areUsedAlike)
  );
}

function areAlike<T>(a: readonly T[], b: readonly T[], isAlike: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((x, i) => isAlike(x, b[i]!));
}

const hasSameType = (a: ArrayType, b: ArrayType): boolean => a === b || equalTypes(a, b);

function isSameSpan(a: Span | undefined, b: Span | undefined): boolean {
  return a === b || (a?.start === b?.start && a?.end === b?.end && a?.file === b?.file);
}

/** Whether two parameters mean the same. Graphs, and all that is no plain object, have to be the same object. */
function isSameParameter(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && areAlike<unknown>(a, b, isSameParameter);
  if (Object.getPrototypeOf(a) !== Object.prototype || Object.getPrototypeOf(b) !== Object.prototype) return false;
  if ("equations" in a || "equations" in b) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((k) => k in y && isSameParameter(x[k], y[k]));
}
