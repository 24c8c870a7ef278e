/** Launches of kernels and matrix products. */
import { elementBytes, isGram, type Launch, type Product } from "../../kernel/plan.ts";
import type { FunctionBuilder } from "./encoder.ts";
import type { Frame, PlanContext } from "./frame.ts";

/** Operations that one call of a kernel should take: the engine replaces code by faster code between calls. */
const operationsPerCall = 200_000;

/** Writes a call of a kernel, or what makes several threads run it. */
export function emitLaunch(b: FunctionBuilder, context: PlanContext, frame: Frame, step: Launch): void {
  const addresses = step.buffers.map((buffer) => () => frame.push(b, buffer));
  sharedOrAlone(b, context, step, addresses, () => emitCalls(b, context, frame, step));
}

/** By whether the instance is in a team while it runs. */
function sharedOrAlone(
  b: FunctionBuilder,
  { jobs }: PlanContext,
  step: Launch | Product,
  addresses: readonly (() => void)[],
  alone: () => void,
): void {
  const job = jobs?.of(step);
  if (!jobs || !job) {
    alone();
    return;
  }
  b.global("global.get", jobs.team);
  b.if(() => jobs.share(b, job, addresses), alone);
}

/** The same function once, or for one part of its iterations after the other. */
function emitCalls(b: FunctionBuilder, context: PlanContext, frame: Frame, { kernel, buffers, cost }: Launch): void {
  const index = context.kernels.get(kernel)!;
  const count = Number((kernel.grid.count as { readonly value: number }).value);
  // Chunks are whole vectors, so that the remainder loop runs at the very end only.
  const chunk = Math.max(64, Math.ceil(operationsPerCall / Math.max(cost, 1) / 64) * 64);
  const small = kernel.grid.vectorize ? chunk : Math.max(1, Math.ceil(operationsPerCall / Math.max(cost, 1)));
  if (count <= 2 * small) {
    for (const buffer of buffers) frame.push(b, buffer);
    b.i32(0);
    b.i32(count);
    b.call(index);
    return;
  }
  const begin = b.local("i32");
  const end = b.local("i32");
  b.i32(0);
  b.set(begin);
  b.loop((again) => {
    // end = min(begin + chunk, count)
    b.get(begin);
    b.i32(small);
    b.emit("i32.add");
    b.set(end);
    b.get(end);
    b.i32(count);
    b.get(end);
    b.i32(count);
    b.emit("i32.lt_s");
    b.emit("select");
    b.set(end);
    for (const buffer of buffers) frame.push(b, buffer);
    b.get(begin);
    b.get(end);
    b.call(index);
    b.get(end);
    b.tee(begin);
    b.i32(count);
    b.emit("i32.lt_s");
    b.branchIf(again);
  });
}

/** Writes a matrix product or a batch of them, or what makes several threads compute it. */
export function emitProductStep(b: FunctionBuilder, context: PlanContext, frame: Frame, step: Product): void {
  const bytes = elementBytes("real", context.plan.precision);
  const operand =
    ({ buffer, offset }: Product["a"]) =>
    () => {
      frame.push(b, buffer);
      if (offset === 0) return;
      b.i32(offset * bytes);
      b.emit("i32.add");
    };
  const addresses = [operand(step.a), operand(step.b), () => frame.push(b, step.result), () => frame.pushScratch(b)];
  sharedOrAlone(b, context, step, addresses, () => emitProducts(b, context, frame, step));
}

/** The products of a batch, one after the other. */
function emitProducts(b: FunctionBuilder, context: PlanContext, frame: Frame, step: Product): void {
  const bytes = elementBytes("real", context.plan.precision);
  const batch = b.local("i32");
  const pushOperand = (o: typeof step.a) => {
    frame.push(b, o.buffer);
    if (o.offset > 0) {
      b.i32(o.offset * bytes);
      b.emit("i32.add");
    }
    if (step.batch > 1 && o.batch !== 0) {
      b.get(batch);
      b.i32(o.batch * bytes);
      b.emit("i32.mul");
      b.emit("i32.add");
    }
  };
  const once = () => {
    pushOperand(step.a);
    pushOperand(step.b);
    frame.push(b, step.result);
    if (step.batch > 1) {
      b.get(batch);
      b.i32(step.m * step.n * bytes);
      b.emit("i32.mul");
      b.emit("i32.add");
    }
    for (const n of [step.m, step.n, step.k, step.a.row, step.a.column, step.b.row, step.b.column]) b.i32(n);
    frame.pushScratch(b);
    b.i32(0);
    b.i32(step.m);
    b.i32(Number(isGram(step)));
    b.call(context.product);
  };
  if (step.batch === 1) {
    once();
    return;
  }
  if (step.batch === 0) return;
  b.i32(0);
  b.set(batch);
  b.loop((again) => {
    once();
    b.get(batch);
    b.i32(1);
    b.emit("i32.add");
    b.tee(batch);
    b.i32(step.batch);
    b.emit("i32.lt_s");
    b.branchIf(again);
  });
}
