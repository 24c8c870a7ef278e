/**
 * The core graph: typed, first-order, in A-normal form. Every equation applies one primitive to atoms
 * and names its results. Graphs nest only through the parameters of control primitives
 * (`scan`, `while`, `cond`, `call`, ...), and are closed: all they use comes in through `inputs`.
 */
import type { Span } from "../syntax/tree.ts";
import type { DType } from "./array.ts";
import { type Dim, equalShapes, resolve, showDim } from "./dimension.ts";
import type { Params, Primitive } from "./primitive.ts";

export interface ArrayType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

export interface Var {
  readonly kind: "var";
  readonly id: number;
  readonly type: ArrayType;
}

/** A scalar constant; bools are 0 or 1. */
export interface Literal {
  readonly kind: "literal";
  readonly value: number;
  readonly type: ArrayType;
}

export type Atom = Var | Literal;

export interface Equation {
  readonly primitive: Primitive;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Var[];
  readonly params: Params;
  /** The expression it came from, and whether it computes that expression or its derivative. */
  readonly span: Span | undefined;
  readonly pass: Pass;
}

export type Pass = "value" | "derivative";

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Var[];
  readonly equations: readonly Equation[];
  readonly outputs: readonly Atom[];
}

let nextId = 0;

/** A fresh variable; ids are unique in the process, so graphs can be spliced into one another. */
export function newVar(type: ArrayType): Var {
  nextId += 1;
  return { kind: "var", id: nextId, type };
}

/** How many variables were made so far, in the process. */
export function variablesMade(): number {
  return nextId;
}

export const realScalar: ArrayType = { dtype: "real", shape: [] };
export const intScalar: ArrayType = { dtype: "int", shape: [] };
export const boolScalar: ArrayType = { dtype: "bool", shape: [] };

export function realLiteral(value: number): Literal {
  return { kind: "literal", value, type: realScalar };
}
export function intLiteral(value: number): Literal {
  return { kind: "literal", value: value | 0, type: intScalar };
}
export function boolLiteral(value: boolean): Literal {
  return { kind: "literal", value: value ? 1 : 0, type: boolScalar };
}

export function equalTypes(a: ArrayType, b: ArrayType): boolean {
  return a.dtype === b.dtype && equalShapes(a.shape, b.shape);
}

/** `real[20, 3]`, `int`. */
export function showType(type: ArrayType): string {
  return type.shape.length === 0 ? type.dtype : `${type.dtype}[${type.shape.map(showDim).join(", ")}]`;
}

/** The shape as numbers. Only transformations and the evaluator ask, and they run on bound programs. */
export function concreteShape(shape: readonly Dim[]): number[] {
  return shape.map((d) => {
    const known = resolve(d);
    if (typeof known !== "number") throw new Error(`internal error: the size ${showDim(d)} is not bound`);
    return known;
  });
}
