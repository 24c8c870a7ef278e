/**
 * Runs a script on a WebGPU device, on this thread: the device works by itself, so the thread is free to draw progress
 * and to hear Ctrl-C. Import this file lazily.
 */
import * as compiler from "../../compiler/index.ts";
import { type ExitCode, exitCodes } from "../script/outcome.ts";
import { performScript, type RunRequest } from "../script/perform.ts";
import { NoDeviceError } from "../webgpu/adapter.ts";
import { openRunner } from "../webgpu/open-runner.ts";
import type { RunWatcher } from "./run-in-worker.ts";

export async function runOnDevice(
  request: RunRequest,
  watcher: RunWatcher,
  { software }: { readonly software: boolean },
): Promise<ExitCode> {
  if (software) await useSoftwareAdapter();
  const opened = await openRunner();
  let interrupts = 0;
  const onSignal = () => {
    interrupts += 1;
    if (interrupts > 1) process.exit(exitCodes.interrupted);
    watcher.onInterrupt();
  };
  process.on("SIGINT", onSignal);
  let code: ExitCode = exitCodes.failedRun;
  try {
    await performScript(compiler, request, {
      runner: opened.runner,
      emit: (message) => {
        watcher.onMessage(message);
        if (message.kind === "done") code = message.code;
      },
      now: () => performance.now(),
      isInterrupted: () => interrupts > 0,
    });
    return code;
  } finally {
    process.off("SIGINT", onSignal);
    await opened.close();
  }
}

/** The adapter of the tests comes with packages that only developers install. */
async function useSoftwareAdapter(): Promise<void> {
  try {
    const { useSoftwareAdapter: use } = await import("../testing-adapter/software-adapter.ts");
    use();
  } catch (error) {
    throw new NoDeviceError(
      `The software adapter is not installed: it comes with the package @sparticuz/chromium, on Linux x64 (${error instanceof Error ? error.message : error}).`,
    );
  }
}
