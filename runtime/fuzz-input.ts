/**
 * Tries hostile inputs, mutated programs and data files, for as many bytes as the first argument says (ten million when
 * left out), from the seed in the second: `node --import tsx runtime/fuzz-input.ts 10000000 1`. Ends with 1 when
 * something else than a result or a diagnostic came of one.
 */
import { fuzzInputs } from "./data/fuzzing.ts";

const wanted = Number(process.argv[2] ?? 10_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
if (!(wanted > 0) || !Number.isSafeInteger(seed)) {
  console.error("It takes a number of bytes, and a whole number as the seed.");
  process.exit(2);
}
console.log(`seed ${seed}`);
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
let told = 0;
const { bytes, inputs, failures, slowest } = fuzzInputs(wanted, seed, (tried) => {
  if (tried < told + wanted / 10) return;
  told = tried;
  console.log(`${tried} bytes, memory ${mebibytes(process.memoryUsage().rss)} MiB`);
});
for (const { kind, seed, problem } of failures.slice(0, 20)) console.log(`${kind} of seed ${seed}: ${problem}\n`);
console.log(
  `${inputs} inputs, ${bytes} bytes, ${failures.length} failures, the slowest took ${Math.round(slowest)} ms`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
