/** What the build makes: which sources go into which bundle, and how esbuild is told. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin, transform } from "esbuild";
import { packTree } from "../../compiler/syntax/packed.ts";
import { parse } from "../../compiler/syntax/parse.ts";
import { Grammar } from "../../compiler/syntax/script.ts";
import { standardLibrary } from "../../stdlib/sources.ts";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** The package's exports, by the names of their files. */
const library = { index: "runtime/index.ts", node: "runtime/node.ts", testing: "runtime/testing.ts" };
/** What the command starts, in its main thread and in its workers. */
const command = {
  main: "runtime/cli/main.ts",
  "run-worker": "runtime/cli/run-worker.ts",
  "run-repl": "runtime/cli/run-repl.ts",
};

/** Packages that stay outside: shared with the user's own code, or not everyone's. */
const external = ["fast-check", "webgpu", "@sparticuz/chromium"];

/** A file to be written: its path in the output folder. */
export interface OutputFile {
  readonly path: string;
  readonly text: string;
}

export interface Output {
  readonly files: readonly OutputFile[];
  readonly metafile: Metafile;
}

const lookaheadTable = JSON.stringify(new Grammar().lookaheadTable());

function settings(): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    write: false,
    outdir: "/",
    metafile: true,
    format: "esm",
    target: "es2022",
    charset: "ascii",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none", // see `licenses.ts`
    logLevel: "silent",
    external,
    define: { KARUSH_LOOKAHEAD: lookaheadTable },
    alias: { chevrotain: path.join(root, "runtime/bundle/chevrotain.ts") },
  };
}

async function outputOf(options: BuildOptions): Promise<Output> {
  const { outputFiles, metafile } = await build({ ...settings(), ...options });
  const files = outputFiles!.map((file) => ({ path: path.basename(file.path), text: file.text }));
  return { files, metafile: metafile! };
}

/** Any source with what it imports as one module, made like the others: for tests of what bundling changes. */
export async function bundleOf(source: string): Promise<string> {
  const { files } = await outputOf({ entryPoints: { bundle: source }, platform: "neutral" });
  return files[0]!.text;
}

/** One file for browsers: no Node, nothing loaded later. */
export function browserBundle(): Promise<Output> {
  return outputOf({
    entryPoints: { karush: library.index },
    platform: "browser",
    outExtension: { ".js": ".mjs" },
    minifyIdentifiers: true,
  });
}

/** The library as ES modules, for bundlers. */
export function moduleBundle(): Promise<Output> {
  return outputOf({
    entryPoints: library,
    platform: "node",
    splitting: true,
    outExtension: { ".js": ".mjs" },
  });
}

/** The library for Node: CommonJS files, and an ES module for each export of the package. */
export async function libraryBundle(): Promise<Output> {
  const { files, metafile } = await commonJsBundle(library);
  return { files: [...files, ...Object.keys(library).map((name) => facade(name, metafile))], metafile };
}

/** The command, as CommonJS files. */
export function commandBundle(): Promise<Output> {
  return commonJsBundle(command);
}

/** CommonJS, since only its code can be cached in every version of Node. */
async function commonJsBundle(entryPoints: Record<string, string>): Promise<Output> {
  const { files, metafile } = await outputOf({
    entryPoints,
    platform: "node",
    splitting: true,
    outExtension: { ".js": ".cjs" },
    plugins: [keepSourceUrls, withoutCanvas, withStandardTrees, processesLater],
  });
  return { files: [...(await Promise.all(files.map(commonJs))), ...standardTrees()], metafile };
}

/** The same file as CommonJS; what it loads later stays in the family of files. */
async function commonJs(file: OutputFile): Promise<OutputFile> {
  // In a worker, code from a cache may not import; what is named by a variable is a package outside the bundle.
  const text = file.text.replace(
    /\bimport\(("\.\/[^"]+\.cjs"|[A-Za-z_$][\w$]*)\)/g,
    (_, target) => `Promise.resolve().then(()=>require(${target}))`,
  );
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node20",
    charset: "ascii",
    minifySyntax: true,
    minifyWhitespace: true,
    ...(text.includes("sourceUrl(") ? { banner: sourceUrlBanner } : {}),
  });
  return { path: file.path, text: code };
}

/** An ES module with the exports of an entry point. */
function facade(name: string, metafile: Metafile): OutputFile {
  const [, output] = Object.entries(metafile.outputs).find(([file]) => path.basename(file) === `${name}.cjs`)!;
  const text = `import { loadBundled } from "../../runtime/bundle/code-cache.mjs";

export const { ${[...output.exports].sort().join(", ")} } = loadBundled(new URL("./${name}.cjs", import.meta.url));
`;
  return { path: `${name}.mjs`, text };
}

/**
 * Makes `import.meta.url` mean what it means in the source: files that are found beside a source, such as the scripts
 * of workers, are where they were.
 */
const keepSourceUrls: Plugin = {
  name: "keep source URLs",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: "file" }, ({ path: file }) => {
      const text = readFileSync(file, "utf8");
      if (!text.includes("import.meta.url")) return undefined;
      const relative = path.relative(root, file).split(path.sep).join("/");
      return { contents: text.replaceAll("import.meta.url", `sourceUrl(${JSON.stringify(relative)})`), loader: "ts" };
    });
  },
};

/** The standard library's modules need not be parsed: that takes longer than all else before a short run. */
function standardTrees(): OutputFile[] {
  return Object.entries(standardLibrary).map(([name, text]) => {
    const { source } = parse(text, { file: `${name}.opt` });
    const ascii = packTree(source).replace(
      /[^\0-\x7f]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    return { path: treeFile(name), text: ascii };
  });
}

const treeFile = (name: string) => `${name.replaceAll("/", "-")}.json`;

/** Files of their own, since a script uses few of these trees, and all together are longer than the compiler. */
const withStandardTrees: Plugin = {
  name: "with standard trees",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]compiler[\\/]standard-trees\.ts$/, namespace: "file" }, () => {
      const readers = Object.keys(standardLibrary).map(
        (name) => `${JSON.stringify(name)}: () => read(${JSON.stringify(treeFile(name))}),`,
      );
      const read = 'require("node:fs").readFileSync(require("node:path").join(__dirname, file), "latin1")';
      const contents = `const read = (file) => ${read};\nexport const packedTrees = {\n${readers.join("\n")}\n};\n`;
      return { contents, loader: "js" };
    });
  },
};

/** Takes vega's part that draws on a canvas as it is for browsers: in Node it waits for a package that we do not have. */
const withoutCanvas: Plugin = {
  name: "without canvas",
  setup({ onResolve }) {
    onResolve({ filter: /^vega-canvas$/ }, () => ({
      path: path.join(root, "node_modules/vega-canvas/build/vega-canvas.browser.js"),
    }));
  },
};

/**
 * Commander could start a command that is a program of its own. No command is, and Node takes longer to load what starts
 * processes than commander itself.
 */
const processesLater: Plugin = {
  name: "processes later",
  setup({ onResolve, onLoad }) {
    const namespace = "processes-later";
    onResolve({ filter: /^node:child_process$/ }, ({ path: name, importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: name, namespace } : undefined,
    );
    onLoad({ filter: /./, namespace }, () => ({
      contents: 'exports.spawn = (...options) => process.getBuiltinModule("node:child_process").spawn(...options);',
      loader: "js",
    }));
  },
};

const sourceUrlBanner =
  'const sourceUrl=(file)=>require("node:url").pathToFileURL(require("node:path").join(__dirname,"../..",file)).href;';
