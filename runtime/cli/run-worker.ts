/**
 * Runs a script in a thread of its own. A run does not give way while it computes, so the main
 * thread could neither draw progress nor hear Ctrl-C if it ran there.
 */
import { once } from "node:events";
import { parentPort } from "node:worker_threads";
import type { RunRequest } from "../script/perform.ts";
import { performScript } from "../script/perform.ts";

export interface WorkerInput {
  readonly request: RunRequest;
  /** One word, set to 1 by the main thread to stop the run: messages would not arrive in time. */
  readonly interrupt: SharedArrayBuffer;
}

if (parentPort === null) throw new Error("internal error: this file is for worker threads");
const received = once(parentPort, "message") as Promise<[WorkerInput]>;
// Loaded while the main thread still reads the command line.
const compiler = await import("../../compiler/index.ts");
const [{ request, interrupt }] = await received;
const flag = new Int32Array(interrupt);
const runner =
  request.backend === "cpu"
    ? new (await import("../cpu/runner.ts")).CpuRunner({ precision: request.precision })
    : undefined;

await performScript(compiler, request, {
  ...(runner ? { runner } : {}),
  emit: (message) => parentPort?.postMessage(message),
  now: () => performance.now(),
  isInterrupted: () => Atomics.load(flag, 0) !== 0,
});
