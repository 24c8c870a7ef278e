/** A program with its data: every statement a graph, and values as they are computed. */
import {
  argumentsOf,
  type DerivativeAnswer,
  type DerivativeRequest,
  derivativeTerm,
  differentiable,
  keyOf,
} from "./applied-derivatives.ts";
import type { NdArray } from "./core/array.ts";
import { Builder } from "./core/builder.ts";
import { evaluate, evaluationContext } from "./core/evaluate.ts";
import type { Atom, Graph, Var } from "./core/graph.ts";
import { gradient } from "./elaborate/derivatives.ts";
import type { Elaborator } from "./elaborate/elaborator.ts";
import { applyTerm } from "./elaborate/functions.ts";
import { boundProperties } from "./elaborate/property-runs.ts";
import { suggest } from "./elaborate/scope.ts";
import type { ElaboratedScript, Step } from "./elaborate/script.ts";
import { traceIterations } from "./elaborate/solver-record.ts";
import { type CallArguments, type FunctionTerm, showTermType, type Term } from "./elaborate/terms.ts";
import { leafArrays, literalValue, termValueFrom, valueTerm } from "./elaborate/values.ts";
import { drive, driveLater, type Flow } from "./flow.ts";
import type { BoundProgram, BoundProperty, GraphRunner, Program, RunOptions, ShownItem, Value } from "./program.ts";
import { evaluateWatching, hasNaN, leavesWithNaN, nanLeaves, type Origin, refuseMadeNaN, Watch } from "./provenance.ts";
import { failureOfRun, runContext } from "./run-context.ts";
import { type Diagnostic, fail } from "./syntax/diagnostic.ts";
import type { Span } from "./syntax/tree.ts";

/** A function compiled for arguments of some shapes. */
interface Application {
  readonly name: string;
  readonly span: Span | undefined;
  readonly derivatives: boolean;
  readonly graph: Graph;
  readonly captured: readonly Var[];
  readonly result: Term;
}

/** How many applications are remembered: each holds its compiled form. The one that was used longest ago goes first. */
const mostApplications = 128;

/** What of an argument decides how a function is compiled. */
function signatureOf(value: Value): unknown {
  if (value.kind === "tuple") return [value.names, value.items.map(signatureOf)];
  const { type, array } = value;
  return [type, array.dtype, array.shape, type === "int" && array.shape.length === 0 ? array.data[0] : null];
}

/** The arrays that become inputs, in the order of `valueTerm`. */
function inputArrays(value: Value): readonly NdArray[] {
  if (value.kind === "tuple") return value.items.flatMap(inputArrays);
  return value.type === "int" && value.array.shape.length === 0 ? [] : [value.array];
}

/** An array that stays as it is, whatever becomes of a back end's memory. */
function owned(x: NdArray): NdArray {
  if (typeof SharedArrayBuffer === "undefined" || !(x.data.buffer instanceof SharedArrayBuffer)) return x;
  return { dtype: x.dtype, shape: x.shape, data: x.data.slice() };
}

type ValueAndGradient = ReturnType<BoundProgram["valueAndGradient"]>;

function pairOf(both: Value): ValueAndGradient {
  if (both.kind !== "tuple") throw new Error("internal error: a gradient is a pair");
  return { value: both.items[0]!, gradient: both.items[1]! };
}

export class Bound implements BoundProgram {
  readonly program: Program;
  readonly diagnostics: readonly Diagnostic[];
  readonly #e: Elaborator;
  readonly #script: ElaboratedScript;
  readonly #values: Map<number, NdArray>;
  readonly #ran = new Set<Step>();
  #properties: readonly BoundProperty[] | undefined;

  readonly #runner: GraphRunner | undefined;
  readonly #applications = new Map<string, Application>();

  constructor(program: Program, e: Elaborator, script: ElaboratedScript, runner: GraphRunner | undefined) {
    this.#runner = runner;
    this.program = program;
    this.diagnostics = e.diagnostics;
    this.#e = e;
    this.#script = script;
    this.#values = new Map(script.values);
  }

  get properties(): readonly BoundProperty[] {
    this.#properties ??= boundProperties(
      this.#e,
      this.#script,
      (v) => drive(this.#value(v), this.#runner),
      (graph, inputs) => drive(this.#evaluate(graph, inputs, undefined, { keep: false }), this.#runner),
    );
    return this.#properties;
  }

  /** A variable of the script, computed when it has not been yet. */
  *#value(a: Atom): Flow<NdArray> {
    const literal = literalValue(a, this.#e.precision);
    if (literal) return literal;
    const v = a as Var;
    const known = this.#values.get(v.id);
    if (known) return known;
    const step = this.#script.steps.find((s) => s.outputs.some((o) => o.id === v.id));
    if (!step) throw new Error(`internal error: variable ${v.id} belongs to no statement`);
    yield* this.#runStep(step, undefined);
    return this.#values.get(v.id)!;
  }

  *#valuesOf(atoms: readonly Atom[]): Flow<NdArray[]> {
    const values: NdArray[] = [];
    for (const a of atoms) values.push(yield* this.#value(a));
    return values;
  }

  /** The value of a term, on its own. */
  *#valueOfTerm(term: Term): Flow<Value> {
    const values = yield* this.#valuesOf(leafArrays(term).map((l) => l.atom));
    let next = 0;
    return termValueFrom(term, () => owned(values[next++]!));
  }

  *#runStep(step: Step, options: RunOptions | undefined): Flow<void> {
    const inputs = yield* this.#valuesOf(step.captured);
    const results = yield* this.#evaluate(step.graph, inputs, options, { keep: true, span: step.span });
    step.outputs.forEach((v, i) => {
      this.#values.set(v.id, results[i]!);
    });
    this.#ran.add(step);
  }

  *#evaluate(
    graph: Graph,
    inputs: readonly NdArray[],
    options: RunOptions | undefined,
    { keep, span }: { readonly keep: boolean; readonly span?: Span },
  ): Flow<NdArray[]> {
    const context = runContext(this.#e.precision, options);
    try {
      if (options?.checkFinite) return evaluateWatching(graph, inputs, context, span);
      const warn = options && ((diagnostic: Diagnostic) => options.onEvent({ kind: "warning", diagnostic }));
      return yield { graph, inputs, context, options: { keep, span, warn } };
    } catch (error) {
      throw failureOfRun(error, span);
    }
  }

  run(options: RunOptions): void {
    drive(this.#run(options), this.#runner);
  }

  runLater(options: RunOptions): Promise<void> {
    return driveLater(this.#run(options), this.#runner);
  }

  *#run(options: RunOptions): Flow<void> {
    for (const step of this.#script.steps) {
      if (!this.#ran.has(step)) yield* this.#runStep(step, options);
      if (step.effect) yield* this.#effect(step, options);
    }
  }

  *#effect(step: Step, options: RunOptions): Flow<void> {
    const { effect, span } = step;
    const shown = function* (this: Bound, t: Term, at: Span): Flow<Value> {
      const v = yield* this.#valueOfTerm(t);
      yield* this.#refuseNaN(v, step, at);
      return v;
    }.bind(this);
    switch (effect?.kind) {
      case "show": {
        const items: ShownItem[] = [];
        for (const { term, expression } of effect.items)
          items.push(
            term.kind === "text"
              ? { kind: "caption", text: term.text }
              : { kind: "value", expression, value: yield* shown(withoutWords(term), span) },
          );
        options.onEvent({ kind: "show", span, items });
        return;
      }
      case "assert": {
        const v = yield* this.#valueOfTerm(effect.condition);
        const passed = v.kind === "array" && v.array.data[0] === 1;
        options.onEvent({ kind: "assert", expression: effect.expression, message: effect.message, passed, span });
        return;
      }
      case "save":
        options.onEvent({
          kind: "save",
          expression: effect.expression,
          path: effect.path,
          value: yield* shown(effect.value, span),
          span,
        });
        return;
      case "plot": {
        const array = function* (this: Bound, t: Term): Flow<NdArray> {
          const v = yield* this.#valueOfTerm(t);
          const iterations = t.kind === "array" ? traceIterations.get(t.atom) : undefined;
          if (iterations && v.kind === "array" && v.array.shape.length === 1)
            return upTo(v.array, (yield* this.#value(iterations)).data[0]! + 1);
          return v.kind === "array" ? v.array : { dtype: "real", shape: [0], data: new Float64Array(0) };
        }.bind(this);
        const series: { label: string; values: NdArray }[] = [];
        for (const s of effect.series) series.push({ label: s.label, values: yield* array(s.term) });
        options.onEvent({
          kind: "plot",
          span,
          plot: {
            expression: effect.expression,
            title: effect.title,
            mark: effect.mark,
            logarithmic: effect.logarithmic,
            x: effect.x && (yield* array(effect.x)),
            series,
          },
        });
        return;
      }
      case undefined:
        return;
    }
  }

  /** A NaN may not leave: it is traced to the equation that made it first. */
  *#refuseNaN(value: Value, step: Step, span: Span): Flow<void> {
    if (leavesWithNaN(value))
      throw nanLeaves(yield* this.#originOfNaN(step), { message: "It reaches this statement:", span });
  }

  *#originOfNaN(last: Step): Flow<Origin | undefined> {
    for (const step of this.#script.steps) {
      const inputs = yield* this.#valuesOf(step.captured);
      if ((yield* this.#valuesOf(step.outputs)).some(hasNaN) && !inputs.some(hasNaN)) {
        const watch = new Watch();
        evaluate(step.graph, inputs, evaluationContext({ precision: this.#e.precision, ...watch.options }));
        return watch.nan;
      }
      if (step === last) break;
    }
    return undefined;
  }

  call(name: string, args: Readonly<Record<string, Value>>): Value {
    return drive(this.#call(name, args), this.#runner);
  }

  callLater(name: string, args: Readonly<Record<string, Value>>): Promise<Value> {
    return driveLater(this.#call(name, args), this.#runner);
  }

  #call(name: string, args: Readonly<Record<string, Value>>): Flow<Value> {
    return this.#apply("call", name, args, (e, f, given) => applyTerm(e, f, given));
  }

  valueAndGradient(name: string, args: Readonly<Record<string, Value>>): ValueAndGradient {
    return pairOf(drive(this.#gradient(name, args), this.#runner));
  }

  async valueAndGradientLater(name: string, args: Readonly<Record<string, Value>>): Promise<ValueAndGradient> {
    return pairOf(await driveLater(this.#gradient(name, args), this.#runner));
  }

  #gradient(name: string, args: Readonly<Record<string, Value>>): Flow<Value> {
    return this.#apply("gradient", name, args, (e, f, given) => {
      const { value, gradient: g } = gradient(e, f, differentiable(e, f, given), "value_and_grad");
      return { kind: "tuple", names: ["value", "gradient"], items: [value, g] };
    });
  }

  derivativeLater(
    name: string,
    args: Readonly<Record<string, Value>>,
    request: DerivativeRequest,
  ): Promise<DerivativeAnswer> {
    return driveLater(this.#derivative(name, args, request), this.#runner);
  }

  *#derivative(
    name: string,
    args: Readonly<Record<string, Value>>,
    request: DerivativeRequest,
  ): Flow<DerivativeAnswer> {
    const both = yield* this.#apply(keyOf(request), name, argumentsOf(args, request), (e, f, given) =>
      derivativeTerm(e, f, given, request),
    );
    const [first, second] = both.kind === "tuple" ? both.items : [];
    return { first: first!, second: second! };
  }

  *#apply(
    way: string,
    name: string,
    args: Readonly<Record<string, Value>>,
    use: (e: Elaborator, f: FunctionTerm, given: CallArguments) => Term,
  ): Flow<Value> {
    // What is compiled depends on names, types and shapes alone (and on single ints, which may set sizes).
    const key = JSON.stringify([way, name, Object.entries(args).map(([k, v]) => [k, signatureOf(v)])]);
    const known = this.#applications.get(key);
    if (known) {
      this.#remember(key, known);
      return yield* this.#applied(known, Object.values(args).flatMap(inputArrays));
    }
    const e = this.#e;
    const found = this.#script.scope.own(name);
    if (!found) {
      const near = suggest(name, this.#script.scope.names());
      fail(
        "K0772",
        undefined,
        `The script declares nothing called \`${name}\`.`,
        near ? { help: `Did you mean \`${near}\`?` } : {},
      );
    }
    const { term } = found;
    if (term.kind !== "function") {
      if (Object.keys(args).length === 0) return yield* this.#valueOfTerm(term);
      fail("K0773", found.span, `\`${name}\` is ${showTermType(term)}, not a function.`);
    }
    const span = found.span ?? { file: this.program.file, start: 0, end: 0 };
    e.renewBudget();
    const builder = new Builder();
    const arrays: NdArray[] = [];
    const result = e.within(builder, () =>
      e.inFrame(() => {
        const named = new Map<string, Term>();
        const parameters = new Map<string, Term>();
        for (const [k, v] of Object.entries(args)) {
          const t = valueTerm(e, builder, v, arrays, span);
          if (term.unknowns && term.hasParameters && !term.unknowns.includes(k)) parameters.set(k, t);
          else named.set(k, t);
        }
        return use(e, term, {
          positional: [],
          named,
          span,
          ...(term.hasParameters ? { parameters: { positional: [], named: parameters } } : {}),
        });
      }),
    );
    const leaves = leafArrays(result);
    const { graph, captured } = builder.close(
      name,
      leaves.map((l) => l.atom),
    );
    const application: Application = {
      name,
      span: found.span,
      derivatives: way !== "call",
      graph,
      captured,
      result,
    };
    this.#remember(key, application);
    return yield* this.#applied(application, arrays);
  }

  #remember(key: string, application: Application): void {
    this.#applications.delete(key);
    this.#applications.set(key, application);
    if (this.#applications.size <= mostApplications) return;
    const [oldest] = this.#applications.keys();
    this.#applications.delete(oldest!);
  }

  *#applied(application: Application, arrays: readonly NdArray[]): Flow<Value> {
    const { graph, captured, result } = application;
    const inputs = [...(yield* this.#valuesOf(captured)), ...arrays];
    const results = yield* this.#evaluate(graph, inputs, undefined, { keep: false });
    let next = 0;
    const value = termValueFrom(result, () => results[next++]!);
    if (application.derivatives) refuseMadeNaN(application, graph, inputs, value, this.#e.precision);
    return value;
  }

  graphs(): readonly Graph[] {
    return this.#script.steps.map((s) => s.graph);
  }

  /** The core graphs of the script's statements, each printed by `print` below its text. */
  explain(print: (graph: Graph) => string): string {
    return this.#script.steps.map((s) => `// ${this.#e.textOf(s.span)}\n${print(s.graph)}`).join("\n\n");
  }
}

function upTo(x: NdArray, count: number): NdArray {
  const n = Math.min(count, x.shape[0]!);
  return { dtype: x.dtype, shape: [n], data: x.data.slice(0, n) };
}

function withoutWords(term: Term): Term {
  if (term.kind === "tuple") {
    const kept = term.items.map((t, i) => ({ t, i })).filter(({ t }) => t.kind === "array" || t.kind === "tuple");
    return {
      ...term,
      names: term.names && kept.map(({ i }) => term.names![i]!),
      items: kept.map(({ t }) => withoutWords(t)),
    };
  }
  return term;
}
