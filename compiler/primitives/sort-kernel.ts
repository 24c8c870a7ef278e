/** The loops of sorting: one lane for each line along the axis. */
import { add, and, ge, int, lt, min, mul, neg, not, or, select, sub, toInt } from "../kernel/expressions.ts";
import { isNaN as isNaNReal } from "../kernel/functions/classify.ts";
import type { Expression } from "../kernel/ir.ts";
import type { Lowering } from "../kernel/lowering.ts";
import { Code, plus, type VectorView, vectorView } from "../kernel/statements.ts";
import { lanesAlong } from "./lanes-kernel.ts";
import { argsortStages } from "./sort-stages.ts";

/**
 * A stable merge sort of indices by key, bottom up. NaNs are set apart first, behind the rest and in order, so that
 * merging needs no test for them; in a descending order they go to the front at the end.
 */
export const argsortLowering: Lowering<{ readonly axis: number; readonly descending: boolean }> = {
  kind: "routine",
  stages: argsortStages,
  routine: ({ inputs, precision, params: { axis, descending } }) => {
    const lanes = lanesAlong(inputs[0]!, axis);
    const { n } = lanes;
    const keyKind = inputs[0]!.dtype === "real" ? "real" : "int";
    return {
      grid: lanes.count,
      scratch: [
        { name: "keys", kind: keyKind, length: lanes.count * n },
        { name: "orders", kind: "int", length: lanes.count * 2 * n },
      ],
      body: (lane, { inputs: [x], outputs: [result], scratch: [allKeys, allOrders] }) =>
        Code.write((code) => {
          const from = lanes.of(x!, lane);
          const to = lanes.of(result!, lane);
          const keys = vectorView(allKeys!, mul(lane, int(n)));
          const orders = vectorView(allOrders!, mul(lane, int(2 * n)));
          code.along("i", n, [from], (i) => code.set(keys, i, keyOf(from.at(i), descending)));
          const count =
            keyKind === "int"
              ? writeAllIndices(code, orders, n)
              : writeNumbersFirst(code, orders, n, (i) => isNaNReal(keys.at(i), precision));
          const sorted = writeMergeSort(code, keys, orders, n, count);
          const missing = descending ? sub(int(n), count) : int(0);
          code.independent("i", n, (i) => {
            // What is behind the numbers never moved from the first half.
            if (!descending) code.set(to, i, orders.at(add(i, select(lt(i, count), sorted, int(0)))));
            else code.set(to, i, orders.at(add(i, select(lt(i, missing), count, sub(sorted, missing)))));
          });
        }),
    };
  },
};

/** A key to sort upwards: exact for all values, and keeps NaN. */
function keyOf(x: Expression, descending: boolean): Expression {
  if (x.kind === "real") return descending ? neg(x) : x;
  const key = x.kind === "bool" ? toInt(x) : x;
  // -1 - key, which unlike -key does not overflow.
  return descending ? not(key) : key;
}

function writeAllIndices(code: Code, orders: VectorView, n: number): Expression {
  code.vector("i", n, (i) => code.set(orders, i, i));
  return int(n);
}

/** The indices of numbers, then those of NaNs; returns how many numbers there are. */
function writeNumbersFirst(
  code: Code,
  orders: VectorView,
  n: number,
  isMissing: (i: Expression) => Expression,
): Expression {
  const count = code.variable("count", int(0));
  code.loop("i", n, (i) => {
    code.when(not(isMissing(i)), () => {
      code.set(orders, count, i);
      code.assign(count, plus(count, 1));
    });
  });
  const end = code.variable("end", count);
  code.when(lt(count, int(n)), () => {
    code.loop("i", n, (i) => {
      code.when(isMissing(i), () => {
        code.set(orders, end, i);
        code.assign(end, plus(end, 1));
      });
    });
  });
  return count;
}

/**
 * Sorts the first `count` of the n indices in the first half of `orders`, the halves taking turns. Returns where in
 * `orders` the sorted ones begin.
 */
function writeMergeSort(code: Code, keys: VectorView, orders: VectorView, n: number, count: Expression): Expression {
  const passes = Math.ceil(Math.log2(Math.max(n, 1)));
  const from = code.variable("from", int(0));
  const width = code.variable("width", int(1));
  const last = code.let("last", plus(count, -1));
  code.loop("pass", passes, () => {
    const to = code.let("to", sub(int(n), from));
    const left = code.variable("left", int(0));
    code.while(lt(left, count), () => {
      const middle = code.let("middle", min(plus(left, width), count));
      const right = code.let("right", min(plus(middle, width), count));
      const [i, j] = [code.variable("i", left), code.variable("j", middle)];
      const indexAt = (place: Expression) => orders.at(plus(from, min(place, last)));
      const [first, second] = [code.variable("first", indexAt(i)), code.variable("second", indexAt(j))];
      code.loop("k", sub(right, left), (k) => {
        const later = and(lt(j, right), or(ge(i, middle), lt(keys.at(second), keys.at(first))));
        const place = plus(to, plus(left, k));
        code.when(
          later,
          () => {
            code.set(orders, place, second);
            code.assign(j, plus(j, 1));
            code.assign(second, indexAt(j));
          },
          () => {
            code.set(orders, place, first);
            code.assign(i, plus(i, 1));
            code.assign(first, indexAt(i));
          },
        );
      });
      code.assign(left, right);
    });
    code.assign(from, to);
    code.assign(width, plus(width, width));
  });
  return from;
}
