/** Loops, branches, calls, checks and reports as graphs, shared by the tests of plans and of back ends. */
import { ndArray } from "../core/array.ts";
import { Builder } from "../core/builder.ts";
import { type ArrayType, type Atom, type Graph, intLiteral, realLiteral } from "../core/graph.ts";
import type { Primitive } from "../core/primitive.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { greater, less } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { exp, sin } from "../primitives/math.ts";
import { reduceSum } from "../primitives/reduce-sum.ts";
import { select } from "../primitives/select.ts";
import { reshape, reverse } from "../primitives/shape.ts";
import { type Build, traceFunction } from "../primitives/testing.ts";
import { call } from "../transform/control/call.ts";
import { cond } from "../transform/control/cond.ts";
import { check, reportPrimitive } from "../transform/control/effects.ts";
import { type ScanParams, scan } from "../transform/control/scan.ts";
import { randomArray } from "./testing-comparison.ts";
import type { Runnable } from "./testing-graphs.ts";

const realType = (...shape: number[]): ArrayType => ({ dtype: "real", shape });
const intType: ArrayType = { dtype: "int", shape: [] };

/** A closed graph of operands of these types. */
function closed(name: string, types: readonly ArrayType[], body: Build): Graph {
  const b = new Builder();
  const inputs = types.map((t) => b.input(t));
  return b.close(name, body(b, inputs)).graph;
}

const runnable = (name: string, operands: Runnable["operands"], build: Build): Runnable => ({
  name,
  operands,
  graph: traceFunction(build, operands),
});

const int = (value: number) => ndArray("int", [], [value]);
const real = (value: number) => ndArray("real", [], [value]);

const plain = { condition: undefined, constants: 1, carry: 2, stacked: 1, reverse: false, counted: false } as const;

/** Two states that change places and a row that is added: s, t -> t + c, s * row; stacks s and twice the row. */
const swap = closed("swap", [realType(), realType(3), realType(3), realType(3)], (b, [c, s, t, row]) => [
  add(b, t!, c!),
  mul(b, s!, row!),
  reduceSum(b, s!, [0]),
  add(b, row!, row!),
]);
const small = closed("small", [realType(), realType(3), realType(3), realType(3)], (b, [, s, t]) => [
  less(b, add(b, reduceSum(b, s!, [0]), reduceSum(b, t!, [0])), realLiteral(1)),
]);

function swapping(name: string, params: Partial<ScanParams>, count?: number, length = 5): Runnable {
  const operands = [
    ...(count === undefined ? [] : [int(count)]),
    real(0.3),
    randomArray([3], 1),
    randomArray([3], 2),
    randomArray([length, 3], 3),
  ];
  return runnable(name, operands, (b, atoms) =>
    scan(b, atoms, { body: swap, length, ...plain, counted: count !== undefined, ...params }),
  );
}

const doubling = closed("double", [realType(), realType(), intType], (b, [c, x, n]) => [
  add(b, mul(b, x!, realLiteral(1.7)), c!),
  add(b, n!, intLiteral(1)),
]);
const below = closed("below", [realType(), realType(), intType], (b, [, x]) => [less(b, x!, realLiteral(100))]);

/** A branch inside a loop inside a branch. */
const nested: Build = (b, [p, x]) => {
  const halve = closed("halve", [realType(4)], (c, [v]) => [mul(c, v!, realLiteral(0.5))]);
  const turn = closed("turn", [realType(4)], (c, [v]) => [reverse(c, sin(c, v!), [0])]);
  const step = closed("step", [realType(4), realType()], (c, [v, at]) => [
    ...cond(c, greater(c, at!, realLiteral(0)), halve, turn, [v!]),
    reduceSum(c, v!, [0]),
  ]);
  const looped = closed("looped", [realType(4), realType(4)], (c, [v, w]) =>
    scan(c, [v!, w!], { ...plain, body: step, length: 4, constants: 0, carry: 1 }),
  );
  const still = closed("still", [realType(4), realType(4)], (_c, [v, w]) => [w!, v!, intLiteral(0)]);
  return cond(b, greater(b, p!, realLiteral(0)), looped, still, [x!, exp(b, x!)]);
};

const checked: Build = (b, [x, y]) => {
  check(b, less(b, x!, realLiteral(2)), [x!, add(b, mul(b, x!, x!), y!), y!], {
    code: "K0401",
    message: "{0} squared is {1}, with {2}",
    help: undefined,
    span: undefined,
  });
  return [reduceSum(b, x!, [0])];
};

const reported: Build = (b, [statuses, x]) => {
  const error = reshape(b, x!, [3]);
  b.emit(reportPrimitive as Primitive, [statuses!, convert(b, mul(b, error, realLiteral(100)), "int"), error], {
    expression: "solve",
    span: undefined,
    watched: { statusRead: true },
    trial: false,
    quiet: true,
  });
  return [select(b, greater(b, statuses!, intLiteral(0)), error, realLiteral(0))];
};

const shared = closed("shared", [realType(3)], (b, [x]) => [sin(b, x!), reduceSum(b, x!, [0])]);

export const controlCases: readonly Runnable[] = [
  swapping("a loop with stacked operands and results", {}),
  swapping("a loop from the last slice", { reverse: true }),
  swapping("a loop with a condition", { condition: small }),
  swapping("a loop with a condition from the last slice", { condition: small, reverse: true }),
  swapping("a loop over no slices", {}, undefined, 0),
  swapping("a loop over one slice", {}, undefined, 1),
  ...[-1, 0, 1, 2, 3, 5, 9].map((n) => swapping(`a loop counted to ${n}`, {}, n)),
  ...[0, 3, 9].map((n) => swapping(`a loop counted to ${n}, from its end`, { reverse: true }, n)),
  ...[2, 4].map((n) => swapping(`a loop counted to ${n} with a condition`, { condition: small }, n)),
  ...[1, 1000].map((start) =>
    runnable(`a loop without a length from ${start}`, [real(0.5), real(start), int(3)], (b, atoms) =>
      scan(b, atoms, { ...plain, body: doubling, condition: below, length: undefined, stacked: 0 }),
    ),
  ),
  runnable(
    "a loop whose states begin as one array",
    [real(0.1), randomArray([3], 5), randomArray([4, 3], 6)],
    (b, atoms) => scan(b, [atoms[0]!, atoms[1]!, atoms[1]!, atoms[2]!], { ...plain, body: swap, length: 4 }),
  ),
  runnable("a loop whose operands are literals", [randomArray([2], 7)], (b, [x]) =>
    scan(b, [realLiteral(0.25), realLiteral(1), intLiteral(-2), x!], {
      ...plain,
      body: closed("literal", [realType(), realType(), intType, realType()], (c, [k, s, n, row]) => [
        sub(c, mul(c, s!, row!), k!),
        intLiteral(7),
        n!,
        realLiteral(2.5),
      ]),
      length: 2,
    }),
  ),
  ...[-1, 1].map((p) => runnable(`branches and loops in each other, ${p}`, [real(p), randomArray([4], 8)], nested)),
  runnable("a function called twice", [randomArray([3], 9)], (b, [x]) => {
    const [y, s] = call(b, shared, [x!], true) as [Atom, Atom];
    return [...call(b, shared, [y], true), s];
  }),
  runnable("a check that holds", [ndArray("real", [3], [1, 0.5, 1.5]), real(3)], checked),
  runnable("a check that fails tells of the first place", [ndArray("real", [4], [1, 2.5, 0.5, 3.5]), real(3)], checked),
  runnable(
    "a check that fails with numbers that are none",
    [ndArray("real", [2], [1, Number.NaN]), real(0.25)],
    checked,
  ),
  runnable("a check of nothing holds", [ndArray("real", [0], []), real(3)], checked),
  runnable(
    "reports of lanes, but for those not asked",
    [ndArray("int", [3], [1, -1, 0]), randomArray([3, 1], 10)],
    reported,
  ),
];
