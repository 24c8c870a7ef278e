/**
 * Mutated programs through compile, bind and run: each gives values or diagnostics that name a place, never
 * an internal error or a hang. `FUZZ_RUNS=20000` runs more, `FUZZ_SEED=7` others.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { preludeNames } from "./elaborate/prelude.ts";
import { seeds } from "./fuzz.seeds.ts";
import { BindFailure, bind, compile, type Diagnostic, DiagnosticError } from "./index.ts";

const runs = Number(process.env.FUZZ_RUNS ?? 250);
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const mostTicks = 20_000;
/** Errors of a whole program, or of the machine. */
const placeless = new Set(["K0414"]);

class OutOfTicks extends Error {}

/** A small generator (mulberry32): a seed says everything about a run. */
function generator(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const tokenPattern =
  /"[^"\n]*"|\d+\.\d+(?:e-?\d+)?|0x[0-9a-fA-F]+|\d+(?:e-?\d+)?|[A-Za-z_]\w*|=>|->|<=|>=|==|!=|~=|\+=|\.\.|\n|[ \t]+|[^\s\w]/g;
/** The conformance programs and the standard library are taken apart too. */
function programsIn(folder: string): string[] {
  const path = new URL(`../${folder}/`, import.meta.url);
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith(".opt"))
      .sort()
      .map((name) => readFileSync(new URL(name, path), "utf8"));
  } catch {
    return [];
  }
}
const pool = [...seeds, ...seeds, ...programsIn("spec/conformance"), ...programsIn("stdlib")].map(
  (s) => s.match(tokenPattern) ?? [],
);
const names = [...new Set(pool.flat().filter((t) => /^[A-Za-z_]\w*$/.test(t)))];
const numbers = ["0", "1", "2", "3", "-1", "0.5", "0.0", "1e-9", "1e300", "1000000000000", "70000", "7"];
const operators = [
  "+",
  "-",
  "*",
  "/",
  "^",
  "@",
  "'",
  "==",
  "<",
  "<=",
  "and",
  "or",
  "not",
  "=",
  "=>",
  "->",
  ",",
  ";",
  ":",
  "..",
  ".",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "~=",
  "\n",
];
const pieces = [
  "()",
  "zeros[0]",
  "key(1)",
  "(a: 1.0, b: [2.0])",
  "true",
  "x => x",
  "[1, 2]",
  "eye[2]",
  "(1, 2.0)",
  "same",
  "grad(sum)",
  "0..3",
  "[x => x]",
  '"text"',
  "inf",
  "0.0 / 0.0",
];

function mutated(pick: (n: number) => number): string {
  const tokens = [...pool[pick(pool.length)]!];
  const significant = () => {
    for (let i = 0; i < 20; i++) {
      const at = pick(tokens.length);
      if (!/^[ \t]+$/.test(tokens[at]!)) return at;
    }
    return 0;
  };
  for (let k = 1 + pick(3); k > 0 && tokens.length > 0; k--) {
    const at = significant();
    const token = tokens[at]!;
    switch (pick(8)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, token);
        break;
      case 2: {
        const other = significant();
        [tokens[at], tokens[other]] = [tokens[other]!, token];
        break;
      }
      case 3: {
        const from = pool[pick(pool.length)]!;
        const start = pick(from.length);
        tokens.splice(at, pick(4), ...from.slice(start, start + 1 + pick(12)));
        break;
      }
      case 4:
        tokens[at] = pieces[pick(pieces.length)]!;
        break;
      default:
        if (/^\d/.test(token)) tokens[at] = numbers[pick(numbers.length)]!;
        else if (/^[A-Za-z_]/.test(token))
          tokens[at] = pick(4) === 0 ? pieces[pick(pieces.length)]! : names[pick(names.length)]!;
        else tokens[at] = operators[pick(operators.length)]!;
    }
  }
  return tokens.join("");
}

function problemsOf(text: string): string[] {
  const problems: string[] = [];
  const look = (d: Diagnostic) => {
    if (!d.span && !placeless.has(d.code)) problems.push(`${d.code} has no place: ${d.message}`);
    if (d.span && (d.span.start > d.span.end || d.span.end > text.length + 1) && d.span.file === "fuzz.opt")
      problems.push(`${d.code} has a place outside the file`);
    const words = `${d.message} ${d.help ?? ""}`;
    if (/\bundefined\b|\[object|internal error|\$\{/.test(words)) problems.push(`${d.code} says: ${words}`);
  };
  try {
    const { program, diagnostics } = compile(text, { file: "fuzz.opt" });
    diagnostics.forEach(look);
    if (!program) {
      if (!diagnostics.some((d) => d.severity === "error")) problems.push("no program and no error");
      return problems;
    }
    const bound = bind(program, { data: {} });
    let ticks = 0;
    bound.run({
      onEvent: (e) => {
        if (e.kind === "warning") look(e.diagnostic);
      },
      onTick: () => {
        ticks += 1;
        if (ticks > mostTicks) throw new OutOfTicks();
      },
    });
  } catch (error) {
    if (error instanceof BindFailure) error.diagnostics.forEach(look);
    else if (error instanceof DiagnosticError) look(error.diagnostic);
    else if (!(error instanceof OutOfTicks))
      problems.push(
        error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 8).join("\n") : String(error),
      );
  }
  return problems;
}

const values = [
  ...pieces,
  ...[
    "0",
    "1",
    "-1",
    "3",
    "2.5",
    "[1.0, 2.0]",
    "[[1.0, 2.0], [3.0, 4.0]]",
    "ones[2, 2, 2]",
    "[3, 1, 2]",
    "[true, false]",
    "key(7)",
    "split[2](key(2))",
    "(1.0, [2.0])",
    "x => 2 * x",
    "(a, b) => a + b",
  ],
  ...[
    "x => sum(x)",
    '"ij,jk->ik"',
    '"ij->j"',
    "valid",
    "converged",
    "zeros[2, 0]",
    "ones[1, 4, 4]",
    "ones[1, 1, 2, 2]",
    "(A: eye[2], b: ones[2])",
    "unroll",
    "pi",
    "-inf",
    "fill[2](7)",
  ],
];
const argumentNames = [
  "axis",
  "by",
  "from",
  "stride",
  "padding",
  "mode",
  "adjoint",
  "iters",
  "condition",
  "record",
  "groups",
  "banana",
];
const functions = preludeNames();

/** A call of something from the prelude with arguments of any kind. */
function calling(pick: (n: number) => number): string {
  const value = () => values[pick(values.length)]!;
  const name = functions[pick(functions.length)]!;
  const dims =
    pick(3) === 0
      ? `[${Array.from({ length: 1 + pick(2) }, () => ["0", "1", "2", "3", "4", "2.5", "-1"][pick(7)]).join(", ")}]`
      : "";
  const args = Array.from({ length: pick(10) === 0 ? 0 : 1 + pick(3) }, value);
  if (pick(4) === 0) args.push(`${argumentNames[pick(argumentNames.length)]} = ${value()}`);
  const again = pick(5) === 0 ? `(${value()})` : "";
  const call = `${name}${dims}(${args.join(", ")})${again}`;
  const wrapped = pick(8);
  if (wrapped === 0) return `show grad(x => sum(${call} * x))(2.0)`;
  if (wrapped === 1) return `show [${call} for i in 0..2]`;
  return `show ${call}`;
}

test("the programs the fuzzer starts from are good", () => {
  for (const text of seeds) {
    const { diagnostics } = compile(text, { file: "fuzz.opt" });
    assert.deepEqual(
      diagnostics.map((d) => `${d.code} ${d.message}`),
      [],
      text,
    );
    assert.deepEqual(problemsOf(text), [], text);
  }
});

function expectGood(make: (pick: (n: number) => number) => string): void {
  const failures: string[] = [];
  for (let i = 0; i < runs && failures.length < 30; i++) {
    const seed = firstSeed * 1_000_003 + i;
    const text = make(generator(seed));
    const started = performance.now();
    const problems = problemsOf(text);
    const elapsed = performance.now() - started;
    if (elapsed > 20_000) problems.push(`took ${Math.round(elapsed)} ms`);
    if (problems.length > 0) failures.push(`seed ${seed}\n${problems.join("\n")}\n--- program\n${text}\n---`);
  }
  assert.equal(failures.length, 0, failures.join("\n\n"));
}

test(`${runs} mutated programs give values or diagnostics`, () => expectGood(mutated));
test(`${runs} calls with arguments of any kind give values or diagnostics`, () => expectGood(calling));
