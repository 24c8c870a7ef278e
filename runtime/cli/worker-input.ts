/** What the main thread hands to the worker that runs a script: apart, since each needs little of the other. */
import type { RunRequest } from "../script/perform.ts";

export interface WorkerInput {
  readonly request: RunRequest;
  /** Two words, since messages would not arrive in time: see `interruptWords`. */
  readonly interrupt: SharedArrayBuffer;
}

export const interruptWords = {
  /** Set to 1 by the main thread to stop the run. */
  stop: 0,
  /** 1 while a solve is at work: set by the worker. */
  solving: 1,
} as const;
