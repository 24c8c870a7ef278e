/**
 * What the compiler hands to the runtime: a checked program, the program bound to its data, and the
 * values and events that running it produces.
 */
import type { DerivativeAnswer, DerivativeRequest } from "./applied-derivatives.ts";
import type { NdArray } from "./core/array.ts";
import type { Graph } from "./core/graph.ts";
import type { EvaluationContext, ReportRole, SolveEvent, TickControl } from "./core/primitive.ts";
import type { Diagnostic } from "./syntax/diagnostic.ts";
import type { DataSelection, SourceFile, Span } from "./syntax/tree.ts";

export type { DerivativeAnswer, DerivativeRequest } from "./applied-derivatives.ts";

/** The scalar types a user sees. A `key` array is stored as int[..., 2], a `status` as its code. */
export type ScalarType = "real" | "int" | "bool" | "key" | "status";

/** A value outside the compiler: arrays at the leaves of tuples. */
export type Value = ArrayValue | TupleValue;
export interface ArrayValue {
  readonly kind: "array";
  readonly type: ScalarType;
  readonly array: NdArray;
}
export interface TupleValue {
  readonly kind: "tuple";
  /** Absent for plain tuples. */
  readonly names: readonly string[] | undefined;
  readonly items: readonly Value[];
}

export interface DataDeclaration {
  readonly name: string;
  readonly span: Span;
  readonly type: "real" | "int" | "bool";
  /** As written: `[n, 784]`; numbers where the size is fixed. */
  readonly shape: readonly (string | number)[];
  /** Absent when the data must come from the caller. */
  readonly path: string | undefined;
  readonly pathSpan: Span | undefined;
  readonly selection: DataSelection | undefined;
}

export interface ParamDeclaration {
  readonly name: string;
  readonly span: Span;
  readonly type: "real" | "int" | "bool";
  /** Number of axes; 0 is a scalar. */
  readonly rank: number;
}

/** A program that parsed and checked. */
export interface Program {
  readonly file: string;
  readonly source: SourceFile;
  /** All files that take part, by name, for showing lines in messages. */
  readonly sources: ReadonlyMap<string, string>;
  readonly data: readonly DataDeclaration[];
  readonly params: readonly ParamDeclaration[];
}

export interface CompileOptions {
  /** The name messages use. */
  readonly file: string;
  /** Texts of the files that are imported, by the path in the import. The standard library is built in. */
  readonly modules?: Readonly<Record<string, string>>;
}

export interface CompileResult {
  /** Absent when there are errors. */
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The texts of all files that took part, also when there are errors: for showing lines in messages. */
  readonly sources: ReadonlyMap<string, string>;
}

/** What runs graphs: a compiled back end, in place of the reference evaluator. */
export interface GraphRunner {
  /**
   * Runs a closed graph. `context` hears of failed checks, solves and loops at work, as with the evaluator. Throws a
   * BackendError when the graph cannot be run here, whatever its values.
   */
  run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: GraphRunOptions,
  ): NdArray[] | Promise<NdArray[]>;
  /**
   * The same array, as one that is brought to the device when it is first used there and stays until it is released;
   * for operands of several runs. What is small comes back as it is.
   */
  hold?(array: NdArray): NdArray;
  /** Whether it goes on without its device when that is lost: what was only there can be computed again. */
  readonly outlivesDevice?: boolean;
}

/** Where the numbers of a result are wanted: for the caller, for later runs, or for both. */
export type ResultPlace = "here" | "there" | "both";

export interface GraphRunOptions {
  /** Operands and results may stay where the back end has them, for as long as the arrays are in use. */
  readonly keep: boolean;
  /** The caller can wait; without it back ends that can answer at once do. */
  readonly later?: boolean;
  /** For each result; all `here` when left out. Back ends with a memory of their own give those `there` as `RemoteArray`s. */
  readonly results?: readonly ResultPlace[] | undefined;
  /** The graph is not run again. */
  readonly isLast?: boolean | undefined;
  /** The statement. */
  readonly span?: Span | undefined;
  /** Hears of what the user should know about how the graph is run. */
  readonly warn?: ((diagnostic: Diagnostic) => void) | undefined;
}

/** What a statement needs and leaves behind on a device, by variable, in a run that is the last. */
export interface StatementLifetimes {
  readonly graph: Graph;
  /** In the order of the graph's inputs; `isReadOn`: by later statements too. */
  readonly operands: readonly { readonly id: number; readonly isReadOn: boolean }[];
  readonly results: readonly { readonly id: number; readonly place: ResultPlace }[];
  /** Whose numbers are read afterwards. */
  readonly shown: readonly number[];
  /** What is given back then. */
  readonly released: readonly number[];
}

export interface BindOptions {
  /** The reference evaluator when left out. */
  readonly runner?: GraphRunner;
  readonly data: Readonly<Record<string, NdArray>>;
  /** Values for `param`s; those left out keep what the script says. */
  readonly params?: Readonly<Record<string, NdArray>>;
  /** The run's `key()`. */
  readonly seed?: number;
  readonly precision?: "f64" | "f32";
}

/** One thing a script does. `expression` is its text as written. */
export type ScriptEvent =
  | { readonly kind: "show"; readonly items: readonly ShownItem[]; readonly span: Span }
  | {
      readonly kind: "assert";
      readonly expression: string;
      readonly message: string | undefined;
      readonly passed: boolean;
      readonly span: Span;
    }
  | { readonly kind: "plot"; readonly plot: PlotSpecification; readonly span: Span }
  | {
      readonly kind: "save";
      readonly expression: string;
      readonly path: string;
      readonly value: Value;
      readonly span: Span;
    }
  | { readonly kind: "solve"; readonly solve: SolveEvent; readonly statusName: string }
  /** What a derivative through a solve told of itself, worse than before: see `ReportRole`. */
  | {
      readonly kind: "certificate";
      readonly role: Exclude<ReportRole, "solve" | "declared" | "repeated">;
      readonly status: number;
      readonly value: number;
      readonly expression: string;
      readonly span: Span | undefined;
    }
  | { readonly kind: "warning"; readonly diagnostic: Diagnostic };

/** `show "caption", e`: captions are text, the rest values. */
export type ShownItem =
  | { readonly kind: "caption"; readonly text: string }
  | { readonly kind: "value"; readonly expression: string; readonly value: Value };

export interface PlotSpecification {
  readonly expression: string;
  readonly title: string | undefined;
  readonly mark: "line" | "scatter" | "heat";
  readonly logarithmic: boolean;
  /** Positions along the x axis; 0, 1, ... when left out. */
  readonly x: NdArray | undefined;
  /** One line each; a lone line has the plotted expression as its label. */
  readonly series: readonly { readonly label: string; readonly values: NdArray }[];
}

/** Where a running solve is. Value and error are NaN where the solver measures none. */
export interface Progress {
  readonly expression: string;
  readonly iteration: number;
  readonly value: number;
  readonly error: number;
}

export interface RunOptions {
  /** Called as things happen, in order. May be asynchronous only in what it does with the event. */
  readonly onEvent: (event: ScriptEvent) => void;
  /** Called once per loop iteration; throw to stop the run, or ask the control to end a solve where it is. */
  readonly onTick?: (progress?: Progress, control?: TickControl) => void;
  /** Ends what a back end computes on another thread wherever it is; `onTick` has to throw when it is aborted. */
  readonly signal?: AbortSignal;
  /** Nothing is asked of the program after this run: a device gives back what no later statement reads. */
  readonly isLast?: boolean;
}

/** The same for what a function does when it is called: solves, what derivatives tell of themselves, and warnings. */
export type CallOptions = Partial<RunOptions>;

/** A program with its data and parameters: all shapes are numbers now. */
export interface BoundProgram {
  readonly program: Program;
  /** Warnings found while binding. */
  readonly diagnostics: readonly Diagnostic[];
  /** Runs the script's statements in order. Throws a DiagnosticError for a failure while running. */
  run(options: RunOptions): void;
  /** Calls a declared function, objective or condition with arguments by name. */
  call(name: string, args: Readonly<Record<string, Value>>): Value;
  /** The value and the gradient with respect to the unknowns (or the first argument). */
  valueAndGradient(
    name: string,
    args: Readonly<Record<string, Value>>,
  ): { readonly value: Value; readonly gradient: Value };
  /** The same three for back ends that take their time. */
  runLater(options: RunOptions): Promise<void>;
  callLater(name: string, args: Readonly<Record<string, Value>>, options?: CallOptions): Promise<Value>;
  valueAndGradientLater(
    name: string,
    args: Readonly<Record<string, Value>>,
    options?: CallOptions,
  ): Promise<{ readonly value: Value; readonly gradient: Value }>;
  /** A derivative of a declared function: see `DerivativeRequest`. */
  derivativeLater(
    name: string,
    args: Readonly<Record<string, Value>>,
    request: DerivativeRequest,
    options?: CallOptions,
  ): Promise<DerivativeAnswer>;
  /** The script's `property` declarations. */
  readonly properties: readonly BoundProperty[];
}

export interface BoundProperty {
  readonly title: string;
  readonly span: Span;
  readonly variables: readonly PropertyVariable[];
  /**
   * Evaluates the property. `ints` give the int variables (they may set sizes), `values` the rest, in order of
   * declaration. `discarded` when a `where` clause is false, `kink` when only a kink of what `numeric_grad` differentiates
   * keeps the two sides apart: neither says anything.
   */
  evaluate(
    ints: Readonly<Record<string, number>>,
    values: Readonly<Record<string, Value>>,
  ): "passed" | "failed" | "discarded" | "kink";
  /** The values of the two sides of `~=`, or of a comparison, that the property ends in. */
  sides(
    ints: Readonly<Record<string, number>>,
    values: Readonly<Record<string, Value>>,
  ): readonly { readonly expression: string; readonly value: Value }[];
  /** The shape of a variable's leaves once the ints are chosen. */
  shapeOf(variable: string, ints: Readonly<Record<string, number>>): Value;
}

export interface PropertyVariable {
  readonly name: string;
  readonly span: Span;
  readonly type: ScalarType | "tuple";
  readonly generator:
    | { readonly kind: "range" | "uniform"; readonly low: number; readonly high: number }
    | { readonly kind: "normal" | "positive" | "simplex" | "orthogonal" | "permutation" }
    | { readonly kind: "spd"; readonly condition: number };
}
