/** Modules of kernels alone, each exported by its name: what tests and measurements run. */
import type { Kernel, Precision } from "../../kernel/ir.ts";
import { ModuleBuilder } from "./encoder.ts";
import { emitKernel } from "./kernel.ts";

/** The host gives `env.memory`. Kernels have to have different names. */
export function moduleOfKernels(kernels: readonly Kernel[], precision: Precision): ModuleBuilder {
  const module = new ModuleBuilder();
  module.importMemory({ initial: 1, maximum: 65536 });
  for (const kernel of kernels) emitKernel(module, kernel, precision, { export: true });
  return module;
}
