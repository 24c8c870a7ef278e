/** Starts the command in a process of its own, as a user would. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ours = fileURLToPath(new URL("./karush.mjs", import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface KarushOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** The command's file, when it is not the one of this repository. */
  readonly command?: string;
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with the process and what it has printed so far, whenever it prints. */
  readonly onOutput?: (child: ChildProcess, out: string, err: string) => void;
}

export function karush(args: readonly string[], options: KarushOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, ...options.env };
    // The test runner's own settings are not the command's.
    for (const name of ["NODE_OPTIONS", "NODE_TEST_CONTEXT", "FORCE_COLOR"]) delete environment[name];
    const child = spawn(process.execPath, [options.command ?? ours, ...args], {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
    });
    options.onStart?.(child);
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      options.onOutput?.(child, out, err);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
      options.onOutput?.(child, out, err);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.end(options.input ?? "");
  });
}
