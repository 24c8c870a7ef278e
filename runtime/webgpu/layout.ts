/** Where a program's dispatches have their uniforms and numbers of workgroups. */
import { controlUniformWords } from "../../compiler/target/wgsl/control-kernel.ts";
import type { WgslKernel } from "../../compiler/target/wgsl/kernel.ts";
import { moveWorkgroupSize } from "../../compiler/target/wgsl/moves.ts";
import type { Command, Program } from "../../compiler/target/wgsl/program.ts";
import { residentWords } from "../../compiler/target/wgsl/resident.ts";
import { workgroupsFor } from "./dispatch.ts";

/** A block that there is not: for a dispatch of the resident workgroup before which there were no commands. */
const noBlock = 0xffff_ffff;
const noKernel = { kernel: undefined, operands: [] } as const;

export interface Recorded {
  readonly kind: Command["kind"] | "resident";
  readonly kernel: WgslKernel | undefined;
  /** The inputs that a kernel reads where they are. */
  readonly operands: readonly number[];
  /** The number of a piece of the resident workgroup. */
  readonly piece: number | undefined;
  readonly uniform: number;
  readonly workgroups: readonly [number, number];
  /** Where the workgroups are, in bytes, when they are in memory. */
  readonly indirect: number | undefined;
}

export interface RecordedBlock {
  readonly commands: readonly Recorded[];
  readonly tail: readonly Recorded[];
  /** The piece that can do the tail, after the commands. */
  readonly piece: Recorded | undefined;
}

/** Everything that a program dispatches, each with its uniform. */
export interface Layout {
  readonly blocks: readonly RecordedBlock[];
  /** The pieces of the resident workgroup after no command. */
  readonly pieces: readonly Recorded[];
  /** The program's tables, then what control flow knows of blocks. */
  readonly tables: readonly number[];
  readonly blockTable: number;
  /** The numbers of workgroups as a run begins, in threes. */
  readonly workgroups: readonly number[];
  readonly uniforms: Uint32Array<ArrayBuffer>;
  readonly uniformBytes: number;
}

const roundUp = (x: number, step: number): number => Math.ceil(x / step) * step;

export type LayoutLimits = Pick<
  GPUSupportedLimits,
  "minUniformBufferOffsetAlignment" | "maxUniformBufferBindingSize" | "maxComputeWorkgroupsPerDimension"
>;

/** Lays a program out for devices with these limits. */
export function layOut(limits: LayoutLimits, program: Program): Layout {
  const commands = program.blocks.flatMap((b) => [...b.commands, ...b.tail]);
  const tailCount = program.resident.pieces.length + program.blocks.length;
  const longest = commands.reduce((n, c) => Math.max(n, c.words.length), controlUniformWords);
  // Each block of words is bound whole, so all are as long as the longest.
  const uniformBytes = roundUp(longest * 4, limits.minUniformBufferOffsetAlignment);
  if (uniformBytes > limits.maxUniformBufferBindingSize)
    throw new Error(`internal error: a kernel with ${longest - 2} arrays`);
  const uniforms = new Uint32Array((uniformBytes / 4) * Math.max(commands.length + tailCount, 1));
  let uniformCount = 0;
  const place = (words: readonly number[]): number => {
    uniforms.set(words, (uniformCount * uniformBytes) / 4);
    uniformCount += 1;
    return (uniformCount - 1) * uniformBytes;
  };
  const record = (command: Command, workgroups: readonly [number, number], indirect: number | undefined): Recorded => {
    const uniform = place(command.words);
    const { kernel, operands } = command.kind === "kernel" ? command : noKernel;
    return { kind: command.kind, kernel, operands, piece: undefined, uniform, workgroups, indirect };
  };
  const recordPiece = (piece: number, block: number): Recorded => {
    const uniform = place(residentWords(block));
    return { kind: "resident", ...noKernel, piece, uniform, workgroups: [1, 1], indirect: undefined };
  };
  const pieces = program.resident.pieces.map((_, n) => recordPiece(n, noBlock));

  const tables = [...program.tables];
  const rows: number[] = [];
  // In threes, as a run begins: the first block's, for the others' dispatches are idle until it is their turn.
  const initial: number[] = [];
  const blocks = program.blocks.map((block, n): RecordedBlock => {
    // Dispatches of a block with as many workgroups share their place.
    const shared = new Map<string, number>();
    const entries: number[] = [];
    const recorded = (command: Command): Recorded => {
      if (command.kind === "control") return record(command, [1, 1], undefined);
      const size = command.kind === "kernel" ? command.kernel.workgroupSize : moveWorkgroupSize;
      const workgroups = workgroupsFor(command.count, size, limits.maxComputeWorkgroupsPerDimension);
      if (program.isPlain) return record(command, workgroups, undefined);
      const key = workgroups.join();
      let place = shared.get(key);
      if (place === undefined) {
        place = initial.length;
        initial.push(...(n === 0 ? [...workgroups, 1] : [0, 0, 0]));
        shared.set(key, place);
        entries.push(place, ...workgroups);
      }
      return record(command, workgroups, place * 4);
    };
    const commands = block.commands.map(recorded);
    const tail = block.tail.map(recorded);
    const piece = program.resident.pieceOf[n];
    rows.push(tables.length, entries.length / 3);
    tables.push(...entries);
    return { commands, tail, piece: piece === undefined ? undefined : recordPiece(piece, n) };
  });
  const blockTable = tables.length;
  tables.push(...rows);
  return { blocks, pieces, tables, blockTable, workgroups: initial, uniforms, uniformBytes };
}
