/**
 * The first-order linear recurrence u[i] = a[i] u[i-1] + c[i] along an axis, u[-1] = 0: what derivatives of
 * products are made of, so that zeros among the factors need no case and no division.
 */
import { compareDims, subtractDims } from "../core/dimension.ts";
import { type Atom, showType } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, mul } from "./arithmetic.ts";
import { recurrenceLowering } from "./cumulative-kernel.ts";
import { pad, repeat, sliceAxis } from "./shape.ts";
import { aroundAxis } from "./strides.ts";

export type ScanParams = { readonly axis: number; readonly reverse: boolean };

export const linearRecurrencePrimitive: Primitive<ScanParams> = {
  name: "linearRecurrence",
  lower: recurrenceLowering,
  infer: ([a, c], { axis }) => {
    invariant(
      a!.dtype === "real" &&
        c!.dtype === "real" &&
        axis < a!.shape.length &&
        a!.shape.length === c!.shape.length &&
        a!.shape.every((d, i) => compareDims(d, c!.shape[i]!) !== "different"),
      () => `linearRecurrence of ${showType(a!)} and ${showType(c!)} along axis ${axis}`,
    );
    return [c!];
  },
  evaluate: ([a, c], { axis, reverse }, context) => {
    const result = makeArray(context, "real", c!.shape);
    const { outer, n, inner } = aroundAxis(c!.shape, axis);
    const [factors, terms, to] = [a!.data, c!.data, result.data];
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < inner; j++) {
        const start = o * n * inner + j + (reverse ? (n - 1) * inner : 0);
        const step = reverse ? -inner : inner;
        let u = 0;
        for (let i = 0, p = start; i < n; i++, p += step) {
          // The first factor multiplies nothing: were it infinite, inf * 0 would spoil all that follows.
          u = i === 0 ? terms[p]! : factors[p]! * u + terms[p]!;
          to[p] = u;
        }
      }
    return [result];
  },
  // du[i] = a[i] du[i-1] + (da[i] u[i-1] + dc[i])
  jvp: (b, call, [da, dc]) => {
    const outputs = b.emit(linearRecurrencePrimitive, call.inputs, call.params);
    const { axis, reverse } = call.params;
    const s = da && mul(b, da, previous(b, outputs[0]!, axis, reverse, 0));
    const terms = s && dc ? add(b, s, dc) : (s ?? dc);
    return { outputs, tangents: [terms && linearRecurrence(b, call.inputs[0]!, terms, axis, reverse)] };
  },
  // The adjoint runs the other way: v[i] = ct[i] + a[i+1] v[i+1].
  transpose: (b, { inputs, params: { axis, reverse } }, linear, [ct]) => {
    if (!ct || !linear[1]) return [undefined, undefined];
    const next = previous(b, inputs[0]!, axis, !reverse, 0);
    return [undefined, linearRecurrence(b, next, ct, axis, !reverse)];
  },
  batch: (b, { inputs, params: { axis, reverse } }, batched, size) => {
    const [a, c] = inputs.map((x, i) => (batched[i] ? x : repeat(b, x, size)));
    return { outputs: [linearRecurrence(b, a!, c!, axis + 1, reverse)], batched: [true] };
  },
};

/** u[i] = a[i] u[i-1] + c[i] along `axis` (from the far end if `reverse`); the first u is the first c. */
export function linearRecurrence(b: Emitter, a: Atom, c: Atom, axis: number, reverse = false): Atom {
  return b.emit(linearRecurrencePrimitive, [a, c], { axis, reverse })[0]!;
}

/** At each place the element before it (in the direction of travel), and `first` where there is none. */
export function previous(b: Emitter, x: Atom, axis: number, reverse: boolean, first: number): Atom {
  const n = x.type.shape[axis]!;
  if (n === 0) return x;
  const none = x.type.shape.map(() => 0);
  const one = none.with(axis, 1);
  if (reverse) return pad(b, sliceAxis(b, x, axis, 1), none, one, none, first);
  return pad(b, sliceAxis(b, x, axis, 0, subtractDims(n, 1)), one, none, none, first);
}
