/**
 * Sorting of long lines by many lanes: short runs first, then passes that merge pairs of runs, in which each lane writes a
 * few neighbours of the merged run. It finds where in both runs they begin by bisection along the merge path (Green,
 * McColl and Bader, "GPU Merge Path: A GPU Merging Algorithm", 2012).
 */
import {
  add,
  and,
  div,
  eq,
  ge,
  int,
  lt,
  max,
  min,
  mul,
  not,
  or,
  rem,
  select,
  sub,
  toInt,
  unary,
} from "../kernel/expressions.ts";
import { isNaN as isNaNReal } from "../kernel/functions/classify.ts";
import type { Expression, KernelArray } from "../kernel/ir.ts";
import type { LoweringContext, Stage, StagedRoutine } from "../kernel/lowering.ts";
import { Code, plus, type VectorView, vectorView } from "../kernel/statements.ts";
import { areLong, type Lanes, lanesAlong } from "./lanes-kernel.ts";

/** How many elements the first runs have, and how many of a merged run a lane writes. */
const portion = 8;

/** Stages that give the same indices as the serial routine, for keys that an int has room for. */
export function argsortStages({
  inputs,
  precision,
  params: { axis, descending },
}: LoweringContext<{ readonly axis: number; readonly descending: boolean }>): StagedRoutine | undefined {
  const lanes = lanesAlong(inputs[0]!, axis);
  if (!areLong(lanes) || (inputs[0]!.dtype === "real" && precision !== "f32")) return undefined;
  const length = lanes.count * lanes.n;
  const passes = Math.ceil(Math.log2(lanes.n / portion));
  return {
    scratch: ["keys", "otherKeys", "orders", "otherOrders"].map((name) => ({ name, kind: "int", length })),
    stages: [
      runsStage(lanes, descending),
      ...Array.from({ length: passes }, (_, pass) => mergeStage(lanes, pass, pass === passes - 1)),
    ],
  };
}

/** The scratch arrays of which stages make runs, of 0, 1, ... passes of merging. */
const runsAfter = (passes: number, [keys, otherKeys, orders, otherOrders]: readonly KernelArray[]) =>
  passes % 2 === 0 ? { keys: keys!, orders: orders! } : { keys: otherKeys!, orders: otherOrders! };

/** Each element counts those of its run that come before it. */
function runsStage(lanes: Lanes, descending: boolean): Stage {
  const n = int(lanes.n);
  return {
    name: "runs",
    description: `sorted runs of ${portion}`,
    grid: lanes.count * lanes.n,
    cost: 12 * portion,
    body: (lane, { inputs: [x], scratch }) =>
      Code.write((code) => {
        const from = lanes.of(x!, code.let("line", div(lane, n)));
        const i = code.let("i", rem(lane, n));
        const start = code.let("start", sub(i, rem(i, int(portion))));
        const own = code.let("own", integerKey(from.at(i), descending));
        const rank = code.variable("rank", int(0));
        code.loop("j", min(int(portion), sub(n, start)), (j) => {
          const other = code.let("other", integerKey(from.at(plus(start, j)), descending));
          const isBefore = or(lt(other, own), and(eq(other, own), lt(plus(start, j), i)));
          code.assign(rank, plus(rank, toInt(isBefore)));
        });
        const place = code.let("place", add(sub(lane, rem(i, int(portion))), rank));
        const { keys, orders } = runsAfter(0, scratch);
        code.store(keys, place, own);
        code.store(orders, place, i);
      }),
  };
}

/** An int whose order is that of the elements: zeros of both signs are equal, NaNs are equal and above infinity. */
function integerKey(x: Expression, descending: boolean): Expression {
  const key = x.kind === "real" ? keyOfReal(x) : x.kind === "bool" ? toInt(x) : x;
  // -1 - key, which unlike -key does not overflow.
  return descending ? not(key) : key;
}

function keyOfReal(x: Expression): Expression {
  const bits = unary("bitsToInt", unary("bitsOf", x));
  // Below zero bits grow with the absolute value.
  const ordered = select(lt(bits, int(0)), sub(int(-(2 ** 31)), bits), bits);
  return select(isNaNReal(x, "f32"), int(2 ** 31 - 1), ordered);
}

/** Merges pairs of runs of portion * 2^pass elements; the last pass gives the result. */
function mergeStage(lanes: Lanes, pass: number, isLast: boolean): Stage {
  const { n } = lanes;
  const width = portion * 2 ** pass;
  const portions = Math.ceil(n / portion);
  return {
    name: `merge${2 * width}`,
    description: `runs of ${width} merged in pairs`,
    grid: lanes.count * portions,
    cost: 12 * (portion + Math.log2(width)),
    body: (lane, { outputs: [result], scratch }) =>
      Code.write((code) => {
        const line = code.let("line", div(lane, int(portions)));
        const first = code.let("first", mul(rem(lane, int(portions)), int(portion)));
        const offset = code.let("offset", mul(line, int(n)));
        const runs = runsAfter(pass, scratch);
        const [keys, orders] = [vectorView(runs.keys, offset), vectorView(runs.orders, offset)];
        const left = code.let("left", mul(div(first, int(2 * width)), int(2 * width)));
        const middle = code.let("middle", min(plus(left, width), int(n)));
        const end = code.let("end", min(plus(left, 2 * width), int(n)));
        const i = code.variable("i", plus(left, writeSplit(code, keys, { left, middle, end, first })));
        // What is not of the left run before `first` is of the right one.
        const j = code.variable("j", sub(plus(middle, first), i));
        const keyAt = (place: Expression) => keys.at(min(place, int(n - 1)));
        const [low, high] = [code.variable("low", keyAt(i)), code.variable("high", keyAt(j))];
        const next = runsAfter(pass + 1, scratch);
        const [nextKeys, nextOrders] = [vectorView(next.keys, offset), vectorView(next.orders, offset)];
        code.loop("k", min(int(portion), sub(int(n), first)), (k) => {
          const isRight = code.let("isRight", and(lt(j, end), or(ge(i, middle), lt(high, low))));
          const place = code.let("place", plus(first, k));
          const order = orders.at(code.let("from", select(isRight, j, i)));
          if (isLast) code.set(lanes.of(result!, line), place, order);
          else {
            code.set(nextOrders, place, order);
            code.set(nextKeys, place, select(isRight, high, low));
          }
          code.when(
            isRight,
            () => {
              code.assign(j, plus(j, 1));
              code.assign(high, keyAt(j));
            },
            () => {
              code.assign(i, plus(i, 1));
              code.assign(low, keyAt(i));
            },
          );
        });
      }),
  };
}

/** How many elements of the left run come before the place `first` of the merged one; of equal ones the left do. */
function writeSplit(
  code: Code,
  keys: VectorView,
  { left, middle, end, first }: Readonly<Record<"left" | "middle" | "end" | "first", Expression>>,
): Expression {
  const before = code.let("before", sub(first, left));
  const least = code.variable("least", max(int(0), sub(before, sub(end, middle))));
  const most = code.variable("most", min(before, sub(middle, left)));
  code.while(lt(least, most), () => {
    const half = code.let("half", div(plus(least, most), int(2)));
    const opposite = sub(plus(middle, before), plus(half, 1));
    code.when(
      lt(keys.at(opposite), keys.at(plus(left, half))),
      () => code.assign(most, half),
      () => code.assign(least, plus(half, 1)),
    );
  });
  return least;
}
