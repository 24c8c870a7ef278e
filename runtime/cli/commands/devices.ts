/** `karush devices`: what scripts can run on. */
import { availableParallelism, cpus } from "node:os";
import { defaultThreads } from "../../cpu/platform.ts";
import { type ExitCode, exitCodes } from "../../script/outcome.ts";
import {
  type AdapterDiscovery,
  adaptersOfThisPlace,
  describeAdapter,
  listAdapters,
  messageOf,
} from "../../webgpu/adapter.ts";
import type { Terminal } from "../terminal.ts";

/** What `--json` prints; its fields are a contract with programs. */
export interface DeviceList {
  readonly cpu: {
    readonly processor: string;
    readonly cores: number;
    /** That share a large kernel, unless told otherwise. */
    readonly threads: number;
    /** Whether the engine has WebAssembly's 128-bit vectors. The back end needs them. */
    readonly simd: boolean;
  };
  readonly webgpu: readonly ListedAdapter[];
  /** Why there is no adapter. */
  readonly unavailable?: string;
  /** What `--backend auto` takes. */
  readonly auto: "cpu" | "webgpu";
}

export interface ListedAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly software: boolean;
  /** Whether `--profile` times single kernels on it. */
  readonly timestamps: boolean;
  readonly limits: {
    /** Bytes of the largest array, and of all arrays of a statement. */
    readonly maxStorageBufferBindingSize: number;
    readonly maxBufferSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
    readonly maxComputeWorkgroupStorageSize: number;
  };
}

export async function devices(options: { readonly json?: boolean }, terminal: Terminal): Promise<ExitCode> {
  const list = await listDevices(adaptersOfThisPlace);
  terminal.print(options.json ? JSON.stringify(list) : renderDevices(list));
  return exitCodes.done;
}

export async function listDevices(discovery: AdapterDiscovery): Promise<DeviceList> {
  const cpu = {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    threads: defaultThreads(),
    simd: hasVectors(),
  };
  let adapters: GPUAdapter[];
  try {
    adapters = await listAdapters(discovery);
  } catch (error) {
    return { cpu, webgpu: [], unavailable: messageOf(error), auto: "cpu" };
  }
  const webgpu = adapters.map(listed);
  // `auto` asks for one adapter, and that is the first of these.
  const takesFirst = discovery.mayHaveHardware() && webgpu[0]?.software === false;
  return {
    cpu,
    webgpu,
    ...(webgpu.length === 0 ? { unavailable: "no graphics driver was found" } : {}),
    auto: takesFirst ? "webgpu" : "cpu",
  };
}

function listed({ info, limits, features }: GPUAdapter): ListedAdapter {
  const { name, isSoftware } = describeAdapter(info);
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: name,
    software: isSoftware,
    timestamps: features.has("timestamp-query"),
    limits: {
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    },
  };
}

/** A module with one vector in it: `() => drop(i32x4.splat(0))`. */
const vectorModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x41, 0x00, 0xfd, 0x11, 0x1a, 0x0b],
);

const hasVectors = (): boolean => WebAssembly.validate(vectorModule);

export function renderDevices({ cpu, webgpu, unavailable, auto }: DeviceList): string {
  const marked = (backend: "cpu" | "webgpu") => (auto === backend ? "   (auto)" : "");
  const vectors = cpu.simd ? "WebAssembly SIMD" : "WebAssembly without SIMD: this engine cannot run compiled scripts";
  const threads = cpu.threads === 1 ? "1 thread" : `up to ${cpu.threads} threads`;
  const lines = [
    `cpu        ${cpu.processor}, ${cpu.cores} ${cpu.cores === 1 ? "core" : "cores"}${marked("cpu")}`,
    `           ${vectors}, ${threads}, f64 or f32`,
  ];
  webgpu.forEach(({ vendor, architecture, description, software, timestamps, limits }, i) => {
    const maker = [vendor, architecture].filter((word) => word !== "").join(" ");
    const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    const facts = [
      ...(software ? ["software, computes on the CPU"] : []),
      `statements of at most ${mebibytes(largest)}`,
      `workgroups of ${limits.maxComputeInvocationsPerWorkgroup} with ${limits.maxComputeWorkgroupStorageSize / 1024} KiB`,
      ...(timestamps ? ["times its kernels"] : []),
      "f32",
    ];
    lines.push(`webgpu     ${description}${maker === "" ? "" : ` (${maker})`}${i === 0 ? marked("webgpu") : ""}`);
    lines.push(`           ${facts.join(", ")}`);
  });
  if (webgpu.length === 0) lines.push(`webgpu     none: ${unavailable ?? "no adapter"}`);
  lines.push("reference  the evaluator that says what programs mean, on the CPU: slow");
  return lines.join("\n");
}

const mebibytes = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
