/**
 * `npm run mutate`: how many of the mistakes one can make in a derivative rule or a kernel do the tests notice?
 *
 *     npm run mutate -- [--minutes 25] [--sample N] [--seed 1] [--processes 2] [--only PART-OF-A-PATH] [--json FILE]
 *     npm run mutate -- --again FILE         tries the survivors of an earlier run, from its --json
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { areasOf, testsOf } from "./areas.ts";
import { type CheckResult, checkMutants } from "./check.ts";
import type { Mutant } from "./instrument.ts";
import { tableOf } from "./table.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "25" },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: "2" },
    only: { type: "string" },
    json: { type: "string" },
    again: { type: "string" },
  },
});
const whole = (name: "minutes" | "sample" | "seed" | "processes") => {
  const n = Number(values[name]);
  if (!Number.isSafeInteger(n) || n < 1)
    throw new TypeError(`--${name} wants a whole number from 1, not ${values[name]}.`);
  return n;
};
const only = values.only ?? "";
const areas = areasOf(root).map((a) => ({ ...a, files: a.files.filter((f) => f.includes(only)) }));
const nameOf = ({ file, shown }: Pick<Mutant, "file" | "shown">) => `${file} ${shown}`;
const survivors =
  values.again === undefined
    ? undefined
    : new Set(
        (JSON.parse(readFileSync(values.again, "utf8")) as CheckResult).judged
          .filter((j) => j.fate !== "killed")
          .map((j) => nameOf(j.mutant)),
      );
const start = performance.now();
const result = await checkMutants({
  root,
  mutated: areas.map((a) => a.files),
  tests: testsOf(root),
  seed: whole("seed"),
  ...(values.sample !== undefined && { sample: whole("sample") }),
  ...(survivors && { wanted: (m: Mutant) => survivors.has(nameOf(m)) }),
  limit: whole("minutes") * 60_000,
  processes: whole("processes"),
  onProgress: (text) => console.error(text),
});
console.log(tableOf(areas, result));
console.log(`\nSeed ${values.seed}, ${((performance.now() - start) / 60_000).toFixed(1)} minutes.`);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result, null, 1));
