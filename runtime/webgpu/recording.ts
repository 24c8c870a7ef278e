/** A program on a device: its pipelines, its memory, and its dispatches, ready to be encoded. */
import { controlText, header, moveText, moveWorkgroupSize } from "../../compiler/target/wgsl/control.ts";
import type { Command, Program } from "../../compiler/target/wgsl/program.ts";
import { BufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import { workgroupsFor } from "./dispatch.ts";
import { Memory } from "./memory.ts";

/** The arenas, in their order. Kernels see the first, copies three, control flow all. */
export const arena = { data: 0, state: 1, tables: 2, workgroups: 3 } as const;
const arenaCounts = { kernel: 1, move: 3, control: 4 } as const;

interface Recorded {
  readonly kind: Command["kind"];
  readonly pipeline: GPUComputePipeline;
  readonly uniform: number;
  readonly workgroups: readonly [number, number];
  /** Where the workgroups are, in bytes, when they are in memory. */
  readonly indirect: number | undefined;
}

export class Recording {
  readonly program: Program;
  readonly memory: Memory;
  readonly #blocks: readonly (readonly Recorded[])[];
  readonly #resume: Recorded;
  readonly #bindGroups: Readonly<Record<Command["kind"], GPUBindGroup>>;
  readonly #uniforms: GPUBuffer;
  readonly #initialState: Uint32Array<ArrayBuffer>;
  readonly #idle: Uint32Array<ArrayBuffer>;

  private constructor(
    program: Program,
    memory: Memory,
    layout: Layout,
    bindGroups: Readonly<Record<Command["kind"], GPUBindGroup>>,
    uniforms: GPUBuffer,
  ) {
    this.program = program;
    this.memory = memory;
    this.#blocks = layout.blocks;
    this.#resume = layout.resume;
    this.#bindGroups = bindGroups;
    this.#uniforms = uniforms;
    this.#initialState = program.state.slice();
    this.#initialState[header.blocks] = layout.blockTable;
    this.#idle = new Uint32Array(layout.workgroupWords);
  }

  /** Compiles a program's kernels and allocates what it needs. Throws as `Memory.allocate` and `compile` do. */
  static async create(device: Device, program: Program): Promise<Recording> {
    const pipelines = await pipelinesOf(device, program);
    const layout = layOut(device, program, pipelines);
    const memory = await Memory.allocate(device, [
      program.dataWords,
      program.state.length,
      layout.tables.length,
      layout.workgroupWords,
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
            layout: device.pipelines.layout(count),
            entries: [
              { binding: 0, resource: { buffer: uniforms, offset: 0, size: layout.uniformBytes } },
              ...memory.arenas.slice(0, count).map((buffer, n) => ({ binding: n + 1, resource: { buffer } })),
            ],
          });
        const { kernel, move, control } = arenaCounts;
        return {
          bindGroups: { kernel: bindGroup(kernel), move: bindGroup(move), control: bindGroup(control) },
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
    this.memory.write(arena.workgroups, 0, this.#idle);
  }

  /** Encodes blocks in the given order. Those whose turn it is not do nothing. */
  encode(pass: GPUComputePassEncoder, blocks: readonly number[]): void {
    if (this.#blocks.length > 1) this.#encode(pass, this.#resume);
    for (const block of blocks) for (const recorded of this.#blocks[block]!) this.#encode(pass, recorded);
  }

  #encode(pass: GPUComputePassEncoder, { kind, pipeline, uniform, workgroups, indirect }: Recorded): void {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.#bindGroups[kind], [uniform]);
    if (indirect === undefined) pass.dispatchWorkgroups(...workgroups);
    else pass.dispatchWorkgroupsIndirect(this.memory.arenas[arena.workgroups]!, indirect);
  }

  free(): void {
    this.memory.free();
    this.#uniforms.destroy();
  }
}

type PipelineOf = (command: Command) => GPUComputePipeline;

async function pipelinesOf(device: Device, program: Program): Promise<PipelineOf> {
  const source = (label: string, text: string) => [{ label, text, entryPoint: "main" }];
  const [kernels, [move], [control]] = await Promise.all([
    device.pipelines.compile(
      program.kernels.map(({ name, printed }) => ({ label: name, ...printed })),
      arenaCounts.kernel,
    ),
    device.pipelines.compile(source("copies", moveText), arenaCounts.move),
    device.pipelines.compile(source("control flow", controlText), arenaCounts.control),
  ]);
  const byKernel = new Map(program.kernels.map(({ printed }, i) => [printed, kernels[i]!]));
  return (command) =>
    command.kind === "kernel" ? byKernel.get(command.kernel)! : command.kind === "move" ? move! : control!;
}

interface Layout {
  readonly blocks: readonly (readonly Recorded[])[];
  readonly resume: Recorded;
  /** The program's tables, then what control flow knows of blocks. */
  readonly tables: readonly number[];
  readonly blockTable: number;
  readonly workgroupWords: number;
  readonly uniforms: Uint32Array<ArrayBuffer>;
  readonly uniformBytes: number;
}

const roundUp = (x: number, step: number): number => Math.ceil(x / step) * step;

function layOut(device: Device, program: Program, pipelineOf: PipelineOf): Layout {
  const { limits } = device;
  const resume: Command = { kind: "control", words: [0, 0, 0] };
  const commands = [resume, ...program.blocks.flatMap((b) => b.commands)];
  const controlWords = 16;
  const longest = commands.reduce((n, c) => Math.max(n, c.words.length), controlWords);
  // Each block of words is bound whole, so all are as long as the longest.
  const uniformBytes = roundUp(longest * 4, limits.minUniformBufferOffsetAlignment);
  if (uniformBytes > limits.maxUniformBufferBindingSize)
    throw new Error(`internal error: a kernel with ${longest - 2} arrays`);
  const uniforms = new Uint32Array((uniformBytes / 4) * commands.length);
  let uniformCount = 0;
  const record = (command: Command, workgroups: readonly [number, number], indirect: number | undefined): Recorded => {
    uniforms.set(command.words, (uniformCount * uniformBytes) / 4);
    const uniform = uniformCount * uniformBytes;
    uniformCount += 1;
    return { kind: command.kind, pipeline: pipelineOf(command), uniform, workgroups, indirect };
  };
  const recordedResume = record(resume, [1, 1], undefined);

  const tables = [...program.tables];
  const rows: number[] = [];
  let workgroupWords = 0;
  const blocks = program.blocks.map((block) => {
    // Dispatches of a block with as many workgroups share their place.
    const shared = new Map<string, number>();
    const entries: number[] = [];
    const recorded = block.commands.map((command) => {
      if (command.kind === "control") return record(command, [1, 1], undefined);
      const size = command.kind === "kernel" ? command.kernel.workgroupSize : moveWorkgroupSize;
      const workgroups = workgroupsFor(command.count, size, limits.maxComputeWorkgroupsPerDimension);
      if (program.blocks.length === 1) return record(command, workgroups, undefined);
      const key = workgroups.join();
      let place = shared.get(key);
      if (place === undefined) {
        place = workgroupWords;
        workgroupWords += 3;
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
  return { blocks, resume: recordedResume, tables, blockTable, workgroupWords, uniforms, uniformBytes };
}
