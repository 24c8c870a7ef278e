/** A whole file: statements in order, each with effects compiled to a graph of its own. */

import type { NdArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import type { Graph, Var } from "../core/graph.ts";
import type { DataDeclaration, ParamDeclaration } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Identifier, Import, Property, SourceFile, Span, Statement } from "../syntax/tree.ts";
import { checkDeclaration } from "./check-declaration.ts";
import { conditionTerm, objectiveTerm } from "./declarations.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaborateLet } from "./expressions.ts";
import { declaredFunction } from "./functions.ts";
import { plotEffect } from "./plots.ts";
import { preludeScope } from "./prelude.ts";
import { problemTerm } from "./problems.ts";
import { Scope, suggest } from "./scope.ts";
import { elaborateData, elaborateParam } from "./script-inputs.ts";
import { traceIterations } from "./solver-record.ts";
import { solverFactory } from "./solver-terms.ts";
import { type ArrayTerm, errorTerm, showTermType, type Term } from "./terms.ts";
import { resolveType, SignatureDimensions } from "./types.ts";

/** One statement that does something when the script runs. */
export interface Step {
  readonly span: Span;
  /** Takes `captured`, gives `outputs`. */
  readonly graph: Graph;
  readonly captured: readonly Var[];
  readonly outputs: readonly Var[];
  readonly effect: Effect | undefined;
}

export type Effect =
  | { readonly kind: "show"; readonly items: readonly { readonly expression: string; readonly term: Term }[] }
  | {
      readonly kind: "assert";
      readonly expression: string;
      readonly message: string | undefined;
      readonly condition: ArrayTerm;
    }
  | {
      readonly kind: "save";
      readonly expression: string;
      readonly path: string;
      readonly pathSpan: Span;
      readonly value: Term;
    }
  | {
      readonly kind: "plot";
      readonly expression: string;
      readonly title: string | undefined;
      readonly mark: "line" | "scatter" | "heat";
      readonly logarithmic: boolean;
      readonly x: Term | undefined;
      readonly series: readonly { readonly label: string; readonly term: Term }[];
    };

export interface ElaboratedScript {
  readonly scope: Scope;
  readonly steps: readonly Step[];
  readonly data: readonly DataDeclaration[];
  readonly params: readonly ParamDeclaration[];
  readonly properties: readonly Property[];
  /** Values known before the script starts: data and params. */
  readonly values: ReadonlyMap<number, NdArray>;
}

export interface ScriptInputs {
  /** Parsed files by import path; the standard library's among them. */
  readonly module: (path: string) => SourceFile | undefined;
  readonly moduleNames: readonly string[];
  readonly data: Readonly<Record<string, NdArray>>;
  readonly params: Readonly<Record<string, NdArray>>;
}

export class ScriptElaborator {
  readonly e: Elaborator;
  readonly inputs: ScriptInputs;
  readonly steps: Step[] = [];
  readonly data: DataDeclaration[] = [];
  readonly params: ParamDeclaration[] = [];
  readonly properties: Property[] = [];
  readonly values = new Map<number, NdArray>();
  readonly #prelude: Scope;
  readonly #modules = new Map<string, Scope>();
  /** Whether declarations are checked before anybody uses them. */
  #checking: boolean;

  constructor(e: Elaborator, inputs: ScriptInputs) {
    this.e = e;
    this.inputs = inputs;
    this.#prelude = preludeScope(e);
    this.#checking = e.mode === "check";
    e.standard = (path, name) => this.#module(path)?.own(name)?.term;
  }

  run(source: SourceFile): ElaboratedScript {
    const scope = new Scope(this.#prelude);
    for (const statement of source.statements) this.statement(statement, scope, false);
    return {
      scope,
      steps: this.steps,
      data: this.data,
      params: this.params,
      properties: this.properties,
      values: this.values,
    };
  }

  statement(statement: Statement, scope: Scope, isModule: boolean): void {
    const done = this.e.recover(() => {
      if (isModule && ["data", "param", "show", "plot", "save", "assert"].includes(statement.kind))
        fail("K0711", statement.span, `An imported file holds no \`${statement.kind}\`: modules declare, scripts run.`);
      this.#statement(statement, scope);
      return true;
    }, false);
    // What could not be declared is known to be wrong already: its uses are no further mistakes.
    if (!done) for (const name of declaredNames(statement)) if (!scope.own(name)) scope.bind(name, errorTerm);
  }

  declare(scope: Scope, name: Identifier, term: Term): void {
    const before = scope.own(name.name);
    if (before?.span)
      fail("K0235", name.span, `\`${name.name}\` is declared twice in this file.`, {
        notes: [{ message: "The first declaration:", span: before.span }],
      });
    scope.bind(name.name, term, name.span);
  }

  #statement(s: Statement, scope: Scope): void {
    const e = this.e;
    switch (s.kind) {
      case "import":
        this.#import(s, scope);
        return;
      case "data":
        elaborateData(this, s, scope);
        return;
      case "param":
        elaborateParam(this, s, scope);
        return;
      case "let":
        this.#step(s.span, () => {
          elaborateLet(e, s, scope);
          return { effect: undefined, terms: patternNames(s.pattern).map((n) => scope.own(n)?.term ?? errorTerm) };
        });
        return;
      case "fn": {
        const term = declaredFunction(e, s, scope);
        this.declare(scope, s.name, term);
        if (this.#checking) checkDeclaration(this.e, s.parameters, s.dimensions, term, s.name.span, scope);
        return;
      }
      case "type":
        if (scope.findType(s.name.name)) fail("K0235", s.name.span, `The type \`${s.name.name}\` is declared twice.`);
        // Resolved first: a type may not stand in its own declaration.
        e.recover(() => resolveType(e, s.type, new SignatureDimensions(scope, true)), undefined);
        scope.bindType(s.name.name, { expression: s.type, scope });
        return;
      case "objective": {
        const term = objectiveTerm(e, s, scope);
        this.declare(scope, s.name, term);
        if (this.#checking) checkDeclaration(this.e, s.unknowns, s.dimensions, term, s.name.span, scope, s.parameters);
        return;
      }
      case "condition": {
        const term = conditionTerm(e, s, scope);
        this.declare(scope, s.name, term);
        if (this.#checking) checkDeclaration(this.e, s.unknowns, s.dimensions, term, s.name.span, scope, s.parameters);
        return;
      }
      case "problem":
        this.declare(scope, s.name, problemTerm(e, s, scope));
        return;
      case "solver":
        this.declare(scope, s.name, solverFactory(e, s, scope));
        return;
      case "property":
        this.properties.push(s);
        return;
      case "show":
        this.#step(s.span, () => {
          const items = s.items.map((x) => {
            const term = e.expression(x, scope);
            if (term.kind === "function" || term.kind === "solver" || term.kind === "problem" || term.kind === "word")
              fail("K0720", x.span, `\`show\` prints values, but this is ${showTermType(term)}.`, {
                help: "Call it first.",
              });
            return { expression: e.textOf(x.span), term: term.kind === "range" ? e.rangeToArray(term, x.span) : term };
          });
          return { effect: { kind: "show", items }, terms: items.map((i) => i.term) };
        });
        return;
      case "assert":
        this.#step(s.span, () => {
          const condition = e.expression(s.condition, scope);
          if (condition.kind === "error") e.giveUp();
          if (condition.kind !== "array" || condition.type !== "bool" || condition.atom.type.shape.length > 0)
            fail(
              "K0271",
              s.condition.span,
              `\`assert\` wants one true or false, but this is ${showTermType(condition)}.`,
              {
                help:
                  condition.kind === "array" && condition.type === "bool"
                    ? "Say `all(...)` or `any(...)`."
                    : condition.kind === "tuple"
                      ? '`assert` is no function and takes no parentheses: `assert c, "why"`.'
                      : "Compare first, as in `x > 0`.",
              },
            );
          return {
            effect: { kind: "assert", expression: e.textOf(s.condition.span), message: s.message?.value, condition },
            terms: [condition],
          };
        });
        return;
      case "save":
        this.#step(s.span, () => {
          const value = e.expression(s.value, scope);
          if (value.kind !== "array" && value.kind !== "tuple" && value.kind !== "range" && value.kind !== "error")
            fail("K0720", s.value.span, `\`save\` writes values, but this is ${showTermType(value)}.`);
          const term = value.kind === "range" ? e.rangeToArray(value, s.value.span) : value;
          return {
            effect: {
              kind: "save",
              expression: e.textOf(s.value.span),
              path: s.to.value,
              pathSpan: s.to.span,
              value: term,
            },
            terms: [term],
          };
        });
        return;
      case "plot":
        this.#step(s.span, () => plotEffect(e, s.arguments, scope, s.span));
        return;
      case "expression":
        e.expression(s.value, scope);
        fail("K0721", s.span, "The value of this expression is not used.", {
          help: "Give it a name with `let`, or print it with `show`.",
        });
        return;
      default:
        s satisfies never;
    }
  }

  /** Compiles what a statement does to a graph; its results become variables of the script. */
  #step(span: Span, body: () => { readonly effect: Effect | undefined; readonly terms: readonly Term[] }): void {
    const e = this.e;
    const builder = new Builder();
    builder.span = span;
    e.globals.add(builder);
    // One frame for the whole file: a key is drawn from once in it, not once a statement.
    const made = e.within(builder, body);
    if (e.mode === "check") return;
    const vars = new Map<number, Var>();
    const visit = (t: Term): void => {
      if (t.kind === "array" && t.atom.kind === "var") {
        vars.set(t.atom.id, t.atom);
        // A plot of a trace stops at these iterations, also where nothing else of the solve is kept.
        const iterations = traceIterations.get(t.atom);
        const here = builder.equations.some((made) => made.outputs.some((o) => o === iterations));
        if (iterations?.kind === "var" && here) vars.set(iterations.id, iterations);
      }
      if (t.kind === "tuple") t.items.forEach(visit);
      // What a function closes over is known only when it is called: all of it is kept.
      if (t.kind === "function" || t.kind === "solver")
        for (const made of builder.equations) for (const v of made.outputs) vars.set(v.id, v);
    };
    made.terms.forEach(visit);
    const outputs = [...vars.values()];
    const { graph, captured } = builder.close("script", outputs);
    this.steps.push({ span, graph, captured, outputs, effect: made.effect });
  }

  /** What a module declares; it is elaborated when it is first asked for. */
  #module(path: string): Scope | undefined {
    const known = this.#modules.get(path);
    const source = known ? undefined : this.inputs.module(path);
    if (!source) return known;
    const module = new Scope(this.#prelude);
    this.#modules.set(path, module);
    const saved = [...this.properties];
    const checking = this.#checking;
    // The standard library is checked once, by its tests, and not again in each script that imports it.
    this.#checking = checking && !path.startsWith("std/");
    for (const statement of source.statements) this.statement(statement, module, true);
    this.#checking = checking;
    // A module's properties are tested with the module.
    this.properties.length = 0;
    this.properties.push(...saved);
    return module;
  }

  #import(s: Import, scope: Scope): void {
    const path = s.from.value;
    const module = this.#module(path);
    if (!module) {
      const near = suggest(path, this.inputs.moduleNames);
      for (const n of s.names) scope.bind((n.as ?? n.name).name, errorTerm, n.name.span);
      fail("K0718", s.from.span, `There is no module "${path}".`, {
        help: near
          ? `Did you mean "${near}"?`
          : path.endsWith(".opt")
            ? `A file of your own is imported with its folder: "./${path}".`
            : `The standard library has ${this.inputs.moduleNames.filter((m) => m.startsWith("std/")).join(", ")}.`,
      });
    }
    for (const { name, as } of s.names) {
      const found = module.own(name.name);
      const type = module.findType(name.name);
      if (!found && !type) {
        const near = suggest(name.name, [...ownNames(module, this.#prelude), ...module.typeNames()]);
        scope.bind((as ?? name).name, errorTerm, name.span);
        fail("K0719", name.span, `"${path}" declares nothing called \`${name.name}\`.`, {
          help: near ? `Did you mean \`${near}\`?` : `It declares ${ownNames(module, this.#prelude).join(", ")}.`,
        });
      }
      if (found) this.declare(scope, as ?? name, found.term);
      if (type) scope.bindType((as ?? name).name, type);
    }
  }
}

function ownNames(module: Scope, prelude: Scope): string[] {
  const outside = new Set(prelude.names());
  return module.names().filter((n) => !outside.has(n));
}

function patternNames(pattern: import("../syntax/tree.ts").Pattern): string[] {
  if (pattern.kind === "name-pattern") return [pattern.name];
  if (pattern.kind === "tuple-pattern") return pattern.items.flatMap(patternNames);
  return [];
}

/** The values a statement gives names to. */
function declaredNames(s: Statement): readonly string[] {
  switch (s.kind) {
    case "let":
      return patternNames(s.pattern);
    case "data":
    case "param":
    case "fn":
    case "objective":
    case "condition":
    case "problem":
    case "solver":
      return [s.name.name];
    case "import":
      return s.names.map((n) => (n.as ?? n.name).name);
    default:
      return [];
  }
}
