/** Places for temporaries: each lives from the step that writes it to the last that reads it, and others reuse its bytes. */
import type { Precision } from "./ir.ts";
import { type Buffer, elementBytes, type PlanFunction, type PlanStep } from "./plan.ts";

/** Places are multiples of this: vectors and cache lines begin on them. */
const alignment = 64;
const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** The buffers a step touches. */
export function buffersOf(step: PlanStep): readonly Buffer[] {
  switch (step.kind) {
    case "launch":
      return step.buffers;
    case "product":
      return [step.a.buffer, step.b.buffer, step.result];
    case "copy":
      return [step.from, step.to];
    case "fill":
      return [step.buffer];
    case "loop":
      return [
        ...(step.count ? [step.count] : []),
        ...(step.going ? [step.going] : []),
        ...step.constants,
        ...step.carry.flatMap((c) => [c.initial, c.result, c.spare]),
        ...step.stacked,
        ...step.results,
        step.steps,
      ];
    case "branch":
      return [step.predicate, ...step.inputs, ...step.outputs];
    case "call":
      return [...step.inputs, ...step.outputs];
    case "check":
      return [step.failing, ...(step.details?.buffers ?? []), ...(step.shown ? [step.shown] : [])];
    case "report":
      return [step.status, step.iterations, step.error];
  }
}

/** First fit in the order of first use: no two temporaries that live at once overlap. */
export function placeTemporaries(
  steps: readonly PlanStep[],
  precision: Precision,
): Pick<PlanFunction, "temporaries" | "frameBytes"> {
  const lives = new Map<Buffer, { first: number; last: number }>();
  steps.forEach((step, i) => {
    for (const b of buffersOf(step)) {
      if (b.place !== "temporary") continue;
      const life = lives.get(b);
      if (life) life.last = i;
      else lives.set(b, { first: i, last: i });
    }
  });
  const temporaries: { buffer: Buffer; offset: number }[] = [];
  const placed: { offset: number; end: number; last: number }[] = [];
  let frameBytes = 0;
  for (const [buffer, { first, last }] of lives) {
    const bytes = aligned(Math.max(buffer.length, 1) * elementBytes(buffer.kind, precision));
    const busy = placed.filter((p) => p.last >= first).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const p of busy) {
      if (p.offset - offset >= bytes) break;
      offset = Math.max(offset, p.end);
    }
    placed.push({ offset, end: offset + bytes, last });
    temporaries.push({ buffer, offset });
    frameBytes = Math.max(frameBytes, offset + bytes);
  }
  return { temporaries, frameBytes };
}

/** Bytes of a function's frame and of the deepest calls it makes. */
export function depthOf(f: PlanFunction, known = new Map<PlanFunction, number>()): number {
  const found = known.get(f);
  if (found !== undefined) return found;
  let deepest = 0;
  for (const step of f.steps) for (const g of calleesOf(step)) deepest = Math.max(deepest, depthOf(g, known));
  const depth = f.frameBytes + deepest;
  known.set(f, depth);
  return depth;
}

export function calleesOf(step: PlanStep): readonly PlanFunction[] {
  switch (step.kind) {
    case "loop":
      return step.condition ? [step.body, step.condition] : [step.body];
    case "branch":
      return [step.then, step.otherwise];
    case "call":
      return [step.callee];
    default:
      return [];
  }
}
