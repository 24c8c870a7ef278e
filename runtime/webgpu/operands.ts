/** How arrays get into a program's memory and its results out of it. */
import type { NdArray } from "../../compiler/core/array.ts";
import { concreteShape, type Graph } from "../../compiler/core/graph.ts";
import { fetchArrays } from "../../compiler/core/remote-array.ts";
import type { ResultPlace } from "../../compiler/program.ts";
import type { Program } from "../../compiler/target/wgsl/program.ts";
import { DeviceArray, type DeviceArrays, isWorthHolding } from "./device-arrays.ts";
import { submit } from "./dispatch.ts";
import { fromWords, toWords } from "./elements.ts";
import type { Memory, Range } from "./memory.ts";
import { arena } from "./recording.ts";
import { wordBytes } from "./transfers.ts";

/** The operands of a run, where its program can have them. */
export class Operands {
  readonly #program: Program;
  readonly #arrays: DeviceArrays;
  readonly #inputs: readonly NdArray[];
  /** Those of the inputs that are on the device for this run alone. */
  readonly #lent: readonly DeviceArray[];

  private constructor(
    program: Program,
    arrays: DeviceArrays,
    inputs: readonly NdArray[],
    lent: readonly DeviceArray[],
  ) {
    this.#program = program;
    this.#arrays = arrays;
    this.#inputs = inputs;
    this.#lent = lent;
  }

  /**
   * Those that another device has are fetched; those that stay are brought, and those that kernels read where they are.
   * Throws as `makeBuffers` does.
   */
  static async bring(given: readonly NdArray[], program: Program, arrays: DeviceArrays): Promise<Operands> {
    const isOwn = (x: NdArray): x is DeviceArray => x instanceof DeviceArray && x.holder === arrays;
    await fetchArrays(given.filter((x) => !isOwn(x)));
    const lent: DeviceArray[] = [];
    const inputs = given.map((x, i) => {
      if (isOwn(x) || program.inputs[i]) return x;
      lent.push(arrays.place(x));
      return lent.at(-1)!;
    });
    const operands = new Operands(program, arrays, inputs, lent);
    try {
      await arrays.upload(inputs.filter(isOwn));
    } catch (error) {
      operands.release();
      throw error;
    }
    return operands;
  }

  /** The buffers of those that are not in the data. */
  get direct(): (GPUBuffer | undefined)[] {
    return this.#inputs.map((x, i) => (this.#program.inputs[i] ? undefined : (x as DeviceArray).buffer));
  }

  /** Puts the others where the program has them: some at once, some by what is to be encoded before all else. */
  write(memory: Memory): (encoder: GPUCommandEncoder) => void {
    const there: { readonly from: GPUBuffer; readonly offset: number; readonly length: number }[] = [];
    this.#program.inputs.forEach((place, i) => {
      if (!place) return;
      const { offset, length } = place;
      const x = this.#inputs[i]!;
      if (x instanceof DeviceArray && x.holder === this.#arrays) there.push({ from: x.buffer, offset, length });
      else memory.write(arena.data, offset, toWords(x.dtype, x.data));
    });
    return (encoder) => {
      for (const { from, offset, length } of there)
        encoder.copyBufferToBuffer(from, 0, memory.arenas[arena.data]!, offset * wordBytes, length * wordBytes);
    };
  }

  /** Gives back what only this run needed. */
  release(): void {
    for (const x of this.#lent) x.release();
  }
}

/** The results of a program, each where it is wanted. */
export class Results {
  readonly #graph: Graph;
  readonly #program: Program;
  readonly #places: readonly ResultPlace[];
  /** The numbers of those that are read. */
  readonly ranges: readonly Range[];

  constructor(graph: Graph, program: Program, places: readonly ResultPlace[] | undefined) {
    this.#graph = graph;
    this.#program = program;
    this.#places = program.outputs.map(({ length }, i) => (isWorthHolding(length) ? (places?.[i] ?? "here") : "here"));
    this.ranges = program.outputs.flatMap(({ offset, length }, i) =>
      this.#places[i] === "there" ? [] : [{ arena: arena.data, offset, length }],
    );
  }

  /** The arrays, once the program has run; `words`: of `ranges`, in their order. */
  async take(words: readonly Uint32Array<ArrayBuffer>[], memory: Memory, arrays: DeviceArrays): Promise<NdArray[]> {
    let next = 0;
    const read = this.#graph.outputs.map(({ type: { dtype, shape } }, i) => {
      const data = this.#places[i] === "there" ? undefined : fromWords(dtype, words[next++]!);
      return { dtype, shape: concreteShape(shape), data };
    });
    const kept = read.flatMap((x, i) => (this.#places[i] === "here" ? [] : [{ ...x, i }]));
    const made = await arrays.make(kept);
    if (made.length > 0)
      await submit(memory.device, "results", (encoder) => {
        made.forEach((array, n) => {
          const { offset, length } = this.#program.outputs[kept[n]!.i]!;
          const from = memory.arenas[arena.data]!;
          encoder.copyBufferToBuffer(from, offset * wordBytes, array.buffer, 0, length * wordBytes);
        });
      });
    const staying = new Map(kept.map(({ i }, n) => [i, made[n]!]));
    return read.map((x, i) => staying.get(i) ?? (x as NdArray));
  }
}
