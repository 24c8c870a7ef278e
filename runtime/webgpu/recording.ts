/** A program on a device: its pipelines, its memory, and its dispatches, ready to be encoded. */
import { blockWords, header } from "../../compiler/target/wgsl/control.ts";
import { controlText } from "../../compiler/target/wgsl/control-kernel.ts";
import type { WgslKernel } from "../../compiler/target/wgsl/kernel.ts";
import { moveText } from "../../compiler/target/wgsl/moves.ts";
import type { Program } from "../../compiler/target/wgsl/program.ts";
import type { Arena } from "./arena-pool.ts";
import { BufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import { type Layout, layOut, type Recorded } from "./layout.ts";
import { Memory } from "./memory.ts";
import type { Bindings, ShaderSource } from "./pipelines.ts";
import { type IsByPiece, type Turn, tailPiece } from "./schedule.ts";

/**
 * The arenas, in their order. Kernels see the first, and operands that are not in it; copies three, the resident workgroup
 * all.
 */
export const arena = { data: 0, state: 1, tables: 2, workgroups: 3 } as const;
const arenaCounts = { kernel: 1, move: 3, control: 4, resident: 4 } as const;
type Kind = keyof typeof arenaCounts;
/** Whatever sees all arenas only reads the tables. */
function bindingsOf(kind: Kind): Bindings {
  const arenas = arenaCounts[kind];
  return { arenas, onlyRead: arenas > arena.workgroups ? [arena.tables] : [], hasParameters: kind === "resident" };
}
/** The data, and each operand as an arena of its own. */
const bindingsOfKernel = (operands: number): Bindings => ({
  arenas: 1 + operands,
  onlyRead: Array.from({ length: operands }, (_, n) => n + 1),
});
/** What is compiled once for all programs. */
const common = {
  move: { label: "copies", text: moveText },
  control: { label: "control flow", text: controlText },
};

/** A program's arenas with one for the data among them. */
interface Attached {
  readonly memory: Memory;
  readonly bindGroups: Readonly<Record<Exclude<Kind, "resident">, GPUBindGroup>>;
  /** Those of pieces, as they are needed. */
  readonly pieces: (GPUBindGroup | undefined)[];
  /** Those of kernels that read some operands where they are, as they are needed, by which operands those are. */
  readonly direct: Map<string, DirectGroup>;
}

interface DirectGroup {
  readonly buffers: readonly GPUBuffer[];
  readonly group: GPUBindGroup;
}

/** The weights of the pieces that a device has compiled: of pieces with one text they are the same. */
const compiledWeights = new WeakMap<Device, Set<number>>();

function weightsOf(device: Device): Set<number> {
  const known = compiledWeights.get(device) ?? new Set();
  compiledWeights.set(device, known);
  return known;
}

/** A piece that is compiled, with the buffer of its parameters. */
interface Piece {
  readonly pipeline: GPUComputePipeline;
  readonly parameters: GPUBuffer;
}

export class Recording {
  readonly program: Program;
  readonly #device: Device;
  /** The arenas of its own: all but that of the data, which it is lent. */
  readonly #own: Memory;
  readonly #known = new WeakMap<GPUBuffer, Attached>();
  #attached: Attached | undefined;
  /** Where the operands of the run are that are not in the data. */
  #operands: readonly (GPUBuffer | undefined)[] = [];
  readonly #uniforms: GPUBuffer;
  /** Those that are compiled, of pieces, of kernels, and of what is the same for all programs. */
  readonly #pieces: (Piece | undefined)[] = [];
  /** Pieces whose text was looked for among so many kinds of those that are compiled. */
  readonly #compared = new Map<number, number>();
  /** Pieces whose text is compiled for another one. */
  readonly #compiledElsewhere = new Set<number>();
  readonly #kernels = new Map<WgslKernel, GPUComputePipeline>();
  readonly #common = new Map<Kind, GPUComputePipeline>();
  readonly #names: ReadonlyMap<WgslKernel, string>;
  readonly #layout: Layout;
  #isFreed = false;
  readonly #initialState: Uint32Array<ArrayBuffer>;
  /** Of the first block: the others' dispatches are idle until it is their turn. */
  readonly #initialWorkgroups: Uint32Array<ArrayBuffer>;

  private constructor(program: Program, own: Memory, layout: Layout, uniforms: GPUBuffer) {
    this.program = program;
    this.#device = own.device;
    this.#own = own;
    this.#layout = layout;
    this.#names = new Map(program.kernels.map(({ name, printed }) => [printed, name]));
    this.#uniforms = uniforms;
    this.#initialState = program.state.slice();
    this.#initialState[header.blocks] = layout.blockTable;
    this.#initialWorkgroups = Uint32Array.from(layout.workgroups);
  }

  /** Allocates what a program needs beside the arena of its data. Throws as `Memory.allocate` does. */
  static async create(device: Device, program: Program): Promise<Recording> {
    const layout = layOut(device.limits, program);
    const own = await Memory.allocate(device, [program.state.length, layout.tables.length, layout.workgroups.length]);
    try {
      own.write(arena.tables - 1, 0, Uint32Array.from(layout.tables));
      const uniforms = await device.checked("preparing dispatches", () => {
        const usage = BufferUsage.uniform | BufferUsage.copyDestination;
        return device.gpu.createBuffer({ label: "places", size: layout.uniforms.byteLength, usage });
      });
      device.transfers.write(uniforms, 0, layout.uniforms);
      return new Recording(program, own, layout, uniforms);
    } catch (error) {
      own.free();
      throw error;
    }
  }

  /**
   * Makes use of an arena for the data, of `program.dataWords` at least, until the next one; and of the buffers that
   * operands have which are not in the data.
   */
  attach(data: Arena, operands: readonly (GPUBuffer | undefined)[]): void {
    this.#operands = operands;
    let attached = this.#known.get(data.buffer);
    if (!attached) {
      attached = this.#attach(data.buffer);
      this.#known.set(data.buffer, attached);
    }
    this.#attached = attached;
    if (data.user === this) return;
    data.user = this;
    attached.memory.write(arena.data, this.program.constants.offset, this.program.constants.words);
  }

  #attach(data: GPUBuffer): Attached {
    const device = this.#device;
    const memory = new Memory(device, [data, ...this.#own.arenas]);
    const group = (kind: Kind) => {
      const bindings = bindingsOf(kind);
      return this.#bindGroup(memory.arenas.slice(0, bindings.arenas), bindings);
    };
    return {
      memory,
      bindGroups: { kernel: group("kernel"), move: group("move"), control: group("control") },
      pieces: [],
      direct: new Map(),
    };
  }

  #bindGroup(arenas: readonly GPUBuffer[], bindings: Bindings, parameters?: GPUBuffer): GPUBindGroup {
    const { gpu, pipelines } = this.#device;
    return gpu.createBindGroup({
      layout: pipelines.layout(bindings),
      entries: [
        { binding: 0, resource: { buffer: this.#uniforms, offset: 0, size: this.#layout.uniformBytes } },
        ...arenas.map((buffer, n) => ({ binding: n + 1, resource: { buffer } })),
        ...(parameters ? [{ binding: arenas.length + 1, resource: { buffer: parameters } }] : []),
      ],
    });
  }

  /** All arenas, in their order, while there is one for the data. */
  get memory(): Memory {
    return this.#inUse.memory;
  }

  get #inUse(): Attached {
    if (!this.#attached) throw new Error("internal error: a program without memory");
    return this.#attached;
  }

  /** The state as a run begins. */
  get initialState(): Uint32Array {
    return this.#initialState;
  }

  /** Begins a run, after what was submitted before. */
  reset(): void {
    // What the log held before is not looked at.
    this.memory.write(arena.state, 0, this.#initialState.subarray(0, this.program.state[header.log]!));
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

  /** Whether a piece of the resident workgroup is compiled, for this program or for another one with the same text. */
  isReady(piece: number): boolean {
    if (this.#pieces[piece] !== undefined || this.#compiledElsewhere.has(piece)) return true;
    const weights = weightsOf(this.#device);
    const { weight } = this.program.resident.pieces[piece]!;
    // To print a text costs something too.
    if (!weights.has(weight) || this.#compared.get(piece) === weights.size) return false;
    this.#compared.set(piece, weights.size);
    const isKnown = this.#device.pipelines.has(this.#sourceOf(piece), bindingsOf("resident"));
    if (isKnown) this.#compiledElsewhere.add(piece);
    return isKnown;
  }

  #sourceOf(piece: number): ShaderSource {
    return { label: "the resident workgroup", ...this.program.resident.pieces[piece]!.kernel() };
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
    if (this.#pieces[n] !== undefined) return;
    const { weight, kernel } = this.program.resident.pieces[n]!;
    const { parameters: words } = kernel();
    const pipeline = await this.#compile(this.#sourceOf(n), bindingsOf("resident"));
    weightsOf(this.#device).add(weight);
    const parameters = await this.#device.checked("preparing dispatches", () => {
      const usage = BufferUsage.uniform | BufferUsage.copyDestination;
      return this.#device.gpu.createBuffer({ label: "parameters", size: words.length * 4, usage });
    });
    this.#device.transfers.write(parameters, 0, Uint32Array.from(words));
    // Whoever asked for it may be gone, or somebody else has asked for it too.
    if (this.#isFreed || this.#pieces[n] !== undefined) parameters.destroy();
    else this.#pieces[n] = { pipeline, parameters };
  }

  async #prepareCommon(kind: "move" | "control"): Promise<void> {
    if (this.#common.has(kind)) return;
    this.#common.set(kind, await this.#compile({ ...common[kind], entryPoint: "main" }, bindingsOf(kind)));
  }

  async #prepareKernels(needed: readonly Recorded[]): Promise<void> {
    const missing = new Set(needed.flatMap(({ kernel }) => (kernel && !this.#kernels.has(kernel) ? [kernel] : [])));
    const compiled = [...missing].map(async (kernel) => {
      const source = { ...kernel, label: this.#names.get(kernel)! };
      this.#kernels.set(kernel, await this.#compile(source, bindingsOfKernel(kernel.onlyRead.length)));
    });
    await Promise.all(compiled);
  }

  async #compile(source: ShaderSource, bindings: Bindings): Promise<GPUComputePipeline> {
    const [pipeline] = await this.#device.pipelines.compile([source], bindings);
    return pipeline!;
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
    if (piece !== undefined) return this.#pieces[piece]?.pipeline;
    return kernel === undefined ? this.#common.get(kind) : this.#kernels.get(kernel);
  }

  #encode(pass: GPUComputePassEncoder, recorded: Recorded): void {
    const { uniform, workgroups, indirect } = recorded;
    pass.setPipeline(this.#pipelineOf(recorded)!);
    pass.setBindGroup(0, this.#bindGroupOf(recorded), [uniform]);
    if (indirect === undefined) pass.dispatchWorkgroups(...workgroups);
    else pass.dispatchWorkgroupsIndirect(this.memory.arenas[arena.workgroups]!, indirect);
  }

  #bindGroupOf({ kind, piece, operands }: Recorded): GPUBindGroup {
    const { memory, bindGroups, pieces } = this.#inUse;
    if (operands.length > 0) return this.#directGroup(operands);
    if (kind !== "resident") return bindGroups[kind];
    pieces[piece!] ??= this.#bindGroup(memory.arenas, bindingsOf(kind), this.#pieces[piece!]!.parameters);
    return pieces[piece!]!;
  }

  /** The last one again, when the operands are where they were. */
  #directGroup(operands: readonly number[]): GPUBindGroup {
    const { memory, direct } = this.#inUse;
    const buffers = operands.map((i) => {
      const buffer = this.#operands[i];
      if (!buffer) throw new Error("internal error: an operand that is not in the data is nowhere");
      return buffer;
    });
    const known = direct.get(operands.join());
    if (known?.buffers.every((b, n) => b === buffers[n])) return known.group;
    const group = this.#bindGroup([memory.arenas[arena.data]!, ...buffers], bindingsOfKernel(buffers.length));
    direct.set(operands.join(), { buffers, group });
    return group;
  }

  free(): void {
    this.#isFreed = true;
    for (const piece of this.#pieces) piece?.parameters.destroy();
    this.#own.free();
    this.#uniforms.destroy();
  }
}
