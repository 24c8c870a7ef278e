/**
 * Property-based testing of gradients, on fast-check. Works with any test runner.
 *
 *     await checkGradient(module, "ridge", { w: tensors.normal([5]), log_penalty: tensors.uniform(-3, 3) });
 *     await fc.assert(gradientProperty(programs({ size: 30 })));
 */

export { type CheckOptions, type CheckReport, checkGradient, GradientError } from "./gradients/check-gradient.ts";
export type { Disagreement } from "./gradients/check-point.ts";
export { gradientProperty, type PropertyOptions } from "./gradients/gradient-property.ts";
export { type NumericDerivative, numericDerivative } from "./gradients/numeric-derivative.ts";
export { type ProgramOptions, programs } from "./gradients/programs/arbitrary.ts";
export type { RandomProgram } from "./gradients/programs/program.ts";
export type { Arguments, Claim, ClaimedGradient } from "./gradients/subject.ts";
export { type EdgeOptions, type Tensorial, tensors } from "./gradients/tensors.ts";
export { type TreeOptions, trees } from "./gradients/trees.ts";
