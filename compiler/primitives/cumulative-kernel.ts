/** The loops of running sums, products, extrema and recurrences: one lane for each line along the axis. */
import type { DType } from "../core/array.ts";
import { add, and, eq, gt, int, lt, mul, not, or, select, sub } from "../kernel/expressions.ts";
import { isNaN as isNaNReal } from "../kernel/functions/classify.ts";
import type { Expression, Precision } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, plus } from "../kernel/statements.ts";
import { lanesAlong } from "./lanes-kernel.ts";
import type { ScanParams } from "./recurrence.ts";
import { type Running, runningStages } from "./running-stages.ts";

/**
 * The running result of `step`, the first element being the first result. Steps of the dtypes in `joined` are associative,
 * but for rounding: long lines may be cut in stretches that are joined. (Products of reals are not: that of a stretch may
 * overflow, or vanish, where what comes before keeps the running product in range.)
 */
export function scanLowering(
  step: (accumulated: Expression, element: Expression) => Expression,
  joined: readonly DType[],
): Lowering<ScanParams> {
  return {
    kind: "routine",
    stages: ({ inputs: [x], params: { axis, reverse } }) => {
      if (!joined.includes(x!.dtype)) return undefined;
      const running: Running = {
        kinds: [x!.dtype],
        element: (line, i) => [line.at(i)],
        join: ([earlier], [later]) => [step(earlier!, later!)],
        result: ([accumulated]) => accumulated!,
      };
      return runningStages(lanesAlong(x!, axis), reverse, running);
    },
    routine: ({ inputs, params: { axis, reverse } }) => {
      const lanes = lanesAlong(inputs[0]!, axis);
      return {
        grid: lanes.count,
        scratch: [],
        body: (lane, { inputs: [x], outputs: [result] }) =>
          Code.write((code) => {
            const [from, to] = [lanes.of(x!, lane, reverse), lanes.of(result!, lane, reverse)];
            const accumulated = code.variable("accumulated", from.at(0));
            code.set(to, 0, accumulated);
            code.loop("i", lanes.n - 1, (i) => {
              const at = plus(i, 1);
              code.assign(accumulated, step(accumulated, from.at(at)));
              code.set(to, at, accumulated);
            });
          }),
      };
    },
  };
}

/**
 * u[i] = a[i] u[i-1] + c[i], the first u being the first c. There are no stages: the maps of stretches, joined, are not
 * stable. With a = 2, c = -1 and u = 1 all u are 1, but 2^64 u - (2^64 - 1) is rounded to 0.
 */
export const recurrenceLowering: Lowering<ScanParams> = {
  kind: "routine",
  routine: ({ inputs, params: { axis, reverse } }) => {
    const lanes = lanesAlong(inputs[1]!, axis);
    return {
      grid: lanes.count,
      scratch: [],
      body: (lane, { inputs: [a, c], outputs: [result] }) =>
        Code.write((code) => {
          const [factors, terms] = [lanes.of(a!, lane, reverse), lanes.of(c!, lane, reverse)];
          const to = lanes.of(result!, lane, reverse);
          const u = code.variable("u", terms.at(0));
          code.set(to, 0, u);
          code.loop("i", lanes.n - 1, (i) => {
            const at = plus(i, 1);
            code.assign(u, add(mul(factors.at(at), u), terms.at(at)));
            code.set(to, at, u);
          });
        }),
    };
  },
};

/** The index of the running extremum: ties to the lowest index; a NaN wins, and stays. */
export const cumargLowering: Lowering<ScanParams & { readonly which: "max" | "min" }> = {
  kind: "routine",
  stages: ({ inputs: [x], precision, params: { axis, reverse, which } }) => {
    const lanes = lanesAlong(x!, axis);
    return runningStages(lanes, reverse, {
      kinds: [x!.dtype, "int"],
      element: (line, i) => [line.at(i), reverse ? sub(int(lanes.n - 1), i) : i],
      join: ([best, place], [value, at]) => {
        const takes = takesOver(value!, best!, which, reverse, precision);
        return [select(takes, value!, best!), select(takes, at!, place!)];
      },
      result: ([, place]) => place!,
    });
  },
  routine: ({ inputs, precision, params: { axis, reverse, which } }) => {
    const lanes = lanesAlong(inputs[0]!, axis);
    return {
      grid: lanes.count,
      scratch: [],
      body: (lane, { inputs: [x], outputs: [result] }) =>
        Code.write((code) => {
          const [from, to] = [lanes.of(x!, lane, reverse), lanes.of(result!, lane, reverse)];
          const last = int(lanes.n - 1);
          const best = code.variable("best", from.at(0));
          const place = code.variable("place", reverse ? last : int(0));
          code.set(to, 0, place);
          code.loop("i", lanes.n - 1, (i) => {
            const at = plus(i, 1);
            const value = code.let("value", from.at(at));
            code.when(takesOver(value, best, which, reverse, precision), () => {
              code.assign(best, value);
              code.assign(place, reverse ? sub(last, at) : at);
            });
            code.set(to, at, place);
          });
        }),
    };
  },
};

function takesOver(
  value: Expression,
  best: Expression,
  which: "max" | "min",
  reverse: boolean,
  precision: Precision,
): Expression {
  const better = (which === "max" ? gt : lt)(value, best);
  // Travelling backwards an equal element has the lower index, and takes over.
  const wins = reverse ? or(better, eq(value, best)) : better;
  if (value.kind !== "real") return wins;
  const [undefinedNow, undefinedBefore] = [isNaNReal(value, precision), isNaNReal(best, precision)];
  return reverse ? or(wins, undefinedNow) : and(not(undefinedBefore), or(wins, undefinedNow));
}
