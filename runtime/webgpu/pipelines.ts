/** Compute pipelines, compiled in parallel and once for each text. */
import { ShaderStage } from "./constants.ts";
import type { Device } from "./device.ts";

export interface ShaderSource {
  /** For messages. */
  readonly label: string;
  readonly text: string;
  readonly entryPoint: string;
}

/** What a pipeline binds. */
export interface Bindings {
  /** How many arenas. */
  readonly arenas: number;
  /** Those that it may only read; none when left out. */
  readonly onlyRead?: readonly number[];
  /** Whether there is another uniform after the arenas, of its own. */
  readonly hasParameters?: boolean;
}

export class PipelineCache {
  readonly #device: Device;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * The layout of everything the runtime binds: at 0 a uniform with a dynamic offset, then the arenas, then parameters.
   * It is written out, because a layout made from a text lacks what the text does not use.
   */
  layout({ arenas: count, onlyRead = [], hasParameters = false }: Bindings): GPUBindGroupLayout {
    const key = `${count} ${onlyRead} ${hasParameters}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const arenas = Array.from({ length: count }, (_, n): GPUBindGroupLayoutEntry => {
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
      const parameters: GPUBindGroupLayoutEntry = {
        binding: count + 1,
        visibility: ShaderStage.compute,
        buffer: { type: "uniform" },
      };
      const entries = [places, ...arenas, ...(hasParameters ? [parameters] : [])];
      layout = this.#device.gpu.createBindGroupLayout({ entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /**
   * The pipelines of some texts, in their order. Comments make no difference to what is compiled. Throws an internal
   * error with the line at fault when a text does not compile.
   */
  async compile(sources: readonly ShaderSource[], bindings: Bindings): Promise<GPUComputePipeline[]> {
    return this.#device.whileAlive(
      "compiling shaders",
      Promise.all(sources.map((source) => this.#pipeline(source, bindings))),
    );
  }

  #pipeline(source: ShaderSource, bindings: Bindings): Promise<GPUComputePipeline> {
    const key = this.#keyOf(source, bindings);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(source, bindings);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** Whether there is a pipeline already, or soon. */
  has(source: ShaderSource, bindings: Bindings): boolean {
    return this.#pipelines.has(this.#keyOf(source, bindings));
  }

  #keyOf(
    { label, text, entryPoint }: ShaderSource,
    { arenas, onlyRead = [], hasParameters = false }: Bindings,
  ): string {
    const name = this.#device.timesDispatches ? label : "";
    return `${arenas} ${onlyRead} ${hasParameters} ${name} ${entryPoint} ${text.replace(/^ *\/\/.*\n/gm, "")}`;
  }

  async #compile({ label, text, entryPoint }: ShaderSource, bindings: Bindings): Promise<GPUComputePipeline> {
    const { gpu } = this.#device;
    // The module's own errors come with their lines from getCompilationInfo; here they are only kept from the host.
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ label, code: text });
    const report = gpu.popErrorScope();
    try {
      const layout = gpu.createPipelineLayout({ bindGroupLayouts: [this.layout(bindings)] });
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
