/** Unpacking: archives, and many processes that unpack at the same time. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { filesOfArchive } from "./tar.ts";
import { withTimeLimit } from "./testing.ts";

/** One entry of an archive, with its content padded to blocks. */
function entry(name: string, kind: string, mode: string, content: string, prefix = ""): Uint8Array {
  const bytes = new Uint8Array(512 * (1 + Math.ceil(content.length / 512)));
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, mode);
  put(124, content.length.toString(8).padStart(11, "0"));
  put(156, kind);
  put(257, "ustar\u000000");
  put(345, prefix);
  put(512, content);
  return bytes;
}

const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

test("archives are read", () => {
  const long = "x".repeat(600);
  const archive = joined(
    entry("folder/", "5", "0000755", ""),
    entry("program", "0", "0000755", long, "folder"),
    entry("empty", "0", "0000644", ""),
    new Uint8Array(1024),
  );
  const files = [...filesOfArchive(archive)].map(({ path, isExecutable, content }) => [
    path,
    isExecutable,
    new TextDecoder().decode(content),
  ]);
  assert.deepEqual(files, [
    ["folder/program", true, long],
    ["empty", false, ""],
  ]);
  assert.throws(() => [...filesOfArchive(entry("link", "2", "0000777", ""))], /an archive has link of kind 2/);
  assert.throws(() => [...filesOfArchive(new Uint8Array(1024).fill(65))], /no archive at byte 0/);
});

test("processes that unpack at the same time all get an adapter", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "karush-unpack-"));
  const address = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    const { useSoftwareAdapter } = await import(${address("./software-adapter.ts")});
    const { openDevice } = await import(${address("../webgpu/device.ts")});
    useSoftwareAdapter();
    const device = await openDevice();
    console.log(device.name);
    device.close();`;
  const outputs = Array.from({ length: 3 }, async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      env: { ...process.env, TMPDIR: folder, NODE_TEST_CONTEXT: undefined },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    await once(child, "close");
    return output;
  });
  try {
    for (const output of await withTimeLimit("unpacking", Promise.all(outputs))) assert.match(output, /^SwiftShader/);
    const left = readdirSync(folder).filter((name) => name.startsWith("karush-"));
    assert.equal(left.length, 1, left.join(" "));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
