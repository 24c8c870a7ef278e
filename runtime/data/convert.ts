/** From what stands in a file to what its declaration says: number of axes, fixed sizes, element type. */
import type { DType, NdArray } from "../../compiler/core/array.ts";
import { overflowsSingle, singleHelp } from "../../compiler/core/single-precision.ts";
import { badFile, codes, type DataSource, type RawArray, type RawValues, refuseLarge } from "./format.ts";

export function convert(source: DataSource, raw: RawArray): NdArray {
  checkShape(source, raw);
  const dtype = source.declaration.type;
  refuseLarge(source, raw.values.length * { real: 8, int: 4, bool: 1 }[dtype]);
  return { dtype, shape: [...raw.shape], data: converted(source, raw, dtype) };
}

/** `no axes`, `1 axis`, `2 axes`. */
export function countedAxes(count: number): string {
  return count === 0 ? "no axes" : `${count} ${count === 1 ? "axis" : "axes"}`;
}

/** The declaration with so many axes, their sizes named. */
function exampleType({ declaration: { name, type } }: DataSource, axes: number): string {
  const sizes = ["n", "m", "k"].slice(0, axes);
  while (sizes.length < axes) sizes.push(`k${sizes.length}`);
  return `data ${name}: ${type}${axes === 0 ? "" : `[${sizes.join(", ")}]`}`;
}

function checkShape(source: DataSource, raw: RawArray): void {
  const { noun = "the file" } = source;
  const { name, shape, type } = source.declaration;
  const declared = `${type}${shape.length === 0 ? "" : `[${shape.join(", ")}]`}`;
  const found = `[${raw.shape.join(", ")}]`;
  if (raw.shape.length !== shape.length)
    badFile(
      source,
      codes.wrongRank,
      `${name} is declared ${declared}, ${countedAxes(shape.length)}, but ${noun} has shape ${found}.`,
      { help: `Declare it with ${countedAxes(raw.shape.length)}: \`${exampleType(source, raw.shape.length)}\`.` },
    );
  const sizes = new Map<string, number>();
  for (const [axis, wanted] of shape.entries()) {
    const size = raw.shape[axis]!;
    if (typeof wanted === "number" && wanted !== size)
      badFile(source, codes.wrongSize, `${name} is declared ${declared}, but ${noun} has shape ${found}.`, {
        help: `Declare the size it has, ${size}, or a name for it${source.overridden || axis === 0 ? "" : "; `columns` chooses some of the columns"}.`,
      });
    if (typeof wanted !== "string") continue;
    const before = sizes.get(wanted);
    if (before !== undefined && before !== size)
      badFile(
        source,
        codes.wrongSize,
        `${name} is declared ${declared}, so two axes are to be equal, but ${noun} has shape ${found}.`,
      );
    sizes.set(wanted, size);
  }
}

function converted(source: DataSource, raw: RawArray, dtype: DType): NdArray["data"] {
  const { values } = raw;
  switch (dtype) {
    case "real":
      return reals(source, raw);
    case "int": {
      refuse(
        source,
        raw,
        (x) => Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 31,
        codes.notAnInteger,
        (x) => (Number.isInteger(x) ? "does not fit an int, which has 32 bits" : "is not a whole number"),
      );
      return values instanceof Int32Array ? values : Int32Array.from(values);
    }
    case "bool":
      refuse(
        source,
        raw,
        (x) => x === 0 || x === 1,
        codes.notANumber,
        () => "is neither 0 nor 1, true nor false",
      );
      return values instanceof Uint8Array ? values : Uint8Array.from(values);
  }
  return dtype satisfies never;
}

function reals(source: DataSource, raw: RawArray): Float64Array {
  refuse(
    source,
    raw,
    (x) => !Number.isNaN(x),
    codes.missingValue,
    () => "is NaN",
  );
  const { values } = raw;
  if (source.precision === "f32" && !(values instanceof Float32Array))
    refuse(
      source,
      raw,
      (x) => !overflowsSingle(x),
      codes.tooLargeForSingle,
      () => "is too large for f32: its largest number is about 3.4e38",
    );
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** Reports the first entry that does not pass, and how many there are. */
function refuse(
  source: DataSource,
  raw: RawArray,
  passes: (x: number) => boolean,
  code: Parameters<typeof badFile>[1],
  reason: (x: number) => string,
): void {
  const first = findIndex(raw.values, (x) => !passes(x));
  if (first < 0) return;
  const value = raw.values[first]!;
  let others = 0;
  for (let i = first + 1; i < raw.values.length; i++) if (!passes(raw.values[i]!)) others++;
  const what = Number.isNaN(value) ? "is NaN" : `is ${value}, which ${reason(value)}`;
  const { name, type } = source.declaration;
  const help =
    type === "real"
      ? singleHelp
      : `Correct the file, or declare ${name} as ${type === "bool" ? "int or real" : "real"}.`;
  badFile(
    source,
    Number.isNaN(value) ? codes.missingValue : code,
    `${raw.where(first)} ${what}${others > 0 ? `; so ${others === 1 ? "is another" : `are ${others} others`}` : ""}.`,
    { help: Number.isNaN(value) ? "Fill it in, or remove the row: karush computes with no NaN." : help },
  );
}

function findIndex(values: RawValues, test: (x: number) => boolean): number {
  for (let i = 0; i < values.length; i++) if (test(values[i]!)) return i;
  return -1;
}
