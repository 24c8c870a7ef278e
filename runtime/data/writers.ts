/** What `save` does. A new format is one file and one line in the list. */
import path from "node:path";
import type { Value } from "../../compiler/program.ts";
import { fail } from "../../compiler/syntax/diagnostic.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { type FileAccess, resolveFor } from "./access.ts";
import { writeAtomically } from "./atomic.ts";
import { codes } from "./format.ts";
import { listed } from "./names.ts";
import { csvWriter } from "./write-csv.ts";
import { jsonWriter } from "./write-json.ts";
import { npyWriter, npzWriter } from "./write-npy.ts";

export interface SaveRequest {
  readonly value: Value;
  /** Reports that the format cannot hold the value. */
  refuse(reason: string, help?: string): never;
}

export interface DataWriter {
  readonly extension: string;
  write(request: SaveRequest): Uint8Array;
}

const writers: readonly DataWriter[] = [csvWriter, npyWriter, npzWriter, jsonWriter];

/** Reports a path that cannot be saved to, before anything runs: an hour's work is not to be lost to it. */
export function checkSavePath(written: string, access: FileAccess, span: Span | undefined): string {
  writerFor(written, span);
  return resolveFor("write", written, access, span);
}

/** Saves a value; gives the file's absolute path. A failure leaves the old file as it was. */
export function saveValue(value: Value, written: string, access: FileAccess, span: Span | undefined): string {
  const file = checkSavePath(written, access, span);
  const content = writerFor(written, span).write({
    value,
    refuse: (reason, help) =>
      fail(codes.unsavable, span, `${written} cannot hold this value: ${reason}.`, help === undefined ? {} : { help }),
  });
  try {
    writeAtomically(file, content);
  } catch (error) {
    fail(codes.unwritable, span, `${written} cannot be saved: ${reasonOf(error)}.`, {
      help: "Nothing was written; what was there before is untouched.",
    });
  }
  return file;
}

function writerFor(written: string, span: Span | undefined): DataWriter {
  const extension = path.extname(written).toLowerCase();
  const writer = writers.find((w) => w.extension === extension);
  if (writer) return writer;
  return fail(
    codes.unknownExtension,
    span,
    `karush cannot save ${extension || `${written}, which has no extension`}.`,
    {
      help: `It saves ${listed(writers.map((w) => w.extension)).replaceAll('"', "")}.`,
    },
  );
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const reasons: Record<string, string> = {
    EACCES: "permission denied",
    EPERM: "permission denied",
    ENOSPC: "the disk is full",
    EROFS: "the disk is read-only",
    EISDIR: "it is a folder",
    ENOTDIR: "a part of its path is no folder",
    EEXIST: "a part of its path is no folder",
    ENAMETOOLONG: "its name is too long",
    EDQUOT: "the disk is full",
  };
  return (code !== undefined && reasons[code]) || (error instanceof Error ? error.message : String(error));
}
