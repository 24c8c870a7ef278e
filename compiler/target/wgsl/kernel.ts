/**
 * Prints a kernel as a WGSL compute shader: one invocation for each iteration of its grid. Arrays are parts of a few
 * large buffers, the arenas; where they start comes from a uniform, so that equal kernels share a pipeline wherever
 * their arrays are. Which arena each array lives in is part of the text.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Expression, Kernel, KernelArray, ScalarFunction, Statement } from "../../kernel/ir.ts";
import { prepare, prepareFunction } from "../../kernel/prepare.ts";
import type { Span } from "../../syntax/tree.ts";
import { flatGrid } from "./flatten.ts";
import { foldConstants, foldFunction } from "./fold.ts";
import { type HelperName, helperNames, helperTexts } from "./helpers.ts";
import { Names } from "./names.ts";
import { indented, type ModuleNaming, StatementPrinter, typeOf } from "./statements.ts";
import { forEachExpression, forEachStatement } from "./walk.ts";

export interface WgslOptions {
  /** Invocations of a workgroup; 64 unless told. */
  readonly workgroupSize?: number;
  /** For the comment at the top: `file:line:column`. */
  readonly locate?: (span: Span) => string;
}

export interface WgslKernel {
  readonly text: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  /** How many invocations there must be at least: the first of the words from `placesWords`. */
  readonly count: number;
  /** The arenas that the text names, in order: arena n is `memory{n}`, at binding n + 1. */
  readonly arenas: readonly number[];
}

/** The most arenas a kernel can use: storage buffers of a shader stage that WebGPU guarantees. */
export const largestArenaCount = 8;

/**
 * The words of the uniform `places` (binding 0, with a dynamic offset): the count of invocations, a zero, and where
 * each of the kernel's arrays starts in its arena, in words.
 */
export function placesWords(count: number, offsets: readonly number[]): number[] {
  return [count, 0, ...offsets];
}

/** Prints a kernel whose arrays, in the order of `kernel.arrays`, live in the given arenas. */
export function printKernel(kernel: Kernel, arenas: readonly number[], options: WgslOptions = {}): WgslKernel {
  if (arenas.length !== kernel.arrays.length || arenas.some((a) => !(a >= 0 && a < largestArenaCount)))
    throw new Error(`internal error: the arrays of ${kernel.name} have the arenas ${arenas.join(", ")}`);
  return new KernelPrinter(kernel, arenas, options).print();
}

type Access = "load" | "store";

class KernelPrinter {
  readonly #kernel: Kernel;
  readonly #arenas: readonly number[];
  readonly #options: WgslOptions;
  readonly #names = new Names();
  readonly #helpers = new Set<HelperName>();
  /** The array's name among the places. */
  readonly #members = new Map<number, string>();
  readonly #accessors = new Map<
    string,
    { readonly name: string; readonly array: KernelArray; readonly kind: Access }
  >();
  readonly #functions = new Map<ScalarFunction, string>();
  readonly #functionTexts: string[][] = [];

  constructor(kernel: Kernel, arenas: readonly number[], options: WgslOptions) {
    this.#kernel = kernel;
    this.#arenas = arenas;
    this.#options = options;
    for (const name of ["main", "Places", "places", ...arenas.map(memory), ...helperNames]) this.#names.take(name);
    const members = new Names();
    for (const name of ["count", "zero"]) members.take(name);
    for (const array of kernel.arrays) this.#members.set(array.id, members.take(array.name));
  }

  print(): WgslKernel {
    const grid = flatGrid(this.#kernel);
    const body = prepare(foldConstants(grid.body));
    const workgroupSize = this.#options.workgroupSize ?? 64;
    this.#nameModule(body);
    const main = this.#main(grid.index, body, workgroupSize);
    const parts = [
      [...this.#comment(), ...this.#declarations()],
      ...[...this.#accessors.values()].map((a) => this.#accessor(a)),
      ...helperTexts(this.#helpers).map((text) => text.split("\n")),
      ...this.#functionTexts,
      main,
    ];
    return {
      text: parts.map((lines) => `${lines.join("\n")}\n`).join("\n"),
      entryPoint: "main",
      workgroupSize,
      count: grid.count,
      arenas: this.#usedArenas(),
    };
  }

  /** Functions take their names before locals do, so that no local hides one. */
  #nameModule(body: readonly Statement[]): void {
    const access = (array: KernelArray, kind: Access) => {
      const key = `${kind} ${array.id}`;
      if (this.#accessors.has(key)) return;
      this.#accessors.set(key, { name: this.#names.take(`${kind}_${this.#members.get(array.id)}`), array, kind });
    };
    const visit = (e: Expression): void => {
      if (e.op === "load") access(e.array, "load");
      if (e.op !== "call" || this.#functions.has(e.function)) return;
      this.#functions.set(e.function, this.#names.take(e.function.name));
      forEachExpression(e.function.body, visit);
      forEachNode([e.function.result], visit);
    };
    forEachStatement(body, (s) => {
      if (s.op === "store") access(s.array, "store");
    });
    forEachExpression(body, visit);
    for (const f of this.#functions.keys()) this.#functionTexts.push(this.#function(f));
  }

  get #naming(): ModuleNaming {
    const accessor = (kind: Access) => (array: KernelArray) => this.#accessors.get(`${kind} ${array.id}`)!.name;
    return {
      load: accessor("load"),
      store: accessor("store"),
      scalarFunction: (f) => this.#functions.get(f)!,
      helper: (name) => {
        this.#helpers.add(name);
        return name;
      },
    };
  }

  #comment(): string[] {
    const { name, description, span } = this.#kernel;
    const place = span && this.#options.locate ? ` (${this.#options.locate(span)})` : "";
    return `${description || name}${place}`.split("\n").map((line) => `// ${line}`);
  }

  #usedArenas(): number[] {
    const used = new Set([...this.#accessors.values()].map(({ array }) => this.#arenaOf(array)));
    return [...used].sort((a, b) => a - b);
  }

  #arenaOf(array: KernelArray): number {
    return this.#arenas[this.#kernel.arrays.findIndex((a) => a.id === array.id)]!;
  }

  #declarations(): string[] {
    const places = this.#kernel.arrays.map((a) => `${this.#members.get(a.id)}: u32,`);
    return [
      "struct Places {",
      ...indented([
        "count: u32, // invocations",
        "zero: u32, // 0, but the compiler cannot know",
        ...(places.length > 0 ? ["// Where arrays start:", ...places] : []),
      ]),
      "}",
      "@group(0) @binding(0) var<uniform> places: Places;",
      ...this.#usedArenas().map(
        (n) => `@group(0) @binding(${n + 1}) var<storage, read_write> ${memory(n)}: array<u32>;`,
      ),
    ];
  }

  #accessor({ name, array, kind }: { name: string; array: KernelArray; kind: Access }): string[] {
    const word = `${memory(this.#arenaOf(array))}[places.${this.#members.get(array.id)} + u32(i)]`;
    const type = typeOf(array.kind);
    if (kind === "load") {
      const value = array.kind === "bool" ? `${word} != 0u` : `bitcast<${type}>(${word})`;
      return [`fn ${name}(i: i32) -> ${type} {`, `  return ${value};`, "}"];
    }
    const stored = array.kind === "bool" ? "u32(value)" : "bitcast<u32>(value)";
    return [`fn ${name}(i: i32, value: ${type}) {`, `  ${word} = ${stored};`, "}"];
  }

  #function(f: ScalarFunction): string[] {
    const { body, result, parameters } = prepareFunction(foldFunction(f));
    const assigned = assignedIn(body);
    return this.#names.scope(() => {
      const printer = new StatementPrinter(this.#naming, this.#names, assigned);
      const changed = parameters.filter((p) => assigned.has(p.id));
      const list = parameters.map((p) => {
        const name = assigned.has(p.id) ? this.#names.take(`${p.name}_given`) : printer.declare(p);
        return { name, text: `${name}: ${typeOf(p.kind)}` };
      });
      // Parameters cannot be assigned in WGSL.
      const copies = changed.map((p) => `var ${printer.declare(p)} = ${list[parameters.indexOf(p)]!.name};`);
      const lines = this.#names.scope(() => printer.block(body, (value) => `return ${value(result)};`));
      const head = `fn ${this.#functions.get(f)}(${list.map((p) => p.text).join(", ")}) -> ${typeOf(result.kind)} {`;
      return [head, ...indented([...copies, ...lines]), "}"];
    });
  }

  #main(index: Kernel["grid"]["index"], body: readonly Statement[], workgroupSize: number): string[] {
    return this.#names.scope(() => {
      const [group, groups, lane, id] = ["group", "groups", "lane", "id"].map((n) => this.#names.take(n));
      const printer = new StatementPrinter(this.#naming, this.#names, assignedIn(body));
      const name = printer.declare(index);
      const lines = printer.block(body);
      return [
        `@compute @workgroup_size(${workgroupSize})`,
        "fn main(",
        `  @builtin(workgroup_id) ${group}: vec3u,`,
        `  @builtin(num_workgroups) ${groups}: vec3u,`,
        `  @builtin(local_invocation_index) ${lane}: u32,`,
        ") {",
        ...indented([
          `let ${id} = (${group}.y * ${groups}.x + ${group}.x) * ${workgroupSize}u + ${lane};`,
          `if ${id} >= places.count {`,
          "  return;",
          "}",
          `let ${name} = i32(${id});`,
          ...lines,
        ]),
        "}",
      ];
    });
  }
}

const memory = (arena: number): string => `memory${arena}`;

function assignedIn(statements: readonly Statement[]): ReadonlySet<number> {
  const assigned = new Set<number>();
  forEachStatement(statements, (s) => {
    if (s.op === "assign") assigned.add(s.local.id);
  });
  return assigned;
}
