/**
 * Random kernels on devices: for tests, no part of the compiler. WGSL leaves open what becomes of infinities, NaNs,
 * subnormals and the sign of zero, and the last digits of quotients and roots. A tame kernel turns each real that it
 * comes upon into one that is none of these, by its bits, so that its results are the same everywhere.
 */
import { add, and, bits, div, eq, real, select, unary } from "../../kernel/expressions.ts";
import type { Expression, Kernel } from "../../kernel/ir.ts";
import { rewrite } from "./rewrite.ts";

const exponent = 0x7f80_0000n;
/** Of the 23 bits of a fraction, those that are rounded away from what is not exact. */
const inexact = 12n;

/** The same kernel with tame reals: 1 for what is not finite, 0 for what is nearly 0. For f32. */
export function tameKernel(kernel: Kernel): Kernel {
  return { ...kernel, grid: { ...kernel.grid, body: rewrite(kernel.grid.body, tame) } };
}

const notZero = (e: Expression): Expression => select(eq(e, real(0)), real(1), e);

function tame(e: Expression): Expression {
  if (e.kind !== "real" || e.op === "local" || e.op === "select") return e;
  const isInexact = (e.op === "binary" && e.name === "div") || (e.op === "unary" && e.name === "sqrt");
  const pattern = unary("bitsOf", e.op === "binary" && e.name === "div" ? div(e.a, notZero(e.b)) : e);
  const short = and(add(pattern, bits(1n << (inexact - 1n))), bits(-1n << inexact));
  const kept = isInexact ? short : pattern;
  const magnitude = and(kept, bits(exponent));
  const notFinite = eq(magnitude, bits(exponent));
  const nearlyZero = eq(magnitude, bits(0n));
  return select(notFinite, real(1), select(nearlyZero, real(0), unary("realOf", kept)));
}
