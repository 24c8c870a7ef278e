/** A program on a device: its pipelines, its memory, and its dispatches, ready to be encoded. */
import { blockWords, header } from "../../compiler/target/wgsl/control.ts";
import { controlText } from "../../compiler/target/wgsl/control-kernel.ts";
import type { WgslKernel } from "../../compiler/target/wgsl/kernel.ts";
import { moveText } from "../../compiler/target/wgsl/moves.ts";
import type { Program } from "../../compiler/target/wgsl/program.ts";
import { BufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import { type Layout, layOut, type Recorded } from "./layout.ts";
import { Memory } from "./memory.ts";
import type { ShaderSource } from "./pipelines.ts";
import { type IsByPiece, type Turn, tailPiece } from "./schedule.ts";

/** The arenas, in their order. Kernels see the first, copies three, the resident workgroup all. */
export const arena = { data: 0, state: 1, tables: 2, workgroups: 3 } as const;
const arenaCounts = { kernel: 1, move: 3, control: 4, resident: 4 } as const;
/** Whatever sees all arenas only reads the tables. */
const onlyRead = (count: number): readonly number[] => (count > arena.workgroups ? [arena.tables] : []);
type Kind = keyof typeof arenaCounts;
/** What is compiled once for all programs. */
const common = {
  move: { label: "copies", text: moveText },
  control: { label: "control flow", text: controlText },
};

export class Recording {
  readonly program: Program;
  readonly memory: Memory;
  readonly #bindGroups: Readonly<Record<Kind, GPUBindGroup>>;
  readonly #uniforms: GPUBuffer;
  /** Those that are compiled, of pieces, of kernels, and of what is the same for all programs. */
  readonly #pieces: (GPUComputePipeline | undefined)[] = [];
  readonly #kernels = new Map<WgslKernel, GPUComputePipeline>();
  readonly #common = new Map<Kind, GPUComputePipeline>();
  readonly #names: ReadonlyMap<WgslKernel, string>;
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
    this.#layout = layout;
    this.#names = new Map(program.kernels.map(({ name, printed }) => [printed, name]));
    this.#bindGroups = bindGroups;
    this.#uniforms = uniforms;
    this.#initialState = program.state.slice();
    this.#initialState[header.blocks] = layout.blockTable;
    this.#initialWorkgroups = Uint32Array.from(layout.workgroups);
  }

  /** Allocates what a program needs. Throws as `Memory.allocate` does. */
  static async create(device: Device, program: Program): Promise<Recording> {
    const layout = layOut(device.limits, program);
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
        const { kernel, move, control } = arenaCounts;
        const all = bindGroup(control);
        const bindGroups = { kernel: bindGroup(kernel), move: bindGroup(move), control: all, resident: all };
        return { bindGroups, uniforms };
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

  /** Whether a piece of the resident workgroup is compiled. */
  isReady(piece: number): boolean {
    return this.#pieces[piece] !== undefined;
  }

  /**
   * Compiles what comes next at a block, and the dispatches of all blocks that run when it does; others are compiled when
   * it is their turn. `isByPiece`: whether a piece does the tails of its blocks.
   */
  async prepare(block: number, isByPiece: IsByPiece): Promise<void> {
    const { blocks, resident } = this.program;
    const piece = resident.pieceOf[block];
    const { group } = blocks[block]!;
    const needed = blocks.flatMap((b, n) => {
      if (b.group !== group) return [];
      const { commands, tail } = this.#layout.blocks[n]!;
      return tailPiece(this.program, n, isByPiece) === undefined ? [...commands, ...tail] : commands;
    });
    await Promise.all([
      piece !== undefined && isByPiece(piece) ? this.#preparePiece(piece) : undefined,
      this.#prepareKernels(needed),
      ...(["move", "control"] as const)
        .filter((k) => needed.some((r) => r.kind === k))
        .map((k) => this.#prepareCommon(k)),
    ]);
  }

  async #preparePiece(n: number): Promise<void> {
    if (this.isReady(n)) return;
    const source = { label: "the resident workgroup", ...this.program.resident.pieces[n]!.kernel() };
    this.#pieces[n] = await this.#compile("resident", [source]).then(([p]) => p);
  }

  async #prepareCommon(kind: "move" | "control"): Promise<void> {
    if (this.#common.has(kind)) return;
    const [pipeline] = await this.#compile(kind, [{ ...common[kind], entryPoint: "main" }]);
    this.#common.set(kind, pipeline!);
  }

  async #prepareKernels(needed: readonly Recorded[]): Promise<void> {
    const missing = new Set(needed.flatMap(({ kernel }) => (kernel && !this.#kernels.has(kernel) ? [kernel] : [])));
    const kernels = [...missing];
    const pipelines = await this.#compile(
      "kernel",
      kernels.map((k) => ({ ...k, label: this.#names.get(k)! })),
    );
    kernels.forEach((k, i) => {
      this.#kernels.set(k, pipelines[i]!);
    });
  }

  #compile(kind: Kind, sources: readonly ShaderSource[]): Promise<GPUComputePipeline[]> {
    const count = arenaCounts[kind];
    return this.memory.device.pipelines.compile(sources, count, onlyRead(count));
  }

  /**
   * Encodes turns in the given order, but for those that were not prepared. Those whose turn it is not do nothing.
   * Returns how many dispatches they are.
   */
  encode(pass: GPUComputePassEncoder, turns: readonly Turn[]): number {
    let count = 0;
    for (const turn of turns) {
      const recorded = this.#recordedOf(turn);
      if (recorded.some((r) => this.#pipelineOf(r) === undefined)) continue;
      for (const r of recorded) this.#encode(pass, r);
      count += recorded.length;
    }
    return count;
  }

  #recordedOf(turn: Turn): readonly Recorded[] {
    if (turn.kind === "piece") return [this.#layout.pieces[turn.piece]!];
    const { commands, tail, piece } = this.#layout.blocks[turn.block]!;
    return [...commands, ...(turn.isByPiece ? [piece!] : tail)];
  }

  #pipelineOf({ kind, kernel, piece }: Recorded): GPUComputePipeline | undefined {
    if (piece !== undefined) return this.#pieces[piece];
    return kernel === undefined ? this.#common.get(kind) : this.#kernels.get(kernel);
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
