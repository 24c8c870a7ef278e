/**
 * Builds graphs. Emission folds constants, shares equal equations (in this scope and those around it)
 * and, in loop bodies, moves what does not depend on the loop outside it. So structure is shared the
 * moment it is made and no later pass has to find it again.
 */

import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { sizeOf } from "./array.ts";
import { dimKey, resolve } from "./dimension.ts";
import { hasEffect } from "./effects.ts";
import { plainContext } from "./evaluate.ts";
import {
  type ArrayType,
  type Atom,
  type Equation,
  type Graph,
  newVar,
  type Pass,
  showType,
  type Var,
} from "./graph.ts";
import type { Emitter, Params, Primitive } from "./primitive.ts";

export interface BuilderOptions {
  /** The scope whose variables this one may use freely. */
  readonly parent?: Builder;
  /** True for loop bodies and functions used at once: equations that need nothing of this scope go to the parent. */
  readonly hoist?: boolean;
}

export class Builder implements Emitter {
  readonly parent: Builder | undefined;
  readonly hoist: boolean;
  readonly inputs: Var[] = [];
  readonly equations: Equation[] = [];
  /** Attached to equations as they are made. */
  span: Span | undefined;
  pass: Pass = "value";
  readonly #owned = new Set<number>();
  readonly #shared = new Map<string, readonly Var[]>();

  constructor(options: BuilderOptions = {}) {
    this.parent = options.parent;
    this.hoist = options.hoist ?? false;
    this.span = options.parent?.span;
    this.pass = options.parent?.pass ?? "value";
  }

  /** A new input of the graph being built. */
  input(type: ArrayType): Var {
    const v = newVar(type);
    this.inputs.push(v);
    this.#owned.add(v.id);
    return v;
  }

  emit(primitive: Primitive, inputs: readonly Atom[], params: Params): readonly Atom[] {
    const folded = foldConstants(primitive, inputs, params);
    if (folded) return folded;
    if (primitive.effect) return this.#append(primitive, inputs, params, undefined);
    const key = `${primitive.name}(${inputs.map(atomKey).join(",")})${paramsKey(params)}`;
    return this.#find(key) ?? this.#place(primitive, inputs, params, key);
  }

  #find(key: string): readonly Var[] | undefined {
    return this.#shared.get(key) ?? (this.parent ? this.parent.#find(key) : undefined);
  }

  #place(primitive: Primitive, inputs: readonly Atom[], params: Params, key: string): readonly Var[] {
    const depends = inputs.some((a) => a.kind === "var" && this.#owned.has(a.id));
    if (this.hoist && this.parent && !depends && alwaysReturns(primitive, params)) {
      const [span, pass] = [this.parent.span, this.parent.pass];
      this.parent.span = this.span;
      this.parent.pass = this.pass;
      const outputs = this.parent.#place(primitive, inputs, params, key);
      this.parent.span = span;
      this.parent.pass = pass;
      return outputs;
    }
    return this.#append(primitive, inputs, params, key);
  }

  #append(primitive: Primitive, inputs: readonly Atom[], params: Params, key: string | undefined): readonly Var[] {
    const types = primitive.infer(
      inputs.map((a) => a.type),
      params,
    );
    for (const type of types) refuseHuge(type, this.span);
    const outputs = types.map(newVar);
    for (const v of outputs) this.#owned.add(v.id);
    this.equations.push({ primitive, inputs, outputs, params, span: this.span, pass: this.pass });
    if (key !== undefined) this.#shared.set(key, outputs);
    return outputs;
  }

  /** True when the atom was made in this scope. */
  owns(a: Atom): boolean {
    return a.kind === "var" && this.#owned.has(a.id);
  }

  /** The equation that made an atom, in this scope or one around it. */
  producer(a: Atom): Equation | undefined {
    if (a.kind !== "var") return undefined;
    return (
      this.equations.find((e) => e.outputs.some((v) => v.id === a.id)) ??
      (this.parent ? this.parent.producer(a) : undefined)
    );
  }

  /** Runs `body` with equations attributed to `span`. */
  at<T>(span: Span | undefined, body: () => T, pass: Pass = this.pass): T {
    const saved = [this.span, this.pass] as const;
    if (span) this.span = span;
    this.pass = pass;
    try {
      return body();
    } finally {
      this.span = saved[0];
      this.pass = saved[1];
    }
  }

  /**
   * Closes the graph over what it uses from the scopes around it: `captured` are those atoms, and come
   * before the graph's own inputs.
   */
  close(name: string, outputs: readonly Atom[]): { readonly graph: Graph; readonly captured: readonly Var[] } {
    const equations = removeDead(this.equations, outputs);
    const captured = new Map<number, Var>();
    const note = (a: Atom) => {
      if (a.kind === "var" && !this.#owned.has(a.id)) captured.set(a.id, a);
    };
    for (const e of equations) e.inputs.forEach(note);
    outputs.forEach(note);
    const free = [...captured.values()];
    return { graph: { name, inputs: [...free, ...this.inputs], equations, outputs }, captured: free };
  }
}

/**
 * Drops equations whose results nobody reads; effects stay, and loops that have some in them. A call that nobody reads may
 * have another in its place that does the same; nothing stands for a loop.
 */
export function removeDead(equations: readonly Equation[], outputs: readonly Atom[]): Equation[] {
  const live = new Set<number>();
  for (const a of outputs) if (a.kind === "var") live.add(a.id);
  const kept: Equation[] = [];
  for (let i = equations.length - 1; i >= 0; i--) {
    const e = equations[i]!;
    const stays = e.primitive.name === "scan" ? hasEffect(e) : e.primitive.effect;
    if (!stays && !e.outputs.some((v) => live.has(v.id))) continue;
    for (const a of e.inputs) if (a.kind === "var") live.add(a.id);
    kept.push(e);
  }
  return kept.reverse();
}

const returning = new WeakMap<Graph, boolean>();

/** False for what may end the run or never end: a loop that takes no step must not do it. */
function alwaysReturns(primitive: Primitive, params: Params): boolean {
  if (primitive.effect) return false;
  if (primitive.name === "scan" && params.length === undefined) return false;
  return (primitive.graphs?.(params) ?? []).every((graph) => {
    let known = returning.get(graph);
    if (known === undefined) {
      known = graph.equations.every((e) => alwaysReturns(e.primitive, e.params));
      returning.set(graph, known);
    }
    return known;
  });
}

const mostEntries = 2 ** 31;
const mostBytes = 8 * 2 ** 30;

/** An array that no machine this is meant for can hold is refused before anybody tries to make room for it. */
function refuseHuge(type: ArrayType, span: Span | undefined): void {
  let entries = 1;
  for (const d of type.shape) {
    const size = resolve(d);
    if (typeof size === "number") entries *= size;
  }
  const bytes = entries * (type.dtype === "real" ? 8 : type.dtype === "int" ? 4 : 1);
  if (entries <= mostEntries && bytes <= mostBytes) return;
  fail(
    "K0416",
    span,
    `This makes an array ${showType(type)}, which is ${Math.round(bytes / 2 ** 30)} GiB: more than the 8 GiB that one array may have.`,
    {
      help: "Use smaller sizes, or an expression that does not hold all entries at once: a `loop` over parts, or a function `v => A v` for a matrix.",
    },
  );
}

function foldConstants(primitive: Primitive, inputs: readonly Atom[], params: Params): readonly Atom[] | undefined {
  if (primitive.effect || primitive.graphs || inputs.length === 0) return undefined;
  if (!inputs.every((a) => a.kind === "literal")) return undefined;
  const types = primitive.infer(
    inputs.map((a) => a.type),
    params,
  );
  if (!types.every((t) => t.shape.length === 0)) return undefined;
  const values = inputs.map((a) => {
    const value = a.kind === "literal" ? a.value : 0;
    const data =
      a.type.dtype === "real"
        ? Float64Array.of(value)
        : a.type.dtype === "int"
          ? Int32Array.of(value)
          : Uint8Array.of(value);
    return { dtype: a.type.dtype, shape: [], data };
  });
  const results = primitive.evaluate(values, params, plainContext);
  if (results.some((r) => sizeOf(r.shape) !== 1)) return undefined;
  // What makes a NaN is kept, so that a run can tell where it came up.
  if (
    results.some((r) => Number.isNaN(r.data[0])) &&
    !inputs.some((a) => a.kind === "literal" && Number.isNaN(a.value))
  )
    return undefined;
  return results.map((r, i) => ({ kind: "literal", value: r.data[0]!, type: types[i]! }));
}

/** A text that is equal for equal atoms. */
export function atomKey(a: Atom): string {
  if (a.kind === "var") return String(a.id);
  return `${a.type.dtype}:${Object.is(a.value, -0) ? "-0" : a.value}`;
}

const graphIds = new WeakMap<object, number>();
let graphCounter = 0;

/** A text that is equal for equal parameters. Graphs are equal only when they are the same object. */
export function paramsKey(value: unknown): string {
  if (value === null || typeof value !== "object")
    return typeof value === "string" ? JSON.stringify(value) : Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(paramsKey).join(",")}]`;
  if ("terms" in value) return dimKey(value as never);
  if ("equations" in value || Object.getPrototypeOf(value) !== Object.prototype) {
    let id = graphIds.get(value);
    if (id === undefined) {
      graphCounter += 1;
      id = graphCounter;
      graphIds.set(value, id);
    }
    return `#${id}`;
  }
  return `{${Object.entries(value)
    .map(([k, v]) => `${k}:${paramsKey(v)}`)
    .join(",")}}`;
}
