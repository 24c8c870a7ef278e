/** Random programs are well-typed, shrink to smaller ones that are too, and cover the language. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { compile } from "../../index.ts";
import { propertyScript } from "../property-script.ts";
import { programs } from "./arbitrary.ts";
import type { RandomProgram } from "./program.ts";
import { expression, reference, write } from "./tree.ts";
import { array, scalar } from "./types.ts";

const seed = 4;

function problemsOf(program: RandomProgram): string[] {
  const text = propertyScript(program, ["value"]);
  return compile(text, { file: "random.opt" }).diagnostics.map((d) => `${d.code} ${d.message}\n${text}`);
}

test("random programs are well-typed", () => {
  for (const program of fc.sample(programs({ size: 30 }), { seed, numRuns: 60 }))
    assert.deepEqual(problemsOf(program), []);
});

test("so are the programs they shrink to, which end in a constant", () => {
  const arbitrary = programs({ size: 25 });
  for (const program of fc.sample(arbitrary, { seed, numRuns: 6 })) {
    const smaller = [...arbitrary.shrink(program, undefined).take(12)].map((v) => v.value);
    for (const p of smaller) {
      assert.deepEqual(problemsOf(p), []);
      assert.equal(p.origin, program);
    }
  }
  // Taking the first shrink again and again ends.
  let at = fc.sample(arbitrary, { seed, numRuns: 1 })[0]!;
  for (let i = 0; ; i++) {
    assert.ok(i < 200, "shrinking does not end");
    const next = [...arbitrary.shrink(at, undefined).take(1)][0];
    if (next === undefined) break;
    at = next.value;
  }
  assert.match(at.source, /^fn f\(x: [^=]*\) = .{1,40}$/m);
});

test("they cover the language", () => {
  const all = fc.sample(programs({ size: 40 }), { seed, numRuns: 400 });
  const forms = new Set(all.flatMap((p) => [...p.forms]));
  const wanted = `any argmin arithmetic call checkpoint choice comparison contraction cumulative definite determinant
    directional draw elementwise entry factors field fixpoint gather if kinked let loop map order outer place pullback
    reduction root row ruled scan segments slices sum system transpose triangle tuple turned update where`;
  const missing = wanted.split(/\s+/).filter((w) => ![...forms].some((f) => f.split(" ").includes(w)));
  assert.deepEqual(missing, []);
  for (const size of [0, 1, 3]) assert.ok(all.some((p) => p.sizes.n === size));
  for (const kind of ["normal", "ties", "zeros"]) assert.ok(all.some((p) => p.point.kind === kind));
  const texts = all.map((p) => p.source);
  // What broke before: loops in choices in maps, derivatives of them, draws in loops, and every adjoint.
  for (const pattern of [
    /\[.*\(if .*\(loop .* for \w+ in /,
    /(grad|jvp|vjp)\(.*\(loop /,
    /fold_in\(/,
    /adjoint = unroll/,
    /implicit\(by = cg/,
    /implicit\(by = direct\(/,
    /checkpoint = true/,
  ])
    assert.ok(
      texts.some((t) => pattern.test(t)),
      String(pattern),
    );
});

test("expressions are written with what is in their holes", () => {
  const x = { name: "x", type: array("n") };
  const sum = expression("sum", scalar)`sum(${reference(x)})`;
  const twice = expression("arithmetic", scalar)`(${sum} + ${sum})`;
  assert.equal(write(twice, { n: 3, m: 2 }), "(sum(x) + sum(x))");
});
