// A resolution hook: takes chevrotain from the single file it ships beside its modules. As modules it is some
// 650 files with lodash-es, each of which would pass through tsx's loader: 0.7 s instead of 0.03 s at every start.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
let bundle;

export async function resolve(specifier, context, next) {
  if (specifier !== "chevrotain") return next(specifier, context);
  bundle ??= path.join(path.dirname(require.resolve("chevrotain")), "..", "chevrotain.min.mjs");
  if (!existsSync(bundle)) return next(specifier, context);
  return { url: pathToFileURL(bundle).href, format: "module", shortCircuit: true };
}
