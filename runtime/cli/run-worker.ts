/**
 * Runs a script in a thread of its own. A run does not give way while it computes, so the main
 * thread could neither draw progress nor hear Ctrl-C if it ran there.
 */
import { once } from "node:events";
import type { MessagePort } from "node:worker_threads";
import { milliseconds } from "../clock.ts";
import type { Profiler } from "../profile/profiler.ts";
import type { RunRequest } from "../script/perform.ts";
import { performScript } from "../script/perform.ts";
import { interruptWords, type WorkerInput } from "./worker-input.ts";

/** Runs the script that the first message names, and sends what it does. */
export async function serve(port: MessagePort): Promise<void> {
  const received = once(port, "message") as Promise<[WorkerInput]>;
  // Loaded while the main thread still reads the command line.
  const compiler = await import("../../compiler/index.ts");
  const [{ request, interrupt }] = await received;
  const words = new Int32Array(interrupt);
  const profiler = request.profile ? new (await import("../profile/profiler.ts")).Profiler() : undefined;
  const runner = request.backend === "cpu" ? await cpuRunner(request, profiler) : await referenceRunner(request);

  await performScript(compiler, request, {
    ...(runner ? { runner } : {}),
    ...(profiler ? { profiler } : {}),
    emit: (message) => port.postMessage(message),
    now: milliseconds,
    isInterrupted: () => Atomics.load(words, interruptWords.stop) !== 0,
    onSolving: (isSolving) => Atomics.store(words, interruptWords.solving, isSolving ? 1 : 0),
  });
}

/** On this thread, which is there for it. */
async function cpuRunner({ precision, threads, maxMemory }: RunRequest, profiler: Profiler | undefined) {
  const { CpuRunner } = await import("../cpu/runner.ts");
  const { defaultThreads } = await import("../cpu/platform.ts");
  return new CpuRunner({ precision, threads: threads ?? defaultThreads(), maxMemory, profiler });
}

/** The evaluator under the limit; without one it needs no runner. */
async function referenceRunner({ backend, precision, maxMemory }: RunRequest) {
  if (backend !== "reference" || maxMemory === undefined) return undefined;
  const { ReferenceRunner } = await import("../reference-runner.ts");
  return new ReferenceRunner({ precision, maxMemory });
}
