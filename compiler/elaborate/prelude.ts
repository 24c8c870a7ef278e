/** The names every script starts with. A new family of built-ins is one file and one line here. */
import { intLiteral, realLiteral } from "../core/graph.ts";
import { type StatusName, statusCode, statusNames } from "../core/status.ts";
import { arrayBuiltins } from "./builtins/arrays.ts";
import { calculusBuiltins } from "./builtins/calculus.ts";
import { elementwiseBuiltins } from "./builtins/elementwise.ts";
import { linearBuiltins } from "./builtins/linear.ts";
import { matrixBuiltins } from "./builtins/matrices.ts";
import { randomBuiltins } from "./builtins/random.ts";
import { reductionBuiltins } from "./builtins/reductions.ts";
import type { Builtin } from "./builtins/support.ts";
import { windowBuiltins } from "./builtins/windows.ts";
import type { Elaborator } from "./elaborator.ts";
import { Scope } from "./scope.ts";
import { solveBuiltins } from "./solve.ts";

const families: readonly Readonly<Record<string, Builtin>>[] = [
  elementwiseBuiltins,
  reductionBuiltins,
  arrayBuiltins,
  matrixBuiltins,
  windowBuiltins,
  linearBuiltins,
  randomBuiltins,
  calculusBuiltins,
  solveBuiltins,
];

/** Words for options: ordinary values that only some arguments understand. */
const words = [
  "same",
  "valid",
  "forward",
  "reverse",
  "implicit",
  "unroll",
  "one_step",
  "line",
  "scatter",
  "heat",
  "neumann",
  "direct",
];

export function preludeScope(e: Elaborator): Scope {
  const scope = new Scope();
  for (const family of families)
    for (const [name, builtin] of Object.entries(family))
      scope.bind(name, { kind: "function", name, apply: (args) => e.at(args.span, () => builtin(e, args)) });
  for (const word of words) scope.bind(word, { kind: "word", word });
  for (const name of statusNames)
    if (!scope.own(name))
      scope.bind(name, { kind: "array", type: "status", atom: intLiteral(statusCode(name as StatusName)) });
  const real = (name: string, value: number) =>
    scope.bind(name, { kind: "array", type: "real", atom: realLiteral(value), known: value });
  real("pi", Math.PI);
  real("inf", Number.POSITIVE_INFINITY);
  real("epsilon", e.precision === "f64" ? 2 ** -52 : 2 ** -23);
  real("tiny", e.precision === "f64" ? 2 ** -1022 : 2 ** -126);
  return scope;
}

/** Prelude names, for suggestions and highlighting. */
export function preludeNames(): string[] {
  return [...families.flatMap((f) => Object.keys(f)), ...words, "pi", "inf", "epsilon", "tiny", ...statusNames];
}
