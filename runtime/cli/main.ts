/**
 * The command line: what there is, and what each option may be. Each command is a file of its own that
 * is loaded when it runs, since what it needs takes longer to load than most scripts take to run.
 */
import { readFileSync } from "node:fs";
import { isMainThread, type Worker } from "node:worker_threads";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type ExitCode, exitCodes, UsageError } from "../script/outcome.ts";
import { maxMemoryOption, timeoutOption } from "./limits.ts";
import { Terminal } from "./terminal.ts";

/** Runs the command; sets the exit code instead of exiting, so that all output is written. */
export async function main(args: readonly string[], worker?: Worker): Promise<void> {
  const terminal = new Terminal();
  process.exitCode = await execute(args, terminal, worker);
}

async function execute(args: readonly string[], terminal: Terminal, worker?: Worker): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const program = describe(
    args,
    terminal,
    (result) => {
      code = result;
    },
    worker,
  );
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof UsageError) {
      terminal.printUsage(error.message, error.help);
      return exitCodes.usage;
    }
    const { diagnosticOf } = await import("../script/diagnostics.ts");
    const { renderDiagnostic } = await import("../show/diagnostics.ts");
    terminal.printError(renderDiagnostic(diagnosticOf(error), new Map(), { color: terminal.errorColor }));
    return exitCodes.failedRun;
  }
}

function describe(
  args: readonly string[],
  terminal: Terminal,
  finish: (code: ExitCode) => void,
  worker?: Worker,
): Command {
  const program = new Command("karush")
    .description("A small language for objectives and optimality conditions.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "explain a command")
    .configureOutput({
      writeErr: (text) =>
        terminal.printUsage(
          text
            .trim()
            .replace(/^error: /, "")
            .replace(/\n\((Did you.*)\)$/, "\n        $1"),
        ),
    })
    .exitOverride()
    .showSuggestionAfterError();

  /** Adds a command whose file is loaded when it is used. */
  const command = (text: string, description: string) =>
    program
      .command(text)
      .description(description)
      .helpOption("-h, --help", "explain this command")
      .exitOverride()
      .configureHelp({ showGlobalOptions: false });

  command("run <file>", "run a script")
    .option("--data <name=file>", "read this file instead of the one in the script; may be repeated", collect, [])
    .option("--set <name=value>", "give a param another value; may be repeated", collect, [])
    .addOption(backendOption())
    .addOption(new Option("--precision <bits>", "how exact a real is: f64, or f32 on WebGPU").choices(["f64", "f32"]))
    .addOption(seedOption())
    .addOption(
      new Option(
        "--threads <n>",
        "threads of the CPU that share what takes long; as many as the machine has, up to 8, when left out",
      ).argParser(wholeNumber(1)),
    )
    .option("--check-finite", "stop at the first NaN that anything makes, and say where (slow)")
    .option("--profile", "measure what takes how long, by statement and by kernel")
    .option("--json", "print one JSON document instead of text")
    .option("--report <file.html>", "write a report with plots")
    .option("--quiet", "print problems only")
    .option("--allow-read <folder>", "let the script read outside its project; may be repeated", collect, [])
    .option("--allow-write <folder>", "let the script save outside its project; may be repeated", collect, [])
    .addOption(maxMemoryOption())
    .addOption(timeoutOption())
    .action(async (file, options) =>
      finish(await (await import("./commands/run.ts")).run(file, options, terminal, worker)),
    );

  command("check <file...>", "check scripts without their data: types, shapes, conditions")
    .option("--json", "print the diagnostics as JSON")
    .action(async (files, options) =>
      finish(await (await import("./commands/check.ts")).check(files, options, terminal)),
    );

  command("test [file...]", "test the properties of scripts with random inputs")
    .addOption(new Option("--runs <n>", "random inputs for each property").default(100).argParser(wholeNumber(1)))
    .addOption(
      new Option("--seed <n>", "the seed of a failure, to see it again").argParser(
        wholeNumber(Number.MIN_SAFE_INTEGER),
      ),
    )
    .option("--path <path>", "where in that seed's sequence the failure is")
    .addOption(
      new Option("--backend <name>", "what to compute with; reference is slow and simple")
        .choices(["cpu", "reference"])
        .default("cpu"),
    )
    .addOption(precisionOption())
    .option("--json", "print one JSON document instead of text")
    .option("--tap", "print TAP, the Test Anything Protocol, instead of text")
    .option("--junit <file.xml>", "write a report in JUnit's format, too")
    .option("--data <name=file>", "read this file instead of the one in the script; may be repeated", collect, [])
    .option("--set <name=value>", "give a param another value; may be repeated", collect, [])
    .option("--allow-read <folder>", "let the script read outside its project; may be repeated", collect, [])
    .addOption(
      new Option("--fuzz <minutes>", "test karush itself with random programs instead").argParser(positiveNumber),
    )
    .addOption(timeoutOption())
    .action(async (files, options) => {
      if (options.fuzz !== undefined)
        return finish(await (await import("./commands/fuzz.ts")).fuzzFor(options.fuzz, files, options.seed, terminal));
      if (files.length === 0)
        throw new UsageError("Which scripts are to be tested?", "Name one: karush test model.opt");
      if (options.timeout === undefined || !isMainThread)
        return finish(await (await import("./commands/test.ts")).test(files, options, terminal));
      const { runWithTimeLimit } = await import("./time-limit.ts");
      finish(await runWithTimeLimit(args, options.timeout, terminal));
    });

  command("fmt <file...>", "format scripts")
    .option("--check", "change nothing; fail when something would be changed")
    .action(async (files, options) => finish(await (await import("./commands/fmt.ts")).fmt(files, options, terminal)));

  command("explain <file> [name]", "show what the compiler makes of a script, or of one of its declarations")
    .option("--conditions", "the optimality conditions of problems, objectives and conditions, as mathematics")
    .option("--latex", "the same in LaTeX")
    .option("--core", "as a graph of primitives (when no other stage is asked for)")
    .option("--kernels", "as loops over memory, with what was fused and the bytes they move")
    .option("--memory", "where temporaries lie, and the most memory a run needs")
    .option("--wat", "as WebAssembly")
    .option("--wgsl", "as WebGPU shaders")
    .addOption(
      new Option("--backend <name>", "what kernels and memory are for").choices(["cpu", "webgpu"]).default("cpu"),
    )
    .addOption(precisionOption())
    .option("--data <name=file>", "read this file instead of the one in the script; may be repeated", collect, [])
    .option("--set <name=value>", "give a param another value; may be repeated", collect, [])
    .option("--allow-read <folder>", "let the script read outside its project; may be repeated", collect, [])
    .action(async (file, name, options) =>
      finish(await (await import("./commands/explain.ts")).explain(file, name, options, terminal)),
    );

  command("types <file>", "write TypeScript declarations of a script's functions beside it")
    .option("--print", "print them instead")
    .action(async (file, options) =>
      finish(await (await import("./commands/types.ts")).types(file, options, terminal)),
    );

  command("devices", "list what scripts can run on")
    .option("--json", "print one JSON document instead of text")
    .action(async (options) => finish(await (await import("./commands/devices.ts")).devices(options, terminal)));
  command("new <folder>", "make a small project to start from").action(async (folder) =>
    finish((await import("./commands/new.ts")).newProject(folder, terminal)),
  );
  command("repl", "type declarations and expressions, and see their values")
    .addOption(precisionOption())
    .addOption(seedOption())
    .action(async (options) => finish(await (await import("./commands/repl.ts")).repl(options, terminal)));
  return program;
}

export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

function backendOption(): Option {
  return new Option(
    "--backend <name>",
    "what to compute with: auto, cpu, webgpu, webgpu:software or reference (slow and simple)",
  ).default("auto");
}

function precisionOption(): Option {
  return new Option("--precision <bits>", "how exact a real is").choices(["f64", "f32"]).default("f64");
}

function seedOption(): Option {
  return new Option("--seed <n>", "what key() starts from").default(0).argParser(wholeNumber(0));
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError("It is a number above zero.");
  return value;
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(
        least > Number.MIN_SAFE_INTEGER ? `It is a whole number from ${least}.` : "It is a whole number.",
      );
    return value;
  };
}
