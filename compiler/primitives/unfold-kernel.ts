/** Windows as index arithmetic: every element of a result knows where it comes from. */

import type { DType } from "../core/array.ts";
import { concreteShape } from "../core/graph.ts";
import { add, and, bool, div, eq, ge, int, lt, max, mul, real, rem, select, sub } from "../kernel/expressions.ts";
import type { Expression } from "../kernel/ir.ts";
import type { MapLowering, ReduceLowering } from "../kernel/lowering.ts";
import { clampIndex } from "../kernel/statements.ts";
import type { FoldParams, UnfoldParams } from "./unfold.ts";

const zeroOf = (dtype: DType): Expression => (dtype === "real" ? real(0) : dtype === "int" ? int(0) : bool(false));

const allOf = (conditions: readonly Expression[]) => conditions.reduce(and, bool(true));

export const unfoldLowering: MapLowering<UnfoldParams> = {
  kind: "map",
  cost: 0,
  element: ({ inputs, params }, read, at) => {
    const { dtype, shape } = inputs[0]!;
    const axes = params.kernel.length;
    const size = shape.slice(-axes);
    const outer = at.slice(0, -2 * axes);
    if (size.includes(0)) return zeroOf(dtype);
    const low = concreteShape(params.low);
    const places = size.map((_, i) => {
      const [inKernel, window] = [at[outer.length + i]!, at[outer.length + axes + i]!];
      const shift = mul(inKernel, int(params.dilation[i]!));
      return add(add(mul(window, int(params.stride[i]!)), shift), int(-low[i]!));
    });
    const inside = places.map((p, i) => and(ge(p, int(0)), lt(p, int(size[i]!))));
    const clamped = places.map((p, i) => clampIndex(p, size[i]!));
    return select(allOf(inside), read(0, [...outer, ...clamped]), zeroOf(dtype));
  },
};

/** A place of the image collects what the windows that cover it hold there: a sum over places in the kernel. */
export const foldLowering: ReduceLowering<FoldParams> = {
  kind: "reduce",
  reduction: ({ inputs, outputs, params }) => {
    const { dtype, shape } = inputs[0]!;
    const kernel = concreteShape(params.kernel);
    const axes = kernel.length;
    const image = outputs[0]!.shape;
    const counts = shape.slice(-axes);
    const low = concreteShape(params.low);
    const zero = zeroOf(dtype);
    return {
      shape: [...image, ...kernel],
      axes: kernel.map((_, i) => image.length + i),
      initial: [zero],
      operator: "add",
      cost: 1,
      element: (read, at) => {
        if (counts.includes(0)) return zero;
        const outer = at.slice(0, image.length - axes);
        const inKernel = at.slice(image.length);
        // A window begins at place - offset in the kernel, which has to be a multiple of the stride.
        const starts = inKernel.map((k, i) =>
          sub(add(at[outer.length + i]!, int(low[i]!)), mul(k, int(params.dilation[i]!))),
        );
        const windows = starts.map((s, i) => div(max(s, int(0)), int(params.stride[i]!)));
        const conditions = starts.map((s, i) =>
          and(
            and(ge(s, int(0)), eq(rem(max(s, int(0)), int(params.stride[i]!)), int(0))),
            lt(windows[i]!, int(counts[i]!)),
          ),
        );
        const clamped = windows.map((w, i) => clampIndex(w, counts[i]!));
        return select(allOf(conditions), read(0, [...outer, ...inKernel, ...clamped]), zero);
      },
      finish: ([sum]) => sum!,
    };
  },
};
