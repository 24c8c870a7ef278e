/**
 * `karush explain` of what runs on devices: the chapter's example, and the text of a resident workgroup. `UPDATE=1` writes
 * the example's summary into the chapter.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

const file = new URL("../../spec/compilation.md", import.meta.url);
const chapter = readFileSync(file, "utf8");
const example = /^```opt\n(let A[\s\S]*?)^```\n[\s\S]*?^```text\n([\s\S]*?)^```/m.exec(chapter);

test("explain --kernels begins as the chapter on compilation says", async (t) => {
  assert.ok(example, "the chapter has an example");
  const [, program, summary] = example as unknown as [string, string, string];
  const folder = temporaryFolder(t, { "example.opt": program });
  const { code, out, err } = await karush(["explain", "example.opt", "--kernels"], { cwd: folder });
  assert.deepEqual([code, err], [0, ""]);
  const beginnings = out.split(/\n\n(?=\/\/)/).map((statement) => statement.split(/\nfunction /)[0]!);
  const found = `${beginnings.slice(1, 3).join("\n\n")}\n`;
  if (process.env.UPDATE)
    writeFileSync(
      file,
      chapter.replace(summary, () => found),
    );
  else assert.equal(found, summary);
});

const script = `import { gradient_descent } from "std/first-order"
objective bowl(x: real[2]) = sum((x - [1.0, 2])^2)
let found = minimize(bowl, from = zeros[2], by = gradient_descent(step = 0.1, iters = 50))
show 1 + found.iterations
`;

test("explain --kernels for devices lists each kernel's bytes with the numbers of the plan", async (t) => {
  const folder = temporaryFolder(t, { "a.opt": script });
  const { code, out } = await karush(["explain", "a.opt", "bowl", "--kernels", "--backend", "webgpu"], { cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /^on WebGPU: \d+ kernels, 1 dispatch a run\n {2}bytes of a run: \d+ read, \d+ written/m);
  assert.match(
    out,
    /^ {2}loop minimize\(bowl, .*\) \(a\.opt:3:13\): at most 51 steps, all in one dispatch, resident in a workgroup$/m,
  );
  const listed = [...out.matchAll(/^ {2}(kernel \d+: [^:\n]+): (\d+) bytes read, (\d+) written$/gm)];
  assert.ok(listed.length > 1);
  for (const [, name, read, written] of listed)
    assert.ok(
      out.split("\n").some((l) => l.startsWith(`  ${name}; `) && l.endsWith(`reads ${read}, writes ${written} bytes`)),
      `${name} is launched in the plan`,
    );
});

test("explain --memory for devices ends with what a whole run takes", async (t) => {
  const text = "let x = linspace[100000](0.0, 1.0)\nlet y = x * x\nshow sum(x * y)\n";
  const folder = temporaryFolder(t, { "a.opt": text });
  const { code, out } = await karush(["explain", "a.opt", "--memory", "--backend", "webgpu"], { cwd: folder });
  assert.equal(code, 0);
  const [, bytes] = /\n\na run: at most (\d+) bytes of the device at once\n$/.exec(out) ?? [];
  // Both arrays, and copies of them while the sum is computed.
  assert.ok(Number(bytes) >= 1_600_000 && Number(bytes) < 2_100_000, bytes);
});

test("explain --wgsl prints the resident workgroup with the places its kernels and loops come from", async (t) => {
  const folder = temporaryFolder(t, { "a.opt": script });
  const { code, out } = await karush(["explain", "a.opt", "bowl", "--wgsl"], { cwd: folder });
  assert.equal(code, 0);
  assert.match(out, /^\/\/ let found = .*\n\/\/ the resident workgroup$/m);
  assert.match(out, /^ {2}\/\/ minimize\(bowl, .*\) \(a\.opt:3:13\)\n {2}while at >= \d+u && at <= \d+u \{$/m);
  const functions = [...out.matchAll(/^\/\/ .* \((?:a|first-order)\.opt:\d+:\d+\)\nfn (\w+)\(invocation: u32/gm)];
  assert.ok(functions.length > 1);
  for (const [, name] of functions) assert.match(out, new RegExp(`^ +${name}\\(lane, `, "m"));
  assert.ok(!out.includes("\0") && !out.includes("\n\n\n"), "one empty line between parts");
  assert.equal(out.match(/^fn main\(/gm)?.length, 1);
});
