/** Derivatives that stay on a device: whether they have a NaN is found out there, with what computes them. */
import { type NdArray, sizeOf } from "./core/array.ts";
import type { Builder } from "./core/builder.ts";
import { type Atom, concreteShape } from "./core/graph.ts";
import { isElsewhere, leastHeldWords } from "./core/remote-array.ts";
import { and, isFinite as isFiniteElement } from "./primitives/comparison.ts";
import { reduceAll } from "./primitives/reduce.ts";
import type { Value } from "./program.ts";
import { hasNaN, leavesWithNaN } from "./provenance.ts";

/** A bool: whether all reals among results that may stay elsewhere are finite. Undefined when none will. */
export function finiteCheck(builder: Builder, results: readonly Atom[]): Atom | undefined {
  const long = results.filter(
    ({ type: { dtype, shape } }) => dtype === "real" && sizeOf(concreteShape(shape)) >= leastHeldWords,
  );
  const checks = long.map((x) =>
    reduceAll(
      builder,
      isFiniteElement(builder, x),
      x.type.shape.map((_, axis) => axis),
    ),
  );
  return checks.reduce<Atom | undefined>((all, x) => (all ? and(builder, all, x) : x), undefined);
}

/**
 * Whether results have to be looked at one by one, because some may be NaN. `finite`: what the check among them says;
 * undefined when there was none.
 */
export function mayHaveNaN(value: Value, results: readonly NdArray[], finite: NdArray | undefined): boolean {
  if (!results.some(isElsewhere)) return leavesWithNaN(value);
  return finite?.data[0] !== 1 || results.some((x) => !isElsewhere(x) && hasNaN(x));
}
