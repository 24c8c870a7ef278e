/**
 * Derivatives of random programs, each computed in several ways that share little: in reverse, forward,
 * numerically, twice, batched, looped and through `checkpoint`. `DERIVATIVE_RUNS` asks for more programs.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { coreGraphs } from "../bind.ts";
import { graphProblems } from "../core/verify.ts";
import { bind, compile, type Value } from "../index.ts";
import { ProgramWriter, picker } from "./random-programs.ts";

const runs = Number(process.env.DERIVATIVE_RUNS ?? 40);
const seed = Number(process.env.DERIVATIVE_SEED ?? 20);

/** What a script shows, each as flat numbers. */
function shown(text: string): number[][] {
  const { program, diagnostics } = compile(text, { file: "random.opt" });
  if (!program)
    throw new Error(
      `${diagnostics.map((d) => `${d.code} ${d.message} «${d.span ? text.slice(d.span.start, d.span.end) : ""}»`).join("\n")}`,
    );
  const bound = bind(program, { data: {} });
  for (const graph of coreGraphs(bound)) assert.deepEqual(graphProblems(graph), []);
  const values: number[][] = [];
  const flat = (v: Value): number[] => (v.kind === "tuple" ? v.items.flatMap(flat) : [...v.array.data]);
  bound.run({
    onEvent: (e) => {
      if (e.kind === "show") for (const i of e.items) if (i.kind === "value") values.push(flat(i.value));
    },
  });
  return values;
}

function close(
  a: readonly number[],
  b: readonly number[],
  what: string,
  tolerance = 1e-8,
  slack?: readonly number[],
): void {
  assert.equal(a.length, b.length, what);
  const size = Math.max(1, ...a.map(Math.abs), ...b.map(Math.abs));
  a.forEach((x, i) => {
    assert.ok(
      Math.abs(x - b[i]!) <= tolerance * size + (slack?.[i] ?? 0),
      `${what}: ${a.join(" ")} against ${b.join(" ")}`,
    );
  });
}

const h = 1e-3;

function script(declarations: string, point: readonly number[]): string {
  const list = (xs: readonly number[]) => `[${xs.map((x) => x.toFixed(6)).join(", ")}]`;
  return `${declarations}
let x0 = ${list(point)}
let v0 = [0.3, -0.8, 0.5]
let u0 = [0.2, 0.7, -0.4]
let D = concat(${h} * eye[3], ${-h} * eye[3], ${h / 2} * eye[3], ${-h / 2} * eye[3])
let (last, looped) = scan z = 0.0 for d in D { (z, f(x0 + d)) }
show grad(f)(x0), [jvp(f)(x0, e) for e in eye[3]], looped, [f(x0 + d) for d in D]
show hessian(f)(x0), jacobian(grad(f), mode = reverse)(x0), jacobian(x => jacobian(f, mode = forward)(x), mode = forward)(x0)
show grad(checkpoint(f))(x0), hvp(f)(x0, v0), hessian(f)(x0) @ v0, grad(x => jvp(f)(x, v0))(x0)
let X = [x0, x0 + 0.1 * v0, u0]
show grad(X => sum([f(q) for q in X]))(X), [grad(f)(q) for q in X], grad(X => loop s = 0.0 for q in X { s + f(q) })(X)
show vjp(g)(x0, 2 * u0 - 3 * v0), 2 * vjp(g)(x0, u0) - 3 * vjp(g)(x0, v0), (jacobian(g, mode = reverse)(x0))' @ (2 * u0 - 3 * v0), jacobian(g, mode = forward)(x0), jacobian(g, mode = reverse)(x0)
show grad(s => s * jvp(t => f(x0 + s * t * v0))(1.0, 1.0))(0.6), 2 * 0.6 * dot(grad(f)(x0 + 0.6 * v0), v0) + 0.36 * dot(v0, hessian(f)(x0 + 0.6 * v0) @ v0)`;
}

function agree(declarations: string, point: readonly number[]): void {
  const [
    reverse,
    forward,
    looped,
    batched,
    hessian,
    reverseTwice,
    forwardTwice,
    kept,
    product,
    applied,
    mixed,
    mapped,
    each,
    summed,
    pulled,
    combined,
    transposed,
    jf,
    jr,
    confused,
    expected,
  ] = shown(script(declarations, point)) as number[][];
  close(reverse!, forward!, "reverse and forward");
  close(looped!, batched!, "a map and a loop");
  const difference = (from: number, step: number) =>
    [0, 1, 2].map((i) => (looped![from + i]! - looped![from + 3 + i]!) / (2 * step));
  const [coarse, fine] = [difference(0, h), difference(6, h / 2)];
  const numeric = fine.map((d, i) => (4 * d - coarse[i]!) / 3);
  // Where the two differ by much there is a jump or a kink between: the error is their difference.
  close(
    reverse!,
    numeric,
    "the gradient and differences",
    1e-6,
    fine.map((d, i) => 2 * Math.abs(d - coarse[i]!)),
  );
  close(hessian!, reverseTwice!, "forward over reverse and reverse over reverse");
  close(hessian!, forwardTwice!, "forward over reverse and forward over forward");
  close(
    hessian!,
    [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => hessian![i]!),
    "a Hessian and its transpose",
  );
  close(reverse!, kept!, "checkpoint");
  close(product!, applied!, "a Hessian-vector product");
  close(product!, mixed!, "reverse over forward");
  close(mapped!, each!, "the gradient of a map and a map of gradients");
  close(mapped!, summed!, "the gradient of a map and of a loop");
  close(pulled!, combined!, "a pullback is linear");
  close(pulled!, transposed!, "a pullback is the Jacobian transposed");
  close(jf!, jr!, "Jacobians");
  close(confused!, expected!, "a derivative inside a derivative");
}

test(`${runs} random programs have one derivative, however it is computed`, () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 4, max: 45 }), (programSeed, size) => {
      const text = new ProgramWriter(programSeed, size).write();
      const pick = picker(programSeed + 1);
      const point = [0, 1, 2].map(() => (pick(2000) - 1000) / 1000 + 1e-4);
      try {
        agree(text, point);
      } catch (error) {
        throw new Error(
          `${text}\nat ${point.join(", ")}\n${error instanceof Error ? (error.stack ?? "").split("\n").slice(0, 9).join("\n") : String(error)}`,
        );
      }
    }),
    { seed, numRuns: runs, includeErrorInReport: true, endOnFailure: process.env.DERIVATIVE_SHRINK === "0" },
  );
});

const codes = (text: string) => compile(text, { file: "loop.opt" }).diagnostics.map((d) => d.code);

test("a loop without a bound has a forward derivative, and its reverse one is refused where it is needed", () => {
  const q = "fn q(x: real, c: real) = loop s = x while s < 10 { s * c }\n";
  assert.deepEqual(
    shown(
      `${q}show jvp(x => q(x, 2.0))(1.5, 1.0), jvp(c => q(1.5, c))(2.0, 1.0), jvp(c => jvp(c => q(1.5, c))(c, 1.0))(2.0, 1.0)`,
    ),
    [[8], [18], [18]],
  );
  assert.deepEqual(codes(`${q}show grad(x => q(x, 2.0))(1.5)`), ["K0501"]);
  assert.deepEqual(codes(`${q}show grad(c => q(1.5, c))(2.0)`), ["K0501"]);
  assert.deepEqual(codes(`${q}show vjp(x => [q(x[0], 2.0)])([1.5], [1.0])`), ["K0501"]);
  // Constants, and what only feeds a `stop_gradient`, need none.
  assert.deepEqual(shown(`${q}show grad(x => x * q(1.5, 2.0))(1.0), grad(x => x * stop_gradient(q(x, 2.0)))(1.5)`), [
    [12],
    [12],
  ]);
});

test("a loop that takes no step does nothing: no check, no endless loop", () => {
  const y = "let y = [1.0, 2.0]\nlet none = argmin(y)\nlet far = 5 + none\n";
  assert.deepEqual(shown(`${y}show loop s = 1.0 for t in 0..none { s + y[far] }`), [[1]]);
  assert.deepEqual(shown(`${y}show loop s = 1.0 for t in 0..none { s + (if none == 0 then y[far] else 0.0) }`), [[1]]);
  assert.deepEqual(shown(`${y}show loop s = 1.0 for t in 0..none { s + (loop r = y[none] while r > 0 { r + 1 }) }`), [
    [1],
  ]);
});
