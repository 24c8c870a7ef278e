/** How much memory a run may have, decided by the plan before anything is set aside. */
import { BackendError } from "../../compiler/backend-error.ts";
import { elementBytes, type Plan } from "../../compiler/kernel/plan.ts";
import { sizeText } from "../show/sizes.ts";

/** All that WebAssembly can address with 32 bits. */
export const mostAddressableBytes = 2 ** 32;

/** Bytes of a plan's operands, results and temporaries: what they need at once. */
export function bytesOfPlan({ functions, frameBytes, precision }: Plan): number {
  const entry = functions.at(-1)!;
  return [...entry.inputs, ...entry.outputs].reduce(
    (sum, b) => sum + b.length * elementBytes(b.kind, precision),
    frameBytes,
  );
}

/** Throws a BackendError with the code K1090 where `needed` bytes more are too many beside those in use. */
export function refuseMemory(needed: number, used: number, most: number): void {
  if (needed + used <= most) return;
  const kept = used > most / 100 ? `, beside the ${sizeText(used)} of what was computed before` : "";
  const isCeiling = most >= mostAddressableBytes;
  throw new BackendError(
    "K1090",
    `This needs ${sizeText(needed)} of memory at once${kept}: more than the ${sizeText(most)} there ${isCeiling ? "can be on the CPU" : "may be"}.`,
    `${isCeiling ? "" : "`--max-memory` sets the limit, or `maxMemory` of `createRuntime`. "}Use smaller sizes, --precision f32, or a \`loop\` over parts; \`karush explain FILE --memory\` shows what takes it.`,
  );
}
