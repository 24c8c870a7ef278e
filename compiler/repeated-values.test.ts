/** Who hears that a derivative left out how the vectors of equal eigenvalues or singular values turn, and who does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CpuRunner } from "../runtime/cpu/runner.ts";
import { ReferenceRunner } from "../runtime/reference-runner.ts";
import { bind, compile } from "./index.ts";

const functions = `
fn values(M) = { let (l, V) = eigh(M)
 l }
fn vectors(M) = { let (l, V) = eigh(M)
 V }
fn exponential(M) = { let (l, V) = eigh(M)
 V @ diag(exp(l)) @ V' }
fn singular(M) = { let (U, s, V) = svd(M)
 s }
fn again(M) = { let (U, s, V) = svd(M)
 U @ diag(s) @ V' }
fn line(t: real, gap: real) = [[1.0 + gap + t, 2 * t], [2 * t, 1.0]]
fn off(t: real, gap: real) = sum(exponential(line(t, gap)) * [[1.0, 3.0], [3.0, 1.0]])
`;

/** Expressions, and whether something is left out of them. */
const cases: readonly (readonly [expression: string, told: boolean])[] = [
  ["grad(t => off(t, 0.0))(0.0)", true],
  ["jvp(t => off(t, 0.0))(0.0, 1.0)", true],
  ["grad(t => off(t, 0.5))(0.0)", false],
  ["off(0.0, 0.0)", false],
  ["grad(t => sum(values(line(t, 0.0))^3))(0.0)", false],
  ["hessian(t => sum(values(line(t, 0.0))^3))(0.0)", true],
  ["hessian(t => sum(values(line(t, 0.5))^3))(0.0)", false],
  ["grad(t => vectors(line(t, 0.0))[0, 0])(0.0)", true],
  ["grad(t => sum(singular(line(t, 0.0))))(0.0)", false],
  ["grad(t => again(line(t, 0.0))[0, 1])(0.0)", true],
  ["grad(t => again(line(t, 0.5))[0, 1])(0.0)", false],
  ["grad(t => again([[1.0 + t, 0.0], [0.0, t], [t, t]])[2, 1])(0.0)", true],
  ["[grad(t => off(t, g))(0.0) for g in [0.5, 0.0]]", true],
  ["grad(t => sum([off(t, g) for g in [0.5, 0.0]]))(0.0)", true],
  ["grad(t => loop s = 0.0 for i in 0..3 { s + off(t, 0.5 * i) })(0.0)", true],
  ["grad(t => loop s = 0.0 for i in 1..3 { s + off(t, 0.5 * i) })(0.0)", false],
  ["[if g > 0 then grad(t => off(t, g))(0.0) else 1.0 for g in [0.5, 0.0]]", false],
  ["[if g > 0 then grad(t => off(t, g))(0.0) else grad(t => off(2 * t, g))(0.0) for g in [0.5, 0.0]]", true],
];

const runners = {
  "f64 on the CPU": [new CpuRunner({ precision: "f64" }), "f64"],
  "f32 on the CPU": [new CpuRunner({ precision: "f32" }), "f32"],
  evaluated: [new ReferenceRunner({ precision: "f64" }), "f64"],
} as const;

for (const [name, [runner, precision]] of Object.entries(runners))
  test(`equal eigenvalues are told of where it matters, ${name}`, () => {
    for (const [expression, told] of cases) {
      const { program, diagnostics } = compile(`${functions}show ${expression}`, { file: "t.opt" });
      assert.ok(program, diagnostics.map((d) => d.message).join("\n"));
      const codes: string[] = [];
      bind(program, { data: {}, runner, precision }).run({
        onEvent: (e) => {
          if (e.kind === "warning") codes.push(e.diagnostic.code);
        },
      });
      assert.deepEqual([...new Set(codes)], told ? ["K0425"] : [], expression);
    }
  });
