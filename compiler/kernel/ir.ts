/**
 * The Kernel IR: loops over flat arrays. A kernel is one loop whose iterations do not depend on each other
 * (its grid), with scalar code inside. Targets print it: WebAssembly cuts the grid into chunks and makes
 * vectors of inner loops; WGSL gives each iteration an invocation.
 *
 * Expressions are pure and form a DAG; nodes are shared (see expressions.ts), and a node used twice is
 * computed once.
 */
import type { Span } from "../syntax/tree.ts";

/**
 * What a scalar is: `real` (f64 or f32, as the plan's precision says), `int` (32 bits, wrapping), `bool`,
 * and `bits`: an integer as wide as a real, for functions that take reals apart.
 */
export type Kind = "real" | "int" | "bool" | "bits";
export type Precision = "f64" | "f32";

/** Made by the functions of expressions.ts alone; `serial` is a number that only equal expressions share. */
export type Expression = Constant | Local | Load | Unary | Binary | Select | Call;

export interface Constant {
  readonly op: "constant";
  readonly serial: number;
  readonly kind: Kind;
  /** Bools are 0 or 1; bits are a bigint, taken modulo their width. */
  readonly value: number | bigint;
}

export interface Local {
  readonly op: "local";
  readonly serial: number;
  readonly kind: Kind;
  readonly id: number;
  readonly name: string;
  /** For ints of which 0 <= value < below is known: loop indices. */
  readonly below: number | undefined;
}

/** An element of an array, by its place in row-major order. Never out of range when it is evaluated. */
export interface Load {
  readonly op: "load";
  readonly serial: number;
  readonly kind: Kind;
  readonly array: KernelArray;
  readonly index: Expression;
}

export type UnaryName =
  | "neg" // real, int, bits
  | "abs" // real
  | "sqrt" // real, correctly rounded (WGSL: 2.5 ULP)
  | "floor"
  | "ceil"
  | "trunc"
  | "nearest" // to integers, half to even
  | "not" // bool; int and bits: all bits
  | "toReal" // int (signed), bool -> real
  | "toInt" // real -> int toward zero, saturating, NaN is 0; bool -> int
  | "bitsOf" // real -> bits
  | "realOf" // bits -> real
  | "intToBits" // int -> bits, zeros above
  | "bitsToInt"; // bits -> int, the low 32
export type BinaryName =
  | "add" // real, int, bits
  | "sub"
  | "mul" // real, int, bits
  | "div" // real; int: truncating, by a positive number
  | "rem" // int: remainder of a number that is not negative by a positive one
  | "min" // real: NaN if either is; int
  | "max"
  | "and" // bool, int, bits
  | "or"
  | "xor"
  | "shl" // int, bits; the second operand is an int; modulo the width
  | "shr" // logical
  | "sar" // arithmetic
  | ComparisonName;
/** Of two reals (false when either is NaN, but for `ne`), ints, or bits (signed); `eq` and `ne` also of bools. */
export type ComparisonName = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

export interface Unary {
  readonly op: "unary";
  readonly serial: number;
  readonly kind: Kind;
  readonly name: UnaryName;
  readonly a: Expression;
}
export interface Binary {
  readonly op: "binary";
  readonly serial: number;
  readonly kind: Kind;
  readonly name: BinaryName;
  readonly a: Expression;
  readonly b: Expression;
}
/** Both sides may be evaluated; neither traps. A load in a side not taken must still be in range. */
export interface Select {
  readonly op: "select";
  readonly serial: number;
  readonly kind: Kind;
  readonly condition: Expression;
  readonly a: Expression;
  readonly b: Expression;
}
/** A function with control flow inside: `lgamma`. Straight-line functions are plain expressions. */
export interface Call {
  readonly op: "call";
  readonly serial: number;
  readonly kind: Kind;
  readonly function: ScalarFunction;
  readonly arguments: readonly Expression[];
}

/** Scalars in, a scalar out; its body touches no array. */
export interface ScalarFunction {
  readonly name: string;
  readonly parameters: readonly Local[];
  readonly body: readonly Statement[];
  readonly result: Expression;
  /**
   * Of a function of (isUsual, usual, ...): what it gives is `usual` where `isUsual` holds, as it nearly always does. Such
   * calls cost next to nothing, and loops with them may run as vectors, which only ask whether any lane is unusual.
   */
  readonly isExceptional?: true;
}

export type Statement = Let | Variable | Assign | Store | Loop | While | If;

/** A name for a value: never assigned again. */
export interface Let {
  readonly op: "let";
  readonly local: Local;
  readonly value: Expression;
}
/** A local that `assign` changes. Declared before any loop or branch that assigns it. */
export interface Variable {
  readonly op: "variable";
  readonly local: Local;
  readonly value: Expression;
}
export interface Assign {
  readonly op: "assign";
  readonly local: Local;
  readonly value: Expression;
}
export interface Store {
  readonly op: "store";
  readonly array: KernelArray;
  readonly index: Expression;
  readonly value: Expression;
}
/** Runs `body` with index = 0, 1, ..., count - 1. */
export interface Loop {
  readonly op: "loop";
  readonly index: Local;
  readonly count: Expression;
  readonly body: readonly Statement[];
  /**
   * `serial`: in order. `independent`: in any order, or at once. `reduction`: in any order, but for the
   * accumulators, which the body changes only by `x = operator(x, e)`, e free of accumulators.
   */
  readonly order: "serial" | "independent" | "reduction";
  readonly accumulators: readonly Accumulator[];
  /** A request to make vectors of this loop's iterations; loops inside then run all lanes together. */
  readonly vectorize: boolean;
}
export interface Accumulator {
  readonly local: Local;
  readonly operator: "add" | "mul" | "min" | "max" | "and" | "or";
}
export interface While {
  readonly op: "while";
  readonly condition: Expression;
  readonly body: readonly Statement[];
}
export interface If {
  readonly op: "if";
  readonly condition: Expression;
  readonly then: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

/** A parameter of a kernel. Arrays that are written are written by this kernel alone, and overlap no other. */
export interface KernelArray {
  readonly id: number;
  /** From the source where it has a name there. */
  readonly name: string;
  /** Elements are stored as reals, or as 32-bit ints (bools: 0 or 1). */
  readonly kind: "real" | "int" | "bool";
  readonly length: number;
  readonly access: "read" | "write" | "both";
}

/** An array that each iteration of a kernel's grid has for itself. */
export interface LocalArray extends KernelArray {
  /**
   * Where given, no iteration hands elements on to another: the `each` elements from `i * each` on are touched by the
   * iterations `i` of independent loops alone, all of which run `length / each` times, at places `i * each` and a
   * constant. A workgroup that shares the loops may keep them in registers.
   */
  readonly each?: number;
}

export interface Kernel {
  readonly name: string;
  readonly span: Span | undefined;
  readonly arrays: readonly KernelArray[];
  /**
   * Arrays that each iteration of the grid has for itself, empty when it begins and gone when it ends: what its loops
   * hand on to each other. Only plans of the style `invocations` have any.
   */
  readonly locals?: readonly LocalArray[];
  /** The one loop of the kernel, `independent`, its count a constant. */
  readonly grid: Loop;
  /** For people: what was fused into it. */
  readonly description: string;
}
