/** A program on a device: its pipelines, its memory, and its dispatches, ready to be encoded. */
import { blockWords, header } from "../../compiler/target/wgsl/control.ts";
import { moveText, moveWorkgroupSize } from "../../compiler/target/wgsl/moves.ts";
import type { Command, Program } from "../../compiler/target/wgsl/program.ts";
import { residentWords } from "../../compiler/target/wgsl/resident.ts";
import { BufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import { workgroupsFor } from "./dispatch.ts";
import { Memory } from "./memory.ts";
import type { Turn } from "./schedule.ts";

/** The arenas, in their order. Kernels see the first, copies three, the resident workgroup all. */
export const arena = { data: 0, state: 1, tables: 2, workgroups: 3 } as const;
const arenaCounts = { kernel: 1, move: 3, resident: 4 } as const;
/** Whatever sees all arenas only reads the tables. */
const onlyRead = (count: number): readonly number[] => (count > arena.workgroups ? [arena.tables] : []);
type Kind = keyof typeof arenaCounts;
/** A block that there is not: for a dispatch of the resident workgroup before which there were no commands. */
const noBlock = 0xffff_ffff;

interface Recorded {
  readonly kind: Kind;
  /** For a piece of the resident workgroup its number: those are compiled when it is first their turn. */
  readonly pipeline: GPUComputePipeline | number;
  readonly uniform: number;
  readonly workgroups: readonly [number, number];
  /** Where the workgroups are, in bytes, when they are in memory. */
  readonly indirect: number | undefined;
}

export class Recording {
  readonly program: Program;
  readonly memory: Memory;
  readonly #blocks: readonly (readonly Recorded[])[];
  /** The pieces of the resident workgroup after no command, and after each block's. */
  readonly #pieces: readonly Recorded[];
  readonly #tails: readonly (Recorded | undefined)[];
  readonly #bindGroups: Readonly<Record<Kind, GPUBindGroup>>;
  readonly #uniforms: GPUBuffer;
  readonly #piecePipelines: (GPUComputePipeline | undefined)[] = [];
  readonly #layout: Layout;
  readonly #initialState: Uint32Array<ArrayBuffer>;
  /** Of the first block: the others' dispatches are idle until it is their turn. */
  readonly #initialWorkgroups: Uint32Array<ArrayBuffer>;

  private constructor(
    program: Program,
    memory: Memory,
    layout: Layout,
    bindGroups: Readonly<Record<Kind, GPUBindGroup>>,
    uniforms: GPUBuffer,
  ) {
    this.program = program;
    this.memory = memory;
    this.#blocks = layout.blocks;
    this.#layout = layout;
    this.#pieces = layout.pieces;
    this.#tails = layout.tails;
    this.#bindGroups = bindGroups;
    this.#uniforms = uniforms;
    this.#initialState = program.state.slice();
    this.#initialState[header.blocks] = layout.blockTable;
    this.#initialWorkgroups = Uint32Array.from(layout.workgroups);
  }

  /** Compiles a program's kernels and allocates what it needs. Throws as `Memory.allocate` and `compile` do. */
  static async create(device: Device, program: Program): Promise<Recording> {
    const pipelines = await pipelinesOf(device, program);
    const layout = layOut(device, program, pipelines);
    const memory = await Memory.allocate(device, [
      program.dataWords,
      program.state.length,
      layout.tables.length,
      layout.workgroups.length,
    ]);
    try {
      memory.write(arena.data, program.constants.offset, program.constants.words);
      memory.write(arena.tables, 0, Uint32Array.from(layout.tables));
      const { gpu } = device;
      const { bindGroups, uniforms } = await device.checked("preparing dispatches", () => {
        const usage = BufferUsage.uniform | BufferUsage.copyDestination;
        const uniforms = gpu.createBuffer({ label: "places", size: layout.uniforms.byteLength, usage });
        gpu.queue.writeBuffer(uniforms, 0, layout.uniforms);
        const bindGroup = (count: number) =>
          gpu.createBindGroup({
            layout: device.pipelines.layout(count, onlyRead(count)),
            entries: [
              { binding: 0, resource: { buffer: uniforms, offset: 0, size: layout.uniformBytes } },
              ...memory.arenas.slice(0, count).map((buffer, n) => ({ binding: n + 1, resource: { buffer } })),
            ],
          });
        const { kernel, move, resident } = arenaCounts;
        return {
          bindGroups: { kernel: bindGroup(kernel), move: bindGroup(move), resident: bindGroup(resident) },
          uniforms,
        };
      });
      return new Recording(program, memory, layout, bindGroups, uniforms);
    } catch (error) {
      memory.free();
      throw error;
    }
  }

  /** The state as a run begins. */
  get initialState(): Uint32Array {
    return this.#initialState;
  }

  /** Begins a run, after what was submitted before. */
  reset(): void {
    this.memory.write(arena.state, 0, this.#initialState);
    this.memory.write(arena.workgroups, 0, this.#initialWorkgroups);
  }

  /** Goes on at a block, for a program that was left between two. */
  goOn(block: number): void {
    const { tables, blockTable } = this.#layout;
    const workgroups = new Uint32Array(this.#layout.workgroups.length);
    const [start, count] = [tables[blockTable + blockWords * block]!, tables[blockTable + blockWords * block + 1]!];
    for (let i = 0; i < count; i++) {
      const [place, x, y] = tables.slice(start + 3 * i, start + 3 * i + 3) as [number, number, number];
      workgroups.set([x, y, 1], place);
    }
    this.memory.write(arena.state, header.counter, Uint32Array.of(block));
    this.memory.write(arena.workgroups, 0, workgroups);
  }

  /** Compiles the piece of the resident workgroup that does what comes next at a block, when that was not yet done. */
  async prepare(block: number): Promise<void> {
    const { resident } = this.program;
    const n = resident?.pieceOf[block];
    if (resident === undefined || n === undefined || this.#piecePipelines[n]) return;
    const source = { label: "the resident workgroup", ...resident.pieces[n]! };
    const { device } = this.memory;
    const [pipeline] = await device.pipelines.compile([source], arenaCounts.resident, onlyRead(arenaCounts.resident));
    this.#piecePipelines[n] = pipeline;
  }

  /**
   * Encodes turns in the given order, but for those whose pieces were not prepared. Those whose turn it is not do
   * nothing.
   */
  encode(pass: GPUComputePassEncoder, turns: readonly Turn[]): void {
    for (const turn of turns) {
      const piece = turn.kind === "piece" ? this.#pieces[turn.piece] : this.#tails[turn.block];
      if (piece && this.#pipelineOf(piece) === undefined) continue;
      if (turn.kind === "block") for (const recorded of this.#blocks[turn.block]!) this.#encode(pass, recorded);
      if (piece) this.#encode(pass, piece);
    }
  }

  #pipelineOf({ pipeline }: Recorded): GPUComputePipeline | undefined {
    return typeof pipeline === "number" ? this.#piecePipelines[pipeline] : pipeline;
  }

  #encode(pass: GPUComputePassEncoder, recorded: Recorded): void {
    const { kind, uniform, workgroups, indirect } = recorded;
    pass.setPipeline(this.#pipelineOf(recorded)!);
    pass.setBindGroup(0, this.#bindGroups[kind], [uniform]);
    if (indirect === undefined) pass.dispatchWorkgroups(...workgroups);
    else pass.dispatchWorkgroupsIndirect(this.memory.arenas[arena.workgroups]!, indirect);
  }

  free(): void {
    this.memory.free();
    this.#uniforms.destroy();
  }
}

interface Pipelines {
  of(command: Command): GPUComputePipeline;
}

async function pipelinesOf(device: Device, program: Program): Promise<Pipelines> {
  const [kernels, [move]] = await Promise.all([
    device.pipelines.compile(
      program.kernels.map(({ name, printed }) => ({ label: name, ...printed })),
      arenaCounts.kernel,
    ),
    device.pipelines.compile([{ label: "copies", text: moveText, entryPoint: "main" }], arenaCounts.move),
  ]);
  const byKernel = new Map(program.kernels.map(({ printed }, i) => [printed, kernels[i]!]));
  return { of: (command) => (command.kind === "kernel" ? byKernel.get(command.kernel)! : move!) };
}

interface Layout {
  readonly blocks: readonly (readonly Recorded[])[];
  readonly pieces: readonly Recorded[];
  readonly tails: readonly (Recorded | undefined)[];
  /** The program's tables, then what control flow knows of blocks. */
  readonly tables: readonly number[];
  readonly blockTable: number;
  /** The numbers of workgroups as a run begins, in threes. */
  readonly workgroups: readonly number[];
  readonly uniforms: Uint32Array<ArrayBuffer>;
  readonly uniformBytes: number;
}

const roundUp = (x: number, step: number): number => Math.ceil(x / step) * step;

function layOut(device: Device, program: Program, pipelines: Pipelines): Layout {
  const { limits } = device;
  const commands = program.blocks.flatMap((b) => b.commands);
  const tailCount = (program.resident?.pieces.length ?? 0) + program.blocks.filter((b) => b.commands.length > 0).length;
  const longest = commands.reduce((n, c) => Math.max(n, c.words.length), 4);
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
    return { kind: command.kind, pipeline: pipelines.of(command), uniform, workgroups, indirect };
  };
  // In threes, as a run begins: the first block's, for the others' dispatches are idle until it is their turn.
  const initial: number[] = [];
  const pieceOf = (block: number): number | undefined => program.resident?.pieceOf[block];
  const recordPiece = (n: number, block: number): Recorded => {
    const uniform = place(residentWords(block));
    return { kind: "resident", pipeline: n, uniform, workgroups: [1, 1], indirect: undefined };
  };
  const pieces = (program.resident?.pieces ?? []).map((_, n) => recordPiece(n, noBlock));
  const tails = program.blocks.map((b, n) => {
    const piece = pieceOf(n);
    return b.commands.length > 0 && piece !== undefined ? recordPiece(piece, n) : undefined;
  });

  const tables = [...program.tables];
  const rows: number[] = [];
  const blocks = program.blocks.map((block, n) => {
    // Dispatches of a block with as many workgroups share their place.
    const shared = new Map<string, number>();
    const entries: number[] = [];
    const recorded = block.commands.map((command) => {
      const size = command.kind === "kernel" ? command.kernel.workgroupSize : moveWorkgroupSize;
      const workgroups = workgroupsFor(command.count, size, limits.maxComputeWorkgroupsPerDimension);
      if (!program.resident) return record(command, workgroups, undefined);
      const key = workgroups.join();
      let place = shared.get(key);
      if (place === undefined) {
        place = initial.length;
        initial.push(...(n === 0 ? [...workgroups, 1] : [0, 0, 0]));
        shared.set(key, place);
        entries.push(place, ...workgroups);
      }
      return record(command, workgroups, place * 4);
    });
    rows.push(tables.length, entries.length / 3);
    tables.push(...entries);
    return recorded;
  });
  const blockTable = tables.length;
  tables.push(...rows);
  return { blocks, pieces, tails, tables, blockTable, workgroups: initial, uniforms, uniformBytes };
}
