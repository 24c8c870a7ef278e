/**
 * A Plan as one row of blocks with fixed places: what is called is written out at each call, and loops and branches
 * become jumps (see control.ts). Kernels know no places, so each is compiled once wherever it runs.
 */
import type { Kernel } from "../../kernel/ir.ts";
import {
  type Buffer,
  type Launch,
  type LoopStep,
  noFailure,
  type Plan,
  type PlanFunction,
  type PlanStep,
} from "../../kernel/plan.ts";
import { header, logEntryWords, loopWords, operations, paused, segmentWords } from "./control.ts";
import { placesWords, printKernel, type WgslKernel } from "./kernel.ts";

/** Words of the data. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

export type Command = KernelCommand | MoveCommand | ControlCommand;

export interface KernelCommand {
  readonly kind: "kernel";
  readonly kernel: WgslKernel;
  /** The words of its uniform. */
  readonly words: readonly number[];
  readonly count: number;
}
export interface MoveCommand {
  readonly kind: "move";
  readonly words: readonly number[];
  readonly count: number;
}
/** One invocation, which is dispatched in any case and looks by itself whether it is its block's turn. */
export interface ControlCommand {
  readonly kind: "control";
  readonly words: readonly number[];
}

export interface Block {
  readonly commands: readonly Command[];
}

/** Blocks in their order, and which of them are loops. */
export type Region = BlockRegion | LoopRegion;
export interface BlockRegion {
  readonly kind: "block";
  readonly block: number;
}
export interface LoopRegion {
  readonly kind: "loop";
  /** Its words in the state. */
  readonly row: number;
  /** Steps, when it always takes as many. */
  readonly length: number | undefined;
  readonly body: readonly Region[];
}

export interface Program {
  readonly blocks: readonly Block[];
  readonly regions: readonly Region[];
  readonly kernels: readonly { readonly name: string; readonly printed: WgslKernel }[];
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  /** What has to be in the data before: constants. */
  readonly constants: { readonly offset: number; readonly words: Uint32Array<ArrayBuffer> };
  readonly dataWords: number;
  /** The state when a run begins, but for `header.blocks`. */
  readonly state: Uint32Array<ArrayBuffer>;
  /** Segments to copy. */
  readonly tables: readonly number[];
  /** Numbers that a failed check shows. */
  readonly mostShown: number;
}

/** Places are multiples of this many words. */
const alignment = 16;
const aligned = (words: number): number => Math.ceil(words / alignment) * alignment;
const leastCapacity = 256;
const largestWorkgroup = 64;

/** Writes a plan of precision f32 out. */
export function flattenPlan(plan: Plan): Program {
  if (plan.precision !== "f32") throw new Error("internal error: devices compute in f32");
  return new Flattener().flatten(plan.functions.at(-1)!);
}

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly length: number;
  readonly fromStride: number;
  readonly toStride: number;
  /** 0: the same word again and again. */
  readonly step: 0 | 1;
  /** Of the loop whose step the strides count. */
  readonly row: number | undefined;
  /** Everything that can be read and written. */
  readonly reads: Place;
  readonly writes: Place;
}

type At = (b: Buffer) => number;

const overlaps = (a: Place, b: Place): boolean => a.offset < b.offset + b.length && b.offset < a.offset + a.length;

/** A block while it is written; its last command says where to go on. */
interface OpenBlock {
  readonly index: number;
  readonly commands: Command[];
  /** Copies that nothing has come after yet. */
  pending: Segment[];
}

class Flattener {
  readonly #blocks: OpenBlock[] = [];
  readonly #state: number[] = new Array<number>(header.length).fill(0);
  readonly #tables: number[] = [];
  readonly #kernels = new Map<Kernel, WgslKernel>();
  readonly #constants = new Map<number, number>();
  /** Places before this are those of constants, which are numbered first. */
  #constantBase = 0;
  #regions: Region[] = [];
  #dataWords = 0;
  #mostShown = 0;
  #lanes = 0;
  #current!: OpenBlock;

  flatten(entry: PlanFunction): Program {
    let end = 0;
    const placed = (b: Buffer): Place => {
      const place = { offset: end, length: b.length };
      end += aligned(b.length);
      return place;
    };
    const inputs = entry.inputs.map(placed);
    const outputs = entry.outputs.map(placed);
    this.#constantBase = end;
    end += aligned(countConstants(entry));
    this.#dataWords = end;
    this.#open();
    const all = [...inputs, ...outputs].map((p) => p.offset);
    this.#function(entry, all, end);
    this.#control(operations.finish);
    const shown = this.#state.length;
    const log = shown + this.#mostShown;
    const capacity = Math.max(leastCapacity, 4 * this.#lanes);
    const state = new Uint32Array(log + capacity * logEntryWords);
    state.set(this.#state);
    state[header.counter] = this.#blocks.length === 1 ? 0 : paused;
    state[header.shown] = shown;
    state[header.log] = log;
    state[header.capacity] = capacity;
    state[header.room] = this.#lanes;
    const constants = new Uint32Array(Math.max(1, this.#constants.size));
    for (const [bits, place] of this.#constants) constants[place - this.#constantBase] = bits;
    return {
      blocks: this.#blocks.map(({ commands }) => ({ commands })),
      regions: this.#regions,
      kernels: [...this.#kernels].map(([{ name }, printed]) => ({ name, printed })),
      inputs,
      outputs,
      constants: { offset: this.#constantBase, words: constants },
      dataWords: Math.max(this.#dataWords, this.#constantBase + 1),
      state,
      tables: this.#tables,
      mostShown: this.#mostShown,
    };
  }

  #open(): OpenBlock {
    this.#current = { index: this.#blocks.length, commands: [], pending: [] };
    this.#blocks.push(this.#current);
    this.#regions.push({ kind: "block", block: this.#current.index });
    return this.#current;
  }

  /** The words, which may still be changed: the places to go on are known later. */
  #control(operation: number, ...words: number[]): number[] {
    this.#flush();
    const all = [operation, 0, this.#current.index, ...words];
    this.#current.commands.push({ kind: "control", words: all });
    return all;
  }

  /** Inputs and outputs are where the caller says; temporaries and all that is called come from `base` on. */
  #function(f: PlanFunction, places: readonly number[], base: number): void {
    const known = new Map<Buffer, number>();
    [...f.inputs, ...f.outputs].forEach((b, i) => {
      known.set(b, places[i]!);
    });
    for (const { buffer, offset } of f.temporaries) known.set(buffer, base + offset / 4);
    const end = base + aligned(Math.ceil(f.frameBytes / 4));
    this.#dataWords = Math.max(this.#dataWords, end);
    const at: At = (b) => {
      const place = known.get(b);
      if (place === undefined) throw new Error(`internal error: the buffer ${b.name} has no place in ${f.name}`);
      return place;
    };
    for (const step of f.steps) this.#step(step, at, end);
  }

  #step(step: PlanStep, at: At, base: number): void {
    switch (step.kind) {
      case "launch":
        this.#launch(step, at);
        return;
      case "copy":
        this.#copy(at(step.from), at(step.to), step.from.length);
        return;
      case "fill":
        this.#fill(at(step.buffer), step.buffer, step.value);
        return;
      case "call":
        this.#function(step.callee, [...step.inputs, ...step.outputs].map(at), base);
        return;
      case "branch":
        this.#branch(step, at, base);
        return;
      case "loop":
        this.#loop(step, at, base);
        return;
      case "check": {
        // The place is clamped in the kernel, so it may run before it is known whether there is one.
        if (step.details) this.#launch(step.details, at);
        const shown = step.shown?.length ?? 0;
        this.#mostShown = Math.max(this.#mostShown, shown);
        this.#control(operations.check, at(step.failing), step.event, step.shown ? at(step.shown) : 0, shown);
        return;
      }
      case "report": {
        this.#lanes += step.status.length;
        const places = [step.status, step.iterations, step.error].map(at);
        this.#control(operations.report, step.event, step.status.length, ...places);
        return;
      }
      case "product":
        throw new Error("internal error: products are kernels here");
    }
  }

  #launch({ kernel, buffers }: Launch, at: At): void {
    let printed = this.#kernels.get(kernel);
    if (!printed) {
      const count = Number((kernel.grid.count as { readonly value: number }).value);
      const arenas = kernel.arrays.map(() => 0);
      printed = printKernel(kernel, arenas, count === 1 && !holdsLoop(kernel) ? { workgroupSize: 1 } : {});
      // A grid that is one loop more may be longer than it says.
      if (printed.count < largestWorkgroup) {
        const workgroupSize = 2 ** Math.ceil(Math.log2(Math.max(printed.count, 1)));
        if (workgroupSize !== printed.workgroupSize) printed = printKernel(kernel, arenas, { workgroupSize });
      }
      this.#kernels.set(kernel, printed);
    }
    if (printed.count === 0) return;
    this.#flush();
    const words = placesWords(printed.count, buffers.map(at));
    this.#current.commands.push({ kind: "kernel", kernel: printed, words, count: printed.count });
  }

  #copy(from: number, to: number, length: number): void {
    const whole = { reads: { offset: from, length }, writes: { offset: to, length } };
    this.#move({ from, to, length, fromStride: 0, toStride: 0, step: 1, row: undefined, ...whole });
  }

  #fill(to: number, buffer: Buffer, value: number): void {
    const bits = buffer.kind === "real" ? bitsOfReal(value) : value >>> 0;
    let from = this.#constants.get(bits);
    if (from === undefined) {
      from = this.#constantBase + this.#constants.size;
      this.#constants.set(bits, from);
    }
    const whole = { reads: { offset: from, length: 1 }, writes: { offset: to, length: buffer.length } };
    this.#move({ from, to, length: buffer.length, fromStride: 0, toStride: 0, step: 0, row: undefined, ...whole });
  }

  /** Copies that do not touch what others write are one dispatch. */
  #move(segment: Segment): void {
    if (segment.length === 0) return;
    const clash = this.#current.pending.some(
      (p) =>
        overlaps(p.writes, segment.writes) || overlaps(p.writes, segment.reads) || overlaps(p.reads, segment.writes),
    );
    if (clash) this.#flush();
    this.#current.pending.push(segment);
  }

  #flush(): void {
    const { pending } = this.#current;
    if (pending.length === 0) return;
    this.#current.pending = [];
    const start = this.#tables.length;
    let count = 0;
    for (const s of pending) {
      const row = s.row === undefined ? 0 : s.row + loopWords.place + 1;
      const words = [count, s.from, s.to, s.fromStride, s.toStride, s.step, row];
      if (words.length !== segmentWords) throw new Error("internal error: a segment of the wrong length");
      this.#tables.push(...words);
      count += s.length;
    }
    this.#current.commands.push({ kind: "move", words: [count, 0, start, pending.length], count });
  }

  #branch(step: Extract<PlanStep, { kind: "branch" }>, at: At, base: number): void {
    const places = [...step.inputs, ...step.outputs].map(at);
    const branch = this.#control(operations.branch, at(step.predicate), 0, 0);
    branch[4] = this.#open().index;
    this.#function(step.then, places, base);
    const jump = this.#control(operations.jump, 0);
    branch[5] = this.#open().index;
    this.#function(step.otherwise, places, base);
    const last = this.#control(operations.jump, 0);
    jump[3] = this.#open().index;
    last[3] = jump[3];
  }

  /** The state is in `result` when a step begins, the step makes the next in `spare`, which then goes to `result`. */
  #loop(step: LoopStep, at: At, base: number): void {
    const row = this.#state.length;
    this.#state.push(...new Array<number>(loopWords.length).fill(0));
    let end = base;
    const slicesOf = (buffers: readonly Buffer[]) =>
      buffers.map((buffer) => {
        const length = buffer.length / Math.max(buffer.shape[0]!, 1);
        const place = end;
        end += aligned(length);
        return { whole: at(buffer), buffer, place, length };
      });
    const stacked = slicesOf(step.stacked);
    const results = slicesOf(step.results);
    this.#dataWords = Math.max(this.#dataWords, end);

    for (const c of step.carry) this.#copy(at(c.initial), at(c.result), c.result.length);
    // Results of steps that are not taken are zero.
    if (step.condition || step.count) for (const r of results) this.#fill(r.whole, r.buffer, 0);
    const backward = step.reverse ? 1 : 0;
    const steps = at(step.steps);
    const enter = this.#control(
      operations.enter,
      row,
      step.count ? 1 : 0,
      step.count ? at(step.count) : 0,
      step.length ?? noFailure,
      backward,
      steps,
      0,
      0,
    );
    const outer = this.#regions;
    this.#regions = [];
    const head = this.#open().index;
    enter[9] = head;
    for (const s of stacked) {
      const places = {
        reads: { offset: s.whole, length: s.buffer.length },
        writes: { offset: s.place, length: s.length },
      };
      const strides = { fromStride: s.length, toStride: 0, step: 1, row } as const;
      this.#move({ from: s.whole, to: s.place, length: s.length, ...strides, ...places });
    }
    const operands = [
      ...step.constants.map(at),
      ...step.carry.map((c) => at(c.result)),
      ...stacked.map((s) => s.place),
    ];
    let condition: number[] | undefined;
    if (step.condition) {
      this.#function(step.condition, [...operands, steps], end);
      condition = this.#control(operations.condition, row, steps, 0, 0);
      condition[5] = this.#open().index;
    }
    this.#function(
      step.body,
      [...operands, ...step.carry.map((c) => at(c.spare)), ...results.map((r) => r.place)],
      end,
    );
    const told = [0, 1].map((i) => {
      const r = step.progress ? results[i] : undefined;
      return r && r.buffer.kind === "real" && r.length > 0 ? r.place + 1 : 0;
    });
    for (const c of step.carry) this.#copy(at(c.spare), at(c.result), c.result.length);
    for (const r of results) {
      const places = {
        reads: { offset: r.place, length: r.length },
        writes: { offset: r.whole, length: r.buffer.length },
      };
      const strides = { fromStride: 0, toStride: r.length, step: 1, row } as const;
      this.#move({ from: r.place, to: r.whole, length: r.length, ...strides, ...places });
    }
    const event = step.progress ? step.progress.event + 1 : 0;
    const next = this.#control(operations.next, row, backward, steps, head, 0, event, ...told);
    const body = this.#regions;
    this.#regions = outer;
    const isFixed = step.condition === undefined && step.count === undefined;
    this.#regions.push({ kind: "loop", row, length: isFixed ? step.length : undefined, body });
    const exit = this.#open().index;
    enter[10] = exit;
    next[7] = exit;
    if (condition) condition[6] = exit;
  }
}

const holdsLoop = (kernel: Kernel): boolean => kernel.grid.body.length === 1 && kernel.grid.body[0]!.op === "loop";

/** At least as many words as there are different constants. */
function countConstants(entry: PlanFunction): number {
  const seen = new Set<PlanFunction>();
  let count = 1;
  const visit = (f: PlanFunction): void => {
    if (seen.has(f)) return;
    seen.add(f);
    for (const step of f.steps) {
      if (step.kind === "fill") count += 1;
      if (step.kind === "call") visit(step.callee);
      if (step.kind === "branch") for (const g of [step.then, step.otherwise]) visit(g);
      if (step.kind === "loop") for (const g of step.condition ? [step.body, step.condition] : [step.body]) visit(g);
    }
  };
  visit(entry);
  return count;
}

const view = new DataView(new ArrayBuffer(4));
function bitsOfReal(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}
