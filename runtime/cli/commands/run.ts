/** `karush run`: runs a script, and shows what it does as it does it. */
import type { Worker } from "node:worker_threads";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import type { RunMessage, RunRequest } from "../../script/perform.ts";
import { splitPairs } from "../../script/settings.ts";
import { renderPlot } from "../../show/plot-terminal.ts";
import { Recorder, type RunRecord } from "../../show/record.ts";
import { renderShown } from "../../show/values.ts";
import { type CommonOptions, checkBackend, checkScriptFile } from "../options.ts";
import { type RunWatcher, runInWorker } from "../run-in-worker.ts";
import type { Terminal } from "../terminal.ts";

export interface RunOptions extends CommonOptions {
  readonly data: readonly string[];
  readonly set: readonly string[];
  readonly seed: number;
  readonly json?: boolean;
  readonly checkFinite?: boolean;
  readonly report?: string;
  readonly quiet?: boolean;
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
}

export async function run(file: string, options: RunOptions, terminal: Terminal, worker?: Worker): Promise<ExitCode> {
  checkScriptFile(file);
  const { backend, software, precision } = checkBackend(options);
  const recorder = options.json || options.report !== undefined ? new Recorder() : undefined;
  const printer = options.json ? undefined : new Printer(terminal, options.quiet === true);
  let failed: string | undefined;
  const request: RunRequest = {
    file,
    backend,
    data: splitPairs(options.data, "--data"),
    set: splitPairs(options.set, "--set"),
    precision,
    seed: options.seed,
    checkFinite: options.checkFinite === true,
    allowRead: options.allowRead,
    allowWrite: options.allowWrite,
    render: { color: terminal.errorColor, width: terminal.width },
  };
  const watcher: RunWatcher = {
    onMessage: (message) => {
      recorder?.add(message);
      if (message.kind === "usage") terminal.printUsage(message.message, message.help);
      else if (message.kind === "progress") terminal.showProgress(message.progress);
      else printer?.print(message);
    },
    onInterrupt: () => terminal.printError("Stopping at the next step. Ctrl-C again stops at once."),
    onCrash: (reason) => {
      failed = reason;
    },
  };
  const code =
    backend === "webgpu"
      ? await onDevice(request, watcher, software, terminal)
      : await runInWorker(request, watcher, worker);
  terminal.clearProgress();
  if (failed !== undefined) terminal.printError(failed);
  const record = recorder?.finish({ file, backend, precision, code });
  if (record && code !== exitCodes.usage) await deliver(record, options, terminal);
  return code;
}

/** What has no device says so, and has failed to run. */
async function onDevice(
  request: RunRequest,
  watcher: RunWatcher,
  software: boolean,
  terminal: Terminal,
): Promise<ExitCode> {
  const { runOnDevice } = await import("../run-on-device.ts");
  try {
    return await runOnDevice(request, watcher, { software });
  } catch (error) {
    if (!(error instanceof Error && error.name === "NoDeviceError")) throw error;
    terminal.printUsage(error.message, "--backend cpu runs everywhere.");
    return exitCodes.failedRun;
  }
}

async function deliver(record: RunRecord, options: RunOptions, terminal: Terminal): Promise<void> {
  if (options.report !== undefined) {
    const { writeReport } = await import("../../show/report.ts");
    await writeReport(record, options.report);
    if (!options.quiet && !options.json) terminal.printError(`Report: ${options.report}`);
  }
  if (!options.json) return;
  const { jsonDocument } = await import("../../show/document.ts");
  terminal.print(JSON.stringify(jsonDocument(record)));
  // A program that did compile keeps its warnings and its failure where people look for them, too.
  if (record.code !== exitCodes.wrongProgram)
    for (const item of record.items) if (item.kind === "diagnostic") terminal.printError(item.diagnostic.text);
}

/** Prints what people want to see: quietly, only what went wrong. */
class Printer {
  readonly #terminal: Terminal;
  readonly #quiet: boolean;

  constructor(terminal: Terminal, quiet: boolean) {
    this.#terminal = terminal;
    this.#quiet = quiet;
  }

  print(message: RunMessage): void {
    const { color, width } = this.#terminal;
    if (message.kind === "diagnostic") this.#terminal.printError(`${message.diagnostic.text}\n`);
    if (this.#quiet) return;
    if (message.kind === "show") this.#terminal.print(renderShown(message.items, { color, width }));
    if (message.kind === "plot") this.#terminal.print(renderPlot(message.plot, { color, width }));
    if (message.kind === "save") this.#terminal.print(`saved ${message.path}`);
  }
}
