/**
 * Builds WebAssembly modules: functions are written instruction by instruction into bytes, and the sections
 * of the module are put around them (WebAssembly Core Specification 2.0, "Binary Format").
 */
import { Bytes } from "./bytes.ts";
import { alignmentOf, type Opcode, opcodes } from "./opcodes.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const valueTypes: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const emptyBlock = 0x40;

export interface MemoryOptions {
  /** Pages of 64 KiB. */
  readonly initial?: number;
  readonly maximum?: number;
  readonly shared?: boolean;
  readonly module?: string;
  readonly name?: string;
}

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function of a module, complete or about to be. */
export interface ModuleFunction extends Signature {
  readonly name: string;
  readonly index: number;
  /** Undefined when it is imported. */
  readonly body: FunctionBuilder | undefined;
  readonly exported: boolean;
}

interface Global {
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly initial: number | bigint;
  readonly exported: string | undefined;
}

export class ModuleBuilder {
  readonly functions: ModuleFunction[] = [];
  readonly #types: Signature[] = [];
  readonly #typeNumbers = new Map<string, number>();
  readonly #functionImports: { module: string; name: string; type: number }[] = [];
  readonly #globals: Global[] = [];
  readonly #data: { offset: number; bytes: Uint8Array }[] = [];
  memory: Required<MemoryOptions> | undefined;

  /** The one memory is the host's. A shared one needs a maximum. */
  importMemory(options: MemoryOptions = {}): void {
    const maximum = options.maximum ?? 65536;
    this.memory = { initial: 1, shared: false, module: "env", name: "memory", ...options, maximum };
  }

  /** A function of the host; these come before all others. Returns its index. */
  importFunction(
    module: string,
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
  ): number {
    const index = this.functions.length;
    if (index > this.#functionImports.length) throw new Error("internal error: imports come before functions");
    this.#functionImports.push({ module, name, type: this.#type(parameters, results) });
    this.functions.push({ name, index, parameters, results, body: undefined, exported: false });
    return index;
  }

  /**
   * Adds a function and returns its index. `build` may add further functions, and call this one, whose index is
   * then `functions.length - 1` as it starts.
   */
  addFunction(
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    build: (f: FunctionBuilder) => void,
    options: { readonly export?: boolean } = {},
  ): number {
    const index = this.functions.length;
    const body = new FunctionBuilder(parameters);
    this.functions.push({ name, index, parameters, results, body, exported: options.export ?? false });
    this.#type(parameters, results);
    build(body);
    if (body.depth !== 0) throw new Error(`internal error: a block of ${name} is not closed`);
    return index;
  }

  /** Returns the index of a new global. */
  addGlobal(
    type: ValueType,
    initial: number | bigint,
    options: { readonly mutable?: boolean; readonly export?: string } = {},
  ): number {
    this.#globals.push({ type, initial, mutable: options.mutable ?? true, exported: options.export });
    return this.#globals.length - 1;
  }

  /** Bytes to write at an address whenever the module is instantiated: not for memory that threads share. */
  addData(offset: number, bytes: Uint8Array): void {
    this.#data.push({ offset, bytes });
  }

  #type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join(" ")}:${results.join(" ")}`;
    let found = this.#typeNumbers.get(key);
    if (found === undefined) {
      found = this.#types.length;
      this.#types.push({ parameters, results });
      this.#typeNumbers.set(key, found);
    }
    return found;
  }

  /** The module as bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new Bytes(1 << 16);
    out.bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const defined = this.functions.filter((f) => f.body !== undefined);
    this.#section(out, 1, this.#types, (s, { parameters, results }) => {
      s.byte(0x60);
      for (const types of [parameters, results]) {
        s.unsigned(types.length);
        for (const t of types) s.byte(valueTypes[t]);
      }
    });
    this.#imports(out);
    this.#section(out, 3, defined, (s, f) => s.unsigned(this.#type(f.parameters, f.results)));
    this.#section(out, 6, this.#globals, (s, { type, mutable, initial }) => {
      s.byte(valueTypes[type]);
      s.byte(mutable ? 1 : 0);
      writeConstant(s, type, initial);
      s.byte(opcodes.end);
    });
    this.#exports(out);
    this.#section(out, 10, defined, (s, f) => s.block(f.body!.encode()));
    this.#section(out, 11, this.#data, (s, { offset, bytes }) => {
      s.byte(0);
      writeConstant(s, "i32", offset);
      s.byte(opcodes.end);
      s.unsigned(bytes.length);
      s.bytes(bytes);
    });
    this.#names(out);
    return out.written().slice();
  }

  #section<T>(out: Bytes, id: number, items: readonly T[], write: (s: Bytes, item: T) => void): void {
    if (items.length === 0) return;
    const content = new Bytes(1024);
    content.unsigned(items.length);
    for (const item of items) write(content, item);
    out.byte(id);
    out.block(content);
  }

  #imports(out: Bytes): void {
    const writers = this.#functionImports.map(({ module, name, type }) => (s: Bytes) => {
      s.text(module);
      s.text(name);
      s.byte(0);
      s.unsigned(type);
    });
    const memory = this.memory;
    if (memory)
      writers.push((s) => {
        s.text(memory.module);
        s.text(memory.name);
        s.byte(2);
        s.byte(memory.shared ? 3 : 1);
        s.unsigned(memory.initial);
        s.unsigned(memory.maximum);
      });
    this.#section(out, 2, writers, (s, write) => write(s));
  }

  #exports(out: Bytes): void {
    const functions = this.functions.filter((f) => f.exported).map(({ name, index }) => ({ name, kind: 0, index }));
    const globals = this.#globals.flatMap(({ exported }, index) =>
      exported === undefined ? [] : [{ name: exported, kind: 3, index }],
    );
    this.#section(out, 7, [...functions, ...globals], (s, { name, kind, index }) => {
      s.text(name);
      s.byte(kind);
      s.unsigned(index);
    });
  }

  /** What debuggers and profilers call the functions. */
  #names(out: Bytes): void {
    const names = new Bytes(1024);
    names.unsigned(this.functions.length);
    for (const { name, index } of this.functions) {
      names.unsigned(index);
      names.text(name);
    }
    const content = new Bytes(names.length + 16);
    content.text("name");
    content.byte(1);
    content.block(names);
    out.byte(0);
    out.block(content);
  }
}

function writeConstant(out: Bytes, type: ValueType, value: number | bigint): void {
  switch (type) {
    case "i32":
      out.byte(opcodes["i32.const"]);
      out.signed(Number(value));
      return;
    case "i64":
      out.byte(opcodes["i64.const"]);
      out.signed64(BigInt(value));
      return;
    case "f32":
      out.byte(opcodes["f32.const"]);
      out.float32(Number(value));
      return;
    case "f64":
      out.byte(opcodes["f64.const"]);
      out.float64(Number(value));
      return;
    case "v128":
      throw new Error("internal error: a vector is not a number");
  }
}

/** A place to branch to: the number of blocks around the one it names, that one included. */
export type Label = number;

/** Writes the instructions of one function. */
export class FunctionBuilder {
  readonly code = new Bytes();
  readonly locals: ValueType[] = [];
  readonly #parameters: number;
  depth = 0;
  /** Whether the code names other functions, whose numbers are those of one module. */
  calls = false;

  constructor(parameters: readonly ValueType[]) {
    this.#parameters = parameters.length;
  }

  /** Takes the locals and the code of another function, which calls none. */
  takeOver(locals: readonly ValueType[], code: Uint8Array): void {
    this.locals.push(...locals);
    this.code.bytes(code);
  }

  /** The index of a new local, which is zero at first. */
  local(type: ValueType): number {
    this.locals.push(type);
    return this.#parameters + this.locals.length - 1;
  }

  #opcode(name: Opcode): void {
    const code: number = opcodes[name];
    if (code >= 0x100) {
      this.code.byte(code >> 12);
      this.code.unsigned(code & 0xfff);
    } else this.code.byte(code);
  }

  /** An instruction that nothing follows. */
  emit(name: Opcode): void {
    this.#opcode(name);
  }

  /** An access to memory at the address on the stack plus `offset`. */
  memory(name: Opcode, offset = 0, lane?: number): void {
    this.#opcode(name);
    this.code.unsigned(alignmentOf(name));
    this.code.unsigned(offset);
    if (lane !== undefined) this.code.byte(lane);
  }

  lane(name: Opcode, lane: number): void {
    this.#opcode(name);
    this.code.byte(lane);
  }

  /** `lanes`: for each of the 16 bytes, its place in the 32 bytes of both operands. */
  shuffle(lanes: readonly number[]): void {
    this.#opcode("i8x16.shuffle");
    this.code.bytes(lanes);
  }

  get(index: number): void {
    this.code.byte(opcodes["local.get"]);
    this.code.unsigned(index);
  }

  set(index: number): void {
    this.code.byte(opcodes["local.set"]);
    this.code.unsigned(index);
  }

  tee(index: number): void {
    this.code.byte(opcodes["local.tee"]);
    this.code.unsigned(index);
  }

  global(name: "global.get" | "global.set", index: number): void {
    this.#opcode(name);
    this.code.unsigned(index);
  }

  constant(type: ValueType, value: number | bigint): void {
    writeConstant(this.code, type, value);
  }

  i32(value: number): void {
    writeConstant(this.code, "i32", value);
  }

  /** 16 bytes. */
  v128(bytes: ArrayLike<number>): void {
    this.#opcode("v128.const");
    this.code.bytes(bytes);
  }

  call(index: number): void {
    this.calls = true;
    this.code.byte(opcodes.call);
    this.code.unsigned(index);
  }

  /** `memory.copy` or `memory.fill` of the one memory. */
  bulk(name: "memory.copy" | "memory.fill"): void {
    this.#opcode(name);
    this.code.bytes(name === "memory.copy" ? [0, 0] : [0]);
  }

  memorySize(name: "memory.size" | "memory.grow"): void {
    this.#opcode(name);
    this.code.byte(0);
  }

  #block(name: "block" | "loop" | "if", type: ValueType | undefined, body: (label: Label) => void): void {
    this.#opcode(name);
    this.code.byte(type ? valueTypes[type] : emptyBlock);
    this.depth += 1;
    body(this.depth);
    this.depth -= 1;
    this.#opcode("end");
  }

  /** A branch to the label leaves the block. */
  block(body: (label: Label) => void, type?: ValueType): void {
    this.#block("block", type, body);
  }

  /** A branch to the label begins the loop again; otherwise it ends. */
  loop(body: (label: Label) => void): void {
    this.#block("loop", undefined, body);
  }

  /** By the i32 on the stack. */
  if(then: () => void, otherwise?: () => void, type?: ValueType): void {
    this.#block("if", type, () => {
      then();
      if (otherwise) {
        this.#opcode("else");
        otherwise();
      }
    });
  }

  branch(label: Label): void {
    this.#opcode("br");
    this.code.unsigned(this.depth - label);
  }

  /** By the i32 on the stack. */
  branchIf(label: Label): void {
    this.#opcode("br_if");
    this.code.unsigned(this.depth - label);
  }

  /** The locals and the code. */
  encode(): Bytes {
    const out = new Bytes(this.code.length + 64);
    const runs: [number, ValueType][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0] += 1;
      else runs.push([1, type]);
    }
    out.unsigned(runs.length);
    for (const [count, type] of runs) {
      out.unsigned(count);
      out.byte(valueTypes[type]);
    }
    out.bytes(this.code.written());
    out.byte(opcodes.end);
    return out;
  }
}
