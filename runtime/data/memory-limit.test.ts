/** Data that are too large for the memory there may be are refused before they are read, decoded or unpacked. */
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { zipSync } from "fflate";
import { BindError } from "../errors.ts";
import { compileOrThrow } from "../index.ts";
import { readProgramData } from "../node.ts";
import { temporaryFolder } from "./testing.ts";

/** Numbers of one byte each, which take eight as reals. */
function npy(count: number): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${count},), }`;
  const bytes = new Uint8Array(10 + header.length + count).fill(1);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  return bytes;
}

/** The data that were read with so much memory, or what was said. */
function outcomeOf(folder: string, files: readonly string[], maxMemory: number | undefined): string {
  const lines = files.map((f, i) => `data x${i}: real[n] from "${f}"${f.endsWith(".csv") ? ' column "a"' : ""}`);
  const program = compileOrThrow(`${lines.join("\n")}\n`, { file: path.join(folder, "t.opt") });
  try {
    return Object.keys(readProgramData(program, { folder, maxMemory })).join();
  } catch (error) {
    assert.ok(error instanceof BindError, String(error));
    return error.diagnostics.map((d) => `${d.code} ${d.message}`).join();
  }
}

test("by the size of the file, of the array in it, and of what was read before", (t) => {
  const folder = temporaryFolder(t, {
    "x.csv": `a\n${"1.5\n".repeat(1000)}`,
    "x.json": `[${"1.5,".repeat(999)}1.5]`,
    "x.npy": npy(1000),
    "x.npz": zipSync({ "x.npy": npy(1000) }),
  });
  const outcome = (files: readonly string[], maxMemory: number | undefined) => outcomeOf(folder, files, maxMemory);
  for (const file of ["x.csv", "x.json", "x.npy", "x.npz"]) {
    assert.equal(outcome([file], undefined), "x0", file);
    assert.equal(outcome([file], 8000), "x0", file);
    assert.match(outcome([file], 200), /^K1100 .*: reading it takes [\d.]+ (KiB|bytes) of memory: more than/, file);
    // The first takes 8000 bytes.
    assert.match(outcome([file, "x.npy"], 12_000), /^K1100 x\.npy: reading it takes 7\.81 KiB/, file);
    assert.equal(outcome([file, "x.npy"], 16_000), "x0,x1", file);
  }
  // Their bytes are few; the numbers they make are not.
  for (const file of ["x.csv", "x.json", "x.npy", "x.npz"])
    assert.match(outcome([file], 5000), /^K1100 .* 7\.81 KiB of memory/, file);
});

test("text is not read to its end when it holds too many numbers", (t) => {
  const folder = temporaryFolder(t, {
    // What is wrong at the end of them is not found.
    "x.csv": `a,text\n\n${'1,"\n"\n'.repeat(999)}\noops,"."\n`,
    "x.json": `[${"1,".repeat(999)}oops`,
    "lists.json": `{"a": [${"[1, [], [2]], ".repeat(499)}[1], oops`,
    "text.json": `[${'",\\"",'.repeat(999)}oops`,
  });
  for (const most of [undefined, 8000]) assert.match(outcomeOf(folder, ["x.csv"], most), /^K0307 .*"oops"/);
  assert.match(outcomeOf(folder, ["x.csv"], 7999), /^K1100 .* 7\.81 KiB of memory/);
  for (const file of ["x.json", "lists.json", "text.json"]) {
    assert.match(outcomeOf(folder, [file], undefined), /^K0311/, file);
    assert.match(outcomeOf(folder, [file], 8000), /^K0311/, file);
    assert.match(outcomeOf(folder, [file], 7999), /^K1100 .* 7\.81 KiB of memory/, file);
  }
});
