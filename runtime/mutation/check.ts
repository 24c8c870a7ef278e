/**
 * The mutation check itself: which tests reach which mutants, then a sample of mutants, each against the tests that reach
 * it until one fails. Several processes at a time, each with the whole bundle; a survivor is tried again in a process of
 * its own, since what was compiled for the unchanged program may have been kept.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeBundle } from "./bundle.ts";
import type { Mutant } from "./instrument.ts";
import { type Answer, TestProcess } from "./test-process.ts";

export interface CheckRequest {
  readonly root: string;
  /** Files, in groups that get the same share of the sample. */
  readonly mutated: readonly (readonly string[])[];
  readonly tests: readonly string[];
  readonly seed: number;
  /** Which mutants to try at all. */
  readonly wanted?: (mutant: Mutant) => boolean;
  /** At most so many mutants; all of them when left out. */
  readonly sample?: number;
  /** Milliseconds in all; mutants that were not reached by then are not judged. */
  readonly limit: number;
  readonly processes: number;
  /** How much longer a test of a mutant may take than without: so many times, and so many milliseconds more. */
  readonly patience?: { readonly factor: number; readonly milliseconds: number };
  readonly onProgress?: (text: string) => void;
}

export type Fate = "killed" | "survived" | "not reached";

export interface Judged {
  readonly mutant: Mutant;
  readonly fate: Fate;
  /** The test that failed, and how: a message, `it never ended` or `the process ended`. */
  readonly test?: string;
  readonly message?: string;
}

export interface CheckResult {
  readonly total: number;
  readonly judged: readonly Judged[];
  /** Tests that fail without any mutant: they say nothing. */
  readonly failing: readonly string[];
}

interface Test {
  readonly index: number;
  readonly name: string;
  readonly milliseconds: number;
}

/** Tests of a survivor are run while they took less than this together, the quickest first. */
const mostMilliseconds = 60_000;
/** Processes keep what they compiled. */
const mutantsPerProcess = 150;
/** The machine may be busy. */
const usualPatience = { factor: 20, milliseconds: 15_000 };

export async function checkMutants(request: CheckRequest): Promise<CheckResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "karush-mutation-"));
  try {
    const bundle = path.join(folder, "tests.mjs");
    const script = path.join(folder, "worker.mjs");
    const workerSource = fileURLToPath(new URL("./worker.ts", import.meta.url));
    await build({ entryPoints: [workerSource], outfile: script, bundle: true, platform: "node", format: "esm" });
    const mutants = await writeBundle({ ...request, mutated: request.mutated.flat(), output: bundle });
    return await new Check(request, mutants, script, bundle).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Check {
  readonly #request: CheckRequest;
  readonly #mutants: readonly Mutant[];
  readonly #script: string;
  readonly #bundle: string;
  readonly #end: number;
  /** By mutant, the tests that reach it. */
  readonly #tests = new Map<number, Test[]>();
  /** By mutant, all tests of the files with such a test. */
  readonly #related = new Map<number, Test[]>();
  #whileLoading: ReadonlySet<number> = new Set();
  #allTests: Test[] = [];
  readonly #failing: string[] = [];

  constructor(request: CheckRequest, mutants: readonly Mutant[], script: string, bundle: string) {
    this.#request = request;
    this.#mutants = mutants;
    this.#script = script;
    this.#bundle = bundle;
    this.#end = performance.now() + request.limit;
  }

  async run(): Promise<CheckResult> {
    await this.#measure();
    const { mutated, seed, sample, wanted = () => true } = this.#request;
    const groups = mutated.map((files) => {
      const own = this.#mutants.filter((m) => files.includes(m.file));
      return sampleOf(own, seed).filter(wanted);
    });
    const queue = inTurns(groups).slice(0, sample);
    const judged: Judged[] = [];
    await this.#inParallel(async (own) => {
      for (;;) {
        if (performance.now() > this.#end) return;
        const mutant = queue.shift();
        if (mutant === undefined) return;
        const verdict = await this.#judge(mutant, own);
        judged.push(verdict);
        const killed = judged.filter((j) => j.fate === "killed").length;
        this.#say(
          `${judged.length} judged, ${killed} killed; ${mutant.file}:${mutant.line} ${verdict.fate}: ${mutant.shown}`,
        );
      }
    });
    return { total: this.#mutants.length, judged, failing: this.#failing };
  }

  get #load() {
    return { kind: "load", bundle: this.#bundle, mutants: this.#mutants.length, active: 0 } as const;
  }

  #say(text: string): void {
    this.#request.onProgress?.(text);
  }

  /**
   * Runs every test without a mutant, each file in a process of its own: code that is run once, and what it made kept, is
   * reached by the first test that needs it alone, and the others of its file are to be tried, too.
   */
  async #measure(): Promise<void> {
    const first = new OwnProcess(this.#script, this.#load);
    await first.get();
    const { tests } = first;
    this.#whileLoading = new Set(first.reached);
    first.stop();
    const files = [...new Set(tests.map((t) => t.file))];
    await this.#inParallel(async (own) => {
      for (let file = files.shift(); file !== undefined; file = files.shift()) {
        own.stop();
        await this.#measureFile(file, tests, await own.get());
      }
    });
  }

  async #measureFile(file: string, tests: OwnProcess["tests"], process: TestProcess): Promise<void> {
    const reachedByFile = new Set<number>();
    const measured: Test[] = [];
    for (const [index, test] of tests.entries()) {
      if (test.file !== file) continue;
      const answer = await process.ask({ kind: "measure", test: index });
      const name = `${file}: ${test.name}`;
      if (answer.kind !== "measured") throw new Error(`The process ended while it ran ${name}.`);
      this.#say(`${Math.round(answer.milliseconds)} ms: ${name}`);
      if (!answer.passed) {
        this.#failing.push(name);
        continue;
      }
      const passed: Test = { index, name, milliseconds: answer.milliseconds };
      measured.push(passed);
      for (const id of answer.reached) {
        reachedByFile.add(id);
        this.#tests.set(id, [...(this.#tests.get(id) ?? []), passed]);
      }
    }
    this.#allTests.push(...measured);
    for (const id of reachedByFile) this.#related.set(id, [...(this.#related.get(id) ?? []), ...measured]);
  }

  async #judge(mutant: Mutant, own: OwnProcess): Promise<Judged> {
    const loading = this.#whileLoading.has(mutant.id);
    const candidates = loading ? this.#allTests : (this.#tests.get(mutant.id) ?? []);
    if (candidates.length === 0) return { mutant, fate: "not reached" };
    const chosen = affordable(candidates);
    const others = (this.#related.get(mutant.id) ?? []).filter((t) => !chosen.includes(t));
    if (!loading) {
      const first = await this.#run(mutant, chosen, await own.get(), true);
      own.used += 1;
      if (first.kind === "killed") return this.#killed(mutant, first.test, first.message);
      if (first.kind === "ended") return this.#killed(mutant, first.test, endings[first.why]);
    }
    const fresh = new TestProcess(this.#script);
    try {
      const active = loading ? mutant.id : 0;
      const loaded = await fresh.ask({ kind: "load", bundle: this.#bundle, mutants: this.#mutants.length, active });
      if (loaded.kind !== "loaded") return this.#killed(mutant, undefined, "the tests cannot be loaded");
      const again = await this.#run(mutant, loading ? chosen : [...chosen, ...affordable(others)], fresh, false);
      if (again.kind === "killed") return this.#killed(mutant, again.test, again.message);
      if (again.kind === "ended") return this.#killed(mutant, again.test, endings[again.why]);
      return { mutant, fate: "survived" };
    } finally {
      fresh.stop();
    }
  }

  #run(mutant: Mutant, tests: readonly Test[], process: TestProcess, check: boolean): Promise<Answer> {
    const { patience = usualPatience } = this.#request;
    const times = new Map(tests.map((t) => [t.index, t.milliseconds]));
    const limitOf = (test: number) => patience.factor * (times.get(test) ?? 0) + patience.milliseconds;
    return process.ask({ kind: "mutant", mutant: mutant.id, tests: tests.map((t) => t.index), check }, limitOf);
  }

  #killed(mutant: Mutant, test: number | undefined, message: string): Judged {
    const name = this.#allTests.find((t) => t.index === test)?.name;
    return { mutant, fate: "killed", message, ...(name !== undefined && { test: name }) };
  }

  async #inParallel(body: (own: OwnProcess) => Promise<void>): Promise<void> {
    const owns = Array.from({ length: this.#request.processes }, () => new OwnProcess(this.#script, this.#load));
    try {
      await Promise.all(owns.map(body));
    } finally {
      for (const own of owns) own.stop();
    }
  }
}

const endings = { crash: "the process ended", time: "it never ended" } as const;

/** A process that is replaced when it ended, is spoilt or has done enough. */
class OwnProcess {
  readonly #script: string;
  readonly #load: Parameters<TestProcess["ask"]>[0];
  #process: TestProcess | undefined;
  used = 0;
  tests: readonly { readonly file: string; readonly name: string }[] = [];
  reached: readonly number[] = [];

  constructor(script: string, load: Parameters<TestProcess["ask"]>[0]) {
    this.#script = script;
    this.#load = load;
  }

  async get(): Promise<TestProcess> {
    if (this.#process?.alive && this.used < mutantsPerProcess) return this.#process;
    this.stop();
    this.used = 0;
    const process = new TestProcess(this.#script);
    const answer = await process.ask(this.#load);
    if (answer.kind !== "loaded") throw new Error("The bundle of the tests cannot be loaded.");
    ({ tests: this.tests, reached: this.reached } = answer);
    this.#process = process;
    return process;
  }

  stop(): void {
    this.#process?.stop();
    this.#process = undefined;
  }
}

/** The quickest tests, as many as may be waited for, but at least three. */
function affordable(tests: readonly Test[]): Test[] {
  const sorted = [...tests].sort((a, b) => a.milliseconds - b.milliseconds);
  let sum = 0;
  return sorted.filter((t, i) => {
    sum += t.milliseconds;
    return i < 3 || sum <= mostMilliseconds;
  });
}

function inTurns<T>(groups: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...groups.map((g) => g.length));
  return Array.from({ length: longest }, (_, i) => groups.flatMap((g) => g.slice(i, i + 1))).flat();
}

/** The mutants in an order that the seed decides (Fisher and Yates's shuffle, by a linear congruence). */
export function sampleOf<T>(items: readonly T[], seed: number): T[] {
  const shuffled = [...items];
  let state = (seed >>> 0) * 2 + 1;
  for (let i = shuffled.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}
