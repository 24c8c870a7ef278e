/**
 * The resident workgroup of a program: one WGSL kernel that does the tails of blocks, each in its place. Kernels are
 * functions, with the places of arrays as operands; what one phase writes is seen by a later one after a barrier. `at` is
 * the block whose turn it is, the same for all invocations: blocks that it is not are passed over, and loops of blocks are
 * loops. So a whole solve may be one dispatch, and may go on in the middle in the next one; it ends when a block has
 * commands to be dispatched, when the host has to be told, and when the fuel is used up.
 *
 * A loop that went from block to block would do for that, but software adapters, which compute all sides of a branch and
 * let each invocation keep what concerns it, would compute all blocks in each turn.
 */
import type { Kernel, KernelArray } from "../../kernel/ir.ts";
import type { LoopStep } from "../../kernel/plan.ts";
import { prepare } from "../../kernel/prepare.ts";
import { accessors } from "./accessors.ts";
import type { OpenBlock } from "./block-writer.ts";
import {
  arenaDeclarations,
  branchWords,
  controlFunctions,
  controlNames,
  finished,
  header,
  leave,
  loopWords,
  workgroupsFunction,
} from "./control.ts";
import { flatGrid, ownGrid } from "./flatten.ts";
import { foldConstants } from "./fold.ts";
import { Joins } from "./joins.ts";
import { describe, localDeclarations } from "./kernel.ts";
import { phaseCost } from "./launch-cost.ts";
import { assignedIn, WgslModule } from "./module.ts";
import { moveFunction, placeOf, segmentTable } from "./moves.ts";
import { Parameters } from "./parameters.ts";
import { type ControlPhase, type LaunchPhase, type MovePhase, mustFollow, type Phase, type Segment } from "./phases.ts";
import { blocksOf, firstBlock, lastBlock, loopsOf, type Region } from "./program.ts";
import type { ResidentContext, ResidentKernel } from "./resident-plan.ts";
import { indented, StatementPrinter } from "./statements.ts";

const uniform = `struct Places {
  block: u32, // whose commands were dispatched just before
  zero: u32, // 0, but the compiler cannot know
}
@group(0) @binding(0) var<uniform> places: Places;`;

/** The words of the uniform. */
export const residentWords = (block: number): number[] => [block, 0];

export class PiecePrinter {
  readonly #context: ResidentContext;
  readonly #piece: readonly Region[];
  readonly #number: number;
  readonly #size: number;
  readonly #module = new WgslModule([
    ...["main", "Places", "places", "Parameters", "parameters", "parts", "joined_parts", "move_words", "move_word"],
    ...controlNames,
    ...Object.values(accessors).flatMap(({ load, store }) => [load, store]),
  ]);
  readonly #joins: Joins;
  readonly #functions = new Map<Kernel, Map<boolean, string>>();
  readonly #functionTexts: string[][] = [];
  readonly #parameters: Parameters;

  constructor(context: ResidentContext, piece: readonly Region[], number: number) {
    this.#context = context;
    this.#piece = piece;
    this.#number = number;
    const phases = blocksOf(piece).flatMap((b) => context.blocks[b]!.tail);
    const widest = Math.max(1, ...phases.map((p) => (p.kind === "launch" ? p.width : 1)));
    const { least, most } = context.workgroup;
    this.#size = 2 ** Math.ceil(Math.log2(Math.min(Math.max(widest, least), most)));
    this.#joins = new Joins(this.#module, this.#size);
    this.#parameters = new Parameters(firstBlock(piece[0]!), loopsOf(piece)[0]?.row ?? 0);
  }

  print(): ResidentKernel {
    const steps = this.#regions(this.#piece);
    const parameters = this.#parameters;
    const private_ = (name: string) =>
      parameters.loops.map((row) => `var<private> ${name}_${parameters.loop(row)}: u32;`);
    const main = [
      `@compute @workgroup_size(${this.#size})`,
      "fn main(@builtin(local_invocation_index) lane: u32) {",
      ...indented([
        ...onlyFirst(["begin();"]),
        "var at = workgroupUniformLoad(&current) - parameters.first_block;",
        ...steps,
        ...onlyFirst(["end();"]),
      ]),
      "}",
    ];
    const parts = [
      ["// the resident workgroup", ...uniform.split("\n"), ...arenaDeclarations, ...parameters.declaration()],
      ...Object.values(accessors).map(({ text }) => text),
      [...private_("taken"), ...private_("limit")],
      controlFunctions.trimEnd().split("\n"),
      ...this.#beginAndEnd(),
      moveWords(this.#size),
      moveFunction.split("\n"),
      ...this.#module.parts(),
      ...this.#joins.parts(),
      ...this.#functionTexts,
      main,
    ];
    return {
      text: parts.map((lines) => `${lines.join("\n")}\n`).join("\n"),
      entryPoint: "main",
      workgroupSize: this.#size,
      parameters: parameters.words(),
    };
  }

  #beginAndEnd(): string[][] {
    const { blocks } = this.#context;
    const here = blocksOf(this.#piece);
    const elsewhere = here.filter((b) => blocks[b]!.commands.length > 0);
    const parameters = this.#parameters;
    // Blocks before the first one are far beyond the last.
    const conditions = [
      `own > ${parameters.own(Math.max(...here))}`,
      ...elsewhere.map((b) => `own == ${parameters.own(b)}`),
    ];
    const rows = parameters.loops.flatMap((row) => [
      [`taken_${parameters.loop(row)}`, parameters.state(row + loopWords.taken)],
      [`limit_${parameters.loop(row)}`, parameters.state(row + loopWords.limit)],
    ]);
    const begin = [
      `counter = state[${header.counter}];`,
      `fuel = state[${header.fuel}];`,
      "is_over = false;",
      "progress = vec4u();",
      ...rows.map(([name, word]) => `${name} = ${word};`),
      "began = counter;",
      "if counter == places.block {",
      "  current = counter;",
      "} else {",
      "  go(counter);",
      "}",
    ];
    const end = [
      `state[${header.counter}] = counter;`,
      `state[${header.fuel}] = fuel;`,
      ...rows.map(([name, word]) => `${word} = ${name};`),
      "if progress.x != 0u {",
      ...["x", "y", "z", "w"].map((c, n) => `  state[${header.progress + n}] = progress.${c};`),
      "}",
    ];
    const functions = [
      [
        "fn is_elsewhere(block: u32) -> bool {",
        "  let own = block - parameters.first_block;",
        `  return ${conditions.join(" || ")};`,
        "}",
      ],
      ["fn begin() {", ...indented(begin), "}"],
    ];
    const groups = [
      "set_workgroups(began, false);",
      `if counter < ${leave}u {`,
      "  set_workgroups(counter, true);",
      "}",
    ];
    return [...functions, workgroupsFunction.split("\n"), ["fn end() {", ...indented([...end, ...groups]), "}"]];
  }

  #regions(regions: readonly Region[]): string[] {
    return regions.flatMap((r) => {
      if (r.kind === "block") return this.#block(this.#context.blocks[r.block]!);
      const [first, last] = [firstBlock(r), lastBlock(r)];
      const [from, to] = [this.#parameters.own(first), this.#parameters.own(last)];
      const head = from === "0u" ? `while at <= ${to} {` : `while at >= ${from} && at <= ${to} {`;
      return [...this.#loopComment(r.step), head, ...indented(this.#regions(r.body)), "}"];
    });
  }

  /** Programs that differ in their names alone must print the same text, so only what people read says where it is from. */
  #loopComment({ name, span }: LoopStep): string[] {
    const { locate } = this.#context;
    if (locate === undefined) return [];
    return `${name}${span ? ` (${locate(span)})` : ""}`.split("\n").map((line) => `// ${line}`);
  }

  #block({ index, tail }: OpenBlock): string[] {
    const lines: string[] = [];
    let since: Phase[] = [];
    let cost = phaseCost;
    for (const phase of tail) {
      if (since.some((earlier) => mustFollow(earlier, phase))) {
        lines.push("storageBarrier();");
        since = [];
      }
      since.push(phase);
      cost += phaseCost + phase.cost;
      if (phase.kind === "launch")
        lines.push(`${this.#function(phase)}(${["lane", ...this.#places(phase.places)].join(", ")});`);
      else if (phase.kind === "move") lines.push(...this.#moves(phase));
      else if (phase !== tail.at(-1)) lines.push(...onlyFirst([`${phase.name}(${this.#told(phase).join(", ")});`]));
      else lines.push(...this.#end(phase, Math.min(Math.ceil(cost), 2 ** 31), tail));
    }
    return [`if at == ${this.#parameters.own(index)} {`, ...indented(lines), "}"];
  }

  #places(places: readonly number[]): string[] {
    return places.map((p) => this.#parameters.place(p));
  }

  /** What a check or a report is told, in the order of its operands. */
  #told({ name, words }: ControlPhase): string[] {
    const at = (n: number) => this.#parameters.place(words[n]!);
    const event = (n: number) => this.#parameters.place(words[n]!, "event");
    const count = (n: number) => `${words[n]!}u`;
    if (name === "check") return [at(0), event(1), at(2), count(3)];
    if (name === "report") return [event(0), count(1), at(2), at(3), at(4)];
    throw new Error(`internal error: ${name} is the end of a block`);
  }

  /** Where to go on. */
  #end({ name, words }: ControlPhase, cost: number, tail: readonly Phase[]): string[] {
    const { blocks, pieceOf } = this.#context;
    const mayFail = tail.some((p) => p.kind === "control" && p.name === "check");
    const target = words[0]!;
    if (name === "jump" && !mayFail && blocks[target]!.commands.length === 0 && pieceOf[target] === this.#number)
      return ["storageBarrier();", `at = ${this.#parameters.own(target)};`];
    const decision = this.#decision(name, words);
    const guarded = mayFail
      ? ["if is_over {", `  go(${finished}u);`, "} else {", ...indented(decision), "}"]
      : decision;
    return [
      ...onlyFirst([`spend(${cost}u);`, ...guarded]),
      "storageBarrier();",
      "at = workgroupUniformLoad(&current) - parameters.first_block;",
    ];
  }

  #decision(name: ControlPhase["name"], words: readonly number[]): string[] {
    const row = words[0]!;
    const parameters = this.#parameters;
    const loop = () => parameters.loop(row);
    const [taken, limit] = ["enter", "condition", "next"].includes(name) ? [`taken_${loop()}`, `limit_${loop()}`] : [];
    const [one, other] = words.slice(-2).map((w) => parameters.block(w));
    const data = (place: number) => `data[${parameters.place(place)}]`;
    const place = (backward: number) => {
      if (!this.#context.rowsWithPlaces.has(row)) return [];
      return [`${parameters.state(row + loopWords.place)} = ${backward === 0 ? taken : `${limit} - 1u - ${taken}`};`];
    };
    const counted = (word: number) =>
      this.#context.loops.get(row)!.isEncoded || this.#context.cutLoops.has(row)
        ? [`${parameters.state(row + word)} += 1u;`]
        : [];
    switch (name) {
      case "jump":
        return [`go(${parameters.block(row)});`];
      case "finish":
        return [`go(${finished}u);`];
      case "branch": {
        const counted = this.#context.countedBranches.has(words[1]!);
        const [then, otherwise] = [branchWords.then, branchWords.otherwise].map((w) =>
          parameters.stateIndex(words[1]! + w),
        );
        return [
          `let is_first_way = ${data(row)} != 0u;`,
          ...(counted ? [`state[select(${otherwise}, ${then}, is_first_way)] += 1u;`] : []),
          `go(select(${other}, ${one}, is_first_way));`,
        ];
      }
      case "enter": {
        const [, isCounted, count, length, backward, steps] = words as [number, number, number, number, number, number];
        const most = isCounted ? `min(bitcast<i32>(${data(count)}), ${length | 0})` : `${length | 0}`;
        return [
          `${limit} = u32(max(${most}, 0));`,
          `${taken} = 0u;`,
          ...place(backward),
          `if ${limit} > 0u {`,
          ...indented([...counted(loopWords.entered), `go(${one});`]),
          "} else {",
          ...indented([`${data(steps)} = 0u;`, `go(${other});`]),
          "}",
        ];
      }
      case "condition": {
        const steps = words[1]!;
        return [
          `if ${data(steps)} != 0u {`,
          `  go(${one});`,
          "} else {",
          ...indented([`${data(steps)} = ${taken};`, `go(${other});`]),
          "}",
        ];
      }
      case "next": {
        const [, backward, steps, event, value, error] = words as [number, number, number, number, number, number];
        const told = (place: number) => (place === 0 ? "0x7fc00000u" : data(place - 1));
        const isFull = this.#context.loops.get(row)!.reports ? "!has_room()" : "false";
        return [
          ...(event === 0
            ? []
            : [`progress = vec4u(${parameters.place(event, "event")}, ${taken}, ${told(value)}, ${told(error)});`]),
          `${taken} += 1u;`,
          ...counted(loopWords.iterations),
          `if ${taken} < ${limit} {`,
          ...indented([
            ...place(backward),
            `again(${one}, ${isFull});`,
            ...(this.#context.cutLoops.has(row) ? [`current = ${leave}u;`] : []),
          ]),
          "} else {",
          ...indented([`${data(steps)} = ${taken};`, `go(${other});`]),
          "}",
        ];
      }
      default:
        throw new Error(`internal error: ${name} is no end of a block`);
    }
  }

  #moves({ segments, table }: MovePhase): string[] {
    if (segments.length <= 3) return segments.map((s) => this.#move(s));
    const { count } = segmentTable(segments);
    return [
      `for (var id = lane; id < ${count}u; id += ${this.#size}u) {`,
      `  move_word(id, ${this.#parameters.place(table!, "table")}, ${segments.length}u);`,
      "}",
    ];
  }

  #move(s: Segment): string {
    const size = this.#size;
    const place = placeOf(s);
    const moved = (start: number, stride: number) => {
      const first = this.#parameters.place(start);
      return place === 0 || stride === 0 ? first : `${first} + ${this.#parameters.state(place - 1)} * ${stride}u`;
    };
    const [from, to] = [moved(s.from, s.fromStride), moved(s.to, s.toStride)];
    if (s.length > size) return `move_words(lane, ${s.length}u, ${from}, ${to}, ${s.step}u);`;
    const source = s.step === 1 ? `${from} + lane` : from;
    return `if lane < ${s.length}u { data[${to} + lane] = data[${source}]; }`;
  }

  /** The function of a kernel: its arrays' places are its parameters. */
  #function({ kernel, isTeam }: LaunchPhase): string {
    const known = this.#functions.get(kernel)?.get(isTeam);
    if (known !== undefined) return known;
    const grid = isTeam ? ownGrid(kernel) : flatGrid(kernel);
    const body = prepare(foldConstants(grid.body));
    const { names } = this.#module;
    const name = names.take(kernel.name);
    this.#module.include(body);
    // Kernels with such arrays are run by one invocation each here (launch-cost.ts).
    const locals = new Map((kernel.locals ?? []).map((a) => [a.id, names.take(a.name)]));
    if (locals.size > 0)
      this.#functionTexts.push(localDeclarations(kernel.locals ?? [], "private", (a) => locals.get(a.id)!));
    this.#functions.set(kernel, (this.#functions.get(kernel) ?? new Map()).set(isTeam, name));
    names.scope(() => {
      const lane = names.take("invocation");
      const places = new Map(kernel.arrays.map((a) => [a.id, names.take(`${a.name}_start`)]));
      const place = (array: KernelArray) => places.get(array.id)!;
      const naming = this.#module.naming({
        load: (array, index) => {
          const local = locals.get(array.id);
          return local === undefined
            ? `${accessors[array.kind].load}(${place(array)}, ${index})`
            : `${local}[${index}]`;
        },
        store: (array, index, value) => {
          const local = locals.get(array.id);
          return local === undefined
            ? `${accessors[array.kind].store}(${place(array)}, ${index}, ${value})`
            : `${local}[${index}] = ${value}`;
        },
      });
      const team = isTeam ? this.#joins.team(lane) : undefined;
      const printer = new StatementPrinter(naming, names, assignedIn(body), team);
      const index = printer.declare(grid.index);
      const lines = indented(names.scope(() => printer.block(body)));
      const [first, step] = isTeam ? ["0", 1] : [`i32(${lane})`, this.#size];
      // A loop would take longer to compile.
      const head =
        isTeam || grid.count > this.#size
          ? [`for (var ${index} = ${first}; ${index} < ${grid.count}; ${index} += ${step}) {`]
          : [`let ${index} = ${first};`, `if ${index} < ${grid.count} {`];
      const loop = [...head, ...lines, "}"];
      const parameters = [`${lane}: u32`, ...[...places.values()].map((p) => `${p}: u32`)];
      const comment = describe(kernel, this.#context.locate);
      this.#functionTexts.push([...comment, `fn ${name}(${parameters.join(", ")}) {`, ...indented(loop), "}"]);
    });
    return name;
  }
}

/** What the first invocation does alone. */
const onlyFirst = (lines: readonly string[]): string[] => ["if lane == 0u {", ...indented(lines), "}"];

const moveWords = (size: number): string[] => [
  "fn move_words(lane: u32, length: u32, source: u32, to: u32, step: u32) {",
  `  for (var i = lane; i < length; i += ${size}u) {`,
  "    data[to + i] = data[source + i * step];",
  "  }",
  "}",
];
