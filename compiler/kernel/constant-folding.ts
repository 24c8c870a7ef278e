/** Operations on constants, and of an int on itself: their values. */
import { bool, int, real } from "./interning.ts";
import type { BinaryName, Constant, Expression, Kind, UnaryName } from "./ir.ts";

/** Undefined where the value is left to targets, which round as they do. */
export function foldUnary(name: UnaryName, kind: Kind, x: number): Constant | undefined {
  switch (name) {
    case "neg":
      return kind === "real" ? real(-x) : int(-x);
    case "not":
      return kind === "bool" ? bool(x === 0) : int(~x);
    case "toReal":
      return real(x);
    case "toInt":
      return int(Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -2147483648), 2147483647)));
    case "abs":
      return real(Math.abs(x));
    case "floor":
      return real(Math.floor(x));
    default:
      return undefined;
  }
}

/** Of two ints; undefined where a divisor is not positive. */
export function foldInt(name: BinaryName, x: number, y: number): Expression | undefined {
  switch (name) {
    case "add":
      return int(x + y);
    case "sub":
      return int(x - y);
    case "mul":
      return int(Math.imul(x, y));
    case "div":
      return y > 0 ? int(Math.trunc(x / y)) : undefined;
    case "rem":
      return y > 0 ? int(x % y) : undefined;
    case "min":
      return int(Math.min(x, y));
    case "max":
      return int(Math.max(x, y));
    case "and":
      return int(x & y);
    case "or":
      return int(x | y);
    case "xor":
      return int(x ^ y);
    case "shl":
      return int(x << y);
    case "shr":
      return int(x >>> y);
    case "sar":
      return int(x >> y);
    case "eq":
      return bool(x === y);
    case "ne":
      return bool(x !== y);
    case "lt":
      return bool(x < y);
    case "le":
      return bool(x <= y);
    case "gt":
      return bool(x > y);
    case "ge":
      return bool(x >= y);
  }
}

/** Of an int and itself; undefined where that is neither it nor a constant. */
export function foldSame(name: BinaryName, a: Expression): Expression | undefined {
  switch (name) {
    case "sub":
    case "xor":
      return int(0);
    case "min":
    case "max":
    case "and":
    case "or":
      return a;
    case "eq":
    case "le":
    case "ge":
      return bool(true);
    case "ne":
    case "lt":
    case "gt":
      return bool(false);
    default:
      return undefined;
  }
}
