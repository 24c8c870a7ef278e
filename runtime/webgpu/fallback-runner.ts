/** A device for what it can run, and the CPU for the rest: what `auto` means once there is a GPU. */
import { BackendError } from "../../compiler/backend-error.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import type { Graph } from "../../compiler/core/graph.ts";
import type { EvaluationContext } from "../../compiler/core/primitive.ts";
import { fetchArrays } from "../../compiler/core/remote-array.ts";
import type { GraphRunner, GraphRunOptions } from "../../compiler/program.ts";
import { type Diagnostic, warningAt } from "../../compiler/syntax/diagnostic.ts";
import { renderDiagnostic } from "../show/diagnostics.ts";

export interface FallbackParts {
  readonly device: GraphRunner;
  /** Whether the device is gone for good. */
  readonly isLost: () => boolean;
  /** Opened when it is needed; with the precision of the device. */
  readonly openCpu: () => Promise<GraphRunner>;
}

export class FallbackRunner implements GraphRunner {
  readonly outlivesDevice = true;
  readonly #parts: FallbackParts;
  #cpu: Promise<GraphRunner> | undefined;
  #closed = false;
  #toldOfLoss = false;
  /** Graphs that the device has not the memory for. */
  readonly #tooLarge = new WeakSet<Graph>();

  constructor(parts: FallbackParts) {
    this.#parts = parts;
  }

  /**
   * Runs a graph on the device; on the CPU, with a warning, what the device fails at. Reports of solves that were heard
   * before it failed are not heard again.
   */
  async run(
    graph: Graph,
    inputs: readonly NdArray[],
    context: EvaluationContext,
    options: GraphRunOptions,
  ): Promise<NdArray[]> {
    let heard = 0;
    if (!this.#toldOfLoss && !this.#tooLarge.has(graph)) {
      const counting: EvaluationContext = {
        ...context,
        solved: (event) => {
          heard += 1;
          context.solved(event);
        },
      };
      try {
        return await this.#parts.device.run(graph, inputs, counting, options);
      } catch (error) {
        if (!(error instanceof BackendError) || this.#closed) throw error;
        this.#warn(graph, error, options);
      }
    }
    await fetchArrays(inputs);
    this.#cpu ??= this.#parts.openCpu();
    const cpu = await this.#cpu;
    const rest: EvaluationContext = {
      ...context,
      solved: (event) => {
        if (heard > 0) heard -= 1;
        else context.solved(event);
      },
    };
    // Arrays that stay in the CPU's memory are of no use to the device.
    return cpu.run(graph, inputs, rest, { ...options, keep: options.keep && this.#parts.isLost() });
  }

  hold(array: NdArray): NdArray {
    return this.#toldOfLoss ? array : (this.#parts.device.hold?.(array) ?? array);
  }

  #warn(graph: Graph, { message, help }: BackendError, { span, warn }: GraphRunOptions): void {
    const isLost = this.#parts.isLost();
    if (isLost && this.#toldOfLoss) return;
    this.#toldOfLoss ||= isLost;
    if (!isLost) this.#tooLarge.add(graph);
    const what = isLost
      ? "This statement is run again on the CPU, and so is all that follows."
      : "This statement is run on the CPU.";
    const diagnostic = warningAt("K0960", span, `${message} ${what}`, { help });
    (warn ?? warnNobody)(diagnostic);
  }

  /** What fails from now on has failed. */
  close(): void {
    this.#closed = true;
  }
}

/** Calls of single functions have no listener. */
function warnNobody(diagnostic: Diagnostic): void {
  console.warn(renderDiagnostic(diagnostic, new Map(), { color: false }));
}
