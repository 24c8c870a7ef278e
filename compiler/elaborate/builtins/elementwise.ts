/** Elementwise functions of the prelude. */
import { applyOperation, type Dim, opaqueDimension } from "../../core/dimension.ts";
import { intLiteral, realLiteral } from "../../core/graph.ts";
import { gelu, relu, sigmoid, softplus } from "../../primitives/activation.ts";
import { mul } from "../../primitives/arithmetic.ts";
import { bitAnd, bitOr, bitXor, shiftLeft, shiftRight } from "../../primitives/bits.ts";
import { and, greaterEqual, isFinite as isFiniteAtom, less, notEqual } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import * as math from "../../primitives/math.ts";
import { abs, ceil, clamp, divFloor, floor, modFloor, round, sign } from "../../primitives/rounding.ts";
import { select } from "../../primitives/select.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Span } from "../../syntax/tree.ts";
import type { Elaborator } from "../elaborator.ts";
import {
  arithmetic,
  commonShape,
  commonType,
  convertTo,
  elementwise,
  extremum,
  knownOf,
  leafwise,
  stretch,
} from "../operators.ts";
import { type ArrayTerm, coreType, rankOf, shapeOf, showTermType, type Term } from "../terms.ts";
import { type Builtin, realElementwise, take } from "./support.ts";

/** Functions that keep ints ints. */
function numberElementwise(name: "abs" | "sign"): Builtin {
  const make = name === "abs" ? abs : sign;
  return (e, args) => {
    const [x] = take(name, args, ["x"]);
    return leafwise(e, [x!], `\`${name}\``, args.span, ([t]) => {
      const term = elementwise(e, name, [t!], args.span, { at: "int" }, (b, [p]) => make(b, p!));
      const squared = () => elementwise(e, "square", [t!], args.span, { at: "int" }, (b, [p]) => mul(b, p!, p!));
      return name === "abs" && term.type === "real" ? { ...term, square: { of: term.atom, make: squared } } : term;
    });
  };
}

function integerPair(name: string, make: typeof bitAnd): Builtin {
  return (e, args) => {
    const [x, y] = take(name, args, ["a", "b"]);
    return leafwise(e, [x!, y!], `\`${name}\``, args.span, ([s, t]) => {
      for (const v of [s!, t!])
        if (v.type !== "int") fail("K0283", args.span, `\`${name}\` takes int values, but this is ${showTermType(v)}.`);
      return elementwise(e, name, [s!, t!], args.span, {}, (b, [p, q]) => make(b, p!, q!));
    });
  };
}

/** `div` and `mod`: of dimensions a dimension, of ints rounding down, and promised a divisor that is not 0. */
function division(name: "div" | "mod"): Builtin {
  const make = name === "div" ? divFloor : modFloor;
  return (e, args) => {
    const [x, y] = take(name, args, ["a", "b"]);
    return leafwise(e, [x!, y!], `\`${name}\``, args.span, ([s, t]) => {
      if (t!.atom.kind === "literal" && t!.atom.value === 0 && t!.type === "int")
        fail("K0287", args.span, `\`${name}\` divides by 0 here.`);
      if (s!.dimension !== undefined && t!.dimension !== undefined)
        return e.dimensionTerm(applyOperation(name, s!.dimension as Dim, t!.dimension as Dim));
      if (name === "div" && (s!.type === "real" || t!.type === "real"))
        fail("K0288", args.span, "`div` is for ints.", {
          help: "Reals are divided by `/`; `floor(a / b)` rounds down.",
        });
      if (t!.type === "int" && t!.atom.kind !== "literal" && e.mode === "bind")
        e.require(args.span, "K0403", notEqual(e.builder, t!.atom, intLiteral(0)), [], `\`${name}\` divides by 0.`);
      return elementwise(e, name, [s!, t!], args.span, { at: "int" }, (b, [p, q]) => make(b, p!, q!));
    });
  };
}

const intRange = "Ints lie between -2147483648 and 2147483647.";

/** Promises that reals have whole parts among the ints. */
function requireIntRange(e: Elaborator, x: ArrayTerm, span: Span): void {
  if (e.mode === "check") return;
  const b = e.builder;
  const inside = and(b, greaterEqual(b, x.atom, realLiteral(-(2 ** 31))), less(b, x.atom, realLiteral(2 ** 31)));
  e.require(span, "K1140", inside, [x.atom], "`int` of {0} is no int.", intRange);
}

const toInt: Builtin = (e, args) => {
  const [x] = take("int", args, ["x"]);
  return leafwise(e, [x!], "`int`", args.span, ([t]) => {
    if (t!.type === "status" || t!.type === "key")
      fail("K0283", args.span, `\`int\` takes numbers, but this is ${showTermType(t!)}.`);
    if (t!.dimension !== undefined) return t!;
    const known = rankOf(t!) === 0 && t!.type === "real" ? knownOf(t!) : undefined;
    if (known === "later")
      return e.dimensionTerm(opaqueDimension(e.textOf(args.span), `${args.span.file}:${args.span.start}`));
    if (known !== undefined) {
      if (!(known >= -(2 ** 31) && known < 2 ** 31))
        fail("K0289", args.span, `\`int\` of ${String(known).replace("Infinity", "inf")} is no int.`, {
          help: intRange,
        });
      return e.dimensionTerm(Math.trunc(known));
    }
    if (t!.type === "int") return t!;
    if (t!.type === "real") requireIntRange(e, t!, args.span);
    const shape = shapeOf(t!);
    return {
      kind: "array",
      type: "int",
      atom: e.emit("convert int", [t!.atom], coreType("int", shape), (b) => convert(b, t!.atom, "int")),
    };
  });
};

/** `where(c, a, b)`, entry by entry. */
const where: Builtin = (e, args) => {
  const [c, x, y] = take("where", args, ["c", "a", "b"]);
  return leafwise(e, [c!, x!, y!], "`where`", args.span, ([p, s, t]) => {
    if (p!.type !== "bool")
      fail("K0283", args.span, `\`where\` chooses by bools, but this is ${showTermType(p!)}.`, {
        help: "Compare first, as in `x > 0`.",
      });
    // The choices are promoted together, the condition is not a number.
    const typed = commonType([s!, t!], "`where`", args.span);
    const [a, b] = [convertTo(e, s!, typed), convertTo(e, t!, typed)];
    return chooseEntries(e, p!, a, b, args.span);
  });
};

function chooseEntries(e: Elaborator, c: ArrayTerm, a: ArrayTerm, b: ArrayTerm, span: Span): ArrayTerm {
  const shape = commonShape(e, [c, a, b], "`where`", span);
  const atoms = [c, a, b].map((t) => (rankOf(t) === 0 && t.type !== "key" ? t.atom : stretch(e, t, shape)));
  const atom = e.emit("where", atoms, coreType(a.type, shape), (em) => select(em, atoms[0]!, atoms[1]!, atoms[2]!));
  return { kind: "array", type: a.type, atom };
}

/** `max` and `min` of two or more values, entry by entry. */
export function extremumOf(which: "max" | "min"): Builtin {
  return (e, args) => args.positional.reduce((s: Term, t: Term): Term => extremum(e, which, s, t, args.span));
}

const clampBuiltin: Builtin = (e, args) => {
  const [x, lo, hi] = take("clamp", args, ["x", "low", "high"]);
  return leafwise(e, [x!, lo!, hi!], "`clamp`", args.span, (ts) =>
    elementwise(e, "clamp", ts, args.span, { at: "int" }, (b, [p, q, r]) => clamp(b, p!, q!, r!)),
  );
};

const finite: Builtin = (e, args) => {
  const [x] = take("is_finite", args, ["x"]);
  const flags = leafwise(e, [x!], "`is_finite`", args.span, ([t]) => {
    if (t!.type !== "real")
      return elementwise(e, "is_finite", [convertTo(e, t!, "real")], args.span, { result: "bool" }, (b, [p]) =>
        isFiniteAtom(b, p!),
      );
    return elementwise(e, "is_finite", [t!], args.span, { result: "bool" }, (b, [p]) => isFiniteAtom(b, p!));
  });
  return flags;
};

const atan2: Builtin = (e, args) => {
  const [y, x] = take("atan2", args, ["y", "x"]);
  return leafwise(e, [y!, x!], "`atan2`", args.span, (ts) =>
    elementwise(e, "atan2", ts, args.span, { at: "real" }, (b, [p, q]) => math.atan2(b, p!, q!)),
  );
};

const powBuiltin: Builtin = (e, args) => {
  const [x, y] = take("pow", args, ["x", "y"]);
  return arithmetic(e, "^", x!, y!, args.span);
};

export const elementwiseBuiltins: Readonly<Record<string, Builtin>> = {
  exp: realElementwise("exp", math.exp, Math.exp),
  log: realElementwise("log", math.log, Math.log),
  log1p: realElementwise("log1p", math.log1p, Math.log1p),
  expm1: realElementwise("expm1", math.expm1, Math.expm1),
  sqrt: realElementwise("sqrt", math.sqrt, Math.sqrt),
  sin: realElementwise("sin", math.sin),
  cos: realElementwise("cos", math.cos),
  tan: realElementwise("tan", math.tan),
  asin: realElementwise("asin", math.asin),
  acos: realElementwise("acos", math.acos),
  atan: realElementwise("atan", math.atan),
  sinh: realElementwise("sinh", math.sinh),
  cosh: realElementwise("cosh", math.cosh),
  tanh: realElementwise("tanh", math.tanh),
  asinh: realElementwise("asinh", math.asinh),
  acosh: realElementwise("acosh", math.acosh),
  atanh: realElementwise("atanh", math.atanh),
  sigmoid: realElementwise("sigmoid", sigmoid),
  softplus: realElementwise("softplus", softplus),
  relu: realElementwise("relu", relu),
  gelu: realElementwise("gelu", gelu),
  erf: realElementwise("erf", math.erf),
  erfinv: realElementwise("erfinv", math.erfinv),
  lgamma: realElementwise("lgamma", math.lgamma),
  digamma: realElementwise("digamma", math.digamma),
  floor: realElementwise("floor", floor, Math.floor),
  ceil: realElementwise("ceil", ceil, Math.ceil),
  round: realElementwise("round", round),
  abs: numberElementwise("abs"),
  sign: numberElementwise("sign"),
  pow: powBuiltin,
  atan2,
  div: division("div"),
  mod: division("mod"),
  clamp: clampBuiltin,
  where,
  int: toInt,
  is_finite: finite,
  bit_and: integerPair("bit_and", bitAnd),
  bit_or: integerPair("bit_or", bitOr),
  bit_xor: integerPair("bit_xor", bitXor),
  shift_left: integerPair("shift_left", shiftLeft),
  shift_right: integerPair("shift_right", shiftRight),
};
