/** A checked program with its data: every shape a number, every statement a graph. And running it. */

import { type CompiledProgram, elaborateScript } from "./compile.ts";
import type { NdArray } from "./core/array.ts";
import { Builder } from "./core/builder.ts";
import { CheckError, evaluate, evaluationContext } from "./core/evaluate.ts";
import type { Atom, Graph, Var } from "./core/graph.ts";
import { printGraph } from "./core/print.ts";
import { statusNames } from "./core/status.ts";
import { gradient } from "./elaborate/derivatives.ts";
import { Elaborator } from "./elaborate/elaborator.ts";
import { applyTerm } from "./elaborate/functions.ts";
import { boundProperties } from "./elaborate/property-runs.ts";
import { suggest } from "./elaborate/scope.ts";
import type { ElaboratedScript, Step } from "./elaborate/script.ts";
import { traceIterations } from "./elaborate/solver-record.ts";
import { type CallArguments, type FunctionTerm, showTermType, type Term } from "./elaborate/terms.ts";
import { leafArrays, literalValue, termValue, termValueFrom, valueTerm } from "./elaborate/values.ts";
import type { BindOptions, BoundProgram, BoundProperty, GraphRunner, Program, RunOptions, Value } from "./program.ts";
import { type Diagnostic, DiagnosticError, errorAt, fail, warningAt } from "./syntax/diagnostic.ts";
import type { Span } from "./syntax/tree.ts";

/** A failure to bind: several things may be wrong with data and parameters at once. */
export class BindFailure extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => d.message).join("\n"));
    this.name = "BindFailure";
    this.diagnostics = diagnostics;
  }
}

/** Binds data and parameters. Throws a BindFailure with all diagnostics. */
export function bind(program: Program, options: BindOptions): BoundProgram {
  const compiled = program as CompiledProgram;
  const e = new Elaborator({
    mode: "bind",
    sources: program.sources,
    seed: options.seed ?? 0,
    precision: options.precision ?? "f64",
  });
  for (const name of Object.keys(options.params ?? {}))
    if (!program.params.some((p) => p.name === name)) {
      const names = program.params.map((p) => p.name);
      const near = suggest(name, names);
      e.report(
        errorAt("K0771", undefined, `The script has no param \`${name}\`.`, {
          help: near ? `Did you mean \`${near}\`?` : `Its params are ${names.join(", ") || "none"}.`,
        }),
      );
    }
  const script = elaborateScript(e, compiled.source, compiled.modules, {
    data: options.data,
    params: options.params ?? {},
  });
  const errors = e.diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new BindFailure(errors);
  return new Bound(program, e, script, options.runner);
}

/** A function compiled for arguments of some shapes. */
interface Application {
  readonly graph: Graph;
  readonly captured: readonly Var[];
  readonly result: Term;
}

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

class Bound implements BoundProgram {
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
    this.#properties ??= boundProperties(this.#e, this.#script, (v) => this.#value(v));
    return this.#properties;
  }

  /** A variable of the script, computed when it has not been yet. */
  #value(a: Atom): NdArray {
    const literal = literalValue(a, this.#e.precision);
    if (literal) return literal;
    const v = a as Var;
    const known = this.#values.get(v.id);
    if (known) return known;
    const step = this.#script.steps.find((s) => s.outputs.some((o) => o.id === v.id));
    if (!step) throw new Error(`internal error: variable ${v.id} belongs to no statement`);
    this.#runStep(step, undefined);
    return this.#values.get(v.id)!;
  }

  #runStep(step: Step, options: RunOptions | undefined): void {
    const inputs = step.captured.map((v) => this.#value(v));
    const results = this.#evaluate(step.graph, inputs, options, { keep: true, span: step.span });
    step.outputs.forEach((v, i) => {
      this.#values.set(v.id, results[i]!);
    });
    this.#ran.add(step);
  }

  #evaluate(
    graph: Graph,
    inputs: readonly NdArray[],
    options: RunOptions | undefined,
    { keep, span }: { readonly keep: boolean; readonly span?: Span },
  ): NdArray[] {
    const warned = new Set<string>();
    const context = evaluationContext({
      precision: this.#e.precision,
      ...(options?.onTick ? { tick: options.onTick } : {}),
      solved: (solve) => {
        const statusName = statusNames[solve.status] ?? String(solve.status);
        // Of the solves inside a function that is being tried out, only bad endings are worth a line.
        if (solve.trial && statusName === "converged") return;
        options?.onEvent({ kind: "solve", solve, statusName });
        if (solve.fatal && ["diverged", "singular", "infeasible", "unbounded"].includes(statusName))
          throw new DiagnosticError(
            errorAt(
              "K0412",
              solve.span,
              `This solve ended as \`${statusName}\` after ${solve.iterations} iterations, with error ${shortNumber(solve.error)}.`,
              {
                help: "Look at its `.status` to decide yourself, start nearer, or give another solver.",
              },
            ),
          );
        if (statusName === "converged" || solve.quiet || warned.has(`${solve.span?.start}`)) return;
        if (statusName === "running") return;
        warned.add(`${solve.span?.start}`);
        options?.onEvent({
          kind: "warning",
          diagnostic: warningAt(
            "K0413",
            solve.span,
            `This solve ended as \`${statusName}\` after ${solve.iterations} iterations, with error ${shortNumber(solve.error)}: it did not converge.`,
            {
              help:
                statusName === "iterations"
                  ? "Allow more (`iters = ...`), or ask for less (`tol = ...`)."
                  : "Its best point is used.",
            },
          ),
        });
      },
    });
    try {
      return this.#runner ? this.#runner.run(graph, inputs, context, { keep }) : evaluate(graph, inputs, context);
    } catch (error) {
      if (error instanceof CheckError) {
        const { failure } = error;
        throw new DiagnosticError(
          errorAt(failure.code, failure.span, failure.message, failure.help ? { help: failure.help } : {}),
        );
      }
      if (error instanceof RangeError && /invalid (typed )?array length|allocation failed/i.test(error.message))
        fail("K0414", span, "There is not enough memory for an array of this statement.", {
          help: "Use smaller sizes, or a `loop` over parts.",
        });
      throw error;
    }
  }

  run(options: RunOptions): void {
    for (const step of this.#script.steps) {
      if (!this.#ran.has(step)) this.#runStep(step, options);
      if (step.effect) this.#effect(step, options);
    }
  }

  #effect(step: Step, options: RunOptions): void {
    const { effect, span } = step;
    const value = (t: Term, at: Span) => {
      const v = termValue(t, (a) => owned(this.#value(a)));
      this.#refuseNaN(v, step, at);
      return v;
    };
    switch (effect?.kind) {
      case "show":
        options.onEvent({
          kind: "show",
          span,
          items: effect.items.map((i) =>
            i.term.kind === "text"
              ? { kind: "caption", text: i.term.text }
              : { kind: "value", expression: i.expression, value: value(withoutWords(i.term), span) },
          ),
        });
        return;
      case "assert": {
        const v = termValue(effect.condition, (a) => this.#value(a));
        const passed = v.kind === "array" && v.array.data[0] === 1;
        options.onEvent({ kind: "assert", expression: effect.expression, message: effect.message, passed, span });
        return;
      }
      case "save":
        options.onEvent({
          kind: "save",
          expression: effect.expression,
          path: effect.path,
          value: value(effect.value, span),
          span,
        });
        return;
      case "plot": {
        const array = (t: Term): NdArray => {
          const v = termValue(t, (a) => owned(this.#value(a)));
          const iterations = t.kind === "array" ? traceIterations.get(t.atom) : undefined;
          if (iterations && v.kind === "array" && v.array.shape.length === 1)
            return upTo(v.array, this.#value(iterations).data[0]! + 1);
          return v.kind === "array" ? v.array : { dtype: "real", shape: [0], data: new Float64Array(0) };
        };
        options.onEvent({
          kind: "plot",
          span,
          plot: {
            expression: effect.expression,
            title: effect.title,
            mark: effect.mark,
            logarithmic: effect.logarithmic,
            x: effect.x && array(effect.x),
            series: effect.series.map((s) => ({ label: s.label, values: array(s.term) })),
          },
        });
        return;
      }
      case undefined:
        return;
    }
  }

  /** A NaN may not leave: it is traced to the equation that made it first. */
  #refuseNaN(value: Value, step: Step, span: Span): void {
    // The error and the value of a solve without them are NaN by design, inside its record.
    if (value.kind === "tuple") {
      const record = value.names?.includes("status") && value.names.includes("trace");
      value.items.forEach((v, i) => {
        if (!record || value.names![i] === "x") this.#refuseNaN(v, step, span);
      });
      return;
    }
    if (value.array.dtype !== "real" || !value.array.data.some(Number.isNaN)) return;
    const origin = this.#originOfNaN(step);
    throw new DiagnosticError(
      errorAt(
        "K0420",
        origin?.span ?? span,
        origin
          ? `This gives a NaN${origin.pass === "derivative" ? " when it is differentiated" : ""}.`
          : "This value is a NaN.",
        {
          notes: origin ? [{ message: "It reaches this statement:", span }] : [],
          help: "A NaN comes from 0 / 0, inf - inf, or a function outside its domain, such as the log or root of a negative number.",
        },
      ),
    );
  }

  #originOfNaN(last: Step): { readonly span: Span | undefined; readonly pass: string } | undefined {
    const hasNaN = (x: NdArray) => x.dtype === "real" && x.data.some(Number.isNaN);
    for (const step of this.#script.steps) {
      const inputs = step.captured.map((v) => this.#value(v));
      if (step.outputs.some((v) => hasNaN(this.#value(v))) && !inputs.some(hasNaN)) {
        let found: { readonly span: Span | undefined; readonly pass: string } | undefined;
        const context = evaluationContext({
          precision: this.#e.precision,
          observe: (equation, operands, results) => {
            if (!found && results.some(hasNaN) && !operands.some(hasNaN))
              found = { span: equation.span, pass: equation.pass };
          },
        });
        evaluate(step.graph, inputs, context);
        return found;
      }
      if (step === last) break;
    }
    return undefined;
  }

  call(name: string, args: Readonly<Record<string, Value>>): Value {
    return this.#apply("call", name, args, (e, f, given) => applyTerm(e, f, given));
  }

  valueAndGradient(
    name: string,
    args: Readonly<Record<string, Value>>,
  ): { readonly value: Value; readonly gradient: Value } {
    const both = this.#apply("gradient", name, args, (e, f, given) => {
      const { value, gradient: g } = gradient(e, f, given, "value_and_grad");
      return { kind: "tuple", names: ["value", "gradient"], items: [value, g] };
    });
    if (both.kind !== "tuple") throw new Error("internal error: a gradient is a pair");
    return { value: both.items[0]!, gradient: both.items[1]! };
  }

  #apply(
    way: string,
    name: string,
    args: Readonly<Record<string, Value>>,
    use: (e: Elaborator, f: FunctionTerm, given: CallArguments) => Term,
  ): Value {
    // What is compiled depends on names, types and shapes alone (and on single ints, which may set sizes).
    const key = JSON.stringify([way, name, Object.entries(args).map(([k, v]) => [k, signatureOf(v)])]);
    const known = this.#applications.get(key);
    if (known) return this.#applied(known, Object.values(args).flatMap(inputArrays));
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
      if (Object.keys(args).length === 0) return termValue(term, (a) => owned(this.#value(a)));
      fail("K0773", found.span, `\`${name}\` is ${showTermType(term)}, not a function.`);
    }
    const span = found.span ?? { file: this.program.file, start: 0, end: 0 };
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
    const application: Application = { graph, captured, result };
    this.#applications.set(key, application);
    return this.#applied(application, arrays);
  }

  #applied({ graph, captured, result }: Application, arrays: readonly NdArray[]): Value {
    const inputs = [...captured.map((v) => this.#value(v)), ...arrays];
    const results = this.#evaluate(graph, inputs, undefined, { keep: false });
    let next = 0;
    return termValueFrom(result, () => results[next++]!);
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

/** The core graphs of a bound program, as `karush explain --core` prints them. */
export function explainCore(bound: BoundProgram): string {
  return explainGraphs(bound, printGraph);
}

/** The statements of a bound program, and what `print` makes of the graph of each. */
export function explainGraphs(bound: BoundProgram, print: (graph: Graph) => string): string {
  return bound instanceof Bound ? bound.explain(print) : "";
}

/** The core graphs of a bound program's statements, in order: what a verifier reads. */
export function coreGraphs(bound: BoundProgram): readonly Graph[] {
  return bound instanceof Bound ? bound.graphs() : [];
}

/** Enough digits for a message. */
function shortNumber(x: number): string {
  return String(Number(x.toPrecision(3)));
}
