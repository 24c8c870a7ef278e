/**
 * Blocks while they are written. A block begins with commands, what is worth a dispatch each; the rest, its tail, is
 * done by the resident workgroup, which also decides where to go on.
 */
import type { Kernel } from "../../kernel/ir.ts";
import type { Launch } from "../../kernel/plan.ts";
import { controlCommandWords } from "./control-kernel.ts";
import { directAt } from "./direct-operands.ts";
import { type Locate, placesWords, printKernel, type WgslKernel } from "./kernel.ts";
import {
  costOfCopy,
  costOfLaunch,
  isWorthDispatch,
  type LaunchCost,
  largestWorkgroup,
  phaseCost,
} from "./launch-cost.ts";
import { segmentTable } from "./moves.ts";
import {
  type ControlName,
  type ControlPhase,
  controlOperands,
  type LaunchPhase,
  type MovePhase,
  mustFollow,
  type Phase,
  type Place,
  type Segment,
} from "./phases.ts";
import type { ResidentPolicy } from "./policy.ts";
import type { Command } from "./program.ts";

export interface OpenBlock {
  readonly index: number;
  readonly commands: Command[];
  readonly tail: Phase[];
  readonly group: number;
}

/** Control flow reads what the host reads too. */
const everything: readonly Place[] = [{ offset: 0, length: Number.POSITIVE_INFINITY }];

export class BlockWriter {
  readonly blocks: OpenBlock[] = [];
  readonly tables: number[] = [];
  /** The loops of which copies need to know the step. */
  readonly rowsWithPlaces = new Set<number>();
  readonly kernels = new Map<Kernel, Map<string, WgslKernel>>();
  /** Called with each block that begins. */
  readonly #began: (block: number) => void;
  readonly #sharesReductions: boolean;
  readonly #readsFours: boolean;
  readonly #readsInQuads: boolean;
  /** Of blocks that begin. */
  #group = 0;
  #groupCount = 1;

  readonly locate: Locate | undefined;

  constructor(
    {
      sharesReductions,
      readsFours,
      readsInQuads,
    }: Pick<ResidentPolicy, "sharesReductions" | "readsFours" | "readsInQuads">,
    began: (block: number) => void,
    locate: Locate | undefined,
  ) {
    this.#sharesReductions = sharesReductions;
    this.#readsFours = readsFours;
    this.#readsInQuads = readsInQuads;
    this.locate = locate;
    this.#began = began;
  }

  get current(): OpenBlock {
    return this.blocks.at(-1)!;
  }

  /** Begins a block: the last one has ended with where to go. */
  open(): number {
    const index = this.blocks.length;
    this.blocks.push({ index, commands: [], tail: [], group: this.#group });
    this.#began(index);
    return index;
  }

  /** Writes blocks of a group of their own. */
  apart<T>(write: () => T): T {
    const outer = this.#group;
    this.#group = this.#groupCount++;
    try {
      return write();
    } finally {
      this.#group = outer;
    }
  }

  /** The words after the block's number, which may still be changed: the places to go on are known later. */
  control(name: ControlName, ...words: number[]): number[] {
    if (words.length !== controlOperands[name]) throw new Error(`internal error: ${name} of ${words.length} operands`);
    demandData(words);
    const phase: ControlPhase = {
      kind: "control",
      name,
      words,
      reads: everything,
      writes: everything,
      cost: phaseCost,
    };
    this.current.tail.push(phase);
    return words;
  }

  launch(launch: Launch, at: readonly number[]): void {
    const { kernel } = launch;
    const places = kernel.arrays.map((a, i) => ({ offset: at[i]!, length: a.length }));
    const reads = places.filter((_, i) => kernel.arrays[i]!.access !== "write");
    const writes = places.filter((_, i) => kernel.arrays[i]!.access !== "read");
    const isInPlace = writes.some((w) => reads.some((r) => r !== w && r.offset === w.offset));
    const cost = costOfLaunch(launch, largestWorkgroup, isInPlace, this.#sharesReductions);
    if (cost.count === 0) return;
    const phase: LaunchPhase = {
      kind: "launch",
      kernel,
      isTeam: cost.isResidentTeam,
      places: at,
      reads,
      writes,
      cost: cost.resident,
      width: cost.isResidentTeam ? largestWorkgroup : cost.count,
    };
    // The resident workgroup sees the data alone.
    const isDispatched = isWorthDispatch(cost) || at.some((place) => directAt(place) !== undefined);
    if (!isDispatched) this.current.tail.push(phase);
    else this.#dispatch(this.#command(kernel, at, cost));
  }

  /** Copies that do not touch what others write are done at once. */
  move(segment: Segment): void {
    if (segment.length === 0) return;
    demandData([segment.from, segment.to]);
    if (segment.row !== undefined) this.rowsWithPlaces.add(segment.row);
    const cost = costOfCopy(segment.length, largestWorkgroup);
    const last = this.current.tail.at(-1);
    const phase: MovePhase = {
      kind: "move",
      segments: [segment],
      reads: [segment.reads],
      writes: [segment.writes],
      cost: cost.resident,
    };
    const beside = last?.kind === "move" && !mustFollow(last, phase) ? last : undefined;
    const together: MovePhase = beside
      ? {
          kind: "move",
          segments: [...beside.segments, segment],
          reads: [...beside.reads, segment.reads],
          writes: [...beside.writes, segment.writes],
          cost: beside.cost + phase.cost,
        }
      : phase;
    if (beside) this.current.tail.pop();
    const isLarge = isWorthDispatch({ dispatched: cost.dispatched, resident: together.cost });
    if (isLarge) this.#dispatch(this.#moveCommand(together));
    else this.current.tail.push(together);
  }

  /**
   * What is dispatched comes before the rest of its block. What stands before it already becomes a block of its own,
   * which the resident workgroup does in one go with the block before; a single phase between two dispatches is
   * dispatched too.
   */
  #dispatch(command: Command): void {
    const { commands, tail } = this.current;
    if (tail.length > 0) {
      const only = tail.length === 1 && commands.length > 0 ? tail[0]! : undefined;
      if (only && only.kind !== "control") {
        tail.pop();
        commands.push(only.kind === "move" ? this.#moveCommand(only) : this.#dispatchedPhase(only));
      } else {
        this.control("jump", this.blocks.length);
        this.open();
      }
    }
    this.current.commands.push(command);
  }

  #dispatchedPhase({ kernel, places, isTeam }: LaunchPhase): Command {
    return this.#commandOf(kernel, places, isTeam);
  }

  #command(kernel: Kernel, at: readonly number[], cost: LaunchCost): Command {
    return this.#commandOf(kernel, at, cost.isTeam);
  }

  #commandOf(kernel: Kernel, at: readonly number[], isTeam: boolean): Command {
    const printedAs = this.kernels.get(kernel) ?? new Map<string, WgslKernel>();
    this.kernels.set(kernel, printedAs);
    const readsFours = this.#readsFours && at.every((place) => place % 4 === 0);
    const operands = [...new Set(at.flatMap((place) => directAt(place) ?? []))];
    const arenas = at.map((place) => {
      const operand = directAt(place);
      return operand === undefined ? 0 : 1 + operands.indexOf(operand);
    });
    const key = `${isTeam} ${readsFours} ${arenas}`;
    let printed = printedAs.get(key);
    if (!printed) {
      const locate = this.locate && { locate: this.locate };
      printed = printKernel(kernel, arenas, {
        isTeam,
        readsFours,
        readsInQuads: this.#readsInQuads,
        onlyRead: operands.map((_, n) => n + 1),
        workgroupSize: isTeam ? largestWorkgroup : 64,
        ...locate,
      });
      printedAs.set(key, printed);
    }
    const { count } = printed;
    const places = at.map((place) => (directAt(place) === undefined ? place : 0));
    return { kind: "kernel", kernel: printed, operands, words: placesWords(count, places), count };
  }

  #moveCommand(phase: MovePhase): Command {
    const { segments } = phase;
    const { words, count } = segmentTable(segments);
    if (phase.table === undefined) {
      phase.table = this.tables.length;
      this.tables.push(...words);
    }
    return { kind: "move", words: [count, 0, phase.table, segments.length], count };
  }

  /** A block's tail as dispatches, when all places to go on are known. */
  tailCommands({ index, tail }: OpenBlock): Command[] {
    return tail.map((phase) => {
      if (phase.kind === "launch") return this.#dispatchedPhase(phase);
      if (phase.kind === "move") return this.#moveCommand(phase);
      return { kind: "control", words: controlCommandWords(phase.name, index, phase.words) };
    });
  }
}

function demandData(places: readonly number[]): void {
  if (places.some((place) => directAt(place) !== undefined))
    throw new Error("internal error: an operand that is not in the data was to be copied or to decide");
}
