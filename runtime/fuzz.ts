/**
 * `npm run fuzz -- [MINUTES] [--seed N] [--size N] [--backend webgpu]`: random programs, ten minutes of them when nothing
 * is said. The seed is printed first, so that a run that is stopped can be repeated too.
 */
import { parseArgs } from "node:util";
import { fuzz } from "./gradients/fuzz.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, size: { type: "string" }, backend: { type: "string", multiple: true } },
});

function wholeNumber(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`${name} is a number above zero, but here it is ${text}.`);
  process.exit(2);
}

const minutes = wholeNumber(positionals[0], "MINUTES", 10);
const seed = wholeNumber(values.seed, "--seed", 1 + Math.floor(Math.random() * 2 ** 30));
const size = wholeNumber(values.size, "--size", 30);
const known = ["cpu", "webgpu"] as const;
const wanted = values.backend ?? ["cpu"];
const backends = known.filter((name) => wanted.includes(name));
if (backends.length < new Set(wanted).size) {
  console.error(`--backend is cpu or webgpu, but here it is ${wanted.join(" and ")}.`);
  process.exit(2);
}
console.log(`seed ${seed}, ${minutes} minutes`);
const { failures } = await fuzz({ minutes, seed, size, backends, print: (text) => console.log(text) });
process.exit(failures > 0 ? 1 : 0);
