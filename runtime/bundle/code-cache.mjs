/**
 * Loads the CommonJS files of the bundle with the code that V8 made of them before, where that was kept: starting is
 * several times as fast then. The cache lies beside the bundle. V8 refuses what another version of it made, or what it
 * made with other flags; then, and where there is no cache, files are compiled as always.
 *
 * Plain JavaScript: it is part of the published package as it is.
 */
// Imported as modules, their streams and more would be loaded too, which takes some milliseconds.
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = process.getBuiltinModule("node:fs");
const module = process.getBuiltinModule("node:module");
const path = process.getBuiltinModule("node:path");
const { fileURLToPath } = process.getBuiltinModule("node:url");
const vm = process.getBuiltinModule("node:vm");

/** Files loaded from a cache, or to be put into one, by their paths. */
const loaded = new Map();
/** Finds packages and Node's own modules. */
let requireFrom;
/** Whether files without a cache are loaded the same way, so that `saveCodeCache` can make one. */
let recording = false;

/** Where the cache of a folder's files is for this Node. V8 cannot tell texts of the same length apart: see `build.ts`. */
function cacheFolder(folder) {
  return path.join(folder, "cache", `${process.version}-${process.platform}-${process.arch}`);
}

/**
 * What a CommonJS file of the bundle exports. All files of a folder are loaded in the same way, with the cache or
 * without, since a file that is loaded in both would be there twice.
 */
export function loadBundled(url) {
  const file = fileURLToPath(url);
  if (!recording && !existsSync(cacheFolder(path.dirname(file)))) return module.createRequire(file)(file);
  return load(file).exports;
}

function load(file) {
  const known = loaded.get(file);
  if (known !== undefined) return known.module;
  const folder = path.dirname(file);
  let cachedData;
  try {
    cachedData = readFileSync(path.join(cacheFolder(folder), path.basename(file)));
  } catch {
    // a file that had not been used when the cache was made
  }
  const text = readFileSync(file, "latin1"); // the bundle is ASCII
  const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: file,
    ...(cachedData ? { cachedData } : {}),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const own = { exports: {} };
  loaded.set(file, { script, module: own });
  requireFrom ??= module.createRequire(file); // all files are in one folder
  const require = (name) => (name.startsWith("./") ? load(path.join(folder, name)).exports : requireFrom(name));
  script.runInThisContext()(own.exports, require, own, file, folder);
  return own;
}

/** Makes `saveCodeCache` possible. To be called before anything is loaded. */
export function recordCodeCache() {
  recording = true;
}

/** Keeps the code of everything loaded: of each file the functions that have run. */
export function saveCodeCache() {
  for (const [file, { script }] of loaded) {
    const folder = cacheFolder(path.dirname(file));
    mkdirSync(folder, { recursive: true });
    const target = path.join(folder, path.basename(file));
    writeFileSync(`${target}.${process.pid}`, script.createCachedData());
    renameSync(`${target}.${process.pid}`, target);
  }
}
