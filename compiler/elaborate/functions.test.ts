/** A mistake inside a generic function is shown with the use that led there. */
import assert from "node:assert/strict";
import test from "node:test";
import { compile } from "../compile.ts";

const text = `fn inner_one(x, y) = {
  let z = x @ y
  z + ones[3]
}
fn outer_one(a) = inner_one(a, [1.0, 2])
show outer_one(eye[2])
`;

test("the uses are notes, the nearest first", () => {
  const { diagnostics } = compile(text, { file: "t.opt" });
  assert.equal(diagnostics.length, 1);
  const [diagnostic] = diagnostics;
  assert.equal(text.slice(diagnostic!.span!.start, diagnostic!.span!.end), "z + ones[3]");
  assert.deepEqual(
    diagnostic!.notes.map((n) => [n.message, text.slice(n.span!.start, n.span!.end)]),
    [
      ["This is the use of `inner_one` that leads here:", "inner_one(a, [1.0, 2])"],
      ["This is the use of `outer_one` that leads here:", "outer_one(eye[2])"],
    ],
  );
});

test("a mistake in a declaration that is checked by itself has no use to show", () => {
  const { diagnostics } = compile("fn f(x: real[n]) = x @ ones[n, 2] + [1, 2, 3]\n", { file: "t.opt" });
  assert.deepEqual(
    diagnostics.map((d) => [d.code, d.notes]),
    [["K0210", []]],
  );
});
