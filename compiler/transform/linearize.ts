/**
 * Linearisation: forward mode whose equations are sorted as they are made into those that depend on
 * values alone (emitted where we are) and those that are linear in the tangents (kept apart, to be
 * applied or transposed).
 */
import { atomKey, Builder, paramsKey, removeDead } from "../core/builder.ts";
import { type Atom, type Equation, type Graph, newVar, type Pass, type Var } from "../core/graph.ts";
import type { Emitter, Params, Primitive } from "../core/primitive.ts";
import type { Span } from "../syntax/tree.ts";
import { inlineGraph, maskKey, memoized } from "./inline.ts";
import { jvpGraph } from "./jvp.ts";
import { zerosOf } from "./zeros.ts";

/** Equations linear in `inputs`; whatever else they mention are values of the scope they were made in. */
export interface LinearGraph {
  readonly inputs: readonly Var[];
  readonly equations: readonly Equation[];
  /** Undefined is zero. */
  readonly outputs: readonly (Atom | undefined)[];
}

/** Sends equations on linear variables to a list of their own, all others to `known`. */
export class SplitEmitter implements Emitter {
  readonly equations: Equation[] = [];
  readonly #known: Emitter;
  readonly #linear = new Set<number>();
  readonly #shared = new Map<string, readonly Var[]>();
  #span: Span | undefined;
  #pass: Pass = "derivative";

  constructor(known: Emitter) {
    this.#known = known;
  }

  /** A variable to be linear in. */
  linearInput(like: Var): Var {
    const v = newVar(like.type);
    this.#linear.add(v.id);
    return v;
  }

  isLinear(a: Atom): boolean {
    return a.kind === "var" && this.#linear.has(a.id);
  }

  emit(primitive: Primitive, inputs: readonly Atom[], params: Params): readonly Atom[] {
    const isLinear = inputs.map((a) => this.isLinear(a));
    if (!isLinear.includes(true)) return this.#known.emit(primitive, inputs, params);
    const linear: Emitter = { emit: (p, i, q) => this.#append(p, i, q), at: (s, body, pass) => this.at(s, body, pass) };
    if (primitive.split) return primitive.split(this.#known, linear, { inputs, params }, isLinear);
    return this.#append(primitive, inputs, params);
  }

  #append(primitive: Primitive, inputs: readonly Atom[], params: Params): readonly Var[] {
    const key = `${primitive.name}(${inputs.map(atomKey).join(",")})${paramsKey(params)}`;
    const found = this.#shared.get(key);
    if (found) return found;
    const types = primitive.infer(
      inputs.map((a) => a.type),
      params,
    );
    const outputs = types.map(newVar);
    // A comparison of tangents, say: what hangs on it is linear in nothing.
    if (!primitive.graphs && types.length > 0 && types.every((t) => t.dtype !== "real"))
      throw new Error(`internal error: ${primitive.name} is not linear`);
    for (const v of outputs) this.#linear.add(v.id);
    this.equations.push({ primitive, inputs, outputs, params, span: this.#span, pass: this.#pass });
    this.#shared.set(key, outputs);
    return outputs;
  }

  at<T>(span: Span | undefined, body: () => T, pass: Pass = this.#pass): T {
    const saved = [this.#span, this.#pass] as const;
    if (span) this.#span = span;
    this.#pass = pass;
    try {
      return this.#known.at(span, body, pass);
    } finally {
      this.#span = saved[0];
      this.#pass = saved[1];
    }
  }
}

/**
 * The graph's outputs at `primals`, emitted to `b`, and the linear map of its tangents in the inputs of `wrt`.
 * Outputs not `wanted` are computed and not differentiated.
 */
export function linearize(
  b: Emitter,
  graph: Graph,
  primals: readonly Atom[],
  wrt: readonly boolean[],
  wanted?: readonly boolean[],
): { readonly outputs: readonly Atom[]; readonly linear: LinearGraph } {
  const split = new SplitEmitter(b);
  const inputs: Var[] = [];
  const tangents = graph.inputs.map((v, i) => {
    if (!wrt[i]) return undefined;
    const t = split.linearInput(v);
    inputs.push(t);
    return t;
  });
  const result = jvpGraph(split, graph, primals, tangents, wanted);
  return { outputs: result.outputs, linear: { inputs, equations: split.equations, outputs: result.tangents } };
}

/** The linear map applied to tangents. */
export function applyLinear(b: Emitter, linear: LinearGraph, tangents: readonly Atom[]): readonly (Atom | undefined)[] {
  const atoms = new Map<number, Atom>();
  linear.inputs.forEach((v, i) => {
    atoms.set(v.id, tangents[i]!);
  });
  const get = (a: Atom) => (a.kind === "var" ? (atoms.get(a.id) ?? a) : a);
  for (const e of linear.equations) {
    const outputs = b.at(e.span, () => b.emit(e.primitive, e.inputs.map(get), e.params), e.pass);
    e.outputs.forEach((v, i) => {
      atoms.set(v.id, outputs[i]!);
    });
  }
  return linear.outputs.map((a) => a && get(a));
}

/** Where a value that the linear part reads comes from. */
export type Residual =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "computed"; readonly index: number };

export interface SplitGraph {
  /** Inputs: those that are not linear; outputs: `knownOutputs`, then the computed residuals. */
  readonly known: Graph;
  /** Inputs: the residuals in order, then the linear inputs; outputs: those that are linear. */
  readonly linear: Graph;
  readonly residuals: readonly Residual[];
  readonly computed: number;
  readonly linearOutputs: readonly boolean[];
}

/**
 * Splits a graph whose inputs marked `isLinear` it is linear in. Outputs marked in `forced` are counted
 * linear even if they do not depend on a linear input: being linear, they are then zero.
 */
export function splitGraph(graph: Graph, isLinear: readonly boolean[], forced?: readonly boolean[]): SplitGraph {
  return memoized(graph, `split ${maskKey(isLinear)} ${forced ? maskKey(forced) : ""}`, () => {
    const b = new Builder();
    const split = new SplitEmitter(b);
    const linearInputs: Var[] = [];
    const atoms = graph.inputs.map((v, i) => {
      if (!isLinear[i]) return b.input(v.type);
      const t = split.linearInput(v);
      linearInputs.push(t);
      return t;
    });
    const outputs = inlineGraph(split, graph, atoms);
    const linearOutputs = outputs.map((a, i) => split.isLinear(a) || (forced?.[i] ?? false));
    const kept = outputs.filter((_, i) => linearOutputs[i]).map((a) => (split.isLinear(a) ? a : undefined));
    const equations = removeDead(
      split.equations,
      kept.filter((a) => a !== undefined),
    );

    const inputIndex = new Map(b.inputs.map((v, i) => [v.id, i]));
    const residualVars = new Map<number, Var>();
    const residuals: Residual[] = [];
    const computed: Var[] = [];
    for (const e of equations)
      for (const a of e.inputs) {
        if (a.kind !== "var" || split.isLinear(a) || residualVars.has(a.id)) continue;
        residualVars.set(a.id, a);
        const index = inputIndex.get(a.id);
        if (index !== undefined) residuals.push({ kind: "input", index });
        else {
          residuals.push({ kind: "computed", index: computed.length });
          computed.push(a);
        }
      }
    const knownOutputs = outputs.filter((_, i) => !linearOutputs[i]);
    const known = b.close(`${graph.name}.known`, [...knownOutputs, ...computed]).graph;

    // A linear output that depends on nothing linear is zero: a broadcast literal in a builder of its own.
    const zeros = new Builder();
    const types = graph.outputs.filter((_, i) => linearOutputs[i]).map((a) => a.type);
    const linearAtoms = kept.map((a, i) => a ?? zerosOf(zeros, types[i]!));
    const linear: Graph = {
      name: `${graph.name}.linear`,
      inputs: [...residualVars.values(), ...linearInputs],
      equations: [...equations, ...zeros.equations],
      outputs: linearAtoms,
    };
    return { known, linear, residuals, computed: computed.length, linearOutputs };
  });
}
