/** Compute pipelines, compiled in parallel and once for each text. */
import { ShaderStage } from "./constants.ts";
import type { Device } from "./device.ts";

export interface ShaderSource {
  /** For messages. */
  readonly label: string;
  readonly text: string;
  readonly entryPoint: string;
}

export class PipelineCache {
  readonly #device: Device;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * The layout of everything the runtime binds: at 0 a uniform with a dynamic offset, then the arenas, of which the
   * kernel may write all but those that are told. It is written out, because a layout made from a text lacks what the text does not use.
   */
  layout(arenaCount: number, onlyRead: readonly number[] = []): GPUBindGroupLayout {
    const key = `${arenaCount} ${onlyRead}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const arenas = Array.from({ length: arenaCount }, (_, n): GPUBindGroupLayoutEntry => {
        return {
          binding: n + 1,
          visibility: ShaderStage.compute,
          buffer: { type: onlyRead.includes(n) ? "read-only-storage" : "storage" },
        };
      });
      const places: GPUBindGroupLayoutEntry = {
        binding: 0,
        visibility: ShaderStage.compute,
        buffer: { type: "uniform", hasDynamicOffset: true },
      };
      layout = this.#device.gpu.createBindGroupLayout({ entries: [places, ...arenas] });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /**
   * The pipelines of some texts, in their order. Comments make no difference to what is compiled. Throws an internal
   * error with the line at fault when a text does not compile.
   */
  async compile(
    sources: readonly ShaderSource[],
    arenaCount: number,
    onlyRead: readonly number[] = [],
  ): Promise<GPUComputePipeline[]> {
    return this.#device.whileAlive(
      "compiling shaders",
      Promise.all(sources.map((source) => this.#pipeline(source, arenaCount, onlyRead))),
    );
  }

  #pipeline(source: ShaderSource, arenaCount: number, onlyRead: readonly number[]): Promise<GPUComputePipeline> {
    const name = this.#device.timesDispatches ? source.label : "";
    const key = `${arenaCount} ${onlyRead} ${name} ${source.entryPoint} ${source.text.replace(/^ *\/\/.*\n/gm, "")}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(source, arenaCount, onlyRead);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(
    { label, text, entryPoint }: ShaderSource,
    arenaCount: number,
    onlyRead: readonly number[],
  ): Promise<GPUComputePipeline> {
    const { gpu } = this.#device;
    // The module's own errors come with their lines from getCompilationInfo; here they are only kept from the host.
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label, code: text });
    const report = gpu.popErrorScope();
    try {
      const layout = gpu.createPipelineLayout({ bindGroupLayouts: [this.layout(arenaCount, onlyRead)] });
      return await gpu.createComputePipelineAsync({ label, layout, compute: { module, entryPoint } });
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const lines = messages.filter((m) => m.type === "error").map((m) => describe(m, text));
      const why = lines.length > 0 ? lines.join("\n") : (error as Error).message;
      throw new Error(`internal error: the WGSL of ${label} does not compile: ${why}`);
    } finally {
      await report.catch(() => null);
    }
  }
}

function describe(message: GPUCompilationMessage, text: string): string {
  const line = text.split("\n")[message.lineNum - 1] ?? "";
  return `line ${message.lineNum}: ${message.message}\n    ${line.trim()}`;
}
