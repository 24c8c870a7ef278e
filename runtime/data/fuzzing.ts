/**
 * Mutated programs and data files: any bytes give a result or a diagnostic. Nothing else is thrown, nothing hangs, and
 * nothing huge is set aside. The same seed makes the same inputs.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { zipSync } from "fflate";
import { compile, DiagnosticError } from "../../compiler/index.ts";
import { readData } from "./readers.ts";
import { bytesOf, declare, npyFile, npyHeader } from "./testing.ts";

export interface FuzzReport {
  /** How many mutated bytes were tried. */
  readonly bytes: number;
  readonly inputs: number;
  readonly failures: readonly FuzzFailure[];
  /** Milliseconds of the slowest input. */
  readonly slowest: number;
}

export interface FuzzFailure {
  /** Makes the same input again: `reproduce(kind, seed)`. */
  readonly kind: "program" | "data";
  readonly seed: number;
  readonly problem: string;
}

type Pick = (n: number) => number;

/** A small generator (mulberry32): whole numbers below `n`. */
function generator(seed: number): Pick {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const encoder = new TextEncoder();
const text = (content: string) => encoder.encode(content);

/** What a mutation puts in: what has broken parsers of text and of numbers before. */
const nuisances = [
  ...[
    "\0",
    "\uFEFF",
    "\u202E",
    "\u2028",
    "\r",
    "\r\n",
    "\t",
    "\u00A0",
    "e\u0301",
    "\u{1D465}",
    "\u{1F600}",
    "\x1b[31m",
  ],
  ...[
    "(".repeat(300),
    "[".repeat(300),
    "{".repeat(300),
    "-".repeat(500),
    "'".repeat(500),
    "not ".repeat(300),
    '"',
    "//",
  ],
  ...[
    "1e999",
    "-1e-999",
    "9".repeat(400),
    "0x",
    "NaN",
    "Infinity",
    "-0",
    "2147483648",
    "1_000",
    "__proto__",
    "constructor",
  ],
  ...[
    "../../../etc/passwd",
    "{".repeat(5000),
    "[".repeat(5000),
    ",".repeat(300),
    "\n".repeat(100),
    "if true then ".repeat(200),
  ],
].map(text);
const loneBytes = [0xff, 0xc0, 0xed, 0x80, 0x00, 0x7f];

function mutate(bytes: Uint8Array, pick: Pick): Uint8Array {
  let out = bytes;
  for (let k = 1 + pick(4); k > 0; k--) {
    const at = pick(out.length + 1);
    const to = Math.min(out.length, at + pick(20));
    switch (pick(7)) {
      case 0:
        out = out.slice(0, at); // cut short
        break;
      case 1:
        out = spliced(out, at, to, new Uint8Array(0));
        break;
      case 2:
        out = spliced(out, at, at, out.slice(at, to));
        break;
      case 3:
        out = spliced(out, at, pick(2) ? at : to, nuisances[pick(nuisances.length)]!);
        break;
      case 4:
        out = spliced(out, at, at, Uint8Array.of(loneBytes[pick(loneBytes.length)]!));
        break;
      default:
        out = out.slice();
        if (out.length > 0)
          out[Math.min(at, out.length - 1)] = pick(3) ? pick(256) : [0, 1, 0x7f, 0x80, 0xff][pick(5)]!;
    }
  }
  return out;
}

function spliced(bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - (to - from) + middle.length);
  out.set(bytes.subarray(0, from));
  out.set(middle, from);
  out.set(bytes.subarray(to), from + middle.length);
  return out;
}

let programs: readonly Uint8Array[] | undefined;

/** The conformance programs, the examples of messages and the standard library. */
function seedPrograms(): readonly Uint8Array[] {
  programs ??= ["spec/conformance", "spec/errors", "stdlib"].flatMap((folder) => {
    const at = path.join(import.meta.dirname, "../..", folder);
    const names = readdirSync(at).filter((name) => name.endsWith(".opt"));
    return names.sort().map((name) => new Uint8Array(readFileSync(path.join(at, name))));
  });
  return programs;
}

const matrix = npyFile(npyHeader("<f4", [3, 2]), bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));
const seedFiles: readonly (readonly [string, Uint8Array])[] = [
  ["a.csv", text('x,"y z"\n1,2\n3,-4e5\n"5",inf\n')],
  ["b.tsv", text("x\ty\n1\t2\n")],
  ["a.npy", matrix],
  ["huge.npy", npyFile(npyHeader("<f8", [2 ** 20, 2 ** 20]), new Uint8Array(8))],
  ["many.npy", npyFile(npyHeader("<f8", new Array(40).fill(1)), new Uint8Array(8))],
  ["empty.npy", npyFile(npyHeader("<f8", [0, 2 ** 31 - 1]), new Uint8Array(0))],
  ["big.npy", npyFile(npyHeader(">i8", [2], true), bytesOf(BigInt64Array.of(1n, 2n)), 2)],
  ["nan.npy", npyFile(npyHeader("<f8", [3, 1]), bytesOf(Float64Array.of(Number.NaN, Infinity, -0)))],
  ["a.npz", zipSync({ "W.npy": matrix, "b.npy": matrix }, { level: 9 })],
  ["stored.npz", zipSync({ "W.npy": matrix }, { level: 0 })],
  ["outside.npz", zipSync({ "../../W.npy": matrix, "/etc/W.npy": matrix })],
  ["bomb.npz", zipSync({ "W.npy": npyFile(npyHeader("<f8", [2 ** 14]), new Uint8Array(8 * 2 ** 14)) }, { level: 9 })],
  ["a.json", text('{"a": [[1, 2], [3, "Infinity"]], "b": [1.5e3, true], "__proto__": [1]}')],
  ["rows.json", text('[{"x": 1, "y z": 2}, {"x": 3, "y z": null}]')],
];
const wanteds = [
  {},
  { shape: ["n"] },
  { select: ["column", "y z"] as const, shape: ["n"] },
  { select: ["array", "W"] as const },
  { select: ["array", "__proto__"] as const },
  { select: ["except", "x"] as const, type: "int" as const },
];

/** Decodes as a file is read: what is no UTF-8 becomes replacement characters. */
const decoder = new TextDecoder();

/** The input of a seed. */
export function reproduce(
  kind: FuzzFailure["kind"],
  seed: number,
): { readonly name: string; readonly bytes: Uint8Array } {
  const pick = generator(seed);
  if (kind === "program") {
    const all = seedPrograms();
    return { name: "fuzz.opt", bytes: mutate(all[pick(all.length)]!, pick) };
  }
  const [name, bytes] = seedFiles[pick(seedFiles.length)]!;
  return { name, bytes: mutate(bytes, pick) };
}

function tryProgram(bytes: Uint8Array): void {
  const source = decoder.decode(bytes);
  const { program, diagnostics } = compile(source, { file: "fuzz.opt" });
  if (!program && !diagnostics.some((d) => d.severity === "error")) throw new Error("no program and no error");
  for (const { code, span } of diagnostics)
    if (span?.file === "fuzz.opt" && (span.start > span.end || span.start < 0 || span.end > source.length + 1))
      throw new Error(`${code} has a place outside the file`);
}

function tryData(folder: string, name: string, bytes: Uint8Array): void {
  writeFileSync(path.join(folder, name), bytes);
  for (const wanted of wanteds)
    try {
      readData(declare(name, wanted), undefined, { folder });
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
    }
}

/** No input takes as long as this many milliseconds, also where other things run beside it. */
const longest = 20_000;

/** Tries `bytes` bytes of mutated inputs, one in eight of them data (which are much shorter than programs). */
export function fuzzInputs(bytes: number, firstSeed: number, onInput?: (bytes: number) => void): FuzzReport {
  const folder = mkdtempSync(path.join(tmpdir(), "karush-fuzz-"));
  writeFileSync(path.join(folder, "package.json"), "{}");
  const failures: FuzzFailure[] = [];
  let [tried, inputs, slowest] = [0, 0, 0];
  const share = { program: (bytes * 7) / 8, data: bytes / 8 };
  const done = { program: 0, data: 0 };
  try {
    for (let seed = firstSeed; tried < bytes; seed++) {
      const kind = done.data / share.data < done.program / share.program ? "data" : "program";
      const input = reproduce(kind, seed);
      const begun = performance.now();
      try {
        if (kind === "program") tryProgram(input.bytes);
        else tryData(folder, input.name, input.bytes);
      } catch (error) {
        failures.push({ kind, seed, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      }
      const took = performance.now() - begun;
      if (took > longest) failures.push({ kind, seed, problem: `took ${Math.round(took)} ms` });
      slowest = Math.max(slowest, took);
      done[kind] += input.bytes.length + 1;
      tried += input.bytes.length + 1;
      inputs += 1;
      onInput?.(tried);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { bytes: tried, inputs, failures, slowest };
}
