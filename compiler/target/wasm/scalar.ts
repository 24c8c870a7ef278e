/** Writes expressions of one value each. Each pushes its value; bools are i32 0 or 1. */
import type { Binary, Call, Expression, Select, Unary } from "../../kernel/ir.ts";
import { Addresses } from "./addresses.ts";
import type { FunctionContext } from "./context.ts";
import type { Opcode } from "./opcodes.ts";

export class ScalarWriter {
  readonly context: FunctionContext;
  readonly addresses: Addresses;

  constructor(context: FunctionContext) {
    this.context = context;
    this.addresses = new Addresses(context, (e) => this.push(e));
  }

  push(e: Expression): void {
    const { f } = this.context;
    switch (e.op) {
      case "constant":
        f.constant(this.context.typeOf(e.kind), e.kind === "bool" ? Number(e.value !== 0) : e.value);
        return;
      case "local":
        f.get(this.context.scalar(e));
        return;
      case "load": {
        const offset = this.addresses.push(e.array, e.index);
        f.memory(`${this.context.typeOf(e.kind)}.load`, offset);
        return;
      }
      case "unary":
        this.#unary(e);
        return;
      case "binary":
        this.#binary(e);
        return;
      case "select":
        this.#select(e);
        return;
      case "call":
        this.#call(e);
        return;
    }
  }

  #unary(e: Unary): void {
    const { f, real } = this.context;
    const from = this.context.typeOf(e.a.kind);
    const isReal = e.a.kind === "real";
    if (e.name === "neg" && !isReal) {
      f.constant(from, 0);
      this.push(e.a);
      f.emit(`${from as "i32"}.sub`);
      return;
    }
    this.push(e.a);
    switch (e.name) {
      case "neg":
      case "abs":
      case "sqrt":
      case "floor":
      case "ceil":
      case "trunc":
      case "nearest":
        f.emit(`${real}.${e.name}`);
        return;
      case "not":
        if (e.a.kind === "bool") {
          f.emit("i32.eqz");
          return;
        }
        f.constant(from, -1);
        f.emit(`${from as "i32"}.xor`);
        return;
      case "toReal":
        f.emit(`${real}.convert_i32_s`);
        return;
      case "toInt":
        if (isReal) f.emit(`i32.trunc_sat_${real}_s`);
        return;
      case "bitsOf":
        f.emit(real === "f64" ? "i64.reinterpret_f64" : "i32.reinterpret_f32");
        return;
      case "realOf":
        f.emit(real === "f64" ? "f64.reinterpret_i64" : "f32.reinterpret_i32");
        return;
      case "intToBits":
        if (real === "f64") f.emit("i64.extend_i32_u");
        return;
      case "bitsToInt":
        if (real === "f64") f.emit("i32.wrap_i64");
        return;
    }
  }

  #binary(e: Binary): void {
    const { f } = this.context;
    const type = this.context.typeOf(e.a.kind);
    if ((e.name === "min" || e.name === "max") && e.a.kind === "int") {
      this.#smallerOrLarger(e);
      return;
    }
    this.push(e.a);
    this.push(e.b);
    if (type === "i64" && (e.name === "shl" || e.name === "shr" || e.name === "sar")) f.emit("i64.extend_i32_u");
    f.emit(`${type}.${instruction(e, e.a.kind === "real")}` as Opcode);
  }

  #smallerOrLarger(e: Binary): void {
    const { f } = this.context;
    this.context.temporary("i32", (a) => {
      this.push(e.a);
      f.set(a);
      this.context.temporary("i32", (b) => {
        this.push(e.b);
        f.set(b);
        f.get(a);
        f.get(b);
        f.get(a);
        f.get(b);
        f.emit(e.name === "min" ? "i32.lt_s" : "i32.gt_s");
        f.emit("select");
      });
    });
  }

  /** Sides that cost more than a wrong guess of a branch are only computed when they are taken. */
  #select(e: Select): void {
    const { f } = this.context;
    if (costOf(e.a, 30) + costOf(e.b, 30) > 30) {
      this.push(e.condition);
      f.if(
        () => this.push(e.a),
        () => this.push(e.b),
        this.context.typeOf(e.kind),
      );
      return;
    }
    this.push(e.a);
    this.push(e.b);
    this.push(e.condition);
    f.emit("select");
  }

  #call(e: Call): void {
    for (const a of e.arguments) this.push(a);
    this.context.f.call(this.context.functions.scalar(e.function));
  }
}

/** The name of a binary operation after the type. */
export function instruction({ name }: Binary, isReal: boolean): string {
  switch (name) {
    case "sar":
      return "shr_s";
    case "shr":
      return "shr_u";
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "div":
    case "rem":
      return isReal ? name : `${name}_s`;
    default:
      return name;
  }
}

/** About how many instructions an expression takes; not counted further than `limit`. */
export function costOf(e: Expression, limit: number): number {
  switch (e.op) {
    case "constant":
    case "local":
      return 0;
    case "load":
      return 2;
    case "unary":
      return (e.name === "sqrt" ? 8 : 1) + (limit > 0 ? costOf(e.a, limit - 1) : 0);
    case "binary": {
      const own = e.name === "div" || e.name === "rem" ? 8 : 1;
      if (limit <= 0) return own;
      const first = costOf(e.a, limit - own);
      return own + first + costOf(e.b, limit - own - first);
    }
    case "select":
      return 1 + [e.condition, e.a, e.b].reduce((sum, part) => sum + (sum > limit ? 0 : costOf(part, limit - sum)), 0);
    case "call":
      if (!e.function.isExceptional) return 40;
      return 2 + e.arguments.reduce((sum, part) => sum + (sum > limit ? 0 : costOf(part, limit - sum)), 0);
  }
}
