/** Checks collected into one truth value: true exactly where the graph with its checks does not fail, and the same values. */
import assert from "node:assert/strict";
import test from "node:test";
import { type NdArray, ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { CheckError, evaluate } from "../core/evaluate.ts";
import { type Atom, type Graph, realLiteral, realScalar } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { fatalStatuses, statusCode, statusNames } from "../core/status.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { greater, less } from "../primitives/comparison.ts";
import { collectChecks } from "./collect-checks.ts";
import { call } from "./control/call.ts";
import { cond } from "./control/cond.ts";
import { check, type ReportParams, reportPrimitive } from "./control/effects.ts";
import { type ScanParams, scan } from "./control/scan.ts";

const params = { code: "K0000", message: "broken", help: undefined, span: undefined };
const below = (b: Builder, x: Atom, bound: number) => check(b, less(b, x, realLiteral(bound)), [], params);

function graphOf(inputs: number, body: (b: Builder, inputs: readonly Atom[]) => readonly Atom[]): Graph {
  const b = new Builder();
  return b.close(
    "test",
    body(
      b,
      Array.from({ length: inputs }, () => b.input(realScalar)),
    ),
  ).graph;
}

/** Compares the graph with its collected form, at inputs some of which break a promise. */
function agree(graph: Graph, inputs: readonly (readonly NdArray[])[]): void {
  const collected = collectChecks(graph);
  const seen = new Set<boolean>();
  for (const operands of inputs) {
    let expected: readonly NdArray[] | undefined;
    try {
      expected = evaluate(graph, operands);
    } catch (error) {
      assert.ok(error instanceof CheckError, String(error));
    }
    const results = evaluate(collected, operands);
    const at = operands.map((x) => [...x.data].join(" ")).join(", ");
    assert.equal(results.at(-1)!.data[0] === 1, expected !== undefined, `at ${at}`);
    expected?.forEach((x, i) => {
      assert.deepEqual([...results[i]!.data], [...x.data], `value ${i} at ${at}`);
    });
    seen.add(expected !== undefined);
  }
  assert.equal(seen.size, 2, "some promises hold, some are broken");
}

const scalar = (x: number) => ndArray("real", [], [x]);
const grid = [-1, 0.5, 1.5, 2.5, 3.5];

test("several promises in a row: all of them count", () => {
  const graph = graphOf(2, (b, [x, y]) => {
    below(b, x!, 2);
    below(b, y!, 1);
    below(b, add(b, x!, y!), 2.5);
    return [mul(b, x!, y!)];
  });
  agree(
    graph,
    grid.flatMap((x) => grid.map((y) => [scalar(x), scalar(y)])),
  );
});

test("promises on arrays hold for every entry", () => {
  const b = new Builder();
  const x = b.input({ dtype: "real", shape: [3] });
  check(b, less(b, x, realLiteral(2)), [], params);
  const graph = b.close("test", [x]).graph;
  agree(graph, [
    [ndArray("real", [3], [0, 1, 1.5])],
    [ndArray("real", [3], [0, 3, 0])],
    [ndArray("real", [3], [0, 0, 2])],
  ]);
});

test("only the branch that is taken makes promises", () => {
  const branch = (bound: number, factor: number) =>
    graphOf(1, (b, [x]) => {
      below(b, x!, bound);
      return [mul(b, x!, realLiteral(factor))];
    });
  const graph = graphOf(2, (b, [x, y]) => [
    ...cond(b, greater(b, y!, realLiteral(0)), branch(1, 2), branch(3, 5), [x!]),
  ]);
  agree(
    graph,
    grid.flatMap((x) => grid.map((y) => [scalar(x), scalar(y)])),
  );
});

test("promises of what is called, and of what calls", () => {
  const inner = graphOf(1, (b, [x]) => {
    below(b, x!, 2);
    return [mul(b, x!, x!)];
  });
  const graph = graphOf(2, (b, [x, y]) => {
    below(b, y!, 3);
    return [add(b, call(b, inner, [x!], false)[0]!, y!)];
  });
  agree(
    graph,
    grid.flatMap((x) => grid.map((y) => [scalar(x), scalar(y)])),
  );
});

/** s_(t+1) = s_t a + x_t, with s below `bound` at every step; stacks s. */
function loop(condition: Graph | undefined, reverse = false): Graph {
  const body = new Builder();
  const [factor, s, total, x] = [0, 1, 2, 3].map(() => body.input(realScalar)) as [Atom, Atom, Atom, Atom];
  below(body, s, 3);
  const next = add(body, mul(body, s, factor), x);
  const step = body.close("step", [next, add(body, total, next), s]).graph;
  const b = new Builder();
  const [start, a] = [b.input(realScalar), b.input(realScalar)];
  const xs = b.input({ dtype: "real", shape: [4] });
  const parameters: ScanParams = {
    body: step,
    condition,
    length: 4,
    constants: 1,
    carry: 2,
    stacked: 1,
    reverse,
    counted: false,
  };
  return b.close("loop", [...scan(b, [a, start, realLiteral(10), xs], parameters)]).graph;
}

const xs = [
  ndArray("real", [4], [0.1, 0.2, -0.3, 0.4]),
  ndArray("real", [4], [0, 0, 5, 0]),
  ndArray("real", [4], [0, 0, 0, 9]),
];
const starts = [-1, 0.5, 2.9, 3.5].flatMap((s) =>
  [0.5, 1, 1.2].flatMap((a) => xs.map((x) => [scalar(s), scalar(a), x])),
);

test("a loop's promises hold in every step; its constants, sums and stacks stay what they were", () => {
  agree(loop(undefined), starts);
  agree(loop(undefined, true), starts);
});

test("a loop that stops early makes no promises after that, but its condition does", () => {
  const condition = new Builder();
  const [, s, total] = [0, 1, 2, 3].map(() => condition.input(realScalar)) as [Atom, Atom, Atom, Atom];
  below(condition, total, 13);
  const go = condition.close("go", [less(condition, s, realLiteral(2.5))]).graph;
  agree(loop(go), starts);
});

test("a graph without promises keeps them all", () => {
  const graph = graphOf(1, (b, [x]) => [mul(b, x!, x!)]);
  const [value, ok] = evaluate(collectChecks(graph), [scalar(3)]);
  assert.deepEqual([value!.data[0], ok!.data[0]], [9, 1]);
});

test("each ending that would stop a script rejects a trial, in one lane as in all, unless the status is read", () => {
  const collected = (lanes: number, statusRead: boolean, role: "solve" | "adjoint") => {
    const b = new Builder();
    const shape = lanes === 0 ? [] : [lanes];
    const status = b.input({ dtype: "int", shape });
    const [iterations, error] = [b.input({ dtype: "int", shape }), b.input({ dtype: "real", shape })];
    const report: ReportParams = {
      expression: "s",
      span: undefined,
      watched: { statusRead },
      trial: false,
      quiet: false,
      role,
    };
    b.emit(reportPrimitive as Primitive, [status, iterations, error], report);
    return collectChecks(b.close("test", []).graph);
  };
  const zeros = (shape: readonly number[], dtype: "int" | "real") =>
    ndArray(dtype, shape, new Array<number>(shape[0] ?? 1).fill(0));
  for (const name of statusNames) {
    const fatal = fatalStatuses.includes(name);
    for (const lanes of [0, 3]) {
      const shape = lanes === 0 ? [] : [lanes];
      const codes = Array.from({ length: lanes || 1 }, (_, i) =>
        i === (lanes || 1) - 1 ? statusCode(name) : statusCode("converged"),
      );
      const operands = [ndArray("int", shape, codes), zeros(shape, "int"), zeros(shape, "real")];
      const okOf = (graph: Graph) => evaluate(graph, operands).at(-1)!.data[0];
      assert.equal(okOf(collected(lanes, false, "solve")), fatal ? 0 : 1, `${name}, ${lanes} lanes`);
      assert.equal(okOf(collected(lanes, true, "solve")), 1, `${name}, read`);
      assert.equal(okOf(collected(lanes, false, "adjoint")), 1, `${name}, of a derivative`);
    }
  }
});
