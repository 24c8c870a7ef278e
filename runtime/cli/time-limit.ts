/** `--timeout`: what is said when time is up, and commands that are stopped then. */
import { Worker } from "node:worker_threads";
import { errorAt } from "../../compiler/syntax/diagnostic.ts";
import { type LocatedDiagnostic, type LocateOptions, locate } from "../script/diagnostics.ts";
import { type ExitCode, exitCodes } from "../script/outcome.ts";
import type { Progress } from "../script/progress.ts";
import type { Terminal } from "./terminal.ts";

/** The message that time is up; `progress` is the solve that was at work, if one was. */
export function timeIsUp(seconds: number, render: LocateOptions, progress?: Progress): LocatedDiagnostic {
  const time = `${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  const work = progress ? ` It was at iteration ${progress.iteration} of ${progress.expression}.` : "";
  return locate(
    errorAt("K1091", undefined, `This did not end within ${time}, the --timeout, and was stopped.${work}`, {
      help: "Allow more time, or ask for less work. What was shown and saved before is complete.",
    }),
    new Map(),
    render,
  );
}

/**
 * Runs the command line `args` in a thread of its own, and ends the thread when time is up: what computes does not give
 * way to a timer.
 */
export function runWithTimeLimit(args: readonly string[], seconds: number, terminal: Terminal): Promise<ExitCode> {
  const worker = new Worker(new URL("./command-worker.mjs", import.meta.url), {
    workerData: { args },
    // A thread has no terminal of its own to ask.
    env: { ...process.env, ...(terminal.color ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }) },
  });
  return new Promise((resolve, reject) => {
    let code: ExitCode = exitCodes.failedRun;
    const timer = setTimeout(() => {
      void worker.terminate().then(() => {
        terminal.printError(timeIsUp(seconds, { color: terminal.errorColor, width: terminal.width }).text);
        resolve(exitCodes.failedRun);
      });
    }, seconds * 1000);
    worker.on("message", (result: ExitCode) => {
      code = result;
    });
    worker.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    worker.on("exit", () => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
