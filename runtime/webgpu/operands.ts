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

/** Makes sure that operands can be written: those that another device has are fetched, those that stay are brought. */
export async function bringOperands(inputs: readonly NdArray[], arrays: DeviceArrays): Promise<void> {
  const own = inputs.filter((x) => x instanceof DeviceArray && x.holder === arrays) as DeviceArray[];
  await fetchArrays(inputs.filter((x) => !own.includes(x as DeviceArray)));
  await arrays.upload(own);
}

/** Puts operands where a program has them: some at once, the others by what is to be encoded before all else. */
export function writeOperands(
  inputs: readonly NdArray[],
  { inputs: places }: Program,
  memory: Memory,
  arrays: DeviceArrays,
): (encoder: GPUCommandEncoder) => void {
  const there: { readonly from: GPUBuffer; readonly offset: number; readonly length: number }[] = [];
  inputs.forEach((x, i) => {
    const { offset, length } = places[i]!;
    if (x instanceof DeviceArray && x.holder === arrays) there.push({ from: x.buffer, offset, length });
    else memory.write(arena.data, offset, toWords(x.dtype, x.data));
  });
  return (encoder) => {
    for (const { from, offset, length } of there)
      encoder.copyBufferToBuffer(from, 0, memory.arenas[arena.data]!, offset * wordBytes, length * wordBytes);
  };
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
