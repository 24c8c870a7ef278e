/**
 * `npm run bench`: karush's CPU target beside its peers and hand-written loops. Each system is a process of its own;
 * runs are interleaved, and what is printed are medians, in milliseconds, wall time and CPU time of all threads.
 * Arguments choose workloads by name; `papers` measures the loops of the papers (papers/measure.ts), and `webgpu` the
 * WebGPU back ends of the peers (webgpu.ts). The peers are installed here on first use, from this folder's lock file.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { workloadNames } from "./inputs.ts";
import { measure, median, row, short } from "./measure.ts";
import { printPapers } from "./papers/measure.ts";
import { compareOnWebGpu } from "./webgpu.ts";

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

const limits = { runs: 31, milliseconds: 4000 };

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

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

const wanted = process.argv.slice(2);
if (wanted[0] === "papers") {
  printPapers(wanted.slice(1));
  process.exit();
}
if (!existsSync(here("node_modules/@tensorflow/tfjs-backend-webgpu"))) {
  const { status } = spawnSync("npm", ["ci"], { cwd: here("."), stdio: "inherit" });
  if (status !== 0) throw new Error("The peers could not be installed.");
}
const chosen = (name: string) => wanted.length === 0 || wanted.includes(name);
if (wanted[0] === "webgpu") {
  await compareOnWebGpu(wanted.slice(1));
  process.exit();
}
console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
);
console.log("Milliseconds, wall (CPU): medians. First: with compiling. Ratio: best peer's wall time over karush's.\n");
row(["workload", ...systems, "first run", "ratio", "CPU ratio", "goal", "reached"]);
row(Array.from({ length: systems.length + 6 }, () => "---"));
for (const workload of workloadNames.filter(chosen)) {
  const measured = await measure(workload, systems, limits);
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
