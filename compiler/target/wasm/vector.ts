/**
 * Writes expressions of as many values as a 128-bit vector has reals: 4 f32 or 2 f64. With f64, ints are the low
 * two of four lanes, and whatever is in the others counts for nothing. Bools are masks, all bits of a lane, as
 * wide as what they came from: a real (or bits) or an int; with f32 that is the same.
 */
import type { Binary, Call, Expression, Kind, Load, Local, Select, Unary, UnaryName } from "../../kernel/ir.ts";
import type { FunctionContext } from "./context.ts";
import { LaneWriter } from "./lanes.ts";
import type { Opcode } from "./opcodes.ts";
import { instruction, type ScalarWriter } from "./scalar.ts";
import type { Varying } from "./vectorize.ts";

export type MaskWidth = "real" | "int";

/** The loop whose iterations are the lanes. */
export interface Lanes extends Varying {
  readonly index: Local;
  /** Which of the vectors of one step is being written: its iterations come `copy` vectors later. */
  readonly copy: number;
  /** Where the accumulators of this copy are. */
  readonly accumulators: ReadonlyMap<number, number>;
  /** Where it is noted that all lanes were usual so far, if the loop can run again for those that are not. */
  readonly usual: number | undefined;
}

export class VectorWriter {
  readonly #context: FunctionContext;
  readonly #scalar: ScalarWriter;
  readonly #lanes: Lanes;
  readonly #each: LaneWriter;

  constructor(scalar: ScalarWriter, lanes: Lanes) {
    this.#context = scalar.context;
    this.#scalar = scalar;
    this.#lanes = lanes;
    this.#each = new LaneWriter(scalar, lanes, (e) => this.push(e));
  }

  /** Where the vector of a local is. */
  place(local: Local): number {
    return this.#lanes.accumulators.get(local.id) ?? this.#context.vector(local);
  }

  /** Pushes a vector; a bool as a mask as wide as reals. */
  push(e: Expression): void {
    if (e.kind === "bool") this.pushMask(e, "real");
    else if (!this.#lanes.isVarying(e)) this.#splat(e);
    else this.#varying(e);
  }

  #splat(e: Expression): void {
    const { f, precision } = this.#context;
    if (e.op === "constant") {
      f.v128(constantBytes(e.kind, e.value, this.#context.typeOf(e.kind)));
      return;
    }
    this.#scalar.push(e);
    f.emit(`${shapeOf(e.kind, precision)}.splat`);
  }

  #varying(e: Expression): void {
    const { f } = this.#context;
    switch (e.op) {
      case "local":
        if (e === this.#lanes.index) this.#index();
        else f.get(this.place(e));
        return;
      case "load":
        this.#each.load(e);
        return;
      case "unary":
        this.#unary(e);
        return;
      case "binary":
        this.#binary(e);
        return;
      case "select":
        this.push(e.a);
        this.push(e.b);
        this.pushMask(e.condition, e.kind === "int" ? "int" : "real");
        f.emit("v128.bitselect");
        return;
      case "call":
        this.#exceptional(e);
        return;
      default:
        throw new Error(`internal error: ${e.op} in a vector`);
    }
  }

  /** The usual values, and a note if some are not; where notes do not help, a call for each lane of such a vector. */
  #exceptional(e: Call): void {
    const { f, precision } = this.#context;
    const [isUsual, usual, ...rest] = e.arguments as readonly [Expression, Expression, ...Expression[]];
    if (this.#lanes.usual !== undefined) {
      this.pushMask(isUsual, "real");
      f.get(this.#lanes.usual);
      f.emit("v128.and");
      f.set(this.#lanes.usual);
      this.push(usual);
      return;
    }
    const shape = precision === "f64" ? "f64x2" : "f32x4";
    const [values, mask] = [f.local("v128"), f.local("v128")];
    this.push(usual);
    f.set(values);
    this.pushMask(isUsual, "real");
    f.tee(mask);
    f.emit("i32x4.all_true");
    f.emit("i32.eqz");
    f.if(() => {
      const others = rest.map((argument) => {
        const place = f.local("v128");
        this.push(argument);
        f.set(place);
        return place;
      });
      for (let lane = 0; lane < this.#each.count; lane++) {
        f.get(values);
        f.get(mask);
        f.lane("i32x4.extract_lane", precision === "f64" ? 2 * lane : lane);
        f.i32(1);
        f.emit("i32.and");
        for (const place of [values, ...others]) {
          f.get(place);
          f.lane(`${shape}.extract_lane`, lane);
        }
        f.call(this.#context.functions.scalar(e.function));
        f.lane(`${shape}.replace_lane`, lane);
        f.set(values);
      }
    });
    f.get(values);
  }

  #index(): void {
    const { f } = this.#context;
    f.get(this.#context.scalar(this.#lanes.index));
    f.emit("i32x4.splat");
    const first = this.#lanes.copy * this.#each.count;
    f.v128(new Uint8Array(Int32Array.from({ length: 4 }, (_, lane) => first + lane).buffer));
    f.emit("i32x4.add");
  }

  #unary(e: Unary): void {
    const { f, precision } = this.#context;
    if (e.a.kind === "bool") {
      // toReal and toInt: the bits of one where the mask is.
      this.pushMask(e.a, e.kind === "int" ? "int" : "real");
      f.v128(constantBytes(e.kind, 1, this.#context.typeOf(e.kind)));
      f.emit("v128.and");
      return;
    }
    this.push(e.a);
    const code = unaryInstruction(e.name, shapeOf(e.a.kind, precision), precision === "f64");
    if (code === "narrow") this.#narrow();
    else if (code) f.emit(code);
  }

  #binary(e: Binary): void {
    const { f, precision } = this.#context;
    const isReal = e.a.kind === "real";
    if (isReal && this.#limit(e)) return;
    if (e.a.kind === "int" && (e.name === "div" || e.name === "rem")) {
      this.#each.binary(e);
      return;
    }
    if (e.name === "shl" || e.name === "shr" || e.name === "sar") {
      if (this.#lanes.isVarying(e.b)) {
        this.#each.binary(e);
        return;
      }
      this.push(e.a);
      this.#scalar.push(e.b);
    } else {
      this.push(e.a);
      this.push(e.b);
    }
    if (e.name === "and" || e.name === "or" || e.name === "xor") {
      f.emit(`v128.${e.name}`);
      return;
    }
    const name = instruction(e, isReal);
    const signed = !isReal && (name === "min" || name === "max") ? `${name}_s` : name;
    f.emit(`${shapeOf(e.a.kind, precision)}.${signed}` as Opcode);
  }

  /**
   * `min` and `max` with a constant, where the instructions for them that do not care about NaN and the sign of
   * zero, `pmin` and `pmax`, do the same: they give their first operand when it is NaN or equal to the second.
   * Engines need one machine instruction for those, about seven for others.
   */
  #limit({ name, a, b }: Binary): boolean {
    if (name !== "min" && name !== "max") return false;
    const [x, limit] = a.op === "constant" ? [b, a] : [a, b];
    if (limit.op !== "constant" || x.op === "constant" || Number.isNaN(limit.value)) return false;
    const value = Number(limit.value);
    if (Object.is(value, -0) && name === "min") return false;
    const { f } = this.#context;
    const shape = this.#context.precision === "f64" ? "f64x2" : "f32x4";
    this.push(x);
    this.#splat(limit);
    f.emit(`${shape}.p${name}`);
    if (Object.is(value, 0) && name === "max") {
      // The larger of -0 and 0 is 0.
      this.#splat(limit);
      f.emit(`${shape}.add`);
    }
    return true;
  }

  /** Pushes a bool as a mask. */
  pushMask(e: Expression, width: MaskWidth): void {
    if (!this.#lanes.isVarying(e)) {
      this.#splatMask(e, width);
      return;
    }
    const natural = this.#widthOf(e);
    this.#mask(e, natural);
    if (natural === "int" && width === "real") this.#context.f.emit("i64x2.extend_low_i32x4_s");
    if (natural === "real" && width === "int") this.#narrow();
  }

  #splatMask(e: Expression, width: MaskWidth): void {
    const { f, precision } = this.#context;
    f.i32(0);
    this.#scalar.push(e);
    f.emit("i32.sub");
    if (width === "real" && precision === "f64") {
      f.emit("i64.extend_i32_s");
      f.emit("i64x2.splat");
    } else f.emit("i32x4.splat");
  }

  /** As wide as its parts come, if they agree. */
  #widthOf(e: Expression): MaskWidth {
    if (this.#context.precision === "f32") return "real";
    if (!this.#lanes.isVarying(e)) return "int";
    switch (e.op) {
      case "load":
        return "int";
      case "unary":
        return this.#widthOf(e.a);
      case "binary":
        if (e.a.kind !== "bool") return e.a.kind === "int" ? "int" : "real";
        return this.#widthOf(e.a) === this.#widthOf(e.b) ? this.#widthOf(e.a) : "real";
      case "select":
        return this.#widthOf(e.a) === this.#widthOf(e.b) ? this.#widthOf(e.a) : "real";
      default:
        return "real";
    }
  }

  #mask(e: Expression, width: MaskWidth): void {
    const { f, precision } = this.#context;
    switch (e.op) {
      case "local":
        f.get(this.place(e));
        return;
      case "load":
        this.#loadMask(e);
        return;
      case "unary":
        this.pushMask(e.a, width);
        f.emit("v128.not");
        return;
      case "select":
        this.#selectMask(e, width);
        return;
      case "binary":
        if (e.a.kind === "bool") {
          this.pushMask(e.a, width);
          this.pushMask(e.b, width);
          f.emit(e.name === "and" || e.name === "or" ? `v128.${e.name}` : "v128.xor");
          if (e.name === "eq") f.emit("v128.not");
          return;
        }
        this.push(e.a);
        this.push(e.b);
        f.emit(`${shapeOf(e.a.kind, precision)}.${instruction(e, e.a.kind === "real")}` as Opcode);
        return;
      default:
        throw new Error(`internal error: ${e.op} in a mask`);
    }
  }

  #selectMask(e: Select, width: MaskWidth): void {
    this.pushMask(e.a, width);
    this.pushMask(e.b, width);
    this.pushMask(e.condition, width);
    this.#context.f.emit("v128.bitselect");
  }

  #loadMask(e: Load): void {
    const { f } = this.#context;
    this.#each.load(e);
    f.v128(new Uint8Array(16));
    f.emit("i32x4.ne");
  }

  /** The low halves of two 64-bit lanes. */
  #narrow(): void {
    const { f, precision } = this.#context;
    if (precision === "f32") return;
    this.#context.temporary("v128", (wide) => {
      f.tee(wide);
      f.get(wide);
      f.shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    });
  }

  /** Stores the lanes of a value. */
  store(index: Expression, store: { readonly array: Load["array"]; readonly value: Expression }): void {
    this.#each.store(store.array, index, () => {
      if (store.value.kind !== "bool") this.push(store.value);
      else {
        this.pushMask(store.value, "int");
        this.#context.f.v128(constantBytes("int", 1, "i32"));
        this.#context.f.emit("v128.and");
      }
    });
  }
}

export function shapeOf(kind: Kind, precision: "f64" | "f32"): "f64x2" | "f32x4" | "i64x2" | "i32x4" {
  if (kind === "real") return precision === "f64" ? "f64x2" : "f32x4";
  return kind === "bits" && precision === "f64" ? "i64x2" : "i32x4";
}

function unaryInstruction(name: UnaryName, shape: string, isDouble: boolean): Opcode | "narrow" | undefined {
  switch (name) {
    case "not":
      return "v128.not";
    case "toReal":
      return isDouble ? "f64x2.convert_low_i32x4_s" : "f32x4.convert_i32x4_s";
    case "toInt":
      return isDouble ? "i32x4.trunc_sat_f64x2_s_zero" : "i32x4.trunc_sat_f32x4_s";
    case "bitsOf":
    case "realOf":
      return undefined;
    case "intToBits":
      return isDouble ? "i64x2.extend_low_i32x4_u" : undefined;
    case "bitsToInt":
      return "narrow";
    default:
      return `${shape}.${name}` as Opcode;
  }
}

/** A number in all lanes. */
export function constantBytes(kind: Kind, value: number | bigint, type: "f64" | "f32" | "i64" | "i32"): Uint8Array {
  switch (type) {
    case "f64":
      return new Uint8Array(new Float64Array(2).fill(Number(value)).buffer);
    case "f32":
      return new Uint8Array(new Float32Array(4).fill(Number(value)).buffer);
    case "i64":
      return new Uint8Array(new BigInt64Array(2).fill(BigInt.asIntN(64, BigInt(value))).buffer);
    case "i32": {
      const word = kind === "bits" ? Number(BigInt.asIntN(32, BigInt(value))) : Number(value);
      return new Uint8Array(new Int32Array(4).fill(word).buffer);
    }
  }
}
