/** A program with its data: every statement a graph, and values as they are computed. */
import { type Application, Applications } from "./applications.ts";
import {
  argumentsOf,
  type DerivativeAnswer,
  type DerivativeRequest,
  derivativeTerm,
  differentiable,
  keyOf,
} from "./applied-derivatives.ts";
import { inputArrays, refuseArguments, signatureOf } from "./call-signature.ts";
import type { NdArray } from "./core/array.ts";
import { Builder } from "./core/builder.ts";
import { evaluate, evaluationContext } from "./core/evaluate.ts";
import type { Graph } from "./core/graph.ts";
import { pinArrays, RemoteArray } from "./core/remote-array.ts";
import { finiteCheck, mayHaveNaN } from "./derivative-results.ts";
import { gradient } from "./elaborate/derivatives.ts";
import type { Elaborator } from "./elaborate/elaborator.ts";
import { applyTerm } from "./elaborate/functions.ts";
import { boundProperties } from "./elaborate/property-runs.ts";
import { suggest } from "./elaborate/scope.ts";
import type { ElaboratedScript, Step } from "./elaborate/script.ts";
import { traceIterations } from "./elaborate/solver-record.ts";
import { type CallArguments, type FunctionTerm, showTermType, type Term } from "./elaborate/terms.ts";
import { leafArrays, termValueFrom, valueTerm } from "./elaborate/values.ts";
import { drive, driveLater, type Flow } from "./flow.ts";
import type {
  BoundProgram,
  BoundProperty,
  CallOptions,
  GraphRunner,
  GraphRunOptions,
  Program,
  RunOptions,
  ShownItem,
  StatementLifetimes,
  Value,
} from "./program.ts";
import { hasNaN, leavesWithNaN, nanLeaves, type Origin, refuseMadeNaN, Watch } from "./provenance.ts";
import { failureOfRun, runContext } from "./run-context.ts";
import { ScriptValues } from "./script-values.ts";
import { type Diagnostic, fail } from "./syntax/diagnostic.ts";
import type { Span } from "./syntax/tree.ts";

/** An array that stays as it is, whatever becomes of a back end's memory. */
function owned(x: NdArray): NdArray {
  if (x instanceof RemoteArray) return { dtype: x.dtype, shape: x.shape, data: x.data };
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
  readonly #values: ScriptValues;
  #properties: readonly BoundProperty[] | undefined;

  readonly #runner: GraphRunner | undefined;
  readonly #applications = new Applications();

  constructor(program: Program, e: Elaborator, script: ElaboratedScript, runner: GraphRunner | undefined) {
    this.#runner = runner;
    this.program = program;
    this.diagnostics = e.diagnostics;
    this.#e = e;
    this.#script = script;
    this.#values = new ScriptValues(script, e.precision, runner, (graph, inputs, options, how) =>
      this.#evaluate(graph, inputs, options, how),
    );
  }

  get properties(): readonly BoundProperty[] {
    this.#properties ??= boundProperties(
      this.#e,
      this.#script,
      (v) => drive(this.#values.numbers([v]), this.#runner)[0]!,
      (graph, inputs) => drive(this.#evaluate(graph, inputs, undefined, { keep: false }), this.#runner),
    );
    return this.#properties;
  }

  /** The value of a term, on its own. */
  *#valueOfTerm(term: Term, options?: CallOptions): Flow<Value> {
    const atoms = leafArrays(term).map((l) => l.atom);
    const values = yield* this.#values.numbers(atoms, options);
    let next = 0;
    return termValueFrom(term, () => owned(values[next++]!));
  }

  *#evaluate(
    graph: Graph,
    inputs: readonly NdArray[],
    options: Partial<RunOptions> | undefined,
    how: Omit<GraphRunOptions, "later" | "warn">,
  ): Flow<NdArray[]> {
    const { span } = how;
    const context = runContext(this.#e.precision, options);
    try {
      const onEvent = options?.onEvent;
      const warn = onEvent && ((diagnostic: Diagnostic) => onEvent({ kind: "warning", diagnostic }));
      return yield { kind: "run", graph, inputs, context, options: { ...how, warn } };
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
      if (!this.#values.hasRun(step)) yield* this.#values.run(step, options);
      if (step.effect) yield* this.#effect(step, options);
      if (options.isLast) this.#values.release(step);
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
            return upTo(v.array, (yield* this.#values.numbers([iterations]))[0]!.data[0]! + 1);
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
      const inputs = yield* this.#values.numbers(step.captured);
      if ((yield* this.#values.numbers(step.outputs)).some(hasNaN) && !inputs.some(hasNaN)) {
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

  callLater(name: string, args: Readonly<Record<string, Value>>, options?: CallOptions): Promise<Value> {
    return driveLater(this.#call(name, args, options), this.#runner);
  }

  #call(name: string, args: Readonly<Record<string, Value>>, options?: CallOptions): Flow<Value> {
    return this.#apply("call", name, args, options, (e, f, given) => applyTerm(e, f, given));
  }

  valueAndGradient(name: string, args: Readonly<Record<string, Value>>): ValueAndGradient {
    return pairOf(drive(this.#gradient(name, args), this.#runner));
  }

  async valueAndGradientLater(
    name: string,
    args: Readonly<Record<string, Value>>,
    options?: CallOptions,
  ): Promise<ValueAndGradient> {
    return pairOf(await driveLater(this.#gradient(name, args, options), this.#runner));
  }

  #gradient(name: string, args: Readonly<Record<string, Value>>, options?: CallOptions): Flow<Value> {
    return this.#apply("gradient", name, args, options, (e, f, given) => {
      const { value, gradient: g } = gradient(e, f, differentiable(e, f, given), "value_and_grad");
      return { kind: "tuple", names: ["value", "gradient"], items: [value, g] };
    });
  }

  derivativeLater(
    name: string,
    args: Readonly<Record<string, Value>>,
    request: DerivativeRequest,
    options?: CallOptions,
  ): Promise<DerivativeAnswer> {
    return driveLater(this.#derivative(name, args, request, options), this.#runner);
  }

  *#derivative(
    name: string,
    args: Readonly<Record<string, Value>>,
    request: DerivativeRequest,
    options: CallOptions | undefined,
  ): Flow<DerivativeAnswer> {
    const both = yield* this.#apply(keyOf(request), name, argumentsOf(args, request), options, (e, f, given) =>
      derivativeTerm(e, f, given, request),
    );
    const [first, second] = both.kind === "tuple" ? both.items : [];
    return { first: first!, second: second! };
  }

  *#apply(
    way: string,
    name: string,
    args: Readonly<Record<string, Value>>,
    options: CallOptions | undefined,
    use: (e: Elaborator, f: FunctionTerm, given: CallArguments) => Term,
  ): Flow<Value> {
    refuseArguments(args, this.#e.precision);
    // What is compiled depends on names, types and shapes alone (and on single ints, which may set sizes).
    const key = JSON.stringify([way, name, Object.entries(args).map(([k, v]) => [k, signatureOf(v)])]);
    const known = this.#applications.get(key);
    if (known) return yield* this.#applied(known, Object.values(args).flatMap(inputArrays), options);
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
      if (Object.keys(args).length === 0) return yield* this.#valueOfTerm(term, options);
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
    const atoms = leafArrays(result).map((l) => l.atom);
    const finite = way !== "call" && this.#runner?.hold ? finiteCheck(builder, atoms) : undefined;
    const { graph, captured } = builder.close(name, finite ? [...atoms, finite] : atoms);
    const application: Application = {
      name,
      span: found.span,
      derivatives: way !== "call",
      isChecked: finite !== undefined,
      graph,
      captured,
      result,
    };
    this.#applications.remember(key, application);
    return yield* this.#applied(application, arrays, options);
  }

  *#applied(application: Application, arrays: readonly NdArray[], options: CallOptions | undefined): Flow<Value> {
    const { graph, captured, result } = application;
    const unpin = pinArrays(arrays);
    try {
      const inputs = [...(yield* this.#values.operands(captured, options)), ...arrays];
      const results = yield* this.#evaluate(graph, inputs, options, {
        keep: false,
        results: graph.outputs.map(() => "there"),
      });
      let next = 0;
      const value = termValueFrom(result, () => results[next++]!);
      const finite = application.isChecked ? results.at(-1) : undefined;
      if (!application.derivatives || !mayHaveNaN(value, results, finite)) return value;
      try {
        yield { kind: "fetch", arrays: [...results, ...inputs] };
        refuseMadeNaN(application, graph, inputs, value, this.#e.precision);
      } catch (error) {
        for (const x of results) if (x instanceof RemoteArray) x.release();
        throw error;
      }
      return value;
    } finally {
      unpin();
    }
  }

  lifetimes(): readonly StatementLifetimes[] {
    return this.#values.lifetimes();
  }

  graphs(): readonly Graph[] {
    return this.#script.steps.map((s) => s.graph);
  }

  /** The core graphs of the script's statements, whole or what a run computes, each printed by `print` below its text. */
  explain(print: (graph: Graph) => string, extent: "whole" | "run"): string {
    const graphOf = (s: Step) => (extent === "whole" ? s : this.#values.readOf(s)).graph;
    return this.#script.steps.map((s) => `// ${this.#e.textOf(s.span)}\n${print(graphOf(s))}`).join("\n\n");
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
