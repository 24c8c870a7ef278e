/** The CPU as a back end of `createRuntime`. */
import { defaultThreads } from "./platform.ts";
import { CpuRunner } from "./runner.ts";

export interface CpuOptions {
  readonly precision: "f64" | "f32";
  /** As many as the machine has, up to eight, when left out. */
  readonly threads?: number | undefined;
  /** The most bytes that arrays may take; the 4 GiB that can be addressed when left out. */
  readonly maxMemory?: number | undefined;
}

/** Throws a TypeError for a number of threads that cannot be. */
export function openCpu({ precision, threads = defaultThreads(), maxMemory }: CpuOptions): {
  readonly runner: CpuRunner;
  readonly close: () => Promise<void>;
} {
  if (!Number.isInteger(threads) || threads < 1)
    throw new TypeError(`threads is ${threads}: it is a whole number from 1.`);
  const runner = new CpuRunner({ precision, threads, maxMemory, background: true });
  return { runner, close: async () => runner.dispose() };
}
