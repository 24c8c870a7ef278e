/**
 * `npm run bench -- papers`: the papers' loops on karush's CPU target and as plain JavaScript, both in f64, in one process
 * and taking turns. Medians of CPU time; compiling is apart.
 */
import { differenceOf } from "./compare.ts";
import { papers } from "./index.ts";
import type { Paper } from "./paper.ts";
import { prepareScript } from "./script.ts";

/** Each measurement repeats its loop until it takes about so many milliseconds, and there are so many of each. */
const [leastMilliseconds, turns] = [20, 21];

export interface MeasuredPaper {
  readonly paper: Paper;
  /** Milliseconds of CPU time of one run. */
  readonly karush: number;
  readonly plain: number;
  /** The median of plain / karush, turn by turn. */
  readonly ratio: number;
  /** Milliseconds to compile and run once. */
  readonly first: number;
}

function cpu(body: () => unknown, times: number): number {
  const usage = process.cpuUsage();
  for (let i = 0; i < times; i++) body();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / 1000 / times;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Engines replace the code they made first by better code while it runs. */
const warmingMilliseconds = 300;

/** How often to repeat; what is repeated is warm after that. */
function repetitions(body: () => unknown): number {
  for (const begun = performance.now(); performance.now() - begun < warmingMilliseconds; ) body();
  for (let times = 1; ; times *= 2) {
    const started = performance.now();
    for (let i = 0; i < times; i++) body();
    const taken = performance.now() - started;
    if (taken >= leastMilliseconds) return Math.max(1, Math.round((times * leastMilliseconds) / taken));
  }
}

/** Throws when the two differ: a time is worth nothing beside a wrong number. */
export function measurePaper(paper: Paper): MeasuredPaper {
  const inputs = paper.inputs(false);
  const steps = paper.steps.measured;
  const { first, again } = prepareScript(paper, inputs, steps);
  const plain = paper.plain(inputs, steps);
  const difference = differenceOf(again(), plain());
  if (!(difference <= paper.tolerance)) throw new Error(`${paper.name}: the results differ by ${difference}`);
  const [ourTimes, theirTimes] = [repetitions(again), repetitions(plain)];
  const pairs = Array.from({ length: turns }, () => [cpu(again, ourTimes), cpu(plain, theirTimes)] as const);
  return {
    paper,
    karush: median(pairs.map(([a]) => a)),
    plain: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => b / a)),
    first,
  };
}

const short = (x: number) => Number(x.toPrecision(3)).toString();

/** Prints a row for each paper, or for those that are named. */
export function printPapers(names: readonly string[]): void {
  console.log("Milliseconds of CPU time, f64, one thread: medians of runs that took turns. First: with compiling.\n");
  console.log("| paper | loop | karush | plain JavaScript | plain / karush | first run | goal | reached |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const paper of papers.filter((p) => names.length === 0 || names.includes(p.name))) {
    const { karush, plain, ratio, first } = measurePaper(paper);
    const cells = [paper.name, paper.title, ...[karush, plain, ratio, first, paper.goal].map(short)];
    console.log(`| ${[...cells, ratio >= paper.goal ? "yes" : "no"].join(" | ")} |`);
  }
}
