/** `karush run`: runs a script, and shows what it does as it does it. */
import type { Worker } from "node:worker_threads";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import type { RunMessage, RunRequest } from "../../script/perform.ts";
import { splitPairs } from "../../script/settings.ts";
import { renderPlot } from "../../show/plot-terminal.ts";
import { renderProfile } from "../../show/profile.ts";
import { Recorder, type RunRecord } from "../../show/record.ts";
import { renderShown } from "../../show/values.ts";
import { NoDeviceError } from "../../webgpu/adapter.ts";
import type { OpenedRunner } from "../../webgpu/open-runner.ts";
import { chooseDevice } from "../choose-device.ts";
import { defaultMaxMemory } from "../limits.ts";
import {
  type AskedBackend,
  type CommonOptions,
  checkBackend,
  checkOutputFile,
  checkScriptFile,
  writeOutput,
} from "../options.ts";
import { type RunWatcher, runInWorker } from "../run-in-worker.ts";
import type { Terminal } from "../terminal.ts";

export interface RunOptions extends CommonOptions {
  readonly data: readonly string[];
  readonly set: readonly string[];
  readonly seed: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly checkFinite?: boolean;
  readonly profile?: boolean;
  readonly report?: string;
  readonly quiet?: boolean;
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  /** Bytes. */
  readonly maxMemory?: number;
  /** Seconds. */
  readonly timeout?: number;
}

export async function run(file: string, options: RunOptions, terminal: Terminal, worker?: Worker): Promise<ExitCode> {
  checkScriptFile(file);
  const asked = checkBackend(options);
  if (options.report !== undefined) checkOutputFile("--report", options.report, [".html", ".htm"]);
  if (options.profile) refuseProfile(asked, options);
  const recorder = options.json || options.report !== undefined ? new Recorder() : undefined;
  const printer = options.json ? undefined : new Printer(terminal, options.quiet === true);
  let failed: string | undefined;
  const settings = {
    file,
    data: splitPairs(options.data, "--data"),
    set: splitPairs(options.set, "--set"),
    seed: options.seed,
    threads: options.threads,
    checkFinite: options.checkFinite === true,
    profile: options.profile === true,
    allowRead: options.allowRead,
    allowWrite: options.allowWrite,
    maxMemory: options.maxMemory ?? defaultMaxMemory(),
    timeout: options.timeout,
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
    onGiveUp: (seconds) =>
      terminal.printError(
        `No step came within ${seconds === 1 ? "a second" : `${seconds} seconds`}: ended in the middle of what was at work.`,
      ),
    onCrash: (reason) => {
      failed = reason;
    },
  };
  const profile = options.profile && asked !== "cpu" ? await profileOfDevice() : undefined;
  let opened: OpenedRunner | undefined;
  let code: ExitCode;
  let used: Pick<RunRequest, "backend" | "precision">;
  try {
    const tell = (text: string) => {
      if (!options.quiet && !options.json) terminal.printError(text);
    };
    opened = await chooseDevice(asked, { tell, listener: profile?.listener });
    used = opened
      ? { backend: "webgpu", precision: "f32" }
      : { backend: asked === "reference" ? "reference" : "cpu", precision: options.precision ?? "f64" };
    const request: RunRequest = { ...settings, ...used };
    if (opened) {
      const { runOnDevice } = await import("../run-on-device.ts");
      const runner = profile ? profile.listener.timed(opened.runner, opened.device) : opened.runner;
      code = await runOnDevice(request, watcher, { ...opened, runner }, profile?.profiler);
    } else code = await runInWorker(request, watcher, worker);
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    const { diagnosticOf, locate } = await import("../../script/diagnostics.ts");
    const diagnostic = locate(diagnosticOf(error), new Map(), settings.render);
    watcher.onMessage({ kind: "diagnostic", diagnostic });
    used = { backend: "webgpu", precision: "f32" };
    code = exitCodes.failedRun;
  }
  terminal.clearProgress();
  if (failed !== undefined) terminal.printError(failed);
  const record = recorder?.finish({ file, ...used, code, ...(opened ? { device: opened.name } : {}) });
  if (record && code !== exitCodes.usage) await deliver(record, options, terminal);
  return code;
}

/** The reference evaluator says what programs mean; what it takes how long for means nothing. */
function refuseProfile(asked: AskedBackend, { checkFinite }: RunOptions): void {
  const why = checkFinite ? "--check-finite" : asked === "reference" ? "--backend reference" : undefined;
  if (why === undefined) return;
  throw new UsageError(`--profile ${why}: the reference evaluator is not measured.`, `Leave out ${why}.`);
}

/** What listens to a device, should the script run on one. */
async function profileOfDevice() {
  const { Profiler } = await import("../../profile/profiler.ts");
  const { DeviceProfile } = await import("../../webgpu/profile-device.ts");
  const profiler = new Profiler();
  return { profiler, listener: new DeviceProfile(profiler, () => performance.now()) };
}

async function deliver(record: RunRecord, options: RunOptions, terminal: Terminal): Promise<void> {
  if (options.report !== undefined) {
    const { renderReport } = await import("../../show/report.ts");
    writeOutput("--report", options.report, await renderReport(record));
    if (!options.quiet && !options.json) terminal.printError(`Report: ${options.report}`);
  }
  if (options.json) {
    const { jsonDocument } = await import("../../show/document.ts");
    terminal.print(JSON.stringify(jsonDocument(record)));
    // A program that did compile keeps its warnings and its failure where people look for them, too.
    if (record.code !== exitCodes.wrongProgram)
      for (const item of record.items) if (item.kind === "diagnostic") terminal.printError(item.diagnostic.text);
  }
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
    if (message.kind === "profile")
      this.#terminal.printError(`\n${renderProfile(message.profile, this.#profileOptions())}`);
    if (this.#quiet) return;
    if (message.kind === "show") this.#terminal.print(renderShown(message.items, { color, width }));
    if (message.kind === "plot") this.#terminal.print(renderPlot(message.plot, { color, width }));
    if (message.kind === "save") this.#terminal.print(`saved ${message.path}`);
  }

  /** Its lines are long: in a file they are not cut where a terminal would end. */
  #profileOptions() {
    const { errorColor: color, width } = this.#terminal;
    return { color, width: process.stderr.isTTY ? width : 120 };
  }
}
