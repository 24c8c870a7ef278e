/** Property-test cases of the elementwise primitives. */
import type { Atom } from "../core/graph.ts";
import { boolLiteral, realLiteral } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import * as bits from "./bits.ts";
import * as comparison from "./comparison.ts";
import { convert } from "./convert.ts";
import { toldIfRead } from "./if-read.ts";
import * as math from "./math.ts";
import * as rounding from "./rounding.ts";
import { select } from "./select.ts";
import { bools, elementwiseOperands, ints, type PrimitiveCase, type RealOptions, reals } from "./testing.ts";

type Unary = (b: Emitter, x: Atom) => Atom;
type Binary = (b: Emitter, x: Atom, y: Atom) => Atom;
type Options = RealOptions & Pick<PrimitiveCase, "tolerance" | "single" | "order">;

const realsOf =
  (options: RealOptions = {}) =>
  (shape: readonly number[]) =>
    reals(shape, options);
const intsOf = (min: number, max: number) => (shape: readonly number[]) => ints(shape, min, max);

function unary(name: string, f: Unary, options: Options = {}): PrimitiveCase {
  const { tolerance, single, order, ...range } = options;
  return {
    name,
    operands: elementwiseOperands([realsOf(range)]),
    build: (b, [x]) => [f(b, x!)],
    differentiable: [true],
    ...(tolerance !== undefined && { tolerance }),
    ...(single !== undefined && { single }),
    ...(order !== undefined && { order }),
  };
}

function binary(name: string, f: Binary, first: RealOptions = {}, second: RealOptions = first): PrimitiveCase {
  return {
    name,
    operands: elementwiseOperands([realsOf(first), realsOf(second)]),
    build: (b, [x, y]) => [f(b, x!, y!)],
    differentiable: [true, true],
  };
}

/** No derivative: values, shapes and batching only. */
function discrete(name: string, makers: Parameters<typeof elementwiseOperands>[0], f: Binary): PrimitiveCase {
  return {
    name,
    operands: elementwiseOperands(makers),
    build: (b, [x, y]) => [f(b, x!, y!)],
    differentiable: [],
    single: false,
  };
}

const positive = { min: 0.25, max: 3 };
const anyReal = realsOf();
const anyInt = intsOf(-9, 9);
const anyWord = intsOf(-(2 ** 31), 2 ** 31 - 1);

const comparisons: readonly (readonly [string, Binary])[] = [
  ["equal", comparison.equal],
  ["notEqual", comparison.notEqual],
  ["less", comparison.less],
  ["lessEqual", comparison.lessEqual],
  ["greater", comparison.greater],
  ["greaterEqual", comparison.greaterEqual],
];

export const elementwiseCases: readonly PrimitiveCase[] = [
  unary("neg", neg),
  binary("add", add),
  binary("sub", sub),
  binary("mul", mul),
  binary("div", div, {}, { min: 0.5, max: 2 }),
  discrete("add of ints", [anyInt, anyInt], add),
  discrete("sub of ints", [anyInt, anyInt], sub),
  discrete("mul of ints", [anyInt, anyInt], mul),

  unary("exp", math.exp),
  unary("expm1", math.expm1),
  unary("log", math.log, positive),
  unary("log1p", math.log1p, { min: -0.75, max: 3 }),
  unary("sqrt", math.sqrt, positive),
  unary("sin", math.sin),
  unary("cos", math.cos),
  unary("tan", math.tan, { min: -1, max: 1 }),
  unary("asin", math.asin, { min: -0.75, max: 0.75 }),
  unary("acos", math.acos, { min: -0.75, max: 0.75 }),
  unary("atan", math.atan),
  unary("sinh", math.sinh),
  unary("cosh", math.cosh),
  unary("tanh", math.tanh),
  unary("asinh", math.asinh),
  unary("acosh", math.acosh, { min: 1.5, max: 4 }),
  unary("atanh", math.atanh, { min: -0.75, max: 0.75 }),
  unary("erf", math.erf),
  unary("erfc", math.erfc),
  unary("erfinv", math.erfinv, { min: -0.75, max: 0.75 }),
  unary("lgamma", math.lgamma, { min: 0.5, max: 5 }),
  unary("lgamma below 0", math.lgamma, { min: -0.875, max: -0.125 }),
  unary("digamma", math.digamma, { min: 0.5, max: 5 }),
  unary("digamma below 0", math.digamma, { min: -0.75, max: -0.25 }),
  unary("polygamma 2", (b, x) => math.polygamma(b, 2, x), { min: 1, max: 5 }),
  unary("polygamma 1 below 0", (b, x) => math.polygamma(b, 1, x), { min: -0.75, max: -0.25 }),
  unary("sigmoid", math.sigmoid, { min: -5, max: 5 }),
  unary("softplus", math.softplus, { min: -5, max: 5 }),
  unary("relu", math.relu, { avoid: [0] }),
  unary("gelu", math.gelu),
  unary("third power", (b, x) => math.integerPower(b, x, 3)),
  unary("square", (b, x) => math.pow(b, x, realLiteral(2))),
  unary("power -2", (b, x) => math.integerPower(b, x, -2), positive),
  unary("power 7", (b, x) => math.integerPower(b, x, 7)),
  unary("power 2.5", (b, x) => math.pow(b, x, realLiteral(2.5)), positive),
  binary("pow", math.pow, positive, {}),
  binary("atan2", math.atan2, { min: 0.5, max: 2 }, {}),
  binary("hypot", math.hypot, { min: 0.5, max: 2 }, {}),

  unary("abs", rounding.abs, { avoid: [0] }),
  unary("sign", rounding.sign, { avoid: [0] }),
  unary("floor", rounding.floor, { min: -0.875, max: -0.125 }),
  unary("ceil", rounding.ceil, { min: 0.125, max: 0.875 }),
  unary("round", rounding.round, { min: 0.625, max: 1.375 }),
  binary("maximum", rounding.maximum, { min: 1, max: 2 }, { min: 0, max: 0.75 }),
  binary("minimum", rounding.minimum, { min: 1, max: 2 }, { min: 0, max: 0.75 }),
  binary("divFloor", rounding.divFloor, { min: 2.25, max: 2.75 }, { min: 0.9375, max: 1.0625 }),
  binary("modFloor", rounding.modFloor, { min: 2.25, max: 2.75 }, { min: 0.9375, max: 1.0625 }),
  discrete("maximum of ints", [anyInt, anyInt], rounding.maximum),
  discrete("minimum of ints", [anyInt, anyInt], rounding.minimum),
  discrete("divFloor of ints", [anyInt, anyInt], rounding.divFloor),
  discrete("modFloor of ints", [anyInt, anyInt], rounding.modFloor),
  {
    name: "clamp",
    operands: elementwiseOperands([
      realsOf({ avoid: [-1, 1] }),
      realsOf({ min: -1.0625, max: -0.9375 }),
      realsOf({ min: 0.9375, max: 1.0625 }),
    ]),
    build: (b, [x, lo, hi]) => [rounding.clamp(b, x!, lo!, hi!)],
    differentiable: [true, true, true],
  },
  {
    name: "select",
    operands: elementwiseOperands([bools, anyReal, anyReal]),
    build: (b, [c, x, y]) => [select(b, c!, x!, y!)],
    differentiable: [false, true, true],
  },
  {
    name: "select of ints",
    operands: elementwiseOperands([bools, anyInt, anyInt]),
    build: (b, [c, x, y]) => [select(b, c!, x!, y!)],
    differentiable: [],
  },
  {
    name: "told_if_read",
    operands: elementwiseOperands([anyReal]),
    build: (b, [x]) => [toldIfRead(b, x!, boolLiteral(true))],
    differentiable: [true],
  },

  ...comparisons.flatMap(([name, f]) => [
    discrete(`${name} of reals`, [anyReal, anyReal], f),
    discrete(`${name} of ints`, [intsOf(-1, 1), intsOf(-1, 1)], f),
    discrete(`${name} of bools`, [bools, bools], f),
  ]),
  discrete("and", [bools, bools], comparison.and),
  discrete("or", [bools, bools], comparison.or),
  discrete("xor", [bools, bools], comparison.xor),
  discrete("not", [bools], (b, x) => comparison.not(b, x)),
  discrete("isFinite", [anyReal], (b, x) => comparison.isFinite(b, x)),
  discrete("bitAnd", [anyWord, anyWord], bits.bitAnd),
  discrete("bitOr", [anyWord, anyWord], bits.bitOr),
  discrete("bitXor", [anyWord, anyWord], bits.bitXor),
  discrete("shiftLeft", [anyWord, intsOf(0, 31)], bits.shiftLeft),
  discrete("shiftRight", [anyWord, intsOf(0, 31)], bits.shiftRight),
  discrete("convert real to int", [anyReal], (b, x) => convert(b, x, "int")),
  discrete("convert real to bool", [anyReal], (b, x) => convert(b, x, "bool")),
  discrete("convert int to real", [anyInt], (b, x) => convert(b, x, "real")),
  discrete("convert bool to int", [bools], (b, x) => convert(b, x, "int")),
];
