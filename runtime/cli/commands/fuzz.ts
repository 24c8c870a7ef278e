/** `karush test --fuzz`: tests the compiler itself with random programs. */
import { fuzz } from "../../gradients/fuzz.ts";
import { type ExitCode, exitCodes, UsageError } from "../../script/outcome.ts";
import type { Terminal } from "../terminal.ts";

export async function fuzzFor(
  minutes: number,
  files: readonly string[],
  seed: number | undefined,
  terminal: Terminal,
): Promise<ExitCode> {
  if (files.length > 0)
    throw new UsageError("--fuzz makes its own programs, so no file goes with it.", "Leave the files out.");
  const first = seed ?? 1 + Math.floor(Math.random() * 2 ** 30);
  terminal.print(`seed ${first}`);
  const { failures } = await fuzz({ minutes, seed: first, print: (text) => terminal.print(text) });
  return failures === 0 ? exitCodes.done : exitCodes.failedCheck;
}
