/**
 * `npm run build`, and so `npm ci`: makes what users get in `dist/`:
 *
 *     command/   the command, with a cache of compiled code for the Node that builds
 *     library/   the library for Node, with such a cache
 *     esm/       the library for bundlers
 *     browser/   the library for browsers, in one file
 *
 * `--output FOLDER` makes it elsewhere, without a cache.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { manifestPath, stateOf } from "./is-current.mjs";
import { licenses } from "./licenses.ts";
import { browserBundle, commandBundle, libraryBundle, moduleBundle, type Output, root } from "./outputs.ts";

type State = ReturnType<typeof stateOf>;

/** Appears whole: somebody may be reading the old one. */
function replace(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function write(folder: string, { files }: Output): void {
  for (const file of files) replace(path.join(folder, file.path), file.text);
  const wanted = new Set(files.map((file) => file.path));
  for (const name of readdirSync(folder)) if (!wanted.has(name)) rmSync(path.join(folder, name), { recursive: true });
}

/** Our own sources in the bundles, as they were before the bundles were made. */
function sourcesOf(outputs: readonly Output[], before: (file: string) => State): Record<string, State> {
  const files = new Set(outputs.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
  const ours = [...files].filter((file) => file.endsWith(".ts") && !file.includes("node_modules"));
  return Object.fromEntries([...ours, "package-lock.json"].sort().map((file) => [file, before(file)]));
}

/** When the first of our sources was read. */
const started = performance.timeOrigin;
const { output } = parseArgs({ options: { output: { type: "string" } } }).values;
const folder = path.resolve(root, output ?? "dist");
const outputs = await Promise.all([commandBundle(), libraryBundle(), moduleBundle(), browserBundle()]);
const [command, library, esm, browser] = outputs;

const sources = sourcesOf(outputs, (file) => {
  const state = stateOf(path.join(root, file));
  // Changed since we began: nobody knows what the bundles have of it, and the next start shall ask again.
  return state[0] >= started ? [0, 0] : state;
});
rmSync(path.join(folder, path.basename(manifestPath)), { force: true });
// V8 tells texts apart by their length only, so no cache may outlive its file.
for (const use of ["command", "library"]) rmSync(path.join(folder, use, "cache"), { recursive: true, force: true });
write(path.join(folder, "command"), command);
write(path.join(folder, "library"), library);
write(path.join(folder, "esm"), esm);
write(path.join(folder, "browser"), browser);
replace(
  path.join(folder, "third-party-licenses.txt"),
  licenses(
    root,
    outputs.map(({ metafile }) => metafile),
  ),
);
if (output === undefined) {
  replace(path.join(root, manifestPath), JSON.stringify(sources));
  const script = fileURLToPath(new URL("./make-code-cache.mjs", import.meta.url));
  for (const use of ["library", "command"]) {
    const { status, stderr } = spawnSync(process.execPath, [script, use], { encoding: "utf8" });
    // Without it everything works, only not as fast.
    if (status !== 0) console.error(`The code cache of the ${use} could not be made: ${stderr}`);
  }
}
