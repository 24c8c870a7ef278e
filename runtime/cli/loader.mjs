// Loads parts of the command, in the main thread and in workers: from the bundle, or from the sources in a copy of the
// repository whose bundle is missing or older than they are.
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { loadBundled } from "../bundle/code-cache.mjs";
import { isCurrent } from "../bundle/is-current.mjs";

const { existsSync } = process.getBuiltinModule("node:fs");
const module = process.getBuiltinModule("node:module");
const { fileURLToPath } = process.getBuiltinModule("node:url");

const root = new URL("../../", import.meta.url);
/** The published package has no sources. */
const hasSources = existsSync(new URL("compiler", root));

/** Decided once, by the main thread: the parts that talk to each other are of one kind. */
function usesBundle() {
  const key = "karush uses its bundle";
  const decided = getEnvironmentData(key);
  if (decided !== undefined) return decided;
  const decision = !hasSources || isCurrent(fileURLToPath(root));
  setEnvironmentData(key, decision);
  return decision;
}

let sourcesCanRun = false;

/** What `./NAME.ts` exports. */
export async function loadEntry(name) {
  if (usesBundle()) {
    module.enableCompileCache?.(); // Node 22.8 and newer: where there is no cache of ours
    return loadBundled(new URL(`dist/command/${name}.cjs`, root));
  }
  if (!sourcesCanRun) await (await import("./run-sources.mjs")).runSources();
  sourcesCanRun = true;
  return import(`./${name}.ts`);
}
