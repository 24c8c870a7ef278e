/** The licences of the packages inside the bundles, which ask to be passed on with them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Metafile } from "esbuild";

/** The text of all licences of the packages that some bundle has a part of. Throws for a package without one. */
export function licenses(root: string, metafiles: readonly Metafile[]): string {
  const folders = new Set<string>();
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
  return [...folders]
    .sort()
    .map((folder) => licenseIn(root, folder))
    .join("\n");
}

function licenseIn(root: string, folder: string): string {
  const at = path.join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(path.join(at, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const file = readdirSync(at).find((f) => /^licen[cs]e/i.test(f) && existsSync(path.join(at, f)));
  if (file === undefined && license === undefined) throw new Error(`${name} says nothing of its licence.`);
  const text = file === undefined ? `Licence: ${license}\n` : readFileSync(path.join(at, file), "utf8");
  return `${name} ${version}\n${"-".repeat(`${name} ${version}`.length)}\n\n${text.trim()}\n`;
}
