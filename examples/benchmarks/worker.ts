/** One system in a process of its own: prepares a workload when it is told to, then computes it once per message. */
import { inputsOf } from "./inputs.ts";

export interface Request {
  readonly action: "prepare" | "run";
  readonly workload: string;
}
export interface Reply {
  readonly error?: string;
  readonly wall: number;
  /** Of all threads of the process. */
  readonly cpu: number;
  /** The first numbers of each result: systems must agree. */
  readonly results?: readonly (readonly number[])[];
}

type Computation = () => readonly ArrayLike<number>[] | Promise<readonly ArrayLike<number>[]>;

/** Modules of the peers are plain JavaScript: they need packages that only this folder has. */
interface Peer {
  readonly start: (backend: string) => Promise<void>;
  readonly prepare: (workload: string, inputs: unknown) => Computation;
}

const system = process.argv[2]!;

async function load(): Promise<(workload: string) => Computation> {
  if (system === "karush") {
    const { prepare } = await import("./karush.ts");
    return (workload) => prepare(workload, inputsOf(workload)).again;
  }
  if (system === "loops") {
    const { prepare } = await import("./hand.ts");
    return (workload) => prepare(workload, inputsOf(workload));
  }
  const [library, backend] = system.split(" ");
  if (backend === "webgpu") {
    const { offerWebGpu } = await import("./offer-webgpu.ts");
    offerWebGpu();
  }
  if (library === "karush") {
    const { openWebGpu } = await import("./karush-webgpu.ts");
    const prepareThere = await openWebGpu();
    return (workload) => prepareThere(workload, inputsOf(workload));
  }
  const file: string = library === "jax-js" ? "./jax.mjs" : "./tensorflow.mjs";
  const peer = (await import(file)) as Peer;
  await peer.start(backend!);
  return (workload) => peer.prepare(workload, inputsOf(workload));
}

async function timed(body: Computation): Promise<Reply> {
  const usage = process.cpuUsage();
  const started = performance.now();
  const results = await body();
  const wall = performance.now() - started;
  const { user, system: kernel } = process.cpuUsage(usage);
  return {
    wall,
    cpu: (user + kernel) / 1000,
    results: results.map((r) => Array.from({ length: Math.min(r.length, 3) }, (_, i) => r[i]!)),
  };
}

let prepare: Promise<(workload: string) => Computation> | undefined;
let current: Computation | undefined;

process.on("message", async ({ action, workload }: Request) => {
  try {
    prepare ??= load();
    const make = await prepare;
    const reply = await timed(
      action === "run"
        ? current!
        : async () => {
            current = make(workload);
            return current();
          },
    );
    process.send!(reply);
  } catch (error) {
    process.send!({ wall: Number.NaN, cpu: Number.NaN, error: String(error).split("\n")[0]! } satisfies Reply);
  }
});
