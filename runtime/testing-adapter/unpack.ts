/**
 * Unpacks what the package @sparticuz/chromium carries: SwiftShader, a Vulkan driver in software, with the Vulkan
 * loader; and a headless Chromium with libraries and fonts. Once for each version of the package, into a folder of the
 * system's for temporary files.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { filesOfArchive } from "./tar.ts";

interface Package {
  readonly folder: string;
  readonly version: string;
}

/** Throws when the package is not installed, or this is no Linux on x64. */
function chromiumPackage(): Package {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`The software adapter is for Linux on x64, and this is ${process.platform} on ${process.arch}.`);
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  } catch {
    throw new Error("The software adapter needs the package @sparticuz/chromium (npm install @sparticuz/chromium).");
  }
  const folder = entry.slice(0, entry.lastIndexOf(`${path.sep}build${path.sep}`));
  const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as { version: string };
  return { folder, version };
}

/**
 * The folder with what `unpack` writes, made now if it is not there. Others may make it at the same time: it appears
 * complete, under its name, or not at all.
 */
function unpackedOnce(what: string, unpack: (from: string, to: string) => void): string {
  const { folder, version } = chromiumPackage();
  const to = path.join(tmpdir(), `karush-${what}-${version}-${process.getuid?.() ?? 0}`);
  if (existsSync(to)) return to;
  const temporary = `${to}.${randomUUID()}`;
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  try {
    unpack(path.join(folder, "bin"), temporary);
    renameSync(temporary, to);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
  return to;
}

const decompressed = (file: string): Uint8Array => brotliDecompressSync(readFileSync(file));

function unpackArchive(file: string, to: string): void {
  for (const { path: name, isExecutable, content } of filesOfArchive(decompressed(file))) {
    const target = path.join(to, name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content, { mode: isExecutable ? 0o755 : 0o644 });
  }
}

const driverDescription = "vk_swiftshader_icd.json";

/** The folder of SwiftShader: `libvulkan.so.1`, the driver, and the file that describes it to the loader. */
export function swiftShaderFolder(): string {
  return unpackedOnce("swiftshader", (from, to) => {
    unpackArchive(path.join(from, "swiftshader.tar.br"), to);
    const description = path.join(to, driverDescription);
    if (existsSync(description)) return;
    const driver = { library_path: "./libvk_swiftshader.so", api_version: "1.0.5" };
    writeFileSync(description, JSON.stringify({ file_format_version: "1.0.0", ICD: driver }));
  });
}

export const driverDescriptionIn = (folder: string): string => path.join(folder, driverDescription);

/** The folder of the browser: `chromium`, SwiftShader beside it, `lib` and `fonts`. */
export function chromiumFolder(): string {
  return unpackedOnce("chromium", (from, to) => {
    for (const archive of ["swiftshader", "al2023", "fonts"]) unpackArchive(path.join(from, `${archive}.tar.br`), to);
    const program = path.join(to, "chromium");
    writeFileSync(program, decompressed(path.join(from, "chromium.br")));
    chmodSync(program, 0o755);
  });
}
