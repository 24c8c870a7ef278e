/** The loops of a plan: two places for the state that take turns, and a word to the host now and then. */
import { type Buffer, type LoopStep, noFailure, type PlanFunction } from "../../kernel/plan.ts";
import { emitCopy } from "./copies.ts";
import type { FunctionBuilder } from "./encoder.ts";
import type { Frame, PlanContext } from "./frame.ts";

/** Writes a loop; a branch to `failed` leaves the function. */
export function emitLoop(b: FunctionBuilder, context: PlanContext, frame: Frame, step: LoopStep, failed: number): void {
  const [taken, limit, place] = [b.local("i32"), b.local("i32"), b.local("i32")];
  /** Addresses of the state as it is, as it becomes, and of the memory that is neither. */
  const state = step.carry.map(() => ({ now: b.local("i32"), next: b.local("i32"), other: b.local("i32") }));
  if (step.count) {
    frame.push(b, step.count);
    b.memory("i32.load");
    b.set(limit);
    if (step.length !== undefined) clamp(b, limit, step.length);
  } else {
    b.i32(step.length ?? noFailure);
    b.set(limit);
  }
  step.carry.forEach((c, i) => {
    frame.push(b, c.initial);
    b.set(state[i]!.now);
    frame.push(b, c.result);
    b.set(state[i]!.next);
    frame.push(b, c.spare);
    b.set(state[i]!.other);
  });
  b.i32(0);
  b.set(taken);
  const takePlace = () => {
    if (step.reverse) {
      b.get(limit);
      b.i32(1);
      b.emit("i32.sub");
      b.get(taken);
      b.emit("i32.sub");
    } else b.get(taken);
    b.set(place);
  };
  const operands = () => {
    for (const c of step.constants) frame.push(b, c);
    for (const s of state) b.get(s.now);
    for (const x of step.stacked) frame.pushSlice(b, x, place);
  };
  const leaveAtLimit = (done: number) => {
    b.get(taken);
    b.get(limit);
    b.emit("i32.ge_s");
    b.branchIf(done);
  };
  const leaveUnlessTrue = (flag: Buffer, done: number) => {
    frame.push(b, flag);
    b.memory("i32.load");
    b.emit("i32.eqz");
    b.branchIf(done);
  };
  const ask = (condition: PlanFunction, done: number) => {
    // The condition's result goes to the memory of the step count, which is written after the loop.
    operands();
    frame.push(b, step.steps);
    frame.call(b, context, condition, failed);
    leaveUnlessTrue(step.steps, done);
  };
  /** The first state read is the caller's own: from then on two places take turns. */
  const replace = (kept: boolean) => {
    state.forEach((s, i) => {
      if (step.carry[i]!.kept !== kept) return;
      b.get(s.next);
      b.set(s.now);
      b.get(s.other);
      b.set(s.next);
      b.get(s.now);
      b.set(s.other);
    });
  };
  const { condition, going } = step;
  b.block((done) => {
    if (condition && going) {
      leaveAtLimit(done);
      takePlace();
      ask(condition, done);
    }
    b.loop((again) => {
      leaveAtLimit(done);
      takePlace();
      if (condition && !going) ask(condition, done);
      operands();
      for (const s of state) b.get(s.next);
      for (const r of step.results) frame.pushSlice(b, r, place);
      if (going) frame.push(b, going);
      frame.call(b, context, step.body, failed);
      const addressOf = (i: number) => {
        const r = i < state.length ? undefined : step.results[i - state.length]!;
        if (r) frame.pushSlice(b, r, place);
        else b.get(state[i]!.next);
      };
      emitTick(b, context, step, { taken, limit, addressOf });
      replace(false);
      b.get(taken);
      b.i32(1);
      b.emit("i32.add");
      b.set(taken);
      if (going) leaveUnlessTrue(going, done);
      replace(true);
      b.branch(again);
    });
  });
  step.carry.forEach((c, i) => {
    if (c.result.length === 0) return;
    b.get(state[i]!.now);
    frame.push(b, c.result);
    b.emit("i32.ne");
    b.if(() => {
      emitCopy(
        b,
        () => frame.push(b, c.result),
        () => b.get(state[i]!.now),
        c.result.length * frame.bytes(c.result),
      );
    });
  });
  frame.push(b, step.steps);
  b.get(taken);
  b.memory("i32.store");
  clearRest(b, frame, step, taken, limit);
}

/** Results of steps that were not taken are zero. */
function clearRest(b: FunctionBuilder, frame: Frame, step: LoopStep, taken: number, limit: number): void {
  const { length } = step;
  if (length === undefined || (!step.condition && !step.count)) return;
  const [from, to] = [b.local("i32"), b.local("i32")];
  if (step.reverse) {
    // Taken are the last of the first `limit`: those before them, and those after the limit, are left.
    b.i32(0);
    b.set(from);
    b.get(limit);
    b.get(taken);
    b.emit("i32.sub");
    b.set(to);
    clear(b, frame, step, from, to);
    b.get(limit);
    b.i32(0);
    b.get(limit);
    b.i32(0);
    b.emit("i32.gt_s");
    b.emit("select");
    b.set(from);
  } else {
    b.get(taken);
    b.set(from);
  }
  b.i32(length);
  b.set(to);
  clear(b, frame, step, from, to);
}

/** Zeros in the slices of the results from one place up to another. */
function clear(b: FunctionBuilder, frame: Frame, step: LoopStep, from: number, to: number): void {
  for (const r of step.results) {
    const slice = (r.length / Math.max(1, step.length!)) * frame.bytes(r);
    if (slice === 0) continue;
    b.get(from);
    b.get(to);
    b.emit("i32.lt_s");
    b.if(() => {
      frame.push(b, r);
      b.get(from);
      b.i32(slice);
      b.emit("i32.mul");
      b.emit("i32.add");
      b.i32(0);
      b.get(to);
      b.get(from);
      b.emit("i32.sub");
      b.i32(slice);
      b.emit("i32.mul");
      b.bulk("memory.fill");
    });
  }
}

function clamp(b: FunctionBuilder, local: number, most: number): void {
  b.get(local);
  b.i32(most);
  b.get(local);
  b.i32(most);
  b.emit("i32.lt_s");
  b.emit("select");
  b.set(local);
}

/** Asks the host now and then. A negative answer ends a solve at the step it has just taken. */
function emitTick(
  b: FunctionBuilder,
  context: PlanContext,
  step: LoopStep,
  {
    taken,
    limit,
    addressOf,
  }: { readonly taken: number; readonly limit: number; readonly addressOf: (i: number) => void },
): void {
  const { countdown, host, plan } = context;
  b.global("global.get", countdown);
  b.i32(1);
  b.emit("i32.sub");
  b.global("global.set", countdown);
  b.global("global.get", countdown);
  b.i32(0);
  b.emit("i32.le_s");
  b.if(() => {
    b.i32(step.progress ? step.progress.event : -1);
    b.get(taken);
    for (const told of step.progress?.told ?? [undefined, undefined]) {
      const given = told === undefined ? undefined : step.body.outputs[told];
      if (given?.kind === "real") {
        addressOf(told!);
        b.memory(`${plan.precision}.load`);
        if (plan.precision === "f32") b.emit("f64.promote_f32");
      } else b.constant("f64", Number.NaN);
    }
    b.call(host.tick);
    b.global("global.set", countdown);
    if (!step.progress || !step.condition || step.reverse) return;
    b.global("global.get", countdown);
    b.i32(0);
    b.emit("i32.lt_s");
    b.if(() => {
      b.get(taken);
      b.i32(1);
      b.emit("i32.add");
      b.set(limit);
    });
  });
}
