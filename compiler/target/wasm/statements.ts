/**
 * Writes statements: one value at a time, or all lanes of a vectorised loop together. A loop that can run as
 * vectors becomes one over a few vectors at a time, one vector, and one over the iterations that are left.
 */
import type { Assign, Let, Loop, Statement, Variable, While } from "../../kernel/ir.ts";
import { isWorthCall } from "./outline.ts";
import { finishAccumulators, startAccumulators } from "./reductions.ts";
import { canRestart } from "./restart.ts";
import { costOf, type ScalarWriter } from "./scalar.ts";
import { type Lanes, VectorWriter } from "./vector.ts";
import { type Varying, varyingOf, vectorsPerStep } from "./vectorize.ts";

/** Where a loop ends: a number, or a local. */
export type Bound = { readonly constant: number } | { readonly local: number };

export class StatementWriter {
  readonly #scalar: ScalarWriter;
  /** Inside of a vectorised loop. */
  #lanes: { readonly lanes: Lanes; readonly writer: VectorWriter } | undefined;

  /** How many loops of this function are around what is being written. */
  #depth = 0;

  constructor(scalar: ScalarWriter) {
    this.#scalar = scalar;
  }

  get #f() {
    return this.#scalar.context.f;
  }

  write(statements: readonly Statement[]): void {
    for (const s of statements) this.#statement(s);
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        this.#define(s);
        return;
      case "store":
        if (this.#lanes) this.#lanes.writer.store(s.index, s);
        else {
          const offset = this.#scalar.addresses.push(s.array, s.index);
          this.#scalar.push(s.value);
          this.#f.memory(`${this.#scalar.context.typeOf(s.array.kind)}.store`, offset);
        }
        return;
      case "if":
        this.#scalar.push(s.condition);
        this.#f.if(() => this.write(s.then), s.otherwise.length > 0 ? () => this.write(s.otherwise) : undefined);
        return;
      case "while":
      case "loop":
        if (this.#depth > 0 && !this.#lanes && isWorthCall(s)) this.#call(s);
        else if (s.op === "loop") this.loop(s);
        else this.#while(s);
        return;
    }
  }

  #call(s: Loop | While): void {
    const { context } = this.#scalar;
    const { index, arrays, captured, assigned } = context.functions.loop(s);
    for (const array of arrays) this.#f.get(context.pointer(array));
    for (const local of captured) this.#f.get(context.scalar(local));
    this.#f.call(index);
    for (const local of [...assigned].reverse()) this.#f.set(context.scalar(local));
  }

  #define({ local, value }: Let | Variable | Assign): void {
    if (this.#lanes?.lanes.has(local.id)) {
      this.#lanes.writer.push(value);
      this.#f.set(this.#lanes.writer.place(local));
      return;
    }
    this.#scalar.push(value);
    this.#f.set(this.#scalar.context.scalar(local));
  }

  #isVector = (e: Parameters<ScalarWriter["push"]>[0]): boolean =>
    this.#lanes !== undefined && e !== this.#lanes.lanes.index && this.#lanes.lanes.isVarying(e);

  #while(s: While): void {
    this.#scalar.addresses.begin(s, this.#isVector);
    this.#depth += 1;
    // A short condition stands at the end of the loop, and once before it.
    if (costOf(s.condition, 20) < 20) {
      this.#scalar.push(s.condition);
      this.#f.if(() =>
        this.#f.loop((again) => {
          this.write(s.body);
          this.#scalar.push(s.condition);
          this.#f.branchIf(again);
        }),
      );
    } else
      this.#f.block((done) =>
        this.#f.loop((again) => {
          this.#scalar.push(s.condition);
          this.#f.emit("i32.eqz");
          this.#f.branchIf(done);
          this.write(s.body);
          this.#f.branch(again);
        }),
      );
    this.#depth -= 1;
    this.#scalar.addresses.end();
  }

  /** Runs a loop from 0, or from the value of a local, to its count, or to the bound given. */
  loop(s: Loop, from?: number, to?: Bound): void {
    const end = to ?? this.#count(s);
    if ("constant" in end && end.constant <= 0) return;
    const index = this.#scalar.context.scalar(s.index);
    this.#scalar.addresses.begin(s, this.#isVector);
    if (from === undefined) this.#f.i32(0);
    else this.#f.get(from);
    this.#f.set(index);
    const isRepeated = !(s.count.op === "constant" && s.count.value === 1);
    if (isRepeated) this.#depth += 1;
    const laneCount = this.#scalar.context.precision === "f64" ? 2 : 4;
    const isLong = !("constant" in end) || end.constant >= laneCount;
    const varying = this.#lanes === undefined && s.vectorize && isLong ? varyingOf(s) : undefined;
    const restarts = varying !== undefined && canRestart(s, varying);
    if (varying) this.#vectors(s, varying, laneCount, index, end, restarts ? { from } : undefined);
    const isWhole = varying && !restarts && "constant" in end && end.constant % laneCount === 0;
    // Code that certainly runs is not computed by engines in each of the branches that use it.
    const isOnce = !varying && from === undefined && "constant" in end && end.constant === 1;
    if (isOnce) this.write(s.body);
    else if (!isWhole) {
      const isSure = !varying && "constant" in end;
      this.#repeat(index, 1, end, isSure, () => this.write(s.body));
    }
    if (isRepeated) this.#depth -= 1;
    this.#scalar.addresses.end();
  }

  #count(s: Loop): Bound {
    if (s.count.op === "constant") return { constant: Number(s.count.value) };
    const local = this.#f.local("i32");
    this.#scalar.push(s.count);
    this.#f.set(local);
    return { local };
  }

  /** Repeats the body while index + step <= end, index growing by the step; at least once if that is sure. */
  #repeat(index: number, step: number, end: Bound, isSure: boolean, body: () => void): void {
    const f = this.#f;
    const last = this.#lastStart(end, step);
    const goesOn = () => {
      f.get(index);
      if ("constant" in last) f.i32(last.constant);
      else f.get(last.local);
      f.emit("i32.le_s");
    };
    const repeated = () =>
      f.loop((again) => {
        body();
        f.get(index);
        f.i32(step);
        f.emit("i32.add");
        f.set(index);
        goesOn();
        f.branchIf(again);
      });
    if (isSure) {
      repeated();
      return;
    }
    goesOn();
    f.if(repeated);
  }

  /** The largest index at which a step fits: end - step. */
  #lastStart(end: Bound, step: number): Bound {
    if ("constant" in end) return { constant: end.constant - step };
    const local = this.#f.local("i32");
    this.#f.get(end.local);
    this.#f.i32(step);
    this.#f.emit("i32.sub");
    this.#f.set(local);
    return { local };
  }

  /** With `restart` the loop begins again, one iteration at a time, after vectors with values that are not usual. */
  #vectors(
    s: Loop,
    varying: Varying,
    laneCount: number,
    index: number,
    end: Bound,
    restart: { readonly from: number | undefined } | undefined,
  ): void {
    const usual = restart && this.#f.local("v128");
    if (usual !== undefined) {
      this.#f.v128(new Uint8Array(16).fill(0xff));
      this.#f.set(usual);
    }
    const wanted = vectorsPerStep(s);
    const fitting = "constant" in end ? Math.floor(end.constant / laneCount) : wanted;
    const copies = fitting < wanted ? 1 : wanted;
    const places = startAccumulators(this.#scalar.context, s.accumulators, copies);
    this.#repeat(index, copies * laneCount, end, false, () => {
      for (let copy = 0; copy < copies; copy++) this.#copy(s, varying, copy, places[copy]!, usual);
    });
    const mayBeLeft = copies > 1 && !("constant" in end && end.constant % (copies * laneCount) < laneCount);
    if (mayBeLeft) this.#repeat(index, laneCount, end, false, () => this.#copy(s, varying, 0, places[0]!, usual));
    const finish = () => finishAccumulators(this.#scalar.context, s.accumulators, places);
    if (usual === undefined) finish();
    else {
      this.#f.get(usual);
      this.#f.emit("i32x4.all_true");
      this.#f.if(finish, () => {
        if (restart?.from === undefined) this.#f.i32(0);
        else this.#f.get(restart.from);
        this.#f.set(index);
      });
    }
  }

  #copy(
    s: Loop,
    varying: Varying,
    copy: number,
    accumulators: ReadonlyMap<number, number>,
    usual: number | undefined,
  ): void {
    const lanes: Lanes = { ...varying, index: s.index, copy, accumulators, usual };
    this.#lanes = { lanes, writer: new VectorWriter(this.#scalar, lanes) };
    this.write(s.body);
    this.#lanes = undefined;
  }
}
