/** Tests one property with random inputs. Import this file lazily: fast-check is large. */
import fc from "fast-check";
import type { BoundProperty, Value } from "../../compiler/program.ts";
import { type Case, CaseArbitrary } from "./case.ts";

export interface PropertyRun {
  readonly runs: number;
  readonly seed?: number | undefined;
  /** Where in the seed's sequence to look, from a former failure. */
  readonly path?: string | undefined;
}

export type PropertyResult =
  | { readonly kind: "passed"; readonly runs: number; readonly discarded: number }
  /** The `where` clause let nearly nothing through, so nothing was shown. */
  | { readonly kind: "exhausted"; readonly runs: number; readonly discarded: number }
  | {
      readonly kind: "failed";
      readonly runs: number;
      readonly shrinks: number;
      readonly seed: number;
      readonly path: string;
      readonly inputs: readonly { readonly name: string; readonly value: Value }[];
      readonly details: readonly { readonly expression: string; readonly value: Value }[];
      /** What was thrown, when the property did not come to an answer. */
      readonly error: unknown;
    };

/** Making a counterexample smaller is worth this much of a person's time. */
const shrinkMilliseconds = 10_000;

export function runProperty(property: BoundProperty, { runs, seed, path }: PropertyRun): PropertyResult {
  let firstFailure: number | undefined;
  const mayShrink = () => firstFailure === undefined || performance.now() - firstFailure < shrinkMilliseconds;
  const result = fc.check(
    fc.property(new CaseArbitrary(property, mayShrink), (inputs) => {
      try {
        const { outcome } = property.evaluate(inputs.ints, inputs.values);
        fc.pre(outcome !== "discarded");
        if (outcome === "failed") firstFailure ??= performance.now();
        return outcome !== "failed";
      } catch (error) {
        if (!fc.PreconditionFailure.isFailure(error)) firstFailure ??= performance.now();
        throw error;
      }
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }), ...(path === undefined ? {} : { path }) },
  );
  if (!result.failed) return { kind: "passed", runs: result.numRuns, discarded: result.numSkips };
  const counterexample = result.counterexample?.[0];
  if (counterexample === undefined) return { kind: "exhausted", runs: result.numRuns, discarded: result.numSkips };
  return {
    kind: "failed",
    runs: result.numRuns,
    shrinks: result.numShrinks,
    seed: result.seed,
    path: result.counterexamplePath ?? "",
    inputs: inputsOf(property, counterexample),
    ...explain(property, counterexample),
  };
}

function inputsOf(property: BoundProperty, { ints, values }: Case): { name: string; value: Value }[] {
  return property.variables.map(({ name }) => {
    const int = ints[name];
    const value: Value =
      int === undefined
        ? values[name]!
        : { kind: "array", type: "int", array: { dtype: "int", shape: [], data: Int32Array.of(int) } };
    return { name, value };
  });
}

/** Evaluates the counterexample once more, for what to show of it. */
function explain(
  property: BoundProperty,
  { ints, values }: Case,
): Pick<PropertyResult & { kind: "failed" }, "details" | "error"> {
  try {
    return { details: property.evaluate(ints, values).details, error: undefined };
  } catch (error) {
    return { details: [], error };
  }
}
