/** Holds kernels to the rules of the Kernel IR that interpreting does not: for tests, no part of the compiler. */
import assert from "node:assert/strict";
import { int, loop, sub } from "./expressions.ts";
import type { Accumulator, Expression, Kernel, KernelArray, Local, Loop, Statement } from "./ir.ts";

/**
 * Asserts that locals are declared before they are used and in a scope around, that loops whose order is free change
 * no local from outside but their accumulators, and these only by their operator, that only variables are assigned,
 * and that arrays belong to the kernel and hold what is stored to them.
 */
export function verifyKernel(kernel: Kernel): void {
  const arrays = new Set([...kernel.arrays, ...(kernel.locals ?? [])]);
  assert.ok(kernel.grid.order === "independent" && kernel.grid.count.op === "constant", "the grid");
  verifyStatements([kernel.grid], { arrays, visible: new Map(), fixed: new Set(), accumulators: [] });
}

interface Scope {
  readonly arrays: ReadonlySet<KernelArray>;
  /** Locals that have a value, and whether they are variables. */
  readonly visible: ReadonlyMap<Local, boolean>;
  /** Variables that a loop around must not change. */
  readonly fixed: ReadonlySet<Local>;
  readonly accumulators: readonly Accumulator[];
}

function verifyStatements(statements: readonly Statement[], outer: Scope): void {
  const visible = new Map(outer.visible);
  const scope: Scope = { ...outer, visible };
  for (const s of statements) {
    switch (s.op) {
      case "let":
      case "variable":
        verifyExpression(s.value, scope);
        assert.equal(s.value.kind, s.local.kind, s.local.name);
        assert.ok(!visible.has(s.local), `${s.local.name} is declared twice`);
        visible.set(s.local, s.op === "variable");
        break;
      case "assign":
        verifyAssignment(s.local, s.value, scope);
        break;
      case "store":
        verifyExpression(s.index, scope);
        verifyExpression(s.value, scope);
        assert.ok(scope.arrays.has(s.array) && s.array.access !== "read", `store to ${s.array.name}`);
        assert.equal(s.index.kind, "int");
        assert.equal(s.value.kind, s.array.kind, `what is stored to ${s.array.name}`);
        break;
      case "loop":
        verifyLoop(s, scope);
        break;
      case "while":
        verifyExpression(s.condition, scope);
        assert.equal(s.condition.kind, "bool");
        verifyStatements(s.body, scope);
        break;
      case "if":
        verifyExpression(s.condition, scope);
        assert.equal(s.condition.kind, "bool");
        verifyStatements(s.then, scope);
        verifyStatements(s.otherwise, scope);
        break;
    }
  }
}

function verifyLoop(s: Loop, scope: Scope): void {
  verifyExpression(s.count, scope);
  assert.equal(s.count.kind, "int");
  const visible = new Map(scope.visible).set(s.index, false);
  if (s.order === "serial") {
    assert.equal(s.accumulators.length, 0, "accumulators of a serial loop");
    verifyStatements(s.body, { ...scope, visible });
    return;
  }
  if (s.order === "independent") assert.equal(s.accumulators.length, 0, "accumulators of an independent loop");
  for (const { local } of s.accumulators) assert.ok(scope.visible.get(local), `the accumulator ${local.name}`);
  const outside = [...scope.visible].filter(([, isVariable]) => isVariable).map(([local]) => local);
  const fixed = new Set([...scope.fixed, ...outside]);
  verifyStatements(s.body, { ...scope, visible, fixed, accumulators: s.accumulators });
}

function verifyAssignment(local: Local, value: Expression, scope: Scope): void {
  assert.ok(scope.visible.get(local), `${local.name} is assigned, but is no variable here`);
  assert.equal(value.kind, local.kind, `what is assigned to ${local.name}`);
  const accumulator = scope.accumulators.find((a) => a.local === local);
  if (!accumulator) {
    assert.ok(!scope.fixed.has(local), `${local.name} is changed in a loop whose order is free`);
    verifyExpression(value, scope);
    return;
  }
  assert.ok(
    value.op === "binary" && value.name === accumulator.operator && (value.a === local || value.b === local),
    `${local.name} is not joined by its operator`,
  );
  verifyExpression(value.a === local ? value.b : value.a, scope);
}

function verifyExpression(root: Expression, scope: Scope): void {
  const seen = new Set<Expression>();
  const visit = (e: Expression): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === "local") {
      assert.ok(scope.visible.has(e), `${e.name} is not in scope`);
      assert.ok(!scope.accumulators.some((a) => a.local === e), `the accumulator ${e.name} is read in its loop`);
    } else if (e.op === "load") {
      assert.ok(scope.arrays.has(e.array), `load of ${e.array.name}`);
      assert.equal(e.index.kind, "int");
      visit(e.index);
    } else if (e.op === "unary") visit(e.a);
    else if (e.op === "binary") {
      const second = e.name === "shl" || e.name === "shr" || e.name === "sar" ? "int" : e.a.kind;
      assert.equal(e.b.kind, second, `the operands of ${e.name}`);
      visit(e.a);
      visit(e.b);
    } else if (e.op === "select") {
      assert.equal(e.condition.kind, "bool");
      assert.equal(e.a.kind, e.b.kind, "the sides of a select");
      for (const part of [e.condition, e.a, e.b]) visit(part);
    } else if (e.op === "call") e.arguments.forEach(visit);
  };
  visit(root);
}

/** The same kernel with every loop whose order is free run from its end. */
export function reversedKernel(kernel: Kernel): Kernel {
  return { ...kernel, grid: reversedLoop(kernel.grid) };
}

function reversedLoop(s: Loop): Loop {
  const body = s.body.map(reversedStatement);
  if (s.order === "serial") return { ...s, body };
  const last = sub(s.count, int(1));
  return loop(
    s.index.name,
    s.count,
    s.order,
    (index) => [{ op: "let", local: s.index, value: sub(last, index) }, ...body],
    { accumulators: s.accumulators, vectorize: s.vectorize },
  );
}

function reversedStatement(s: Statement): Statement {
  if (s.op === "loop") return reversedLoop(s);
  if (s.op === "while") return { ...s, body: s.body.map(reversedStatement) };
  if (s.op === "if")
    return { ...s, then: s.then.map(reversedStatement), otherwise: s.otherwise.map(reversedStatement) };
  return s;
}
