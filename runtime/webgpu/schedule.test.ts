/** What is encoded next: from where the program is, as far as its history tells. */
import assert from "node:assert/strict";
import test from "node:test";
import { Builder } from "../../compiler/core/builder.ts";
import { type Graph, realLiteral, realScalar } from "../../compiler/core/graph.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import { add, mul } from "../../compiler/primitives/arithmetic.ts";
import { greater, less } from "../../compiler/primitives/comparison.ts";
import { exp, sin } from "../../compiler/primitives/math.ts";
import { branchWords, header, loopWords } from "../../compiler/target/wgsl/control.ts";
import { flattenPlan } from "../../compiler/target/wgsl/flatten-plan.ts";
import { softwarePolicy } from "../../compiler/target/wgsl/policy.ts";
import { firstBlock, lastBlock } from "../../compiler/target/wgsl/program.ts";
import { cond } from "../../compiler/transform/control/cond.ts";
import { scan } from "../../compiler/transform/control/scan.ts";
import { History } from "./history.ts";
import { scheduleTurns, type Turn } from "./schedule.ts";

const closed = (
  name: string,
  build: (b: Builder, x: ReturnType<Builder["input"]>) => ReturnType<typeof add>,
): Graph => {
  const b = new Builder();
  return b.close(name, [build(b, b.input(realScalar))]).graph;
};
const whileBelow = (limit: number) => closed("below", (b, x) => less(b, x, realLiteral(limit)));
const loop = (b: Builder, body: Graph, limit: number, x: ReturnType<typeof add>) =>
  scan(b, [x], {
    ...{ body, condition: whileBelow(limit), length: 1000 },
    ...{ constants: 0, carry: 1, stacked: 0, reverse: false, counted: false },
  })[0]!;

/** A loop, in each step of which a branch is taken and a loop gone round. */
function nested() {
  const double = closed("double", (b, x) => add(b, x, x));
  const longWay = closed("long", (b, x) => {
    let y = sin(b, x);
    for (let i = 0; i < 12; i++)
      y = loop(
        b,
        closed("grow", (c, v) => mul(c, exp(c, v), realLiteral(2 + i))),
        2 + i,
        y,
      );
    return y;
  });
  const step = closed("step", (b, x) => {
    const [y] = cond(b, greater(b, x, realLiteral(0)), double, longWay, [x]);
    return add(b, loop(b, double, 50, y!), x);
  });
  const b = new Builder();
  const graph = b.close("nested", [loop(b, step, 1e6, b.input(realScalar))]).graph;
  return flattenPlan(buildPlan(graph, { precision: "f32", style: "invocations" }), softwarePolicy);
}

const program = nested();
const branch = program.branches[0]!;
const inner = program.loops.at(-1)!;
const blockOf = (turn: Turn): number => (turn.kind === "block" ? turn.block : -1);
const blocksFrom = (state: Uint32Array, budget: number, history = new History(program)): number[] =>
  scheduleTurns(program, state, budget, () => false, history).turns.map(blockOf);

function stateAt(counter: number, words: Readonly<Record<number, number>> = {}): Uint32Array {
  const state = program.state.slice();
  state[header.counter] = counter;
  for (const [place, value] of Object.entries(words)) state[Number(place)] = value;
  return state;
}

/** The branch went the short way each time, and the inner loop took three steps each time. */
const learnt = (counter: number, taken = 0) =>
  stateAt(counter, {
    [branch.row + branchWords.then]: 100,
    [inner.row + loopWords.entered]: 101,
    [inner.row + loopWords.iterations]: 300 + taken,
    [inner.row + loopWords.taken]: taken,
  });

test("the block whose turn it is comes first, wherever that is, however small the budget", () => {
  for (let block = 0; block < program.blocks.length; block++)
    for (const budget of [1, 50]) assert.equal(blocksFrom(stateAt(block), budget)[0], block, `block ${block}`);
});

test("about as many dispatches are encoded as there may be", () => {
  const most = Math.max(...program.blocks.map((b) => b.commands.length + b.tail.length));
  for (const budget of [1, 10, 100, 1000]) {
    const { dispatches } = scheduleTurns(program, stateAt(0), budget, () => false, new History(program));
    assert.ok(dispatches >= budget && dispatches <= budget + most, `${dispatches} of ${budget}`);
  }
});

test("a loop goes round as often as it did before, then what comes after it is encoded", () => {
  const head = firstBlock(inner);
  const rounds = (state: Uint32Array): number => {
    const blocks = blocksFrom(state, 100);
    const end = blocks.findIndex((b) => b > lastBlock(inner));
    assert.ok(end > 0, `${blocks}`);
    return blocks.slice(0, end).filter((b) => b === head).length;
  };
  assert.deepEqual(
    [0, 1, 2].map((taken) => rounds(learnt(head, taken))),
    [4, 3, 2],
  );
  // Longer than ever: some more.
  assert.equal(rounds(learnt(head, 10)), 6);
});

test("the way of a branch that is never taken is left out, unless the program is in it", () => {
  const isInLongWay = (b: number) => branch.otherwise.first <= b && b <= branch.otherwise.last;
  const before = branch.then.first - 1;
  assert.ok(blocksFrom(stateAt(before), 1000).some(isInLongWay));
  assert.ok(!blocksFrom(learnt(before), 1000).some(isInLongWay));
  const inside = blocksFrom(learnt(branch.otherwise.first), 20);
  assert.ok(inside.every(isInLongWay), `${inside}`);
});

test("what happened in runs that are over counts too", () => {
  const history = new History(program);
  history.keep(learnt(0));
  const isInLongWay = (b: number) => branch.otherwise.first <= b && b <= branch.otherwise.last;
  assert.ok(!blocksFrom(stateAt(branch.then.first - 1), 1000, history).some(isInLongWay));
});
