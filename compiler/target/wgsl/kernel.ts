/**
 * Prints a kernel as a WGSL compute shader: one invocation for each iteration of its grid. Arrays are parts of a few
 * large buffers, the arenas; where they start comes from a uniform, so that equal kernels share a pipeline wherever
 * their arrays are. Which arena each array lives in is part of the text.
 */
import { forEachNode } from "../../kernel/affine.ts";
import type { Kernel, KernelArray, LocalArray, Statement } from "../../kernel/ir.ts";
import { prepare } from "../../kernel/prepare.ts";
import type { Span } from "../../syntax/tree.ts";
import { type FlatGrid, flatGrid, ownGrid } from "./flatten.ts";
import { foldConstants } from "./fold.ts";
import { type Component, foursOf } from "./fours.ts";
import { jammed } from "./jam.ts";
import { Joins } from "./joins.ts";
import { assignedIn, WgslModule } from "./module.ts";
import { Names } from "./names.ts";
import { ownArrays, withOwnElements } from "./own-elements.ts";
import { type Quads, quadsOf } from "./quads.ts";
import { indented, loaded, type ModuleNaming, StatementPrinter, stored, typeOf } from "./statements.ts";

import { unrolled } from "./unroll.ts";
import { forEachStatement, rootsOf } from "./walk.ts";

/** A place in the source, as comments name it: `file:line:column`. */
export type Locate = (span: Span) => string;

export interface WgslOptions {
  /** Invocations of a workgroup; 64 unless told. */
  readonly workgroupSize?: number;
  /** Each iteration of the kernel's own grid is run by a workgroup together; see team.ts for when it can be. */
  readonly isTeam?: boolean;
  /**
   * For adapters that compute on the CPU, with compilers that move nothing out of loops: where arrays start is read once,
   * short loops are unrolled, and loads of four elements side by side are one of a vector. Arrays start at multiples of four words.
   */
  readonly readsFours?: boolean;
  /** What four neighbours read alike each reads a part of, for the others too (quads.ts): with `readsFours` only. */
  readonly readsInQuads?: boolean;
  /** Arenas that are only read, and bound as such. */
  readonly onlyRead?: readonly number[];
  /** For the comment at the top. */
  readonly locate?: Locate;
}

export interface WgslKernel {
  readonly text: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  /** How many invocations there must be at least: the first of the words from `placesWords`. */
  readonly count: number;
  /** The arenas that the text names, in order: arena n is `memory{n}`, at binding n + 1. */
  readonly arenas: readonly number[];
  /** Those of `onlyRead`, named or not. */
  readonly onlyRead: readonly number[];
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

/** The compiler does not see that the invocations of a quad all take the same way. */
const quadDirectives = ["enable subgroups;", "diagnostic(off, subgroup_uniformity);"];

/** Prints a kernel whose arrays, in the order of `kernel.arrays`, live in the given arenas. */
export function printKernel(kernel: Kernel, arenas: readonly number[], options: WgslOptions = {}): WgslKernel {
  if (arenas.length !== kernel.arrays.length || arenas.some((a) => !(a >= 0 && a < largestArenaCount)))
    throw new Error(`internal error: the arrays of ${kernel.name} have the arenas ${arenas.join(", ")}`);
  return new KernelPrinter(kernel, arenas, options).print();
}

/** The comment above a kernel. */
export function describe({ name, description, span }: Kernel, locate: Locate | undefined): string[] {
  const place = span && locate ? ` (${locate(span)})` : "";
  return `${description || name}${place}`.split("\n").map((line) => `// ${line}`);
}

type Access = "load" | "store" | "load_four";

class KernelPrinter {
  readonly #kernel: Kernel;
  readonly #arenas: readonly number[];
  readonly #options: WgslOptions;
  readonly #module: WgslModule;
  /** The array's name among the places. */
  readonly #members = new Map<number, string>();
  /** Names of where arrays start, if that is read once. */
  readonly #starts = new Map<number, string>();
  #hasFours = false;
  /** Names of the arrays that each iteration has for itself. */
  readonly #locals = new Map<number, string>();
  readonly #accessors = new Map<
    string,
    { readonly name: string; readonly array: KernelArray; readonly kind: Access }
  >();

  constructor(kernel: Kernel, arenas: readonly number[], options: WgslOptions) {
    this.#kernel = kernel;
    this.#arenas = arenas;
    this.#options = options;
    this.#module = new WgslModule([
      "main",
      "Places",
      "places",
      "parts",
      "joined_parts",
      "quadBroadcast",
      ...arenas.map(memory),
    ]);
    const members = new Names();
    for (const name of ["count", "zero"]) members.take(name);
    for (const array of kernel.arrays) this.#members.set(array.id, members.take(array.name));
    for (const array of kernel.locals ?? []) this.#locals.set(array.id, this.#module.names.take(array.name));
  }

  print(): WgslKernel {
    const { isTeam = false, workgroupSize = 64 } = this.#options;
    const { readsFours, readsInQuads } = this.#options;
    const grid = isTeam ? ownGrid(this.#kernel) : readsFours ? this.#severalAtOnce() : flatGrid(this.#kernel);
    const { locals = [] } = this.#kernel;
    const own = isTeam ? withOwnElements(grid.body, locals, workgroupSize) : grid.body;
    const body = prepare(foldConstants(own));
    const fours = readsFours ? foursOf(body) : undefined;
    const quads = readsInQuads && fours && !isTeam ? quadsOf({ ...grid, body }, fours) : undefined;
    this.#hasFours = fours !== undefined && fours.size > 0;
    this.#nameAccessors(body, fours);
    this.#module.include(body);
    const joins = new Joins(this.#module, workgroupSize);
    const main = this.#main(grid.index, body, workgroupSize, isTeam ? joins : undefined, fours, quads);
    const parts = [
      [
        ...describe(this.#kernel, this.#options.locate),
        ...(quads ? quadDirectives : []),
        ...this.#declarations(),
        ...localDeclarations(this.#handedOn(isTeam), isTeam ? "workgroup" : "private", (a) => this.#locals.get(a.id)!),
      ],
      ...[...this.#accessors.values()].map((a) => this.#accessor(a)),
      ...this.#module.parts(),
      ...joins.parts(),
      main,
    ];
    return {
      text: parts.map((lines) => `${lines.join("\n")}\n`).join("\n"),
      entryPoint: "main",
      workgroupSize,
      count: isTeam ? grid.count * workgroupSize : grid.count,
      arenas: this.#usedArenas(),
      onlyRead: this.#options.onlyRead ?? [],
    };
  }

  /** Steps of short loops, and iterations that read the same, side by side. */
  #severalAtOnce(): FlatGrid {
    const grid = flatGrid(this.#kernel);
    return jammed({ ...grid, body: unrolled(grid.body) }, this.#kernel);
  }

  /** Functions take their names before locals do, so that no local hides one. */
  #nameAccessors(body: readonly Statement[], fours: ReadonlyMap<Statement, Component> | undefined): void {
    const access = (array: KernelArray, kind: Access) => {
      if (this.#locals.has(array.id)) return;
      const key = `${kind} ${array.id}`;
      if (this.#accessors.has(key)) return;
      const member = this.#members.get(array.id)!;
      if (this.#options.readsFours && !this.#starts.has(array.id))
        this.#starts.set(array.id, this.#module.names.take(`${member}_start`));
      const name = this.#module.names.take(`${kind}_${member}`);
      this.#accessors.set(key, { name, array, kind });
    };
    forEachStatement(body, (s) => {
      if (s.op === "store") access(s.array, "store");
    });
    forEachStatement(body, (s) => {
      const component = fours?.get(s);
      if (component) access(component.four.array, "load_four");
      else
        forEachNode(rootsOf(s), (e) => {
          if (e.op === "load") access(e.array, "load");
        });
    });
  }

  /** The arrays of an iteration that are declared for the module: those that a team's invocations have alone are not. */
  #handedOn(isTeam: boolean): readonly LocalArray[] {
    return (this.#kernel.locals ?? []).filter((a) => !isTeam || a.each === undefined);
  }

  get #naming(): ModuleNaming {
    const access = (kind: Access, array: KernelArray, ...args: readonly string[]) => {
      const start = this.#starts.get(array.id);
      const { name } = this.#accessors.get(`${kind} ${array.id}`)!;
      return `${name}(${[...(start === undefined ? [] : [start]), ...args].join(", ")})`;
    };
    return this.#module.naming({
      load: (array, index) => {
        const local = this.#locals.get(array.id);
        return local === undefined ? access("load", array, index) : `${local}[${index}]`;
      },
      store: (array, index, value) => {
        const local = this.#locals.get(array.id);
        return local === undefined ? access("store", array, index, value) : `${local}[${index}] = ${value}`;
      },
      loadFour: (array, index) => access("load_four", array, index),
    });
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
      ...this.#usedArenas().map((n) => {
        const access = this.#options.onlyRead?.includes(n) ? "read" : "read_write";
        return `@group(0) @binding(${n + 1}) var<storage, ${access}> ${memory(n)}: array<${this.#hasFours ? "vec4u" : "u32"}>;`;
      }),
    ];
  }

  #accessor({ name, array, kind }: { name: string; array: KernelArray; kind: Access }): string[] {
    const isGiven = this.#starts.has(array.id);
    const [arena, start] = [memory(this.#arenaOf(array)), isGiven ? "start" : `places.${this.#members.get(array.id)}`];
    const [parameters, at] = [isGiven ? "start: u32, i: i32" : "i: i32", `${start} + u32(i)`];
    if (kind === "load_four")
      return [`fn ${name}(${parameters}) -> vec4f {`, `  return bitcast<vec4f>(${arena}[(${at}) >> 2u]);`, "}"];
    const before = this.#hasFours ? [`  let at = ${at};`] : [];
    const word = this.#hasFours ? `${arena}[at >> 2u][at & 3u]` : `${arena}[${at}]`;
    const type = typeOf(array.kind);
    if (kind === "load")
      return [`fn ${name}(${parameters}) -> ${type} {`, ...before, `  return ${loaded(array.kind, word)};`, "}"];
    const last = `  ${word} = ${stored(array.kind, "value")};`;
    return [`fn ${name}(${parameters}, value: ${type}) {`, ...before, last, "}"];
  }

  #main(
    index: Kernel["grid"]["index"],
    body: readonly Statement[],
    workgroupSize: number,
    joins: Joins | undefined,
    fours: ReadonlyMap<Statement, Component> | undefined,
    quads: Quads | undefined,
  ): string[] {
    const { names } = this.#module;
    return names.scope(() => {
      const [group, groups, lane, id] = ["group", "groups", "lane", "id"].map((n) => names.take(n)) as [
        string,
        string,
        string,
        string,
      ];
      const printer = new StatementPrinter(
        this.#naming,
        names,
        assignedIn(body),
        joins?.team(lane, this.#handedOn(true)),
        fours,
        quads,
      );
      const laneOfQuad = quads && printer.declare(quads.lane);
      const name = printer.declare(index);
      const lines = printer.block(body);
      const number = `${group}.y * ${groups}.x + ${group}.x`;
      return [
        `@compute @workgroup_size(${workgroupSize})`,
        "fn main(",
        `  @builtin(workgroup_id) ${group}: vec3u,`,
        `  @builtin(num_workgroups) ${groups}: vec3u,`,
        `  @builtin(local_invocation_index) ${lane}: u32,`,
        ") {",
        ...indented([
          joins ? `let ${id} = ${number};` : `let ${id} = (${number}) * ${workgroupSize}u + ${lane};`,
          `if ${joins ? `${id} * ${workgroupSize}u` : id} >= places.count {`,
          "  return;",
          "}",
          `let ${name} = i32(${id});`,
          ...(laneOfQuad === undefined ? [] : [`let ${laneOfQuad} = i32(${lane} & 3u);`]),
          ...[...this.#starts].map(([array, start]) => `let ${start} = places.${this.#members.get(array)};`),
          ...(joins ? ownArrays(this.#kernel.locals) : []).map(
            (a) => `var ${this.#locals.get(a.id)!}: array<${typeOf(a.kind)}, ${a.each}>;`,
          ),
          ...lines,
        ]),
        "}",
      ];
    });
  }
}

/**
 * The arrays that each iteration of a kernel's grid has for itself: in the memory of a workgroup that shares the
 * iteration, else each invocation's own.
 */
export const localDeclarations = (
  locals: readonly LocalArray[],
  space: "workgroup" | "private",
  nameOf: (array: KernelArray) => string,
): string[] => locals.map((a) => `var<${space}> ${nameOf(a)}: array<${typeOf(a.kind)}, ${a.length}>;`);

const memory = (arena: number): string => `memory${arena}`;
