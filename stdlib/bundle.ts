/** Writes the modules of the standard library into sources.ts, from where the compiler, which reads no files, has them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));

/** The text of sources.ts for the modules as they stand. */
export function bundledSources(): string {
  const files = readdirSync(folder)
    .filter((f) => f.endsWith(".opt"))
    .sort();
  const entries = files.map(
    (f) =>
      `  ${JSON.stringify(`std/${f.slice(0, -4)}`)}:\n    ${JSON.stringify(readFileSync(join(folder, f), "utf8"))},`,
  );
  return `/** Made by \`npm run bundle\` from the .opt files beside it; not to be edited. */\nexport const standardLibrary: Readonly<Record<string, string>> = {\n${entries.join("\n")}\n};\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(folder, "sources.ts"), bundledSources());
