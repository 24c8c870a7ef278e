/** Golden texts of shown values. */
import assert from "node:assert/strict";
import test from "node:test";
import { stripVTControlCharacters } from "node:util";
import { ndArray } from "../../compiler/core/array.ts";
import { statusCode } from "../../compiler/core/status.ts";
import type { ScalarType, Value } from "../../compiler/program.ts";
import { jsonShape, jsonValue } from "./json.ts";
import { formatDuration, formatNumber } from "./numbers.ts";
import { renderShown, renderValue } from "./values.ts";

function array(shape: readonly number[], values: readonly number[], type: ScalarType = "real"): Value {
  return {
    kind: "array",
    type,
    array: ndArray(type === "real" ? "real" : type === "bool" ? "bool" : "int", shape, values),
  };
}
const scalar = (x: number, type: ScalarType = "real") => array([], [x], type);
const named = (fields: Record<string, Value>): Value => ({
  kind: "tuple",
  names: Object.keys(fields),
  items: Object.values(fields),
});
const counting = (n: number) => Array.from({ length: n }, (_, i) => i / 8);

function shown(items: Record<string, Value>, width = 60): string {
  const list = Object.entries(items).map(([expression, value]) => ({ kind: "value" as const, expression, value }));
  return renderShown(list, { color: false, width });
}

test("numbers have six significant digits and nothing that says nothing", () => {
  const cases: [number, string][] = [
    [1 / 3, "0.333333"],
    [-1.61757, "-1.61757"],
    [12, "12"],
    [1.5e-7, "1.5e-7"],
    [1e-4, "0.0001"],
    [9.9999999e-5, "0.0001"],
    [123456.7, "123457"],
    [999999.9, "1e6"],
    [1234567.8, "1.23457e6"],
    [123456789, "123456789"],
    [1e300, "1e300"],
    [-0, "0"],
    [Number.NaN, "nan"],
    [-Infinity, "-inf"],
  ];
  for (const [x, text] of cases) assert.equal(formatNumber(x), text);
  assert.deepEqual(
    [formatDuration(0.1234), formatDuration(1234), formatDuration(125_000)],
    ["0.12 ms", "1.23 s", "2 min 5 s"],
  );
});

test("expressions of one statement are aligned", () => {
  assert.equal(
    shown({
      "best.x": array([2], [1, -0.5]),
      "best.value": scalar(0.46899),
      "best.status": scalar(statusCode("converged"), "status"),
    }),
    `best.x       [1, -0.5]
best.value   0.46899
best.status  converged`,
  );
});

test("captions are text, also between values", () => {
  const value = scalar(1);
  assert.equal(
    renderShown(
      [
        { kind: "caption", text: "first" },
        { kind: "value", expression: "a", value },
        { kind: "caption", text: "second" },
        { kind: "value", expression: "long\n  name", value },
      ],
      { color: false },
    ),
    "first\na  1\nsecond\nlong name  1",
  );
});

test("a matrix is aligned at its decimal points", () => {
  assert.equal(
    shown({ A: array([3, 3], [1, -20.5, 1e-9, 0.25, 3, 0, 100, 0.125, -1]) }),
    `A  real[3, 3]
    1     -20.5     1e-9
    0.25    3       0
  100       0.125  -1`,
  );
});

test("what is long is shortened and says its shape", () => {
  assert.equal(
    shown({ x: array([1000], counting(1000)) }, 50),
    `x  real[1000]
    0        0.125    0.25     0.375    0.5
    0.625    0.75     0.875    1        1.125
    1.25     1.375    1.5      1.625    1.75
    1.875    2        2.125    2.25     2.375
    2.5      2.625    2.75     2.875    3
    3.125    3.25     3.375    3.5      3.625
      ...  124.375  124.5    124.625  124.75
  124.875`,
  );
  const wide = shown({ A: array([40, 40], counting(1600)) }, 40);
  assert.equal(wide.split("\n").length, 1 + 8 + 1 + 3);
  for (const line of wide.split("\n")) assert.ok(line.length <= 40, line);
  assert.match(wide, /^A {2}real\[40, 40\]/);
  const batch = shown({ T: array([7, 2, 2], counting(28), "real") });
  assert.match(batch, /\[0, :, :\]\n/);
  assert.match(batch, /\.\.\. 5 more$/);
});

test("tuples are shown field by field, short ones on a line", () => {
  assert.equal(shown({ p: named({ x: array([2], [1, 2]), t: scalar(3, "int") }) }), "p  (x: [1, 2], t: 3)");
  assert.equal(
    shown({
      "fit.x": named({ W: array([2, 2], [1, 2, 3, 4]), b: array([2], [0, 0.5]), inner: named({ k: scalar(1) }) }),
    }),
    `fit.x
  W  real[2, 2]
    1  2
    3  4
  b      [0, 0.5]
  inner  (k: 1)`,
  );
  assert.equal(
    renderValue({ kind: "tuple", names: undefined, items: [scalar(1), scalar(0, "bool")] }, { color: false }),
    "(1, false)",
  );
});

test("keys, bools, statuses, and arrays of nothing", () => {
  assert.equal(renderValue(array([2], [-1, 255], "key"), { color: false }), "key(ffffffff 000000ff)");
  assert.equal(renderValue(array([2], [1, 0], "bool"), { color: false }), "[true, false]");
  assert.equal(renderValue(array([2], [1, 3], "status"), { color: false }), "[converged, diverged]");
  assert.equal(renderValue(array([0], []), { color: false }), "[]");
  assert.equal(shown({ A: array([0, 3], []) }), "A  real[0, 3]\n  []");
  assert.equal(renderValue(named({}), { color: false }), "()");
});

test("colours do not change the alignment", () => {
  const items = [{ kind: "value" as const, expression: "s", value: array([2], [1, 3], "status") }];
  const colored = renderShown(items, { color: true });
  assert.ok(colored.includes("\u001b["));
  assert.equal(stripVTControlCharacters(colored), renderShown(items, { color: false }));
});

test("json keeps every digit, the structure and the words", () => {
  const value = named({
    x: array([2, 1], [1 / 3, Number.NaN]),
    s: scalar(2, "status"),
    k: array([1, 2], [-1, 1], "key"),
    pair: { kind: "tuple", names: undefined, items: [scalar(1, "bool"), scalar(-Infinity)] },
  });
  assert.deepEqual(jsonValue(value), {
    x: [[1 / 3], ["NaN"]],
    s: "iterations",
    k: [[0xffffffff, 1]],
    pair: [true, "-Infinity"],
  });
  assert.deepEqual(jsonShape(value), { x: [2, 1], s: [], k: [1], pair: [[], []] });
});
