/** What somebody who waits for an answer hears meanwhile, and how they end it. */
import type { CallOptions, ScriptEvent } from "../compiler/program.ts";
import type { Diagnostic } from "../compiler/syntax/diagnostic.ts";
import { milliseconds } from "./clock.ts";
import { RunError } from "./errors.ts";
import { diagnosticsOf } from "./script/diagnostics.ts";
import { type Progress, ProgressMeter } from "./script/progress.ts";
import { renderDiagnostic } from "./show/diagnostics.ts";

/** Options of everything that may take long: `run`, `call` and the derivatives. */
export interface WaitOptions {
  /** Called while a solver runs, once it has for half a second. It may abort the signal. */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called as things happen. A function that is called shows and saves nothing: what is heard of it is its solves, what
   * derivatives tell of themselves, and warnings, which are printed to the console, each once, when nobody hears them.
   */
  readonly onEvent?: (event: ScriptEvent) => void;
  /**
   * Stops the work at its next step, after some twenty milliseconds on the CPU, or in the middle of a step that takes
   * longer, and rejects with the signal's reason: an AbortError unless another was given. A device is stopped between
   * two submissions, some tenth of a second apart, and while it compiles shaders, which are kept for the next time. The evaluator of `reference` does not give way while it computes:
   * there only callbacks can abort.
   */
  readonly signal?: AbortSignal;
}

export interface Wait {
  readonly sources: ReadonlyMap<string, string>;
  /** Hears everything, before the caller does. What it throws ends the work as if the program had. */
  readonly record: (event: ScriptEvent) => void;
  /** Called after the caller has heard an event. */
  readonly afterwards?: () => void;
}

/**
 * Does what takes long. What goes wrong in the program is a RunError; what a callback throws is the caller's own and
 * passes through, and so does the reason of an abort.
 */
export async function waitFor<T>(
  options: WaitOptions,
  { sources, record, afterwards }: Wait,
  body: (heard: Required<Pick<CallOptions, "onEvent" | "onTick">> & CallOptions) => Promise<T>,
): Promise<T> {
  const { signal, onEvent, onProgress } = options;
  if (signal !== undefined && typeof signal.throwIfAborted !== "function")
    throw new TypeError("The option `signal` is an AbortSignal, such as `AbortSignal.timeout(1000)`.");
  for (const [option, callback] of Object.entries({ onEvent, onProgress }))
    if (callback !== undefined && typeof callback !== "function")
      throw new TypeError(`The option \`${option}\` is a function.`);
  signal?.throwIfAborted();
  const meter = new ProgressMeter(milliseconds);
  let thrown: { readonly error: unknown } | undefined;
  const callersOwn = (call: () => void) => {
    try {
      call();
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  try {
    return await body({
      ...(signal ? { signal } : {}),
      onEvent: (event) => {
        if (event.kind === "solve") meter.ended(event.solve.expression);
        record(event);
        callersOwn(() => onEvent?.(event));
        afterwards?.();
      },
      onTick: (tick) => {
        const progress = tick && meter.tick(tick);
        callersOwn(() => {
          if (progress) onProgress?.(progress);
          signal?.throwIfAborted();
        });
      },
    });
  } catch (error) {
    if (thrown) throw thrown.error;
    if (signal?.aborted && error === signal.reason) throw error;
    throw new RunError(diagnosticsOf(error), sources);
  }
}

/** Prints warnings that nobody else hears to the console, each once. */
export class UnheardWarnings {
  readonly #printed = new Set<string>();
  readonly #sources: ReadonlyMap<string, string>;

  constructor(sources: ReadonlyMap<string, string>) {
    this.#sources = sources;
  }

  print(diagnostic: Diagnostic): void {
    const place = `${diagnostic.code} ${diagnostic.span?.file} ${diagnostic.span?.start}`;
    if (this.#printed.has(place)) return;
    this.#printed.add(place);
    console.warn(renderDiagnostic(diagnostic, this.#sources, { color: false }));
  }
}
