/** Prints a module in the text format of WebAssembly, from its bytes, for people to read. */
import type { FunctionBuilder, ModuleBuilder, ModuleFunction, ValueType } from "./encoder.ts";
import { type Immediates, immediatesOf, type Opcode, opcodes } from "./opcodes.ts";

/** The module as text: one function after another, or only those of which `include` holds. */
export function printModule(module: ModuleBuilder, include: (f: ModuleFunction) => boolean = () => true): string {
  const lines = ["(module"];
  const { memory } = module;
  if (memory) {
    const limits = `${memory.initial} ${memory.maximum}${memory.shared ? " shared" : ""}`;
    lines.push(`  (import "${memory.module}" "${memory.name}" (memory ${limits}))`);
  }
  for (const f of module.functions) if (f.body && include(f)) printFunction(lines, module, f, f.body);
  lines.push(")");
  return `${lines.join("\n")}\n`;
}

const list = (word: string, types: readonly ValueType[]) => (types.length === 0 ? "" : ` (${word} ${types.join(" ")})`);

function printFunction(lines: string[], module: ModuleBuilder, f: ModuleFunction, body: FunctionBuilder): void {
  const exported = f.exported ? ` (export "${f.name}")` : "";
  lines.push(`  (func $${identifier(f)}${exported}${list("param", f.parameters)}${list("result", f.results)}`);
  if (body.locals.length > 0) lines.push(`   ${list("local", body.locals)}`);
  const reader = new Reader(body.code.written());
  let indent = 4;
  while (!reader.ended()) {
    const name = reader.opcode();
    if (name === "end" || name === "else") indent -= 2;
    const operands = immediates(reader, immediatesOf(name), module);
    lines.push(`${" ".repeat(indent)}${name}${operands}`);
    if (name === "block" || name === "loop" || name === "if" || name === "else") indent += 2;
  }
  lines.push("  )");
}

const identifier = (f: ModuleFunction) => `${f.name.replace(/[^\w.]/g, "_")}_${f.index}`;

const typeNames: Readonly<Record<number, ValueType>> = { 127: "i32", 126: "i64", 125: "f32", 124: "f64", 123: "v128" };

function immediates(reader: Reader, kind: Immediates, module: ModuleBuilder): string {
  switch (kind) {
    case "none":
      return "";
    case "memory":
    case "memoryLane": {
      reader.unsigned();
      const offset = reader.unsigned();
      const place = offset === 0 ? "" : ` offset=${offset}`;
      return kind === "memory" ? place : `${place} ${reader.byte()}`;
    }
    case "lane":
      return ` ${reader.byte()}`;
    case "shuffle":
      return ` ${Array.from({ length: 16 }, () => reader.byte()).join(" ")}`;
    case "block": {
      const type = typeNames[reader.byte()];
      return type ? ` (result ${type})` : "";
    }
    case "label":
    case "local":
    case "global":
      return ` ${reader.unsigned()}`;
    case "function":
      return ` $${identifier(module.functions[reader.unsigned()]!)}`;
    case "i32":
    case "i64":
      return ` ${reader.signed()}`;
    case "f32":
      return ` ${real(reader.float(4))}`;
    case "f64":
      return ` ${real(reader.float(8))}`;
    case "v128":
      return ` i32x4 ${Array.from({ length: 4 }, () => `0x${reader.word().toString(16).padStart(8, "0")}`).join(" ")}`;
    case "memoryIndex":
      reader.byte();
      return "";
    case "twoMemoryIndices":
      reader.byte();
      reader.byte();
      return "";
  }
}

function real(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "-inf" : "inf";
  return Object.is(x, -0) ? "-0" : String(x);
}

const names = new Map<number, Opcode>(Object.entries(opcodes).map(([name, code]) => [code, name as Opcode] as const));

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  opcode(): Opcode {
    const first = this.byte();
    const code = first >= 0xfc ? (first << 12) | this.unsigned() : first;
    const name = names.get(code);
    if (!name) throw new Error(`internal error: no instruction has the code ${code.toString(16)}`);
    return name;
  }

  unsigned(): number {
    return Number(this.#number(false));
  }

  signed(): bigint {
    return this.#number(true);
  }

  #number(signed: boolean): bigint {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const b = this.byte();
      value |= BigInt(b & 0x7f) << shift;
      shift += 7n;
      if (b < 0x80) return signed ? BigInt.asIntN(Number(shift), value) : value;
    }
  }

  float(width: 4 | 8): number {
    this.#at += width;
    return width === 4 ? this.#view.getFloat32(this.#at - 4, true) : this.#view.getFloat64(this.#at - 8, true);
  }

  word(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }
}
