/**
 * Equal expressions of the Kernel IR are one object: they are made through a table. Constants, locals, arrays and loads,
 * which need no simplification, are made here.
 */
import type { Constant, Expression, KernelArray, Kind, Load, Local } from "./ir.ts";

let nextSerial = 0;
/** The number of an expression that is made now. */
export const serial = (): number => {
  nextSerial += 1;
  return nextSerial;
};

/** A number that is the same for equal expressions, and only for them. */
export const expressionId = (e: Expression): number => e.serial;

/** Expressions by what they are: the name of an operation, then the serials of two operands as one number. */
const interned = new Map<string, Map<number | string, Expression>>();
let internedCount = 0;
const mostInterned = 1_000_000;

/**
 * Forgets all expressions: those made from now on are never the same objects as those made before. Called between
 * plans, so that memory does not grow with their number.
 */
export function forgetExpressions(): void {
  interned.clear();
  internedCount = 0;
}

/** The expression of that name and key; `make` is called when there is none yet. */
export function intern<E extends Expression>(name: string, key: number | string, make: () => E): E {
  let table = interned.get(name);
  if (!table) {
    table = new Map();
    interned.set(name, table);
  }
  const found = table.get(key);
  if (found) return found as E;
  const made = make();
  table.set(key, made);
  internedCount += 1;
  if (internedCount > mostInterned) forgetExpressions();
  return made;
}

/** Two serials as one number while that is exact, else as a text. */
export const pair = (a: number, b: number): number | string =>
  a < 2 ** 26 && b < 2 ** 26 ? a * 2 ** 26 + b : `${a} ${b}`;

const number = (kind: Kind, value: number | bigint): Constant =>
  intern(`${kind}:${Object.is(value, -0) ? "-0" : value}`, 0, () => ({
    op: "constant",
    serial: serial(),
    kind,
    value,
  }));

export const real = (value: number): Constant => number("real", value);
export const int = (value: number): Constant => number("int", value | 0);
export const bool = (value: boolean): Constant => number("bool", value ? 1 : 0);
/** A pattern of bits; of the f32 width only the low 32 count. */
export const bits = (value: bigint): Constant => number("bits", value);

let localCount = 0;
/** A new local; `below` when 0 <= value < below is known. */
export function local(kind: Kind, name: string, below?: number): Local {
  localCount += 1;
  return { op: "local", serial: serial(), kind, id: localCount, name, below };
}

let arrayCount = 0;
export function kernelArray(
  name: string,
  kind: KernelArray["kind"],
  length: number,
  access: KernelArray["access"],
): KernelArray {
  arrayCount += 1;
  return { id: arrayCount, name, kind, length, access };
}

export function load(array: KernelArray, index: Expression): Load {
  return intern("load", pair(array.id, index.serial), () => ({
    op: "load",
    serial: serial(),
    kind: array.kind,
    array,
    index,
  }));
}
