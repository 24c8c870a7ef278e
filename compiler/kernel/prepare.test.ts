import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachNode } from "./affine.ts";
import { add, call, div, int, kernelArray, load, local, loop, lt, mul, real, sqrt, toReal } from "./expressions.ts";
import { interpretExpression, interpretKernel } from "./interpret.ts";
import type { Expression, Statement } from "./ir.ts";
import { prepare, prepareFunction } from "./prepare.ts";
import { assertSameStorage, randomKernel } from "./testing-kernels.ts";

const a = kernelArray("a", "real", 100, "both");
const b = kernelArray("b", "real", 100, "read");
const out = kernelArray("out", "real", 100, "write");
const store = (index: Expression, value: Expression, array = out): Statement => ({ op: "store", array, index, value });

function expressionsOf(s: Statement): readonly Expression[] {
  if (s.op === "store") return [s.index, s.value];
  if (s.op === "loop") return [s.count];
  return s.op === "if" || s.op === "while" ? [s.condition] : [s.value];
}
const bodiesOf = (s: Statement): readonly Statement[] =>
  s.op === "loop" || s.op === "while" ? s.body : s.op === "if" ? [...s.then, ...s.otherwise] : [];
const all = (statements: readonly Statement[]): Statement[] => statements.flatMap((s) => [s, ...all(bodiesOf(s))]);

/** How often each operation occurs in what would be printed. */
function operations(statements: readonly Statement[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const e of all(statements).flatMap(expressionsOf))
    forEachNode([e], (node) => {
      const name = node.op === "unary" || node.op === "binary" ? node.name : node.op;
      counts[name] = (counts[name] ?? 0) + 1;
    });
  return counts;
}

test("an expression that occurs twice is computed once", () => {
  const x = load(a, int(3));
  const root = sqrt(x);
  const prepared = prepare([store(int(0), add(root, mul(root, x))), store(int(1), root)]);
  assert.deepEqual(
    prepared.map((s) => s.op),
    ["let", "let", "store", "store"],
  );
  assert.equal(operations(prepared).load, 1);
  assert.equal(operations(prepared).sqrt, 1);
});

test("a name that is there already is used again", () => {
  const root = sqrt(load(a, int(3)));
  const named = local("real", "root");
  const prepared = prepare([{ op: "let", local: named, value: root }, store(int(1), root)]);
  assert.deepEqual(prepared, [{ op: "let", local: named, value: root }, store(int(1), named)]);
});

test("a load is made again after a store to its array, and only then", () => {
  const x = load(a, int(3));
  assert.equal(operations(prepare([store(int(1), x), store(int(3), real(0), a), store(int(2), x)])).load, 2);
  assert.equal(operations(prepare([store(int(1), x), store(int(3), real(0)), store(int(2), x)])).load, 1);
});

test("an expression is computed again after an assignment to what it is made of", () => {
  const v = local("real", "v");
  const root = sqrt(v);
  const prepared = prepare([
    { op: "variable", local: v, value: real(2) },
    store(int(0), root),
    { op: "assign", local: v, value: real(3) },
    store(int(1), root),
  ]);
  assert.equal(operations(prepared).sqrt, 2);
});

test("what does not change in a loop is computed before it", () => {
  const n = local("int", "n", 10);
  const inner = loop("j", 10, "serial", (j) => [store(add(mul(n, int(10)), j), mul(load(a, n), load(b, j)))]);
  const [first, second, last, ...rest] = prepare([inner]);
  assert.equal(rest.length, 0);
  assert.ok(first?.op === "let" && second?.op === "let" && last?.op === "loop");
  assert.deepEqual(operations(last.body).load, 1);
  assert.deepEqual(operations(last.body).mul, 1);
});

test("a load that may be out of range stays in a loop that may not run", () => {
  const [n, m] = [local("int", "n"), local("int", "m")];
  const body = () => [store(int(0), load(a, n))];
  assert.equal(prepare([loop("j", m, "serial", body)]).length, 1);
  assert.equal(prepare([loop("j", 3, "serial", body)]).length, 2);
  const conditional = () => [{ op: "if" as const, condition: lt(n, int(5)), then: body(), otherwise: [] }];
  const [cause, ...moved] = prepare([loop("j", 3, "serial", conditional)]);
  assert.ok(cause?.op === "let" && cause.value === lt(n, int(5)));
  assert.deepEqual(
    moved.map((s) => s.op),
    ["loop"],
  );
  // One whose index is in range by itself moves in any case.
  assert.equal(prepare([loop("j", m, "serial", () => [store(int(0), load(a, int(7)))])]).length, 2);
});

test("a division by what may be zero stays in a loop that may not run", () => {
  const [n, m] = [local("int", "n"), local("int", "m")];
  assert.equal(prepare([loop("j", m, "serial", () => [store(int(0), toReal(div(n, m)))])]).length, 1);
});

test("a let that does not change leaves all loops, with what is made of it", () => {
  const [n, base] = [local("int", "n", 3), local("int", "base")];
  const inner = loop("k", 3, "serial", (k) => [
    { op: "let", local: base, value: mul(n, int(9)) },
    store(add(mul(base, int(2)), k), load(b, base)),
  ]);
  const prepared = prepare([loop("j", 3, "serial", () => [inner])]);
  assert.deepEqual(
    prepared.map((s) => s.op),
    ["let", "let", "let", "loop"],
  );
});

test("a condition of while that shares parts gets a variable", () => {
  const v = local("real", "v");
  const root = sqrt(v);
  const condition = lt(mul(root, root), real(4));
  const prepared = prepare([
    { op: "variable", local: v, value: real(1) },
    { op: "while", condition, body: [{ op: "assign", local: v, value: add(v, real(1)) }] },
    store(int(0), v),
  ]);
  const repeated = prepared.find((s) => s.op === "while");
  assert.ok(repeated?.op === "while" && repeated.condition.op === "local");
  assert.equal(operations(prepared).sqrt, 2);
});

test("a function keeps its value", () => {
  const x = local("real", "x");
  const f = prepareFunction({ name: "f", parameters: [x], body: [], result: mul(sqrt(x), sqrt(x)) });
  assert.equal(f.body.length, 2);
  assert.equal(interpretExpression(call(f, real(4)), "f64"), 4);
});

test("random kernels compute the same afterwards", () => {
  for (let seed = 0; seed < 300; seed++) {
    const { kernel, storage } = randomKernel(seed, seed % 9);
    const [before, after] = [storage("f64"), storage("f64")];
    interpretKernel(kernel, before, "f64");
    const body = prepare(kernel.grid.body);
    interpretKernel({ ...kernel, grid: { ...kernel.grid, body } }, after, "f64");
    assertSameStorage(after, before, `seed ${seed}`);
    const [outside, grid] = prepare([kernel.grid]).slice(-2);
    const whole = grid ?? outside!;
    assert.equal(whole.op, "loop");
  }
});

test("after it no expression of a random kernel has a part twice", () => {
  for (let seed = 0; seed < 100; seed++) {
    const { kernel } = randomKernel(seed, 5);
    for (const e of all(prepare([kernel.grid])).flatMap(expressionsOf)) {
      const seen = new Set<Expression>();
      const visit = (node: Expression): void => {
        const cheap = node.op === "constant" || node.op === "local" || (node.op === "binary" && node.kind === "int");
        assert.ok(cheap || node.op === "unary" || !seen.has(node), `seed ${seed}: ${node.op}`);
        seen.add(node);
        if (node.op === "load") visit(node.index);
        if (node.op === "unary") visit(node.a);
        if (node.op === "binary") [node.a, node.b].forEach(visit);
        if (node.op === "select") [node.condition, node.a, node.b].forEach(visit);
      };
      visit(e);
    }
  }
});
