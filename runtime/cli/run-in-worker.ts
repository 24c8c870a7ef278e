/** The main thread's side of a run: starts the worker, passes its messages on, and makes Ctrl-C stop it. */
import { Worker } from "node:worker_threads";
import { type ExitCode, exitCodes } from "../script/outcome.ts";
import type { RunMessage, RunRequest } from "../script/perform.ts";
import type { Progress } from "../script/progress.ts";
import { timeIsUp } from "./time-limit.ts";
import { interruptWords, type WorkerInput } from "./worker-input.ts";

/** After Ctrl-C the step of a solve is waited for so long: its iterate is worth that. */
const graceOfSolve = 3000;
/** The same where no solve is at work: then there is nothing to be had, and a statement may look at nothing until it ends. */
const graceOfStatement = 1000;

export interface RunWatcher {
  onMessage(message: RunMessage): void;
  /** The first Ctrl-C: the run stops at its next step. */
  onInterrupt(): void;
  /** No step came within so many seconds: the run is ended where it is. */
  onGiveUp(seconds: number): void;
  /** The worker itself broke down. */
  onCrash(reason: string): void;
}

/** `worker` is one that was started early; otherwise it is started now. */
export function runInWorker(
  request: RunRequest,
  watcher: RunWatcher,
  worker: Worker = new Worker(new URL("./worker.mjs", import.meta.url)),
): Promise<ExitCode> {
  const interrupt = new SharedArrayBuffer(8);
  const words = new Int32Array(interrupt);
  const input: WorkerInput = { request, interrupt };
  worker.ref();
  worker.postMessage(input);
  return new Promise((resolve) => {
    let code: ExitCode | undefined;
    const finish = (result: ExitCode) => {
      if (code !== undefined) return;
      code = result;
      void worker.terminate().then(() => resolve(result));
    };
    const onSignal = () => {
      // The run is over and its results are on their way: a Ctrl-C now ends the process, with the same status as before.
      if (code !== undefined) process.exit(exitCodes.interrupted);
      if (Atomics.exchange(words, interruptWords.stop, 1) !== 0) return finish(exitCodes.interrupted);
      watcher.onInterrupt();
      setTimeout(() => giveUp(graceOfStatement), graceOfStatement).unref();
    };
    const giveUp = (waited: number) => {
      if (code !== undefined) return;
      const rest = graceOfSolve - waited;
      if (rest > 0 && Atomics.load(words, interruptWords.solving) === 1)
        return void setTimeout(() => giveUp(graceOfSolve), rest).unref();
      watcher.onGiveUp(waited / 1000);
      finish(exitCodes.interrupted);
    };
    process.on("SIGINT", onSignal);
    let progress: Progress | undefined;
    const { timeout, render } = request;
    if (timeout !== undefined)
      setTimeout(() => {
        if (code !== undefined) return;
        watcher.onMessage({ kind: "diagnostic", diagnostic: timeIsUp(timeout, render, progress) });
        finish(exitCodes.failedRun);
      }, timeout * 1000).unref();
    worker.on("message", (message: RunMessage) => {
      if (code !== undefined) return;
      if (message.kind === "progress") progress = message.progress;
      else if (message.kind === "solve") progress = undefined;
      watcher.onMessage(message);
      if (message.kind === "done") finish(message.code);
    });
    worker.on("error", (error: NodeJS.ErrnoException) => {
      if (code !== undefined) return;
      watcher.onCrash(
        error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "karush ran out of memory." : (error.stack ?? error.message),
      );
      finish(exitCodes.failedRun);
    });
    worker.on("exit", () => finish(exitCodes.failedRun));
  });
}
