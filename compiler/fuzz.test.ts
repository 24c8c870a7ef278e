/**
 * Mutated programs through compile, bind and run: each gives values or diagnostics that name a place, never
 * an internal error or a hang. `FUZZ_RUNS=20000` runs more, `FUZZ_SEED=7` others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
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
const pool = seeds.map((s) => s.match(tokenPattern)!);
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

test(`${runs} mutated programs give values or diagnostics`, () => {
  const failures: string[] = [];
  for (let i = 0; i < runs && failures.length < 10; i++) {
    const seed = firstSeed * 1_000_003 + i;
    const text = mutated(generator(seed));
    const started = performance.now();
    const problems = problemsOf(text);
    const elapsed = performance.now() - started;
    if (elapsed > 20_000) problems.push(`took ${Math.round(elapsed)} ms`);
    if (problems.length > 0) failures.push(`seed ${seed}\n${problems.join("\n")}\n--- program\n${text}\n---`);
  }
  assert.deepEqual(failures, [], failures.join("\n\n"));
});
