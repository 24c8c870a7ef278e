/**
 * Runs a script on a WebGPU device, on this thread: the device works by itself, so the thread is free to draw progress
 * and to hear Ctrl-C. Import this file lazily.
 */
import * as compiler from "../../compiler/index.ts";
import type { Profiler } from "../profile/profiler.ts";
import { type ExitCode, exitCodes, Interrupted } from "../script/outcome.ts";
import { performScript, type RunRequest } from "../script/perform.ts";
import type { OpenedRunner } from "../webgpu/open-runner.ts";
import type { RunWatcher } from "./run-in-worker.ts";
import { timeIsUp } from "./time-limit.ts";

/** A step that takes longer than this after time is up is not waited for. */
const graceMilliseconds = 3000;

/** Runs the script, and closes the device. */
export async function runOnDevice(
  request: RunRequest,
  watcher: RunWatcher,
  opened: Pick<OpenedRunner, "runner" | "close">,
  profiler?: Profiler,
): Promise<ExitCode> {
  let interrupts = 0;
  const onSignal = () => {
    interrupts += 1;
    if (interrupts > 1) process.exit(exitCodes.interrupted);
    watcher.onInterrupt();
  };
  process.on("SIGINT", onSignal);
  let code: ExitCode = exitCodes.failedRun;
  let isTimeUp = false;
  const { timeout, render } = request;
  const timers: NodeJS.Timeout[] = [];
  if (timeout !== undefined) {
    const end = () => {
      isTimeUp = true;
      watcher.onMessage({ kind: "diagnostic", diagnostic: timeIsUp(timeout, render) });
      // A device that does not answer is not waited for.
      timers.push(setTimeout(() => process.exit(exitCodes.failedRun), graceMilliseconds));
    };
    timers.push(setTimeout(end, timeout * 1000));
  }
  try {
    await performScript(compiler, request, {
      runner: opened.runner,
      ...(profiler ? { profiler } : {}),
      emit: (message) => {
        watcher.onMessage(message);
        if (message.kind === "done") code = message.code;
      },
      now: () => performance.now(),
      isInterrupted: () => {
        if (isTimeUp) throw new Interrupted();
        return interrupts > 0;
      },
    });
    return isTimeUp ? exitCodes.failedRun : code;
  } finally {
    timers.forEach(clearTimeout);
    process.off("SIGINT", onSignal);
    await opened.close();
  }
}
