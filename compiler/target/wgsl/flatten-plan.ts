/** Writes a plan out as a program. */

import {
  type Buffer,
  type Launch,
  type LoopStep,
  noFailure,
  type Plan,
  type PlanFunction,
  type PlanStep,
} from "../../kernel/plan.ts";
import { BlockWriter } from "./block-writer.ts";
import { branchWords, header, logEntryWords, loopWords } from "./control.ts";
import { directOperands, directPlace } from "./direct-operands.ts";
import { canWriteInPlace } from "./in-place.ts";
import type { Locate } from "./kernel.ts";
import type { Phase, Place } from "./phases.ts";
import { fastDevicePolicy, type ResidentPolicy } from "./policy.ts";
import { type Branch, loopsOf, type Program, type Region } from "./program.ts";
import { planResident } from "./resident-plan.ts";

/** Places are multiples of this many words. */
const alignment = 16;
const aligned = (words: number): number => Math.ceil(words / alignment) * alignment;
const leastCapacity = 256;

/** Writes a plan of precision f32 out; for a fast device, unless told. With `locate` texts say where they come from. */
export function flattenPlan(plan: Plan, policy: ResidentPolicy = fastDevicePolicy, locate?: Locate): Program {
  if (plan.precision !== "f32") throw new Error("internal error: devices compute in f32");
  return new Flattener(policy, locate).flatten(plan.functions.at(-1)!);
}

const isControl = (phase: Phase): boolean => phase.kind === "control";

type At = (b: Buffer) => number;

class Flattener {
  readonly #state: number[] = new Array<number>(header.length).fill(0);
  readonly #writer: BlockWriter;
  readonly #constants = new Map<number, number>();
  /** Places before this are those of constants, which are numbered first. */
  #constantBase = 0;
  #regions: Region[] = [];
  readonly #branches = new Map<number, Branch>();
  #dataWords = 0;
  #mostShown = 0;
  #lanes = 0;

  readonly #policy: ResidentPolicy;

  constructor(policy: ResidentPolicy, locate: Locate | undefined) {
    this.#policy = policy;
    const began = (block: number) => this.#regions.push({ kind: "block", block });
    this.#writer = new BlockWriter(policy, began, locate);
  }

  flatten(entry: PlanFunction): Program {
    let end = 0;
    const placed = (b: Buffer): Place => {
      const place = { offset: end, length: b.length };
      end += aligned(b.length);
      return place;
    };
    const direct = directOperands(entry, this.#policy);
    const inputs = entry.inputs.map((b, i) => (direct.has(i) ? undefined : placed(b)));
    const outputs = entry.outputs.map(placed);
    this.#constantBase = end;
    end += aligned(countConstants(entry));
    this.#dataWords = end;
    this.#writer.open();
    const all = [...inputs, ...outputs].map((p, i) => p?.offset ?? directPlace(i));
    this.#function(entry, all, end);
    const { blocks, kernels, tables } = this.#writer;
    const policy = this.#policy;
    const isPlain =
      blocks.length === 1 && (policy.isForLoops ? !blocks[0]!.tail.some(isControl) : blocks[0]!.tail.length === 0);
    if (!isPlain) this.#writer.control("finish");
    const tails = blocks.map((b) => this.#writer.tailCommands(b));
    const shown = this.#state.length;
    const log = shown + this.#mostShown;
    const capacity = Math.max(leastCapacity, 4 * this.#lanes);
    const state = new Uint32Array(log + capacity * logEntryWords);
    state.set(this.#state);
    state[header.shown] = shown;
    state[header.log] = log;
    state[header.capacity] = capacity;
    state[header.room] = this.#lanes;
    const constants = new Uint32Array(Math.max(1, this.#constants.size));
    for (const [bits, place] of this.#constants) constants[place - this.#constantBase] = bits;
    return {
      blocks: blocks.map(({ commands, group }, n) => ({ commands, tail: tails[n]!, group })),
      regions: this.#regions,
      loops: loopsOf(this.#regions),
      branches: [...this.#branches.values()],
      branchOf: this.#branches,
      kernels: [...kernels].flatMap(([{ name }, as]) => [...as.values()].map((printed) => ({ name, printed }))),
      isPlain,
      resident: isPlain
        ? { pieces: [], pieceOf: [] }
        : planResident(this.#writer, this.#regions, [...this.#branches.values()], policy),
      inputs,
      outputs,
      constants: { offset: this.#constantBase, words: constants },
      dataWords: aligned(Math.max(this.#dataWords, this.#constantBase + 1)),
      state,
      tables,
      mostShown: this.#mostShown,
    };
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

  /** Where as many words of the state begin, zero as a run begins. */
  #stateWords(count: number): number {
    const row = this.#state.length;
    this.#state.push(...new Array<number>(count).fill(0));
    return row;
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
        this.#writer.control("check", at(step.failing), step.event, step.shown ? at(step.shown) : 0, shown);
        return;
      }
      case "report": {
        this.#lanes += step.status.length;
        const places = [step.status, step.iterations, step.error].map(at);
        this.#writer.control("report", step.event, step.status.length, ...places);
        return;
      }
      case "product":
        throw new Error("internal error: products are kernels here");
    }
  }

  #launch(launch: Launch, at: At): void {
    this.#writer.launch(launch, launch.buffers.map(at));
  }

  #copy(from: number, to: number, length: number): void {
    const whole = { reads: { offset: from, length }, writes: { offset: to, length } };
    this.#writer.move({ from, to, length, fromStride: 0, toStride: 0, step: 1, row: undefined, ...whole });
  }

  #fill(to: number, buffer: Buffer, value: number): void {
    const bits = buffer.kind === "real" ? bitsOfReal(value) : value >>> 0;
    let from = this.#constants.get(bits);
    if (from === undefined) {
      from = this.#constantBase + this.#constants.size;
      this.#constants.set(bits, from);
    }
    const whole = { reads: { offset: from, length: 1 }, writes: { offset: to, length: buffer.length } };
    this.#writer.move({
      from,
      to,
      length: buffer.length,
      fromStride: 0,
      toStride: 0,
      step: 0,
      row: undefined,
      ...whole,
    });
  }

  #branch(step: Extract<PlanStep, { kind: "branch" }>, at: At, base: number): void {
    const places = [...step.inputs, ...step.outputs].map(at);
    const writer = this.#writer;
    const row = this.#stateWords(branchWords.length);
    const block = writer.current.index;
    const branch = writer.control("branch", at(step.predicate), row, 0, 0);
    const way = (f: PlanFunction, operand: 2 | 3) =>
      writer.apart(() => {
        const first = writer.open();
        branch[operand] = first;
        this.#function(f, places, base);
        return { jump: writer.control("jump", 0), range: { first, last: writer.current.index } };
      });
    const then = way(step.then, 2);
    const otherwise = way(step.otherwise, 3);
    const end = writer.open();
    then.jump[0] = end;
    otherwise.jump[0] = end;
    this.#branches.set(block, { row, then: then.range, otherwise: otherwise.range });
  }

  /** The state is in `result` when a step begins, the step makes the next in `spare`, which then goes to `result`. */
  #loop(step: LoopStep, at: At, base: number): void {
    const row = this.#stateWords(loopWords.length);
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
    const enter = this.#writer.control(
      "enter",
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
    const head = this.#writer.open();
    enter[6] = head;
    for (const s of stacked) {
      const places = {
        reads: { offset: s.whole, length: s.buffer.length },
        writes: { offset: s.place, length: s.length },
      };
      const strides = { fromStride: s.length, toStride: 0, step: 1, row } as const;
      this.#writer.move({ from: s.whole, to: s.place, length: s.length, ...strides, ...places });
    }
    const operands = [
      ...step.constants.map(at),
      ...step.carry.map((c) => at(c.result)),
      ...stacked.map((s) => s.place),
    ];
    let condition: number[] | undefined;
    if (step.condition) {
      this.#function(step.condition, [...operands, steps], end);
      condition = this.#writer.control("condition", row, steps, 0, 0);
      condition[2] = this.#writer.open();
    }
    const first = step.constants.length;
    const nexts = step.carry.map((c, i) =>
      canWriteInPlace(step.body, step.body.inputs[first + i]!, step.body.outputs[i]!) ? at(c.result) : at(c.spare),
    );
    this.#function(step.body, [...operands, ...nexts, ...results.map((r) => r.place)], end);
    const slots = [
      ...step.carry.map((c) => ({ buffer: c.result, place: at(c.result), length: c.result.length })),
      ...results,
    ];
    const told = (step.progress?.told ?? [undefined, undefined]).map((i) => {
      const slot = i === undefined ? undefined : slots[i];
      return slot && slot.buffer.kind === "real" && slot.length > 0 ? slot.place + 1 : 0;
    });
    step.carry.forEach((c, i) => {
      if (nexts[i] !== at(c.result)) this.#copy(nexts[i]!, at(c.result), c.result.length);
    });
    for (const r of results) {
      const places = {
        reads: { offset: r.place, length: r.length },
        writes: { offset: r.whole, length: r.buffer.length },
      };
      const strides = { fromStride: 0, toStride: r.length, step: 1, row } as const;
      this.#writer.move({ from: r.place, to: r.whole, length: r.length, ...strides, ...places });
    }
    const event = step.progress ? step.progress.event + 1 : 0;
    const next = this.#writer.control("next", row, backward, steps, event, ...told, head, 0);
    const body = this.#regions;
    this.#regions = outer;
    const isFixed = step.condition === undefined && step.count === undefined;
    this.#regions.push({ kind: "loop", row, length: isFixed ? step.length : undefined, step, body });
    const exit = this.#writer.open();
    enter[7] = exit;
    next[7] = exit;
    if (condition) condition[3] = exit;
  }
}

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
