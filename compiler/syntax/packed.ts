/**
 * Syntax trees as short texts that are read faster than their files are parsed. The bundles have the standard library
 * this way: see `runtime/bundle/outputs.ts`.
 */
import type { SourceFile } from "./tree.ts";

/** JSON without the text of the file, in which a span is a list of two offsets. */
export function packTree(source: SourceFile): string {
  return JSON.stringify(shortened({ ...source, text: "" }, source.file));
}

/** The tree that was packed, given the text of its file. */
export function unpackTree(packed: string, text: string): SourceFile {
  const source = JSON.parse(packed) as SourceFile;
  expand(source as unknown as Record<string, unknown>, source.file);
  return { ...source, text };
}

const isPair = (value: readonly unknown[]): boolean =>
  value.length === 2 && typeof value[0] === "number" && typeof value[1] === "number";

function shortened(value: unknown, file: string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    if (isPair(value)) throw new Error("internal error: a list that looks like a span");
    return value.map((item) => shortened(item, file));
  }
  const { start, end, file: own, ...rest } = value as Record<string, unknown>;
  if (own === file && start !== undefined && end !== undefined && Object.keys(rest).length === 0) return [start, end];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortened(item, file)]));
}

function expand(node: Record<string, unknown> | unknown[], file: string): void {
  for (const key in node) {
    const value = (node as Record<string, unknown>)[key];
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value) && isPair(value))
      (node as Record<string, unknown>)[key] = { file, start: value[0], end: value[1] };
    else expand(value as Record<string, unknown>, file);
  }
}
