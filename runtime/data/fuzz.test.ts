/** Any bytes at all give an array or a diagnostic: nothing else is thrown, nothing hangs, nothing huge is set aside. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { zipSync } from "fflate";
import { DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import { readData } from "./readers.ts";
import { bytesOf, declare, npyFile, npyHeader, temporaryFolder } from "./testing.ts";

// A fixed seed, printed by fast-check on failure; another one can be tried by hand.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 20_240_613) });

const text = (content: string) => new TextEncoder().encode(content);
const npy = npyFile(npyHeader("<f4", [3, 2]), bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));
const good: Record<string, Uint8Array> = {
  "a.csv": text('x,"y z"\n1,2\n3,-4e5\n"5",inf\n'),
  "a.npy": npy,
  "big.npy": npyFile(npyHeader(">i8", [2], true), bytesOf(BigInt64Array.of(1n, 2n)), 2),
  "a.npz": zipSync({ "W.npy": npy, "b.npy": npy }, { level: 9 }),
  "stored.npz": zipSync({ "W.npy": npy }, { level: 0 }),
  "a.json": text('{"a": [[1, 2], [3, "Infinity"]], "b": [1.5e3, true]}'),
};
const wanteds = [
  {},
  { shape: ["n"] },
  { select: ["column", "y z"] as const, shape: ["n"] },
  { select: ["array", "W"] as const },
  { select: ["except", "x"] as const, type: "int" as const },
];

function readAll(t: TestContext, name: string): (bytes: Uint8Array) => void {
  const folder = temporaryFolder(t);
  return (bytes) => {
    writeFileSync(path.join(folder, name), bytes);
    for (const wanted of wanteds) {
      try {
        readData(declare(name, wanted), undefined, { folder });
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
      }
    }
  };
}

for (const [name, bytes] of Object.entries(good)) {
  test(`${name} cut short anywhere`, (t) => {
    const read = readAll(t, name);
    for (let length = 0; length < bytes.length; length++) read(bytes.subarray(0, length));
  });

  test(`${name} with bytes changed`, { timeout: 60_000 }, (t) => {
    const read = readAll(t, name);
    const edit = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const changed = bytes.slice();
        for (const [at, value] of edits) changed[at] = value;
        read(changed);
      }),
      { numRuns: 150 },
    );
  });
}

test("noise", { timeout: 60_000 }, (t) => {
  for (const name of ["a.csv", "a.npy", "a.npz", "a.json"]) {
    const read = readAll(t, name);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read), { numRuns: 50 });
    fc.assert(
      fc.property(fc.json(), (json) => read(text(json))),
      { numRuns: 50 },
    );
  }
});
