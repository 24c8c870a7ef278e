/** Tests one property with random inputs. Import this file lazily: fast-check is large. */
import fc from "fast-check";
import type { BoundProperty, Value } from "../../compiler/program.ts";
import { type Case, CaseArbitrary } from "./case.ts";

export interface PropertyRun {
  readonly runs: number;
  readonly seed?: number | undefined;
  /** Where in the seed's sequence to look, from a former failure. */
  readonly path?: string | undefined;
  /** Called before each input is tried, with how many were tried before it and were not refused. */
  readonly onRun?: ((done: number) => void) | undefined;
}

export type PropertyResult =
  | { readonly kind: "passed"; readonly runs: number; readonly discarded: number; readonly kinks: number }
  /** Nearly all inputs were refused by the `where` clause or lay at kinks, so nothing was shown. */
  | { readonly kind: "exhausted"; readonly runs: number; readonly discarded: number; readonly kinks: number }
  | {
      readonly kind: "failed";
      readonly runs: number;
      readonly shrinks: number;
      readonly seed: number;
      readonly path: string;
      readonly inputs: readonly { readonly name: string; readonly value: Value }[];
      /** The two sides of the comparison that is false. */
      readonly sides: readonly { readonly expression: string; readonly value: Value }[];
      /** What was thrown, when the property did not come to an answer. */
      readonly error: unknown;
    };

/** Making a counterexample smaller is worth this much of a person's time. */
const shrinkMilliseconds = 10_000;

export function runProperty(property: BoundProperty, { runs, seed, path, onRun }: PropertyRun): PropertyResult {
  let firstFailure: number | undefined;
  let [kinks, done] = [0, 0];
  const mayShrink = () => firstFailure === undefined || performance.now() - firstFailure < shrinkMilliseconds;
  const result = fc.check(
    fc.property(new CaseArbitrary(property, mayShrink), (inputs) => {
      try {
        onRun?.(done);
        const outcome = property.evaluate(inputs.ints, inputs.values);
        if (outcome === "kink") kinks += 1;
        fc.pre(outcome !== "discarded" && outcome !== "kink");
        done += 1;
        if (outcome === "failed") firstFailure ??= performance.now();
        return outcome !== "failed";
      } catch (error) {
        if (!fc.PreconditionFailure.isFailure(error)) firstFailure ??= performance.now();
        throw error;
      }
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }), ...(path === undefined ? {} : { path }) },
  );
  const counts = { runs: result.numRuns, discarded: result.numSkips - kinks, kinks };
  if (!result.failed) return { kind: "passed", ...counts };
  const counterexample = result.counterexample?.[0];
  if (counterexample === undefined) return { kind: "exhausted", ...counts };
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
): Pick<PropertyResult & { kind: "failed" }, "sides" | "error"> {
  try {
    property.evaluate(ints, values);
    return { sides: property.sides(ints, values), error: undefined };
  } catch (error) {
    return { sides: [], error };
  }
}
