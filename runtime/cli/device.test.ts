/** Scripts on the software adapter, from the command line. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../data/testing.ts";

const command = fileURLToPath(new URL("./karush.mjs", import.meta.url));

const script = `import { newton } from "std/second-order"
fn f(x: real[3]) = sum(exp(x) - 2 * x) + dot(x, x)
let r = minimize(f, from = zeros[3], by = newton(tol = 1e-4))
show r.x, r.iterations
show sort([3.0, 1.0, 2.0]), cumsum([1.0, 2.0, 3.0])
show if sum(r.x) > 0 then 1 else 2
show loop s = 0.0 for t in 0..10 { s + 1 / (t + 1) }
`;

function shown(folder: string, backend: string) {
  const args = [command, "run", "--backend", backend, "--precision", "f32", "--json", path.join(folder, "t.opt")];
  const run = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 100_000 });
  assert.equal(run.status, 0, `${backend}: ${run.stderr}`);
  const document = JSON.parse(run.stdout) as { backend: string; shown: { expr: string; value: unknown }[] };
  return { backend: document.backend, values: document.shown.map((s) => [s.value].flat(3).map(Number)) };
}

test("a script gives on a device what it gives on the CPU, and the process ends", (t) => {
  const folder = temporaryFolder(t, {});
  writeFileSync(path.join(folder, "t.opt"), script);
  const [cpu, device] = [shown(folder, "cpu"), shown(folder, "webgpu:software")];
  assert.deepEqual([cpu.backend, device.backend], ["cpu", "webgpu"]);
  assert.equal(device.values.length, cpu.values.length);
  cpu.values.forEach((values, i) => {
    values.forEach((v, k) => {
      assert.ok(
        Math.abs(device.values[i]![k]! - v) <= 1e-5 * Math.max(1, Math.abs(v)),
        `${device.values[i]} ${values}`,
      );
    });
  });
});
