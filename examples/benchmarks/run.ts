/**
 * `npm run bench`: karush's CPU target beside its peers and hand-written loops. Each system is a process of its own;
 * runs are interleaved, and what is printed are medians, in milliseconds, wall time and CPU time of all threads.
 * Arguments choose workloads by name. The peers are installed here on first use, from this folder's lock file.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { workloadNames } from "./inputs.ts";
import type { Reply, Request } from "./worker.ts";

const systems = ["karush", "jax-js wasm", "tfjs wasm", "tfjs cpu", "loops"] as const;
type System = (typeof systems)[number];
const peers: readonly System[] = ["jax-js wasm", "tfjs wasm", "tfjs cpu"];

/** How many times as fast as the best peer; of the tiny loop, as the hand-written one. */
const goals: Readonly<Record<string, number>> = {
  elementwise: 4,
  matmul: 1,
  residual: 1.5,
  logistic: 4,
  "logistic-steps": 6,
  mlp: 2,
  "mlp-steps": 3,
  "hessian-vector": 3,
  "conjugate-gradients": 6,
  sinkhorn: 4,
  rosenbrock: 0.5,
  sum: 2,
};
/** Compared with the hand-written loop, not with a peer. */
const againstLoops: readonly string[] = ["rosenbrock"];

/** At most so many runs and milliseconds of each system for one workload. */
const [mostRuns, mostMilliseconds] = [31, 4000];

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

class Worker {
  readonly system: System;
  readonly #child: ChildProcess;
  constructor(system: System) {
    this.system = system;
    this.#child = fork(here("worker.ts"), [system], { execArgv: ["--import", "tsx"], silent: true });
  }
  /** What goes wrong in a system is part of its reply, the end of its process included. */
  ask(request: Request): Promise<Reply> {
    return new Promise((resolve) => {
      const ended = () => settle({ wall: Number.NaN, cpu: Number.NaN, error: "its process ended" });
      const settle = (reply: Reply) => {
        this.#child.off("message", settle);
        this.#child.off("exit", ended);
        resolve(reply);
      };
      this.#child.once("message", settle);
      this.#child.once("exit", ended);
      if (!this.#child.connected) ended();
      else this.#child.send(request);
    });
  }
  end(): void {
    this.#child.kill();
  }
}

interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly first: number;
}

/** Runs take turns, so that what else the machine does hits all systems alike. */
async function measure(workload: string): Promise<Map<System, Measured>> {
  const workers = systems.map((system) => new Worker(system));
  const replies = new Map<System, Reply[]>();
  const firsts = new Map<System, number>();
  const results = new Map<System, Reply["results"]>();
  try {
    for (const worker of workers) {
      const reply = await worker.ask({ action: "prepare", workload });
      if (reply.error) console.error(`${workload}, ${worker.system}: ${reply.error}`);
      else {
        replies.set(worker.system, []);
        firsts.set(worker.system, reply.wall);
        results.set(worker.system, reply.results);
      }
    }
    report(workload, results);
    for (let turn = 0; turn < mostRuns; turn++)
      for (const worker of workers) {
        const done = replies.get(worker.system);
        if (done === undefined || (turn > 2 && done.reduce((sum, r) => sum + r.wall, 0) > mostMilliseconds)) continue;
        const reply = await worker.ask({ action: "run", workload });
        if (reply.error) replies.delete(worker.system);
        else done.push(reply);
      }
  } finally {
    for (const worker of workers) worker.end();
  }
  return new Map(
    [...replies].map(([system, done]) => [
      system,
      {
        wall: median(done.map((r) => r.wall)),
        cpu: median(done.map((r) => r.cpu)),
        first: firsts.get(system)!,
      },
    ]),
  );
}

/** Says where systems disagree: a time is worth nothing beside a wrong number. */
function report(workload: string, results: ReadonlyMap<System, Reply["results"]>): void {
  const ours = results.get("karush") ?? [];
  for (const [system, theirs] of results) {
    const far = ours.some((r, i) =>
      r.some((x, j) => {
        const y = theirs?.[i]?.[j] ?? Number.NaN;
        return !(Math.abs(x - y) <= 1e-2 * Math.max(Math.abs(x), Math.abs(y)) + 1e-4);
      }),
    );
    if (far) console.error(`${workload}: karush and ${system} differ: ${JSON.stringify([ours, theirs])}`);
  }
}

/**
 * From the start of a process to the first gradient, in a process per run: of each system what its users import, so
 * of karush the bundle that `npm run build` makes, with its code cache.
 */
function coldStart(): Map<System, number> {
  const { status: built } = spawnSync("npm", ["run", "--silent", "build"], { stdio: "inherit", cwd: here("../..") });
  if (built !== 0) throw new Error("The bundle could not be built.");
  const commands: readonly [System, readonly string[]][] = [
    ["karush", [here("cold-karush.mjs")]],
    ["jax-js wasm", [here("cold-jax.mjs")]],
    ["tfjs cpu", [here("cold-tensorflow.mjs")]],
  ];
  const times = new Map<System, number[]>(commands.map(([system]) => [system, []]));
  for (let turn = 0; turn < 9; turn++)
    for (const [system, command] of commands) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, [...command], { encoding: "utf8" });
      if (status !== 0) console.error(`cold start, ${system}: ${stderr.slice(-300)}`);
      else times.get(system)!.push(performance.now() - started);
    }
  return new Map([...times].map(([system, t]) => [system, median(t)]));
}

const short = (x: number | undefined) =>
  x === undefined || Number.isNaN(x) ? "-" : Number(x.toPrecision(3)).toString();

function row(cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

if (!existsSync(here("node_modules"))) {
  const { status } = spawnSync("npm", ["ci"], { cwd: here("."), stdio: "inherit" });
  if (status !== 0) throw new Error("The peers could not be installed.");
}
const wanted = process.argv.slice(2);
const chosen = (name: string) => wanted.length === 0 || wanted.includes(name);
console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
);
console.log("Milliseconds, wall (CPU): medians. First: with compiling. Ratio: best peer's wall time over karush's.\n");
row(["workload", ...systems, "first run", "ratio", "CPU ratio", "goal", "reached"]);
row(Array.from({ length: systems.length + 6 }, () => "---"));
for (const workload of workloadNames.filter(chosen)) {
  const measured = await measure(workload);
  const ours = measured.get("karush");
  const rivals = againstLoops.includes(workload) ? (["loops"] as const) : peers;
  const best = (of: "wall" | "cpu") =>
    Math.min(...rivals.map((p) => measured.get(p)?.[of] ?? Number.POSITIVE_INFINITY));
  const ratio = best("wall") / (ours?.wall ?? Number.NaN);
  const times = systems.map((s) => `${short(measured.get(s)?.wall)} (${short(measured.get(s)?.cpu)})`);
  const reached = ratio >= goals[workload]! ? "yes" : "no";
  row([
    workload,
    ...times,
    short(ours?.first),
    short(ratio),
    short(best("cpu") / ours!.cpu),
    `${goals[workload]}`,
    reached,
  ]);
}
if (chosen("cold-start")) {
  const times = coldStart();
  const ratio = times.get("jax-js wasm")! / times.get("karush")!;
  row([
    "cold-start",
    ...systems.map((s) => short(times.get(s))),
    "-",
    short(ratio),
    "-",
    "1",
    ratio >= 1 ? "yes" : "no",
  ]);
}
