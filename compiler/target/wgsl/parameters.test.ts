/** Pieces of the resident workgroup that do the same at different places are one text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bind, coreGraphs } from "../../bind.ts";
import { compile } from "../../compile.ts";
import { buildPlan } from "../../kernel/build.ts";
import { flattenPlan } from "./flatten-plan.ts";
import { Parameters } from "./parameters.ts";
import { softwarePolicy } from "./policy.ts";

const text = `import { gradient_descent } from "std/first-order"
fn nearest(c: real[5]) = argmin(x => sum((x - c)^2) + sum(x^4), from = zeros[5], by = gradient_descent(step = 0.05))
let c = normal[5](key(1))
let a = nearest(c)
let b = nearest(a * 2) + nearest(a)
show a, b, [1.0, 2] + sum(nearest(b))
`;

function piecesOf(script: string) {
  const { program, diagnostics } = compile(script, { file: "t.opt" });
  assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
  return coreGraphs(bind(program, { data: {}, precision: "f32" })).flatMap((graph) => {
    const plan = buildPlan(graph, { precision: "f32", style: "invocations" });
    return flattenPlan(plan, softwarePolicy).resident.pieces.map((piece) => piece.kernel());
  });
}

test("a solver is one text wherever it is used, and what differs is in the parameters", () => {
  const pieces = piecesOf(text);
  assert.equal(pieces.length, 4);
  assert.equal(new Set(pieces.map((p) => p.text)).size, 1);
  assert.equal(new Set(pieces.map((p) => p.parameters.join())).size, 4);
  assert.equal(new Set(pieces.map((p) => p.parameters.length)).size, 1);
  const declared = /places: array<vec4u, (\d+)>/.exec(pieces[0]!.text);
  assert.equal(pieces[0]!.parameters.length, 4 + 4 * Number(declared![1]));
});

test("another solver is another text", () => {
  const pieces = piecesOf(
    `${text}show argmin(x => sum(x^2 - x), from = ones[5], by = gradient_descent(step = 0.05))\n`,
  );
  assert.equal(new Set(pieces.map((p) => p.text)).size, 2);
});

test("places are numbered as they are met, those of different kinds apart", () => {
  const parameters = new Parameters(7, 30);
  const met = [
    parameters.place(64),
    parameters.place(16),
    parameters.place(64, "table"),
    parameters.place(64),
    parameters.place(1, "event"),
    parameters.place(8),
  ];
  assert.deepEqual(
    met,
    ["[0].x", "[0].y", "[0].z", "[0].x", "[0].w", "[1].x"].map((t) => `parameters.places${t}`),
  );
  assert.deepEqual(parameters.words(), [7, 30, 0, 0, 64, 16, 64, 1, 8, 0, 0, 0]);
  assert.deepEqual(
    [parameters.block(7), parameters.block(9), parameters.block(3), parameters.block(0xffff_ffff), parameters.own(9)],
    ["parameters.first_block", "parameters.first_block + 2u", "parameters.first_block - 4u", "4294967295u", "2u"],
  );
  assert.equal(parameters.state(33), "state[parameters.first_row + 3u]");
  assert.deepEqual(
    [parameters.loop(50), parameters.loop(30), parameters.loop(50), parameters.loops],
    [1, 2, 1, [50, 30]],
  );
});
