/** A checked program with its data: every shape a number, every statement a graph. */
import { Bound } from "./bound.ts";
import { type CompiledProgram, elaborateScript } from "./compile.ts";
import type { Graph } from "./core/graph.ts";
import { printGraph } from "./core/print.ts";
import { Elaborator } from "./elaborate/elaborator.ts";
import { suggest } from "./elaborate/scope.ts";
import type { BindOptions, BoundProgram, Program, StatementLifetimes } from "./program.ts";
import { type Diagnostic, errorAt } from "./syntax/diagnostic.ts";

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

/** The core graphs of a bound program, as `karush explain --core` prints them. */
export function explainCore(bound: BoundProgram): string {
  return bound instanceof Bound ? bound.explain(printGraph, "whole") : "";
}

/** The statements of a bound program, and what `print` makes of the graph of each: of what a run of the script reads. */
export function explainGraphs(bound: BoundProgram, print: (graph: Graph) => string): string {
  return bound instanceof Bound ? bound.explain(print, "run") : "";
}

/** The core graphs of a bound program's statements, in order: what a verifier reads. */
export function coreGraphs(bound: BoundProgram): readonly Graph[] {
  return bound instanceof Bound ? bound.graphs() : [];
}

/** What a bound program's statements need and leave behind on a device, in order. */
export function lifetimesOf(bound: BoundProgram): readonly StatementLifetimes[] {
  return bound instanceof Bound ? bound.lifetimes() : [];
}
