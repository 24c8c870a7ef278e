/** What of the arguments of a call its compiled form depends on, and what is given to that form. */
import { describeArgument } from "./applied-derivatives.ts";
import type { NdArray } from "./core/array.ts";
import { isElsewhere } from "./core/remote-array.ts";
import { refuseOverflow } from "./core/single-precision.ts";
import type { Value } from "./program.ts";

/** What of an argument decides how a function is compiled. */
export function signatureOf(value: Value): unknown {
  if (value.kind === "tuple") return [value.names, value.items.map(signatureOf)];
  const { type, array } = value;
  return [type, array.dtype, array.shape, type === "int" && array.shape.length === 0 ? array.data[0] : null];
}

/** Throws a DiagnosticError for a number that an argument has and the run's precision has not. */
export function refuseArguments(args: Readonly<Record<string, Value>>, precision: "f64" | "f32"): void {
  const visit = (name: string, value: Value) => {
    if (value.kind === "array") {
      // What is on a device has been rounded already.
      if (!isElsewhere(value.array)) refuseOverflow(describeArgument(name), value.array, precision, undefined);
    } else value.items.forEach((item, i) => void visit(`${name}.${value.names?.[i] ?? i}`, item));
  };
  if (precision === "f32") for (const [name, value] of Object.entries(args)) visit(name, value);
}

/** The arrays that become inputs, in the order of `valueTerm`. */
export function inputArrays(value: Value): readonly NdArray[] {
  if (value.kind === "tuple") return value.items.flatMap(inputArrays);
  return value.type === "int" && value.array.shape.length === 0 ? [] : [value.array];
}
