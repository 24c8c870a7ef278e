/**
 * `npm run fuzz -- [MINUTES] [--only programs|inputs] [--seed N] [--size N] [--backend webgpu]`: random programs, and
 * hostile inputs (mutated programs and data files) for the last fifth of the time; ten minutes when nothing is said. The
 * seed is printed first, so that a run that is stopped can be repeated too.
 */
import { parseArgs } from "node:util";
import { fuzzInputs } from "./data/fuzzing.ts";
import { fuzz } from "./gradients/fuzz.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    seed: { type: "string" },
    size: { type: "string" },
    backend: { type: "string", multiple: true },
  },
});

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function numberAboveZero(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  return Number.isFinite(value) && value > 0
    ? value
    : refuse(`${name} is a number above zero, but here it is ${text}.`);
}

/** Hostile inputs for some minutes, at least one batch of them. Returns how many did something else than end well. */
function fuzzHostileInputs(minutes: number, firstSeed: number): number {
  const batchBytes = 200_000;
  const end = performance.now() + minutes * 60_000;
  let [seed, bytes, failed, slowest] = [firstSeed, 0, 0, 0];
  do {
    const report = fuzzInputs(batchBytes, seed);
    for (const { kind, seed, problem } of report.failures) console.log(`${kind} of seed ${seed}: ${problem}\n`);
    seed += report.inputs;
    bytes += report.bytes;
    failed += report.failures.length;
    slowest = Math.max(slowest, report.slowest);
  } while (performance.now() < end);
  console.log(
    `${seed - firstSeed} hostile inputs from seed ${firstSeed} on, ${bytes} bytes: ${failed} failures, the slowest took ${Math.round(slowest)} ms`,
  );
  return failed;
}

const minutes = numberAboveZero(positionals[0], "MINUTES", 10);
const seed = numberAboveZero(values.seed, "--seed", 1 + Math.floor(Math.random() * 2 ** 30));
const size = numberAboveZero(values.size, "--size", 30);
const { only } = values;
if (only !== undefined && only !== "programs" && only !== "inputs")
  refuse(`--only is programs or inputs, but here it is ${only}.`);
const known = ["cpu", "webgpu"] as const;
const wanted = values.backend ?? ["cpu"];
const backends = known.filter((name) => wanted.includes(name));
if (backends.length < new Set(wanted).size)
  refuse(`--backend is cpu or webgpu, but here it is ${wanted.join(" and ")}.`);
console.log(`seed ${seed}, ${minutes} minutes`);
const share = { programs: only ? minutes : 0.8 * minutes, inputs: only ? minutes : 0.2 * minutes };
let failures = 0;
if (only !== "inputs") {
  const print = (text: string) => console.log(text);
  failures += (await fuzz({ minutes: share.programs, seed, size, backends, print })).failures;
}
if (only !== "programs") failures += fuzzHostileInputs(share.inputs, seed);
process.exit(failures > 0 ? 1 : 0);
