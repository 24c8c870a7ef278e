/**
 * The accumulators of a vectorised reduction: each copy of the body has vectors of its own, which start from what
 * changes nothing and are joined in a fixed order at the end.
 */
import type { Accumulator } from "../../kernel/ir.ts";
import type { FunctionContext } from "./context.ts";
import type { Opcode } from "./opcodes.ts";
import { constantBytes, shapeOf } from "./vector.ts";

type Places = ReadonlyMap<number, number>;

/** Sets the accumulators of each copy; returns where they are. */
export function startAccumulators(
  context: FunctionContext,
  accumulators: readonly Accumulator[],
  copies: number,
): Places[] {
  const { f } = context;
  return Array.from({ length: copies }, () => {
    const places = new Map<number, number>();
    for (const accumulator of accumulators) {
      const place = f.local("v128");
      places.set(accumulator.local.id, place);
      f.v128(neutral(context, accumulator));
      f.set(place);
    }
    return places;
  });
}

/** What joined with anything gives that again. */
function neutral(context: FunctionContext, { local, operator }: Accumulator): Uint8Array {
  const { kind } = local;
  if (kind === "bool") return new Uint8Array(16).fill(operator === "and" ? 0xff : 0);
  return constantBytes(kind, neutralNumber(kind === "real", operator), context.typeOf(kind));
}

function neutralNumber(isReal: boolean, operator: Accumulator["operator"]): number {
  switch (operator) {
    case "add":
      return isReal ? -0 : 0;
    case "mul":
      return 1;
    case "min":
      return isReal ? Infinity : 0x7fffffff;
    case "max":
      return isReal ? -Infinity : -0x80000000;
    case "and":
      return -1;
    case "or":
      return 0;
  }
}

/** Joins the copies, then the lanes, and all that with the accumulator's value before the loop. */
export function finishAccumulators(
  context: FunctionContext,
  accumulators: readonly Accumulator[],
  copies: readonly Places[],
): void {
  for (const accumulator of accumulators) {
    const places = copies.map((places) => places.get(accumulator.local.id)!);
    joinCopies(context, accumulator, places);
    if (accumulator.local.kind === "bool") joinMask(context, accumulator, places[0]!);
    else joinLanes(context, accumulator, places[0]!);
  }
}

/** Into the first, by halves. */
function joinCopies(context: FunctionContext, { local, operator }: Accumulator, places: readonly number[]): void {
  const { f } = context;
  for (let half = places.length >> 1; half >= 1; half >>= 1)
    for (let i = 0; i < half; i++) {
      f.get(places[i]!);
      f.get(places[i + half]!);
      if (operator === "and" || operator === "or") f.emit(`v128.${operator}`);
      else {
        const signed = local.kind === "int" && (operator === "min" || operator === "max") ? "_s" : "";
        f.emit(`${shapeOf(local.kind, context.precision)}.${operator}${signed}` as Opcode);
      }
      f.set(places[i]!);
    }
}

function joinMask(context: FunctionContext, { local, operator }: Accumulator, place: number): void {
  const { f } = context;
  f.get(context.scalar(local));
  f.get(place);
  f.emit(operator === "and" ? "i32x4.all_true" : "v128.any_true");
  f.emit(operator === "and" ? "i32.and" : "i32.or");
  f.set(context.scalar(local));
}

function joinLanes(context: FunctionContext, accumulator: Accumulator, place: number): void {
  const { f, precision } = context;
  const shape = shapeOf(accumulator.local.kind, precision);
  const lane = (i: number) => {
    f.get(place);
    f.lane(`${shape}.extract_lane`, i);
  };
  const lanes =
    precision === "f64"
      ? [[0, 1]]
      : [
          [0, 2],
          [1, 3],
        ];
  const target = context.scalar(accumulator.local);
  const parts = lanes.map(([a, b]) => () => {
    joined(
      context,
      accumulator,
      () => lane(a!),
      () => lane(b!),
    );
  });
  const [first, second] = parts as [() => void, (() => void) | undefined];
  const whole = second ? () => joined(context, accumulator, first, second) : first;
  joined(context, accumulator, () => f.get(target), whole);
  f.set(target);
}

/** Pushes two values joined. */
function joined(context: FunctionContext, { local, operator }: Accumulator, a: () => void, b: () => void): void {
  const { f } = context;
  const type = context.typeOf(local.kind);
  a();
  b();
  if (local.kind !== "int" || (operator !== "min" && operator !== "max")) {
    f.emit(`${type}.${operator}` as Opcode);
    return;
  }
  const [x, y] = [f.local("i32"), f.local("i32")];
  f.set(y);
  f.tee(x);
  f.get(y);
  f.get(x);
  f.get(y);
  f.emit(operator === "min" ? "i32.lt_s" : "i32.gt_s");
  f.emit("select");
}
