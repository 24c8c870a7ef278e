/** The compiler: text in, bound programs out. No files, no clock, no device. */
export { BindFailure, bind, explainCore, explainGraphs, lifetimesOf } from "./bind.ts";
export { compile } from "./compile.ts";
export { evaluateGraph } from "./evaluate-graph.ts";
export { explainConditions } from "./explain-conditions.ts";
export type * from "./program.ts";
export { evaluateWatching } from "./provenance.ts";
export type { Diagnostic } from "./syntax/diagnostic.ts";
export { DiagnosticError } from "./syntax/diagnostic.ts";
export { parse, parseExpression } from "./syntax/parse.ts";
