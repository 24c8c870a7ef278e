/** Ctrl-C in the middle of a long solve, as a user does it: the iterate is printed and saved, and the status is 130. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { temporaryFolder } from "../data/testing.ts";
import { karush } from "./testing.ts";

/** Gradient descent in steps that are far too small, and take long: it would go on for many minutes. */
const script = `solver crawl(iters: int = 4000000) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 1e-6 * (loop g = 1.0 for i in 0..2000 { g * 0.999999 }) * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
}
show 1 + 1
let s = minimize(w => sum((w - 3.0) ^ 4), from = zeros[3], by = crawl())
show s.x, s.status == running
save s.x to "x.json"
show argmin(w => (w - 1.0) ^ 2, from = 0.0, by = crawl())
`;

for (const backend of ["cpu", "webgpu:software"] as const)
  test(
    `${backend}: Ctrl-C prints the iterate of a solve, saves it, and ends with 130`,
    { timeout: 100_000 },
    async (t) => {
      const folder = temporaryFolder(t, { "t.opt": script });
      let isAsked = false;
      const { code, out, err } = await karush(["run", "t.opt", "--backend", backend, "--precision", "f32"], {
        cwd: folder,
        onOutput: (child, printed) => {
          // What comes first is shown before the solve begins, which has to be compiled.
          if (isAsked || !printed.includes("1 + 1")) return;
          isAsked = true;
          setTimeout(() => child.kill("SIGINT"), 9000);
        },
      });
      assert.equal(code, 130, err);
      assert.match(out, /^1 \+ 1 {2}2\n/);
      const said = err.replace(/\s+/g, " ");
      assert.match(
        said,
        /K1095 .*This solve was interrupted after \d+ iterations, with error [\d.]+: it is not finished\./,
      );
      assert.match(out, /s\.status == running {2}true/);
      assert.doesNotMatch(out, /argmin/);
      const x = JSON.parse(readFileSync(path.join(folder, "x.json"), "utf8")) as readonly number[];
      const [shown] = /s\.x\s+\[(.*)\]/.exec(out)!.slice(1);
      const printed = shown!.split(",").map(Number);
      assert.equal(x.length, 3);
      x.forEach((v, i) => {
        assert.ok(v > 0 && v < 3, `${v} is on the way from 0 to 3`);
        assert.ok(Math.abs(printed[i]! - v) < 1e-4 * v, `${printed[i]} is shown, ${v} is saved`);
      });
    },
  );
