/** Replacing files only whole: whoever looks sees the old content or the new, never half of it. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

/** Writes beside the file under a temporary name, then renames. Throws what the file system says, leaving nothing behind. */
export function writeAtomically(file: string, content: Uint8Array | string): void {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true });
  const existing = statSync(file, { throwIfNoEntry: false });
  if (existing?.isDirectory()) throw Object.assign(new Error(`${file} is a folder`), { code: "EISDIR" });
  const temporary = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = openSync(temporary, "wx");
    try {
      writeFileSync(handle, content);
      // Without it a power cut after the rename can leave an empty file where a good one was.
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (existing) chmodSync(temporary, existing.mode);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
