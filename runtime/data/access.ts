/**
 * Which files a script may touch. A script is often somebody else's, so what it names itself stays
 * inside its project; what the person running it names on the command line is their own choice.
 */
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { fail } from "../../compiler/syntax/diagnostic.ts";
import type { Span } from "../../compiler/syntax/tree.ts";
import { codes } from "./format.ts";

export interface FileAccess {
  /** The script's folder: what relative paths start from. */
  readonly folder: string;
  /** Folders it may read from and save to, besides its project. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** The most bytes that the arrays it reads may take. */
  readonly maxMemory?: number | undefined;
  /** What they are computed with: numbers that f32 cannot hold are refused for it, with their places. */
  readonly precision?: "f64" | "f32" | undefined;
}

/** The nearest folder upwards with a package.json or .git, else the script's own. */
export function projectRoot(folder: string): string {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if (existsSync(path.join(at, "package.json")) || existsSync(path.join(at, ".git"))) return at;
    if (at === path.dirname(at)) return path.resolve(folder);
  }
}

/** The absolute path of a file a script reads or saves. Throws a DiagnosticError when it may not. */
export function resolveFor(
  purpose: "read" | "write",
  written: string,
  access: FileAccess,
  span: Span | undefined,
): string {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(written))
    fail(codes.outsideFolder, span, `${written} is an address; karush reads and saves files only.`, {
      help: "Download it, and name the file.",
    });
  if (written === "" || written.includes("\0")) fail(codes.missingFile, span, "This is no file name.");
  const target = path.resolve(access.folder, written);
  const root = projectRoot(access.folder);
  const allowed = [root, ...(access[purpose] ?? [])].map((folder) => realPath(path.resolve(folder)));
  const real = realPath(target);
  if (!allowed.some((folder) => isInside(real, folder)))
    fail(codes.outsideFolder, span, `${written} is outside the project folder ${root}.`, {
      help: `A script ${purpose === "read" ? "reads" : "saves"} inside its project only. If you trust it: --allow-${purpose} ${path.dirname(target)}`,
    });
  if (purpose === "write" && isInside(real, realPath(root)))
    refuseToolsFile(path.relative(realPath(root), real), written, span);
  return target;
}

/** Files by which a project's tools know what to do: one that is lost takes the project with it. */
const filesOfTools = /^(package|package-lock|tsconfig|jsconfig|biome|deno)\.json$/i;

/** A script that is somebody else's may not change what other programs do in its project. */
function refuseToolsFile(inProject: string, written: string, span: Span | undefined): void {
  const parts = inProject.split(path.sep);
  const isTools =
    parts.some((part) => part.startsWith(".") || part.toLowerCase() === "node_modules") ||
    filesOfTools.test(parts.at(-1)!);
  if (isTools)
    fail("K1096", span, `${written} is a file of the project's tools, which a script may not save to.`, {
      help: "Save to another name.",
    });
}

function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative === "" || (!relative.startsWith(`..${path.sep}`) && relative !== ".." && !path.isAbsolute(relative));
}

/** The path with all symbolic links followed, also where its last parts do not exist yet. */
function realPath(target: string): string {
  for (let at = target; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync(at), path.relative(at, target));
    } catch {
      if (at === path.dirname(at)) return target;
    }
  }
}
