/** The TypeScript interface against a stand-in compiler: conversions, errors, events. */
import assert from "node:assert/strict";
import test from "node:test";
import type { BindOptions, BoundProgram, Program, RunOptions, Value } from "../compiler/program.ts";
import { DiagnosticError, errorAt } from "../compiler/syntax/diagnostic.ts";
import { parse } from "../compiler/syntax/parse.ts";
import { declare } from "./data/testing.ts";
import { BindError, RunError } from "./errors.ts";
import { bindProgram, Module } from "./module.ts";
import { answering, realValue, span } from "./script/testing.ts";
import { type Tensor, toOutput, toValue } from "./values.ts";

const program: Program = {
  file: "t.opt",
  source: parse("let a = 1\n", { file: "t.opt" }).source,
  sources: new Map([["t.opt", "let a = 1\n"]]),
  data: [declare(undefined, { shape: ["n", 2] })],
  params: [{ name: "p", span, type: "real", rank: 0 }],
};

function bound(more: Partial<BoundProgram>): BoundProgram {
  const unused = () => assert.fail();
  return answering({
    program,
    diagnostics: [],
    run: () => {},
    call: unused,
    valueAndGradient: unused,
    properties: [],
    ...more,
  });
}

test("numbers, lists, typed arrays, tensors and objects go in; the same comes out", async () => {
  let given: Readonly<Record<string, Value>> = {};
  const module = new Module(
    bound({
      call: (_, args) => {
        given = args;
        return { kind: "tuple", names: Object.keys(args), items: Object.values(args) };
      },
    }),
  );
  const out = (await module.call("f", {
    scalar: 0.5,
    count: 3,
    flag: true,
    list: [
      [1, 2.5],
      [3, 4],
    ],
    typed: Float32Array.of(1, 2),
    shaped: { data: Int32Array.of(1, 2), shape: [1, 2] },
    net: { w: [1, 2], b: 0 },
  })) as Record<string, unknown>;
  const types = Object.values(given).map((v) => (v.kind === "array" ? `${v.type}[${v.array.shape}]` : "tuple"));
  assert.deepEqual(types, ["real[]", "int[]", "bool[]", "real[2,2]", "real[2]", "int[1,2]", "tuple"]);
  assert.deepEqual([out.scalar, out.count, out.flag], [0.5, 3, true]);
  assert.deepEqual((out.list as Tensor).toArray(), [
    [1, 2.5],
    [3, 4],
  ]);
  const { w } = out.net as { w: Tensor };
  assert.deepEqual([w.shape, w.dtype, await w.data()], [[2], "int", Int32Array.of(1, 2)]);
  const again = (await module.call("f", { w })) as { w: Tensor };
  assert.deepEqual(again.w.toArray(), [1, 2]);
});

test("a disposed tensor has no numbers", async () => {
  const tensor = toOutput(realValue([2], [1, Infinity])) as Tensor;
  assert.deepEqual(tensor.toArray(), [1, Infinity]);
  const copy = await tensor.data();
  copy[0] = 9;
  assert.deepEqual(tensor.toArray(), [1, Infinity]);
  tensor[Symbol.dispose]();
  assert.throws(() => tensor.toArray(), /disposed/);
  await assert.rejects(tensor.data(), /disposed/);
});

test("what is no value is refused with its place", () => {
  const refused = (input: unknown) => {
    try {
      toValue(input as never, "x");
    } catch (error) {
      assert.ok(error instanceof TypeError);
      return error.message;
    }
    return assert.fail();
  };
  assert.match(refused([[1, 2], [3]]), /x\[1\] has 1 entries where 2 are expected/);
  assert.match(refused([1, [2]]), /x\[1\] has 1 entries/);
  assert.match(refused([[1], 2]), /x\[1\] is no list/);
  assert.match(refused({ w: ["a"] }), /x\.w\[0\] is "a", not a number/);
  assert.match(refused([true, 1]), /mixes/);
  assert.match(refused({ data: Float64Array.of(1), shape: [2] }), /x has 1 numbers/);
  assert.match(refused(undefined), /missing/);
});

test("data and params are checked against their declarations", () => {
  let given: BindOptions | undefined;
  const compiler = {
    bind: (_: Program, options: BindOptions) => {
      given = options;
      return bound({});
    },
  };
  const bind = (data: object, params: object = {}) =>
    bindProgram(compiler, program, { data: data as never, params: params as never }, { precision: "f64", seed: 1 });
  bind({ X: [[1, 2]] }, { p: 3 });
  assert.deepEqual(given?.data.X, { dtype: "real", shape: [1, 2], data: Float64Array.of(1, 2) });
  assert.deepEqual(given?.params?.p, { dtype: "real", shape: [], data: Float64Array.of(3) });
  const codeOf = (body: () => unknown) => {
    try {
      body();
    } catch (error) {
      assert.ok(error instanceof BindError, String(error));
      return error.diagnostics.map((d) => d.code).join();
    }
    return assert.fail();
  };
  assert.equal(
    codeOf(() => bind({})),
    "K0318",
  );
  assert.equal(
    codeOf(() => bind({ X: [1, 2] })),
    "K0308",
  );
  assert.equal(
    codeOf(() => bind({ X: [[1, 2, 3]] })),
    "K0309",
  );
  assert.equal(
    codeOf(() => bind({ X: [[1, Number.NaN]] }, { p: [1] })),
    "K0306,K0308",
  );
  assert.throws(
    () => bind({ X: [[1, 2]] }, { p: [[1], [2]] }),
    /`p` is a real with no axes, but the value given for it has shape \[2, 1\]\./,
  );
  assert.throws(() => bind({ X: [1, 2] }), /the value given for X: X is declared .* but the value has shape \[2\]\./);
  assert.throws(() => bind({ X: [[1, 2]], Y: 1 }), /no data named Y: it has X/);
});

const show = (options: RunOptions, x: number) =>
  options.onEvent({ kind: "show", items: [{ kind: "value", expression: "x", value: realValue([], [x]) }], span });

test("a run gives what was shown; failures and failed asserts are RunErrors", async () => {
  const events: string[] = [];
  const good = new Module(bound({ run: (options) => show(options, 1) }));
  const result = await good.run({ onEvent: (event) => events.push(event.kind) });
  assert.deepEqual(result.shown, [{ expression: "x", value: 1 }]);
  assert.deepEqual(events, ["show"]);
  const failing = new Module(
    bound({
      run: () => {
        throw new DiagnosticError(errorAt("K0501", span, "singular"));
      },
    }),
  );
  await assert.rejects(failing.run(), (error) => error instanceof RunError && error.diagnostics[0]?.code === "K0501");
  const asserting = new Module(
    bound({
      run: (options) => {
        options.onEvent({ kind: "assert", expression: "x", message: undefined, passed: false, span });
        assert.fail("the script goes on");
      },
    }),
  );
  await assert.rejects(asserting.run(), (error) => error instanceof RunError && error.diagnostics[0]?.code === "K0340");
});

test("a signal and a callback's own error stop a run, and come out as they are", async () => {
  const controller = new AbortController();
  const endless = new Module(
    bound({
      run: (options) => {
        show(options, 1);
        for (;;) options.onTick?.();
      },
    }),
  );
  await assert.rejects(endless.run({ signal: controller.signal, onEvent: () => controller.abort() }), {
    name: "AbortError",
  });
  await assert.rejects(endless.run({ signal: AbortSignal.abort() }), { name: "AbortError" });
  const mine = new RangeError("mine");
  await assert.rejects(
    endless.run({
      onEvent: () => {
        throw mine;
      },
    }),
    mine,
  );
});
