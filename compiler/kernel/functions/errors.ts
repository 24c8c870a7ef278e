/** How exact the functions of this folder are: bounds that their tests hold them to. */
import type { Precision } from "../ir.ts";

const of = (f64: number, f32: number): Readonly<Record<Precision, number>> => ({ f64, f32 });

/**
 * The largest error in units of the last place against the true value, per function and precision, over the ranges that
 * the functions' comments state; half a unit is rounding itself. Measured on dense random arguments. Where operations
 * themselves are not correctly rounded (WGSL: division, square root), add to them.
 */
export const functionErrors = {
  exp: of(1, 1),
  expm1: of(1.5, 1.5),
  log: of(1, 1),
  log1p: of(1, 1),
  sin: of(1, 1),
  cos: of(1, 1),
  tan: of(1.5, 1.5),
  asin: of(1, 1),
  acos: of(1.5, 1.5),
  atan: of(1, 1),
  atan2: of(2, 2),
  sinh: of(2, 2),
  cosh: of(1.5, 1.5),
  tanh: of(2, 2),
  asinh: of(2, 2),
  acosh: of(2, 2),
  atanh: of(2, 2),
  sigmoid: of(2, 2),
  softplus: of(2, 2),
  pow: of(1, 1),
  hypot: of(1.5, 1.5),
  erf: of(1, 1),
  erfc: of(3, 3),
  erfinv: of(2, 2),
} as const satisfies Readonly<Record<string, Readonly<Record<Precision, number>>>>;
