/**
 * Vectors in memory: neighbouring elements are one access, others are one for each lane; and the few operations
 * that vectors do not have, lane by lane.
 */
import type { Binary, Expression, KernelArray, Load } from "../../kernel/ir.ts";
import type { FunctionContext } from "./context.ts";
import type { Form } from "./forms.ts";
import type { Opcode } from "./opcodes.ts";
import { instruction, type ScalarWriter } from "./scalar.ts";
import type { Lanes } from "./vector.ts";

/** How the place of an element depends on the lane. */
type Pattern = { readonly kind: "affine"; readonly form: Form; readonly step: number } | { readonly kind: "vector" };

export class LaneWriter {
  /** The number of lanes. */
  readonly count: 2 | 4;
  readonly #context: FunctionContext;
  readonly #scalar: ScalarWriter;
  readonly #lanes: Lanes;
  readonly #pushVector: (e: Expression) => void;

  constructor(scalar: ScalarWriter, lanes: Lanes, pushVector: (e: Expression) => void) {
    this.#context = scalar.context;
    this.#scalar = scalar;
    this.#lanes = lanes;
    this.#pushVector = pushVector;
    this.count = scalar.context.precision === "f64" ? 2 : 4;
  }

  #pattern(index: Expression): Pattern {
    const form = this.#context.forms.of(index);
    for (const term of form.terms.keys())
      if (term !== this.#lanes.index && this.#lanes.isVarying(term)) return { kind: "vector" };
    return { kind: "affine", form, step: form.terms.get(this.#lanes.index) ?? 0 };
  }

  /**
   * Pushes the address of the first lane of this copy, or with steps down of the last; returns the offset to it.
   */
  #pushFirst(array: KernelArray, form: Form, step: number): number {
    const { f } = this.#context;
    const size = this.#context.bytesOf(array.kind);
    const further = this.#lanes.copy * this.count * step * size;
    const offset = this.#scalar.addresses.pushForm(array, form);
    if (step >= 0) return offset + further;
    const down = further + (this.count - 1) * step * size;
    f.i32(down);
    f.emit("i32.add");
    return offset;
  }

  /** Where a lane is from the one that `#pushFirst` names. */
  #laneOffset(array: KernelArray, lane: number, step: number): number {
    const place = step >= 0 ? lane * step : (this.count - 1 - lane) * -step;
    return place * this.#context.bytesOf(array.kind);
  }

  /** Pushes the elements of all lanes; bools as ints. */
  load(e: Load): void {
    const { f } = this.#context;
    const pattern = this.#pattern(e.index);
    const bits = 8 * this.#context.bytesOf(e.array.kind);
    if (pattern.kind === "affine" && pattern.step === 1) {
      const offset = this.#pushFirst(e.array, pattern.form, 1);
      f.memory(bits * this.count === 128 ? "v128.load" : "v128.load64_zero", offset);
      return;
    }
    this.#context.temporary("i32", (address) => {
      const offsets = this.#laneAddresses(e.array, e.index, pattern, address);
      this.#context.temporary("v128", (loaded) => {
        for (let lane = 0; lane < this.count; lane++) {
          const offset = offsets(lane);
          if (lane === 0) f.memory(bits === 64 ? "v128.load64_zero" : "v128.load32_zero", offset);
          else {
            f.get(loaded);
            f.memory(bits === 64 ? "v128.load64_lane" : "v128.load32_lane", offset, lane);
          }
          if (lane + 1 < this.count) f.set(loaded);
        }
      });
    });
  }

  /** Writes what the lanes' addresses need; the function returned pushes that of a lane and returns its offset. */
  #laneAddresses(array: KernelArray, index: Expression, pattern: Pattern, address: number): (lane: number) => number {
    const { f } = this.#context;
    if (pattern.kind === "affine") {
      const offset = this.#pushFirst(array, pattern.form, pattern.step);
      f.set(address);
      return (lane) => {
        f.get(address);
        return offset + this.#laneOffset(array, lane, pattern.step);
      };
    }
    const neighbours = this.#neighbours(index);
    if (neighbours)
      return (lane) => {
        f.get(this.#context.pointer(array));
        f.memory("i32.load", neighbours(lane));
        f.i32(Math.log2(this.#context.bytesOf(array.kind)));
        f.emit("i32.shl");
        f.emit("i32.add");
        return 0;
      };
    // Held for as long as the lanes are read: a local of its own.
    const places = f.local("v128");
    this.#pushVector(index);
    f.i32(Math.log2(this.#context.bytesOf(array.kind)));
    f.emit("i32x4.shl");
    f.set(places);
    return (lane) => {
      f.get(this.#context.pointer(array));
      f.get(places);
      f.lane("i32x4.extract_lane", lane);
      f.emit("i32.add");
      return 0;
    };
  }

  /**
   * Ints that lie side by side in memory are loaded one by one where each is wanted by itself: taking vectors apart costs
   * more. The function returned pushes the address of that of a lane and returns its offset.
   */
  #neighbours(index: Expression): ((lane: number) => number) | undefined {
    if (index.op !== "load" || index.kind !== "int") return undefined;
    const pattern = this.#pattern(index.index);
    if (pattern.kind !== "affine" || pattern.step !== 1) return undefined;
    return (lane) => this.#pushFirst(index.array, pattern.form, 1) + this.#laneOffset(index.array, lane, 1);
  }

  /** Stores to the elements of all lanes what `pushValue` pushes; bools as ints. */
  store(array: KernelArray, index: Expression, pushValue: () => void): void {
    const { f } = this.#context;
    const pattern = this.#pattern(index);
    const bits = 8 * this.#context.bytesOf(array.kind);
    if (pattern.kind === "affine" && pattern.step === 1) {
      const offset = this.#pushFirst(array, pattern.form, 1);
      pushValue();
      if (bits * this.count === 128) f.memory("v128.store", offset);
      else f.memory("v128.store64_lane", offset, 0);
      return;
    }
    this.#context.temporary("v128", (value) => {
      pushValue();
      f.set(value);
      this.#context.temporary("i32", (address) => {
        const offsets = this.#laneAddresses(array, index, pattern, address);
        for (let lane = 0; lane < this.count; lane++) {
          const offset = offsets(lane);
          f.get(value);
          f.memory(bits === 64 ? "v128.store64_lane" : "v128.store32_lane", offset, lane);
        }
      });
    });
  }

  /** Pushes an operation on each lane of ints, or a shift of bits by varying amounts. */
  binary(e: Binary): void {
    const { f } = this.#context;
    const type = this.#context.typeOf(e.a.kind) as "i32" | "i64";
    const shape = type === "i64" ? "i64x2" : "i32x4";
    const [a, b, result] = [f.local("v128"), f.local("v128"), f.local("v128")];
    this.#pushVector(e.a);
    f.set(a);
    this.#pushVector(e.b);
    f.set(b);
    for (let lane = 0; lane < this.count; lane++) {
      if (lane > 0) f.get(result);
      f.get(a);
      f.lane(`${shape}.extract_lane`, lane);
      f.get(b);
      f.lane("i32x4.extract_lane", lane);
      if (type === "i64") f.emit("i64.extend_i32_u");
      f.emit(`${type}.${instruction(e, false)}` as Opcode);
      if (lane === 0) f.emit(`${shape}.splat`);
      else f.lane(`${shape}.replace_lane`, lane);
      if (lane + 1 < this.count) f.set(result);
    }
  }
}
