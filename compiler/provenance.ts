/** Where a NaN came from: the equation that made it of operands without one, and how far loops had come. */
import type { NdArray } from "./core/array.ts";
import { type ContextOptions, evaluate, evaluationContext } from "./core/evaluate.ts";
import type { Equation, Graph } from "./core/graph.ts";
import type { EvaluationContext } from "./core/primitive.ts";
import { evaluateGraph } from "./evaluate-graph.ts";
import type { Value } from "./program.ts";
import { type Diagnostic, DiagnosticError, errorAt } from "./syntax/diagnostic.ts";
import type { Span } from "./syntax/tree.ts";

export interface Origin {
  readonly span: Span | undefined;
  readonly pass: string;
  /** Of the loops around it, outermost first, counted from 0. */
  readonly iterations: readonly number[];
  /** Its coordinates in the result. */
  readonly entry: readonly number[];
}

const isNaNReal = (x: number) => Number.isNaN(x);
const isInfinite = (x: number) => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY;

export const hasNaN = (x: NdArray): boolean => x.dtype === "real" && x.data.some(isNaNReal);

/**
 * Whether a value has a NaN that may not leave. The error and the value of a solve without them are NaN by design,
 * inside its record.
 */
export function leavesWithNaN(value: Value): boolean {
  if (value.kind === "array") return hasNaN(value.array);
  const record = value.names?.includes("status") && value.names.includes("trace");
  return value.items.some((v, i) => (!record || value.names![i] === "x") && leavesWithNaN(v));
}

/** Watches an evaluation for the first NaN and the first infinity that were made of numbers without. */
export class Watch {
  nan: Origin | undefined;
  infinity: Origin | undefined;
  readonly #iterations: number[] = [];
  readonly #onNaN: () => void;

  /** `onNaN` is called when the first one is found. */
  constructor(onNaN: () => void = () => {}) {
    this.#onNaN = onNaN;
  }

  get options(): Pick<ContextOptions, "observe" | "iterate"> {
    return {
      observe: (equation, operands, results) => this.#observe(equation, operands, results),
      iterate: (taken, body) => {
        this.#iterations.push(taken);
        try {
          return body();
        } finally {
          this.#iterations.pop();
        }
      },
    };
  }

  #observe(equation: Equation, operands: readonly NdArray[], results: readonly NdArray[]): void {
    // What a loop or function gives was seen when it was made inside.
    if (equation.primitive.graphs) return;
    this.infinity ??= this.#firstOf(isInfinite, equation, operands, results);
    if (this.nan) return;
    this.nan = this.#firstOf(isNaNReal, equation, operands, results);
    if (this.nan) this.#onNaN();
  }

  #firstOf(
    is: (x: number) => boolean,
    equation: Equation,
    operands: readonly NdArray[],
    results: readonly NdArray[],
  ): Origin | undefined {
    for (const r of results) {
      if (r.dtype !== "real") continue;
      const at = r.data.findIndex(is);
      if (at < 0) continue;
      if (operands.some((x) => x.dtype === "real" && x.data.some(is))) return undefined;
      const { span, pass } = equation;
      return { span, pass, iterations: [...this.#iterations], entry: coordinates(at, r.shape) };
    }
    return undefined;
  }
}

function coordinates(at: number, shape: readonly number[]): number[] {
  const entry = new Array<number>(shape.length);
  let rest = at;
  for (let i = shape.length - 1; i >= 0; i--) {
    entry[i] = rest % shape[i]!;
    rest = Math.floor(rest / shape[i]!);
  }
  return entry;
}

/** `This gives a NaN when it is differentiated, in entry [2, 0], in iteration 4 of the loop.` */
function describeOrigin(what: string, origin: Origin): string {
  const derivative = origin.pass === "derivative" ? " when it is differentiated" : "";
  const entry = origin.entry.length > 0 ? `, in entry [${origin.entry.join(", ")}]` : "";
  const places = origin.iterations.map(String);
  const loops =
    places.length === 0
      ? ""
      : places.length === 1
        ? `, in iteration ${places[0]} of the loop`
        : `, in iterations ${places.join(", ")} of the loops, from the outermost`;
  return `This gives ${what}${derivative}${entry}${loops}.`;
}

const nanHelp =
  "A NaN comes from 0 / 0, inf - inf, or a function outside its domain, such as the log or root of a negative number.";

/** That a value has a NaN, with where it came up; `note` says what it reaches. */
export function nanLeaves(origin: Origin | undefined, note: Diagnostic["notes"][number]): DiagnosticError {
  const { span } = note;
  const message = origin ? describeOrigin("a NaN", origin) : "This value is a NaN.";
  return new DiagnosticError(
    errorAt("K0420", origin?.span ?? span, message, { notes: origin ? [note] : [], help: nanHelp }),
  );
}

/**
 * The derivatives that a caller outside asked for may have no NaN that their arguments did not have: throws K0420 with
 * the expression that made it, which the reference evaluator finds again.
 */
export function refuseMadeNaN(
  called: { readonly name: string; readonly span: Span | undefined },
  graph: Graph,
  inputs: readonly NdArray[],
  derivatives: Value,
  precision: "f64" | "f32",
): void {
  if (!leavesWithNaN(derivatives) || inputs.some(hasNaN)) return;
  const watch = new Watch();
  evaluate(graph, inputs, evaluationContext({ precision, ...watch.options }));
  throw nanLeaves(watch.nan, {
    message: `It reaches the derivatives of \`${called.name}\` at the arguments that were given:`,
    ...(called.span && { span: called.span }),
  });
}

/**
 * Evaluates a graph with the reference evaluator, watching every number: the first NaN that anything makes ends the run
 * with a DiagnosticError, whether or not it would have been seen later.
 */
export function evaluateWatching(
  graph: Graph,
  inputs: readonly NdArray[],
  context: EvaluationContext,
  statement: Span | undefined,
): NdArray[] {
  const watch: Watch = new Watch(() => {
    throw new DiagnosticError(nanDiagnostic(watch, statement));
  });
  return evaluateGraph(graph, inputs, evaluationContext({ ...context, ...watch.options }));
}

function nanDiagnostic({ nan, infinity }: Watch, statement: Span | undefined) {
  const notes: Diagnostic["notes"][number][] = [];
  if (infinity) {
    const message = describeOrigin("an infinity", infinity).replace(/^This/, "Before that, this");
    notes.push(infinity.span ? { message, span: infinity.span } : { message });
  }
  if (statement) notes.push({ message: "It happens in this statement:", span: statement });
  return errorAt("K0421", nan!.span ?? statement, describeOrigin("a NaN", nan!), { notes, help: nanHelp });
}
