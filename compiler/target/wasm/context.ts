/** What the writers of one function share: its instructions, and where locals and arrays are. */
import type { KernelArray, Kind, Local, Loop, Precision, ScalarFunction, While } from "../../kernel/ir.ts";
import { elementBytes } from "../../kernel/plan.ts";
import type { FunctionBuilder, ValueType } from "./encoder.ts";
import type { Forms } from "./forms.ts";
import type { Outlined } from "./outline.ts";

/** Adds further functions to the module. */
export interface Functions {
  /** The index of the function that a scalar function has become. */
  scalar(f: ScalarFunction): number;
  /** A function that runs a loop. */
  loop(s: Loop | While): Outlined;
}

export class FunctionContext {
  readonly f: FunctionBuilder;
  readonly precision: Precision;
  readonly forms: Forms;
  readonly functions: Functions;
  /** The parameters that hold the addresses of arrays. */
  readonly pointers = new Map<number, number>();
  readonly #scalars = new Map<number, number>();
  readonly #vectors = new Map<number, number>();
  readonly #free: Partial<Record<ValueType, number[]>> = {};

  constructor(f: FunctionBuilder, precision: Precision, forms: Forms, functions: Functions) {
    this.f = f;
    this.precision = precision;
    this.forms = forms;
    this.functions = functions;
  }

  /** The type of reals, and of instructions on them. */
  get real(): "f64" | "f32" {
    return this.precision;
  }

  typeOf(kind: Kind): "f64" | "f32" | "i64" | "i32" {
    return typeOf(kind, this.precision);
  }

  bytesOf(kind: KernelArray["kind"]): number {
    return elementBytes(kind, this.precision);
  }

  pointer(array: KernelArray): number {
    const found = this.pointers.get(array.id);
    if (found === undefined) throw new Error(`internal error: the array ${array.name} is no parameter of the kernel`);
    return found;
  }

  /** Where a parameter of the function is. */
  place(local: Local, index: number): void {
    this.#scalars.set(local.id, index);
  }

  /** Where a local is as one value. */
  scalar(local: Local): number {
    return this.#place(this.#scalars, local, this.typeOf(local.kind));
  }

  /** Where a local is as a vector of values. */
  vector(local: Local): number {
    return this.#place(this.#vectors, local, "v128");
  }

  #place(places: Map<number, number>, local: Local, type: ValueType): number {
    let found = places.get(local.id);
    if (found === undefined) {
      found = this.f.local(type);
      places.set(local.id, found);
    }
    return found;
  }

  /** A local to use for a moment: `use` may not leave it in code that runs later. */
  temporary(type: ValueType, use: (index: number) => void): void {
    this.#free[type] ??= [];
    const index = this.#free[type].pop() ?? this.f.local(type);
    use(index);
    this.#free[type].push(index);
  }
}

export function typeOf(kind: Kind, precision: Precision): "f64" | "f32" | "i64" | "i32" {
  if (kind === "real") return precision;
  return kind === "bits" && precision === "f64" ? "i64" : "i32";
}
