/** The elementary functions against true values, in both precisions, with their special cases. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Expression, Precision } from "../ir.ts";
import { randomNumbers } from "../testing-comparison.ts";
import { functionErrors } from "./errors.ts";
import * as functions from "./index.ts";
import { type CompiledFunction, compileFunction } from "./testing.ts";
import * as reference from "./testing-reference.ts";

/** Numbers from -1 to 1. */
type Random = () => number;
type Sampler = (random: Random, precision: Precision) => number;

const pick = (random: Random, list: readonly Sampler[]): Sampler =>
  list[Math.floor((random() + 1) * 0.49999 * list.length)]!;
const mixed =
  (...list: readonly Sampler[]): Sampler =>
  (random, precision) =>
    pick(random, list)(random, precision);
const between =
  (low: number, high: number): Sampler =>
  (random) =>
    low + ((high - low) * (random() + 1)) / 2;
/** Positive, of any size from 10^low to 10^high. */
const sized =
  (low: number, high: number): Sampler =>
  (random, precision) =>
    10 ** between(low, high)(random, precision);
const signed =
  (sampler: Sampler): Sampler =>
  (random, precision) =>
    Math.sign(random()) * sampler(random, precision);
const perPrecision =
  (f64: Sampler, f32: Sampler): Sampler =>
  (random, precision) =>
    (precision === "f64" ? f64 : f32)(random, precision);

const angles = mixed(
  between(-10, 10),
  signed(sized(-9, 1)),
  signed(perPrecision(sized(1, 15), sized(1, 7))),
  // Multiples of a quarter turn, where the reduction cancels most.
  (random, precision) => Math.round(signed(perPrecision(sized(0, 15), sized(0, 7)))(random, precision)) * (Math.PI / 2),
);

const unary = {
  exp: mixed(between(-3, 3), perPrecision(between(-746, 709.7), between(-104, 88.7))),
  expm1: mixed(signed(sized(-20, 1)), perPrecision(between(-40, 709.7), between(-20, 88.7))),
  log: mixed(between(0.4, 2.5), sized(-38, 38), perPrecision(sized(-323, 308), sized(-44, 38))),
  log1p: mixed(signed(sized(-20, -0.01)), sized(-10, 30), between(-0.999, 1)),
  sin: angles,
  cos: angles,
  tan: angles,
  asin: mixed(between(-1, 1), signed(sized(-9, 0))),
  acos: mixed(between(-1, 1), signed(sized(-9, 0))),
  atan: mixed(between(-4, 4), signed(sized(-9, 9))),
  sinh: mixed(between(-3, 3), signed(perPrecision(sized(-9, 2.851), sized(-9, 1.949)))),
  cosh: mixed(between(-3, 3), signed(perPrecision(sized(-9, 2.851), sized(-9, 1.949)))),
  tanh: mixed(between(-2, 2), signed(sized(-9, 1.4))),
  asinh: mixed(between(-3, 3), signed(sized(-9, 30))),
  acosh: mixed(between(1, 3), (random, p) => 1 + sized(-6, 20)(random, p)),
  atanh: mixed(between(-1, 1), signed(sized(-9, 0))),
  sigmoid: mixed(between(-5, 5), signed(perPrecision(sized(-5, 2.85), sized(-5, 1.94)))),
  softplus: mixed(between(-5, 5), signed(perPrecision(sized(-5, 2.85), sized(-5, 1.94)))),
} as const satisfies Readonly<Record<string, Sampler>>;

const binary = {
  pow: [sized(-3, 3), mixed(between(-3, 3), perPrecision(signed(sized(-2, 2)), signed(sized(-2, 1.1))))],
  atan2: [signed(sized(-6, 6)), signed(sized(-6, 6))],
  hypot: [mixed(between(-2, 2), signed(sized(-38, 38))), mixed(between(-2, 2), signed(sized(-38, 38)))],
} as const satisfies Readonly<Record<string, readonly Sampler[]>>;

type UnaryName = keyof typeof unary;
type BinaryName = keyof typeof binary;
const precisions = ["f64", "f32"] as const;
const roundTo = (precision: Precision) => (precision === "f64" ? (x: number) => x : Math.fround);

/** In f32 the functions in f64 are as good as true, and many more arguments can be tried. */
const inDoubles: Partial<Record<UnaryName | BinaryName, (...x: number[]) => number>> = {
  ...Object.fromEntries([...Object.keys(unary), ...Object.keys(binary)].map((n) => [n, Math[n as "exp"]])),
  sigmoid: (x) => (x! >= 0 ? 1 / (1 + Math.exp(-x!)) : Math.exp(x!) / (1 + Math.exp(x!))),
  softplus: (x) => Math.max(x!, 0) + Math.log1p(Math.exp(-Math.abs(x!))),
  pow: (x, y) => (x === 1 || (x === -1 && Math.abs(y!) === Number.POSITIVE_INFINITY) ? 1 : x! ** y!),
};

const ours = { ...functions };
const truths = { ...reference };

function compiled(name: UnaryName | BinaryName, precision: Precision): CompiledFunction {
  if (name in unary) return compileFunction((x) => ours[name as UnaryName](x, precision), precision);
  const f = ours[name as BinaryName] as (x: Expression, y: Expression, precision: Precision) => Expression;
  return compileFunction((x, y) => f(x, y, precision), precision, ["real", "real"]);
}

/** The largest error in units of the last place, and where it was found. */
function worst(name: UnaryName | BinaryName, precision: Precision, samplers: readonly Sampler[]): [number, string] {
  const f = compiled(name, precision);
  const random = randomNumbers(name.length + 41);
  const round = roundTo(precision);
  let [error, where] = [0, ""];
  for (let i = 0; i < (precision === "f64" ? 1200 : 40_000); i++) {
    const arguments_ = samplers.map((s) => round(s(random, precision)));
    const found = f(...arguments_);
    let off: number;
    if (precision === "f64") {
      const exact = (truths[name] as (...x: reference.Big[]) => reference.Big)(...arguments_.map(reference.big));
      off = reference.errorInUnits(found, exact, precision);
    } else {
      const expected = inDoubles[name]!(...arguments_);
      if (Object.is(found, Math.fround(expected))) continue;
      off = Math.abs(found - expected) / reference.unitOf(expected, precision);
    }
    if (!(off <= error)) [error, where] = [off, `${name}(${arguments_.join(", ")}) is ${found}`];
  }
  return [error, where];
}

for (const precision of precisions)
  test(`elementary functions are as exact as stated in ${precision}`, (t) => {
    const samplers = { ...Object.fromEntries(Object.entries(unary).map(([n, s]) => [n, [s]])), ...binary };
    for (const [name, list] of Object.entries(samplers)) {
      const [error, where] = worst(name as UnaryName, precision, list);
      t.diagnostic(`${name}: ${error.toFixed(2)}`);
      assert.ok(error <= functionErrors[name as UnaryName][precision], `${error.toFixed(2)} units: ${where}`);
    }
  });

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const special = [
  0,
  1,
  0.5,
  2,
  3,
  infinity,
  nan,
  5e-324,
  1e-310,
  1e-45,
  1e-40,
  2 ** -126,
  1e38,
  1e300,
  88.8,
  104,
  710,
  746,
];
const bothSigns = special.flatMap((x) => [x, -x]);

function assertSpecial(what: string, found: number, expected: number, bound: number, precision: Precision): void {
  if (Object.is(found, expected)) return;
  const off = Math.abs(found - expected) / reference.unitOf(expected, precision);
  // Math itself may be off by one unit.
  assert.ok(off <= bound + 1 && found !== 0 && expected !== 0, `${what} is ${found}, not ${expected}`);
}

for (const precision of precisions)
  test(`zeros, infinities, NaN and the ends of the range in ${precision}`, () => {
    const round = roundTo(precision);
    const values = bothSigns.map(round);
    for (const name of Object.keys(unary) as UnaryName[]) {
      const f = compiled(name, precision);
      for (const x of values) {
        const expected = round(inDoubles[name]!(x));
        assertSpecial(`${name}(${x})`, f(x), expected, functionErrors[name][precision], precision);
      }
    }
    for (const name of Object.keys(binary) as BinaryName[]) {
      const f = compiled(name, precision);
      for (const x of values)
        for (const y of values) {
          const expected = round(inDoubles[name]!(x, y));
          assertSpecial(`${name}(${x}, ${y})`, f(x, y), expected, functionErrors[name][precision] + 1, precision);
        }
    }
  });

test("subnormal results of exp and pow are rounded once", () => {
  const f = compiled("exp", "f32");
  for (let x = -104; x < -87; x += 0.0037) {
    const at = Math.fround(x);
    assert.ok(Math.abs(f(at) - Math.exp(at)) <= 0.75 * 2 ** -149 + 2 ** -24 * Math.exp(at) * 2, `exp(${at})`);
  }
  const g = compiled("exp", "f64");
  for (let x = -745.1; x < -708; x += 0.037) {
    const off = reference.errorInUnits(g(x), reference.exp(reference.big(x)), "f64");
    assert.ok(off <= 1, `exp(${x}) is off by ${off}`);
  }
  const p = compiled("pow", "f64");
  for (let y = -1074; y <= 1023; y++) assert.equal(p(2, y), 2 ** y);
});

test("every multiple of pi/2 in f32, and its neighbours", () => {
  const grid = new Float32Array(1);
  const place = new Int32Array(grid.buffer);
  for (const name of ["sin", "cos"] as const) {
    const f = compiled(name, "f32");
    for (let n = 1; n * (Math.PI / 2) < 2 ** 20; n++) {
      grid[0] = n * (Math.PI / 2);
      place[0]! += (n % 3) - 1;
      const exact = Math[name](grid[0]!);
      const off = Math.abs(f(grid[0]!) - exact) / reference.unitOf(exact, "f32");
      assert.ok(off <= functionErrors[name].f32, `${name}(${grid[0]}) is off by ${off}`);
    }
  }
});

test("whole powers: exact where the products are, bases below 0 included", () => {
  const f = compileFunction((x) => functions.integerPower(x, 5, "f64"), "f64");
  const g = compileFunction((x) => functions.integerPower(x, -3, "f64"), "f64");
  for (let x = -50; x <= 50; x++) {
    assert.equal(f(x), x ** 5);
    if (x !== 0) assert.ok(Math.abs(g(x) * x ** 3 - 1) <= 2 ** -51);
  }
  for (const n of [-1, 2, 3, 4])
    assert.equal(compileFunction((x) => functions.integerPower(x, n, "f64"), "f64")(-2), (-2) ** n);
});
