/** Help for the tests of this folder: declarations, temporary folders, .npy files by hand. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { DataDeclaration } from "../../compiler/program.ts";
import { DiagnosticError } from "../../compiler/syntax/diagnostic.ts";
import type { DataSelection, StringLiteral } from "../../compiler/syntax/tree.ts";

const span = { file: "test.opt", start: 0, end: 1 };

export interface Wanted {
  readonly type?: "real" | "int" | "bool";
  readonly shape?: readonly (string | number)[];
  readonly select?: readonly [DataSelection["kind"], ...string[]];
}

export function declare(file: string | undefined, wanted: Wanted = {}): DataDeclaration {
  const [kind, ...names] = wanted.select ?? [];
  const literals = names.map((value): StringLiteral => ({ kind: "string", value, span }));
  return {
    name: "X",
    span,
    type: wanted.type ?? "real",
    shape: wanted.shape ?? ["n", "d"],
    path: file,
    pathSpan: file === undefined ? undefined : span,
    selection: kind === undefined ? undefined : { kind, names: literals, span },
  };
}

/** A folder that is gone after the test. It counts as a project, so that nothing above it is reachable. */
export function temporaryFolder(
  t: { after(done: () => void): void },
  files: Record<string, string | Uint8Array> = {},
): string {
  const folder = mkdtempSync(path.join(tmpdir(), "karush-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

/** Asserts that a diagnostic is thrown, and gives it as `code: message | help`. */
export function diagnosticOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const { code, message, help } = error.diagnostic;
    return `${code}: ${message}${help === undefined ? "" : ` | ${help}`}`;
  }
  return assert.fail("nothing was reported");
}

/** An .npy file with any header text and any bytes after it. */
export function npyFile(header: string, body: Uint8Array, version = 1): Uint8Array {
  const text = `${header}${" ".repeat(16)}\n`;
  const start = version === 1 ? 10 : 12;
  const out = new Uint8Array(start + text.length + body.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  out.set(new TextEncoder().encode(text), start);
  out.set(body, start + text.length);
  return out;
}

export function npyHeader(descr: string, shape: readonly number[], fortran = false): string {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  return `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${axes}), }`;
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
