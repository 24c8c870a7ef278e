/**
 * `npm run bench -- webgpu`: the peers' WebGPU back ends and karush's, all in Node over the software adapter of the tests,
 * which computes on the CPU: a graphics card would weigh dispatches and operations otherwise. Slow.
 */
import { workloadNames } from "./inputs.ts";
import { measure, row, short } from "./measure.ts";

const systems = ["karush webgpu", "jax-js webgpu", "tfjs webgpu"] as const;
const limits = { runs: 7, milliseconds: 3000, longestFirst: 20_000 };
/** Twice as fast as the best peer. */
const goal = 2;

/** Prints a row for each workload, or for those that are named. */
export async function compareOnWebGpu(names: readonly string[]): Promise<void> {
  console.log(
    "WebGPU in Node on the software adapter. Milliseconds, wall (CPU time of all threads): medians, reading the",
  );
  console.log("results included. First: with compiling. Ratio: best peer's time over karush's.\n");
  row(["workload", ...systems, "first runs", "ratio", "CPU ratio", "goal", "reached"]);
  row(Array.from({ length: systems.length + 6 }, () => "---"));
  for (const workload of workloadNames.filter((name) => names.length === 0 || names.includes(name))) {
    const measured = await measure(workload, systems, limits);
    const [ours, ...peers] = systems.map((s) => measured.get(s));
    const ratio = (of: "wall" | "cpu") =>
      Math.min(...peers.map((p) => p?.[of] ?? Number.POSITIVE_INFINITY)) / (ours?.[of] ?? Number.NaN);
    const times = systems.map((s) => {
      const m = measured.get(s);
      return m === undefined ? "does not run" : `${short(m.wall)} (${short(m.cpu)})`;
    });
    const firsts = systems.map((s) => short(measured.get(s)?.first)).join(", ");
    const isAlone = peers.every((p) => p === undefined);
    row([
      workload,
      ...times,
      firsts,
      ...(isAlone ? ["-", "-"] : [short(ratio("wall")), short(ratio("cpu"))]),
      `${goal}`,
      isAlone || ours === undefined ? "-" : ratio("cpu") >= goal ? "yes" : "no",
    ]);
  }
}
