/**
 * The state of an elaboration. One interpreter serves checking and compiling: with mode "check" sizes are
 * symbols and work that needs numbers becomes an `opaque` equation; with mode "bind" sizes are numbers.
 */
import { Builder } from "../core/builder.ts";
import {
  compareDims,
  type Dim,
  dimKey,
  resolve,
  showDim,
  subtractDims as subtract,
  unifyDims,
} from "../core/dimension.ts";
import { type ArrayType, type Atom, boolLiteral, intLiteral, intScalar } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import type { Emitter } from "../core/primitive.ts";
import { add } from "../primitives/arithmetic.ts";
import { iota } from "../primitives/iota.ts";
import { type Diagnostic, DiagnosticError, errorAt, fail, warningAt } from "../syntax/diagnostic.ts";
import type { Expression, Span } from "../syntax/tree.ts";
import { check } from "../transform/control/effects.ts";
import { Budget } from "./budget.ts";
import { elaborateExpression } from "./expressions.ts";
import type { Scope } from "./scope.ts";
import { type ArrayTerm, alignFields, type RangeTerm, shapeOf, showTermType, type Term } from "./terms.ts";

/** How many of the calls that led to a mistake are shown. */
const shownCalls = 3;

/** Thrown past a mistake that was already reported. */
class AlreadyReported extends Error {}

/** Calls of declared functions inside one another. */
export type Calls = readonly { readonly what: string; readonly span: Span }[];

export interface ElaboratorOptions {
  readonly mode: "check" | "bind";
  readonly sources: ReadonlyMap<string, string>;
  readonly seed: number;
  readonly precision: "f64" | "f32";
}

/** The body of a function, where two draws from one key are a mistake. */
export interface Frame {
  draws: Map<string, Span | undefined>;
  /** Loops of this body, innermost last: a key from outside one is drawn from again and again. */
  readonly loops: Builder[];
}

export class Elaborator {
  readonly mode: "check" | "bind";
  readonly sources: ReadonlyMap<string, string>;
  readonly seed: number;
  readonly precision: "f64" | "f32";
  readonly diagnostics: Diagnostic[] = [];
  builder: Builder = new Builder();
  frame: Frame = { draws: new Map(), loops: [] };
  /** How deep calls nest: there is no recursion, but lambdas could be made to loop. */
  depth = 0;
  /** Of this program; of each use of it, once it is bound: see `renewBudget`. */
  budget = new Budget();
  /** True inside a solver's members: an inner solve warns nobody. */
  insideSolver = false;
  /**
   * While a certificate is made: derivatives through solves report all they know. Those of a number above zero take that
   * many Newton steps first and solve their systems as sharply as they can, from numbers moved within their rounding.
   */
  certifying: 0 | 1 | 2 | undefined = undefined;
  /** What a module of the standard library declares: the solvers that stand in when `by` is left out. */
  standard: (path: string, name: string) => Term | undefined = () => undefined;
  /** Builders of script statements: what they own is constant to every derivative. */
  readonly globals = new WeakSet<Builder>();
  readonly #calls: Calls[number][] = [];
  readonly #stacks = new WeakMap<Diagnostic, Calls>();
  readonly #reported = new Set<string>();

  constructor(options: ElaboratorOptions) {
    this.mode = options.mode;
    this.sources = options.sources;
    this.seed = options.seed;
    this.precision = options.precision;
  }

  // ------------------------------------------------------------ diagnostics

  report(diagnostic: Diagnostic): void {
    // A message about a part that is wrong already says nothing new.
    if (this.diagnostics.length > 0 && diagnostic.message.includes(showTermType({ kind: "error" }))) return;
    // That a function calls itself is said where it does.
    if (diagnostic.code === "K0231" && this.diagnostics.some((d) => d.code === "K1171")) return;
    // One message a place: what is misspelt once may be met on many ways, and a rule that is wrong in itself at every use.
    const isOfPlace = /^K0201$|^K051[0-5]$/.test(diagnostic.code);
    const key = `${diagnostic.code} ${diagnostic.span?.file}:${diagnostic.span?.start} ${isOfPlace ? "" : diagnostic.message}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.diagnostics.push(diagnostic);
  }

  warn(code: string, span: Span | undefined, message: string, help?: string): void {
    this.report(warningAt(code, span, message, help === undefined ? {} : { help }));
  }

  /** Leaves the place quietly: what is wrong was reported where it happened. */
  giveUp(): never {
    throw new AlreadyReported();
  }

  /** Elaborates the body of a declared function: a mistake found in it is shown with the use that led there. */
  inCall<T>(what: string, span: Span, body: () => T): T {
    this.#calls.push({ what, span });
    try {
      return body();
    } catch (error) {
      if (error instanceof DiagnosticError && !this.#stacks.has(error.diagnostic))
        this.#stacks.set(error.diagnostic, [...this.#calls]);
      throw error;
    } finally {
      this.#calls.pop();
    }
  }

  /** The calls that are being elaborated, outermost first. */
  get calls(): Calls {
    return [...this.#calls];
  }

  /** Elaborates what belongs to an outer call: a mistake in it is shown with the uses that led to that call alone. */
  asPartOf<T>(outer: Calls, body: () => T): T {
    const inside = this.#calls.splice(0, this.#calls.length, ...outer);
    try {
      return body();
    } catch (error) {
      if (error instanceof DiagnosticError && !this.#stacks.has(error.diagnostic))
        this.#stacks.set(error.diagnostic, this.calls);
      throw error;
    } finally {
      this.#calls.splice(0, this.#calls.length, ...inside);
    }
  }

  /** The mistake with the uses that led to it, the nearest first. */
  #withCalls(diagnostic: Diagnostic): Diagnostic {
    const calls = (this.#stacks.get(diagnostic) ?? this.#calls).slice(-shownCalls).reverse();
    const notes = calls
      // What happens inside a solver of the library is explained by its use; a mistake of one's own needs no more than its place.
      .filter(({ what }) => !what.startsWith("the solver ") || diagnostic.span?.file.startsWith("std/"))
      .filter(({ span }) => span.start !== diagnostic.span?.start || span.file !== diagnostic.span.file)
      .map(({ what, span }) => ({ message: `This is the use of ${what} that leads here:`, span }));
    return notes.length === 0 ? diagnostic : { ...diagnostic, notes: [...diagnostic.notes, ...notes] };
  }

  /** Runs `body`; a user's mistake in it is reported and gives `otherwise`. */
  recover<T>(body: () => T, otherwise: T): T {
    const saved = [this.builder, this.frame, this.depth, this.insideSolver] as const;
    try {
      return body();
    } catch (error) {
      [this.builder, this.frame, this.depth, this.insideSolver] = saved;
      if (error instanceof DiagnosticError) this.report(this.#withCalls(error.diagnostic));
      else if (error instanceof RangeError && /call stack/i.test(error.message))
        this.report(errorAt("K0299", undefined, "This program nests too deeply to be compiled."));
      else if (!(error instanceof AlreadyReported)) throw error;
      return otherwise;
    }
  }

  /** The mistake that `body` ends with, if it ends with one; whatever else it reports is forgotten. */
  mistakeOf(body: () => unknown): Diagnostic | undefined {
    const saved = [this.builder, this.frame, this.depth, this.insideSolver] as const;
    const before = this.diagnostics.length;
    try {
      body();
      return undefined;
    } catch (error) {
      [this.builder, this.frame, this.depth, this.insideSolver] = saved;
      return error instanceof DiagnosticError ? error.diagnostic : undefined;
    } finally {
      this.diagnostics.length = before;
    }
  }

  /** A bound program is used anew: it may be used as often as one likes. */
  renewBudget(): void {
    if (this.mode === "bind") this.budget = new Budget();
  }

  textOf(span: Span): string {
    const text = this.sources.get(span.file) ?? "";
    return text.slice(span.start, span.end).replace(/\s+/g, " ").trim();
  }

  // ------------------------------------------------------------ emission

  /** One result of the given type: emitted by `make`, or opaque while checking. */
  emit(name: string, inputs: readonly Atom[], type: ArrayType, make: (b: Emitter) => Atom): Atom {
    return this.emitMany(name, inputs, [type], (b) => [make(b)])[0]!;
  }

  emitMany(
    name: string,
    inputs: readonly Atom[],
    types: readonly ArrayType[],
    make: (b: Emitter) => readonly Atom[],
  ): readonly Atom[] {
    const constant =
      inputs.length > 0 && inputs.every((a) => a.kind === "literal") && types.every((t) => t.shape.length === 0);
    if (this.mode === "check" && !constant) return opaque(this.builder, name, inputs, types);
    return make(this.builder);
  }

  at<T>(span: Span | undefined, body: () => T): T {
    try {
      return this.builder.at(span, body);
    } catch (error) {
      // A primitive does not know what it stands for; the innermost expression around it does.
      if (error instanceof DiagnosticError && error.diagnostic.span === undefined && span !== undefined)
        throw new DiagnosticError({ ...error.diagnostic, span });
      throw error;
    }
  }

  /** Elaborates into another builder. */
  within<T>(builder: Builder, body: () => T): T {
    const saved = this.builder;
    this.builder = builder;
    try {
      return body();
    } finally {
      this.builder = saved;
    }
  }

  /** A body of its own for the rule about keys. */
  inFrame<T>(body: () => T): T {
    const saved = this.frame;
    this.frame = { draws: new Map(), loops: [] };
    try {
      return body();
    } finally {
      this.frame = saved;
    }
  }

  /** A promise checked when the program runs. */
  require(
    span: Span | undefined,
    code: string,
    promise: Atom,
    details: readonly Atom[],
    message: string,
    help?: string,
  ): void {
    if (this.mode === "check") return;
    check(this.builder, promise, details, { code, message, help, span });
  }

  // ------------------------------------------------------------ dimensions

  /** An int made of dimensions. Beyond 32 bits it wraps like any other, to `wrapped`, and is no size any more. */
  dimensionTerm(dimension: Dim, wrapped?: number): ArrayTerm {
    const d = resolve(dimension);
    if (typeof d === "number") {
      const value = wrapped ?? d | 0;
      const beyond = value === d ? {} : { beyond: d };
      return { kind: "array", type: "int", atom: intLiteral(value), dimension: value, ...beyond };
    }
    const [atom] = opaque(this.builder, `dimension ${dimKey(d)}`, [], [intScalar]);
    return { kind: "array", type: "int", atom: atom!, dimension: d };
  }

  boolTerm(value: boolean): ArrayTerm {
    return { kind: "array", type: "bool", atom: boolLiteral(value) };
  }

  /** The dimension an expression stands for. */
  dimension(expression: Expression, scope: Scope): Dim {
    return this.asDimension(this.expression(expression, scope), expression.span);
  }

  asDimension(term: Term, span: Span | undefined): Dim {
    if (term.kind === "error") this.giveUp();
    if (term.kind === "array" && term.dimension !== undefined) {
      const d = resolve(term.dimension);
      if (term.beyond !== undefined)
        fail("K1141", span, `This size would be ${term.beyond}.`, {
          help: "Sizes are ints, and ints end at 2147483647.",
        });
      if (typeof d === "number" && d < 0)
        fail("K0206", span, `A size can not be negative, but this is ${d}.`, {
          help: "Sizes are natural numbers, and each is said: none is found from the others.",
        });
      return d;
    }
    if (term.kind === "array" && term.type === "int")
      fail("K0207", span, "This int is computed while the program runs, so it can not be a size.", {
        help: "Sizes are made of numbers, sizes of data, `int` params, and arithmetic on them. A part that depends on data is chosen by `where`, `top_k` or a mask of zeros.",
      });
    return fail("K0208", span, `A size is an int, but this is ${showTermType(term)}.`, {
      ...(term.kind === "array" && term.type === "real"
        ? { help: "`div(n, 2)` is the whole part of a quotient; `int(x)` rounds toward zero: `int(0.8 * n)`." }
        : {}),
    });
  }

  /** What could not be decided from symbols is decided when data are bound: then sizes are numbers and this is exact. */
  deferEquality(a: readonly Dim[], c: readonly Dim[], what: string, span: Span | undefined): void {
    if (this.mode === "check") return;
    a.forEach((d, i) => {
      if (compareDims(d, c[i]!) !== "equal")
        fail("K0209", span, `${what}: the sizes ${showDim(d)} and ${showDim(c[i]!)} differ.`);
    });
  }

  rangeToArray(range: RangeTerm, span: Span | undefined): ArrayTerm {
    const { from, to } = range;
    if (from.dimension === undefined || to.dimension === undefined)
      fail("K0222", span, "The length of this range is computed while the program runs, so it is no array.", {
        help: "Such a range can only drive a `loop`.",
      });
    const length = this.lengthOfRange(range, span);
    const atom = this.emit("iota", [from.atom], { dtype: "int", shape: [length] }, (b) =>
      add(b, iota(b, length), from.atom),
    );
    return { kind: "array", type: "int", atom };
  }

  lengthOfRange(range: RangeTerm, span: Span | undefined): Dim {
    const { from, to } = range;
    const [a, z] = [resolve(from.dimension!), resolve(to.dimension!)];
    const length = this.dimensionTerm(subtract(z, a)).dimension!;
    if (typeof length === "number" && length < 0)
      fail("K0223", span, `This range runs from ${showDim(a)} to ${showDim(z)}, which is backwards.`, {
        help: "A range is half-open and counts up; `0..0` is empty.",
      });
    return length;
  }

  /** Whether two sizes may turn out equal; numbers decide. */
  couldBeEqual(a: Dim, c: Dim): boolean {
    return unifyDims(a, c) !== "different";
  }

  sameShapes(a: ArrayTerm, c: ArrayTerm): boolean {
    const [s, t] = [shapeOf(a), shapeOf(c)];
    return s.length === t.length && s.every((d, i) => this.couldBeEqual(d, t[i]!));
  }

  /** The tuple with its fields, at all depths, in the order of another of its structure. */
  alignTo(term: Term, like: Term): Term {
    if (term.kind !== "tuple" || like.kind !== "tuple") return term;
    const aligned = term.names && like.names ? (alignFields(term, like.names) ?? term) : term;
    return { ...aligned, items: aligned.items.map((t, i) => this.alignTo(t, like.items[i]!)) };
  }

  /** True for a variable of a function being differentiated or a loop, rather than of the script. */
  isVarying(a: Atom): boolean {
    for (let b: Builder | undefined = this.builder; b; b = b.parent)
      if (b.owns(a)) return b.parent !== undefined || !this.globals.has(b);
    return false;
  }

  // ------------------------------------------------------------ expressions

  expression(expression: Expression, scope: Scope): Term {
    return this.at(expression.span, () => elaborateExpression(this, expression, scope));
  }
}
