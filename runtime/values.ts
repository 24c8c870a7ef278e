/** Between JavaScript's values and karush's: what goes into a program, and what comes out. */
import { type ArrayData, type DType, type NdArray, sizeOf } from "../compiler/core/array.ts";
import { fetchArrays, isElsewhere, RemoteArray } from "../compiler/core/remote-array.ts";
import type { ArrayValue, ScalarType, Value } from "../compiler/program.ts";
import { type Json, jsonValue } from "./show/json.ts";
import { statusName, userShape } from "./show/values.ts";

/** Nested lists of numbers or booleans. */
export type Nested = number | boolean | readonly Nested[];
export type TypedArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;
/** A typed array with its shape, in row-major order. */
export interface Shaped {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}
/** What may be given where karush wants a value. An object is a named tuple. */
export type Input = Nested | TypedArray | Shaped | Tensor | { readonly [field: string]: Input };
/** What comes back: numbers for scalars, words for statuses, tensors for arrays, objects and lists for tuples. */
export type Output = number | boolean | string | Tensor | readonly Output[] | { readonly [field: string]: Output };

/** An array of a program. It stays where it was computed until `data` is awaited; dispose of it, or say `using`. */
export class Tensor {
  readonly shape: readonly number[];
  readonly dtype: ScalarType;
  #value: ArrayValue | undefined;

  constructor(value: ArrayValue) {
    this.#value = value;
    this.shape = userShape(value);
    this.dtype = value.type;
  }

  /** The value inside; for the runtime. */
  get value(): ArrayValue {
    if (this.#value === undefined) throw new Error("This tensor was disposed of, so its numbers are gone.");
    return this.#value;
  }

  /** A copy of the numbers, row-major. Keys are pairs of words. */
  async data(): Promise<ArrayData> {
    const { array } = this.value;
    await fetchArrays([array]);
    return array.data.slice();
  }

  /**
   * Nested lists; infinities stay numbers. Nothing can be waited for here: a tensor that is on a device is to be read by
   * `data` before.
   */
  toArray(): Json {
    const { value } = this;
    if (isElsewhere(value.array))
      throw new Error("The numbers of this tensor are on the device: `await` its `data()` before `toArray()`.");
    return value.type === "real" || value.type === "int" ? nested(value.array.data, this.shape, 0) : jsonValue(value);
  }

  dispose(): void {
    if (this.#value?.array instanceof RemoteArray) this.#value.array.release();
    this.#value = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function nested(data: ArrayData, shape: readonly number[], offset: number): Json {
  if (shape.length === 0) return data[offset]!;
  const [n = 0, ...rest] = shape;
  const stride = sizeOf(rest);
  return Array.from({ length: n }, (_, i) => nested(data, rest, offset + i * stride));
}

/** A value from what a caller gave. Throws a TypeError that names the place in it. */
export function toValue(input: Input, path: string): Value {
  if (input instanceof Tensor) return input.value;
  if (isArrayInput(input, path)) {
    const array = toArray(input, path);
    return { kind: "array", type: array.dtype, array };
  }
  const names = Object.keys(input);
  return { kind: "tuple", names, items: names.map((name) => toValue(input[name]!, `${path}.${name}`)) };
}

/** An array from what a caller gave, where no tuple is possible. */
export function toArray(input: Input, path: string): NdArray {
  if (input instanceof Tensor) return input.value.array;
  if (!isArrayInput(input, path)) throw new TypeError(`${path} is to be a number or an array, not an object.`);
  if (ArrayBuffer.isView(input)) return fromTyped(input, [input.length], path);
  if (typeof input === "object" && "data" in input) return fromTyped(input.data, input.shape, path);
  return fromNested(input, path);
}

/** Brings tensors here that are on a device, for those that read inputs at once. */
export async function fetchInputs(inputs: readonly (Input | undefined)[]): Promise<void> {
  await fetchArrays(inputs.flatMap((input) => (input instanceof Tensor ? [input.value.array] : [])));
}

/** The tensors of what came back, in order. */
export function tensorsOf(output: Output): Tensor[] {
  if (output instanceof Tensor) return [output];
  return typeof output === "object" ? Object.values(output).flatMap(tensorsOf) : [];
}

function isArrayInput(input: Input, path: string): input is Nested | TypedArray | Shaped {
  if (input === null || input === undefined) throw new TypeError(`${path} is missing: its value is ${input}.`);
  if (typeof input === "number" || typeof input === "boolean" || Array.isArray(input) || ArrayBuffer.isView(input))
    return true;
  // Dates, maps, functions and the like have no fields either, and would pass for an empty tuple.
  if (Object.prototype.toString.call(input) !== "[object Object]")
    throw new TypeError(
      `${path} is ${described(input)}: karush takes numbers, booleans, lists, typed arrays and objects.`,
    );
  // A tuple may have a field named data; a typed array with a shape beside it is meant as an array.
  return typeof input === "object" && "data" in input && "shape" in input && ArrayBuffer.isView(input.data);
}

/** What is no value of karush, in words. */
function described(input: unknown): string {
  if (typeof input === "string")
    return `the string ${JSON.stringify(input.length <= 40 ? input : `${input.slice(0, 37)}...`)}`;
  if (typeof input === "bigint") return `the BigInt ${input}n`;
  if (typeof input === "function") return "a function";
  const kind = Object.prototype.toString.call(input).slice("[object ".length, -1);
  return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** The typed arrays whose numbers are numbers. */
const typedArrays = [
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
];

function fromTyped(data: TypedArray, shape: readonly number[], path: string): NdArray {
  if (!typedArrays.some((kind) => data instanceof kind))
    throw new TypeError(
      `${path} is ${described(data)}: karush takes ${typedArrays.map((kind) => kind.name).join(", ")}.`,
    );
  if (!Array.isArray(shape)) throw new TypeError(`The shape of ${path} is a list of sizes, not ${described(shape)}.`);
  if (sizeOf(shape) !== data.length || shape.some((n) => !Number.isInteger(n) || n < 0))
    throw new TypeError(
      `${path} has ${data.length} numbers, but its shape [${shape.join(", ")}] needs ${sizeOf(shape)}.`,
    );
  const isReal = data instanceof Float64Array || data instanceof Float32Array;
  // Copied: a caller that goes on using its array must not change a program's constants.
  if (isReal) return { dtype: "real", shape: [...shape], data: Float64Array.from(data) };
  const fits = !(data instanceof Uint32Array) || data.every((x) => x < 2 ** 31);
  return fits
    ? { dtype: "int", shape: [...shape], data: Int32Array.from(data) }
    : { dtype: "real", shape: [...shape], data: Float64Array.from(data) };
}

function fromNested(input: Nested, path: string): NdArray {
  const shape: number[] = [];
  for (let at: Nested | undefined = input; Array.isArray(at); at = (at as readonly Nested[])[0])
    shape.push((at as readonly Nested[]).length);
  const numbers: number[] = [];
  let booleans = 0;
  const visit = (item: Nested, depth: number, place: string) => {
    if (Array.isArray(item)) {
      if (item.length !== shape[depth])
        throw new TypeError(
          `${place} has ${item.length} entries where ${shape[depth] ?? "a number"} ${depth < shape.length ? "are" : "is"} expected.`,
        );
      for (const [i, inner] of item.entries()) visit(inner, depth + 1, `${place}[${i}]`);
      return;
    }
    if (depth !== shape.length) throw new TypeError(`${place} is no list, but others beside it are.`);
    if (typeof item === "boolean") booleans++;
    else if (typeof item !== "number")
      throw new TypeError(
        `${place} is ${typeof item === "string" || item === null ? JSON.stringify(item) : described(item)}, not a number.`,
      );
    numbers.push(Number(item));
  };
  visit(input, 0, path);
  if (booleans > 0 && booleans < numbers.length) throw new TypeError(`${path} mixes booleans and numbers.`);
  const dtype: DType = booleans > 0 ? "bool" : numbers.every(isInt) ? "int" : "real";
  const data =
    dtype === "bool"
      ? Uint8Array.from(numbers)
      : dtype === "int"
        ? Int32Array.from(numbers)
        : Float64Array.from(numbers);
  return { dtype, shape, data };
}

/** A whole number is an int: ints become reals where those are wanted, and never the other way. */
function isInt(x: number): boolean {
  return Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 31 && !Object.is(x, -0);
}

/** What a caller gets for a value. */
export function toOutput(value: Value): Output {
  if (value.kind === "tuple") {
    const items = value.items.map(toOutput);
    return value.names ? Object.fromEntries(value.names.map((name, i) => [name, items[i]!])) : items;
  }
  if (userShape(value).length > 0 || value.type === "key") return new Tensor(value);
  const entry = value.array.data[0]!;
  if (value.type === "bool") return entry !== 0;
  return value.type === "status" ? statusName(entry) : entry;
}
