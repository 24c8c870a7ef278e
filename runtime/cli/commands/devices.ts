/** `karush devices`: what scripts can run on. */
import { availableParallelism, cpus } from "node:os";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import type { Terminal } from "../terminal.ts";

export function devices(terminal: Terminal): ExitCode {
  const model = cpus()[0]?.model.trim() ?? "processor";
  terminal.print(
    `cpu        WebAssembly, f64 or f32, on one core of ${model} (${availableParallelism()} available)\nreference  the reference evaluator, on the same\nwebgpu     a GPU, f32, where the package \`webgpu\` is installed and finds one`,
  );
  return exitCodes.done;
}
