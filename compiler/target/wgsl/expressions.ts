/**
 * Prints expressions as WGSL. Reals are f32, ints i32, bools bool, bits u32. Comparisons of reals are WGSL's own: what
 * has to hold for NaN is asked by bits (compiler/kernel/functions/classify.ts).
 */
import type { Binary, BinaryName, Expression, KernelArray, Local, ScalarFunction, Unary } from "../../kernel/ir.ts";
import type { HelperName } from "./helpers.ts";
import { bitsLiteral, intLiteral, realBits, realLiteral } from "./literals.ts";

/** What things are called at the place where an expression stands. */
export interface Naming {
  local(local: Local): string;
  /** The call that loads an element; the index is fit to be an argument. */
  load(array: KernelArray, index: string): string;
  scalarFunction(f: ScalarFunction): string;
  helper(name: HelperName): string;
  /** Puts a value under a name before the statement that is printed. */
  hoist(text: string): string;
}

/** How tightly a text holds together; WGSL lets no operator stand beside one of `shift` or looser without parentheses. */
const level = { atom: 0, unary: 1, product: 2, sum: 3, shift: 4, comparison: 5, bitwise: 6 } as const;

interface Piece {
  readonly text: string;
  readonly level: number;
  readonly depth: number;
}

/** WGSL compilers may refuse deeper nesting than 127 levels; an operator can take several. */
const largestDepth = 20;

/** The text of an expression. Operators on constants alone must have been computed (fold.ts). */
export function printExpression(e: Expression, naming: Naming): string {
  return new Printer(naming).piece(e).text;
}

/** The same, to stand among the arguments of a call. */
export function printArgument(e: Expression, naming: Naming): string {
  return argument(new Printer(naming).piece(e));
}

const comparisonOperators: Partial<Record<BinaryName, string>> = {
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};
const arithmeticOperators: Partial<Record<BinaryName, readonly [string, number]>> = {
  add: ["+", level.sum],
  sub: ["-", level.sum],
  mul: ["*", level.product],
  div: ["/", level.product],
  rem: ["%", level.product],
};
const bitwiseOperators: Partial<Record<BinaryName, string>> = { and: "&", or: "|", xor: "^" };

const enclosed = (p: Piece, loosest: number): string => (p.level <= loosest ? p.text : `(${p.text})`);
/** A `<` and a `>` among arguments could be taken for a template's brackets. */
const argument = (p: Piece): string => (p.level === level.comparison ? `(${p.text})` : p.text);

class Printer {
  readonly #naming: Naming;

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  piece(e: Expression): Piece {
    const p = this.#printed(e);
    if (p.depth < largestDepth) return p;
    return { text: this.#naming.hoist(p.text), level: level.atom, depth: 0 };
  }

  #printed(e: Expression): Piece {
    switch (e.op) {
      case "constant":
        return this.#constant(e.kind, e.value);
      case "local":
        return { text: this.#naming.local(e), level: level.atom, depth: 0 };
      case "load":
        return this.#load(e.array, this.piece(e.index));
      case "unary":
        return this.#unary(e);
      case "binary":
        return this.#binary(e);
      case "select":
        return this.#call("select", this.piece(e.b), this.piece(e.a), this.piece(e.condition));
      case "call":
        return this.#call(this.#naming.scalarFunction(e.function), ...e.arguments.map((a) => this.piece(a)));
    }
  }

  #constant(kind: Expression["kind"], value: number | bigint): Piece {
    const atom = (text: string): Piece => ({
      text,
      level: text.startsWith("-") ? level.unary : level.atom,
      depth: 0,
    });
    switch (kind) {
      case "bool":
        return atom(value ? "true" : "false");
      case "int":
        return atom(intLiteral(Number(value)));
      case "bits":
        return atom(bitsLiteral(BigInt(value)));
      case "real":
        return atom(realLiteral(Number(value)) ?? `${this.#naming.helper("real_of_bits")}(${realBits(Number(value))})`);
    }
  }

  #call(name: string, ...args: readonly Piece[]): Piece {
    return {
      text: `${name}(${args.map(argument).join(", ")})`,
      level: level.atom,
      depth: 1 + Math.max(...args.map((a) => a.depth)),
    };
  }

  #load(array: KernelArray, index: Piece): Piece {
    return { text: this.#naming.load(array, argument(index)), level: level.atom, depth: 1 + index.depth };
  }

  #prefix(operator: string, a: Piece): Piece {
    return { text: `${operator}${enclosed(a, level.atom)}`, level: level.unary, depth: a.depth + 1 };
  }

  #infix(operator: string, own: number, a: Piece, b: Piece, left: number, right: number): Piece {
    return {
      text: `${enclosed(a, left)} ${operator} ${enclosed(b, right)}`,
      level: own,
      depth: 1 + Math.max(a.depth, b.depth),
    };
  }

  #unary(e: Unary): Piece {
    const a = this.piece(e.a);
    switch (e.name) {
      case "neg":
        if (e.kind !== "bits") return this.#prefix("-", a);
        return this.#infix("-", level.sum, { text: "0u", level: level.atom, depth: 0 }, a, level.sum, level.product);
      case "abs":
      case "sqrt":
      case "floor":
      case "ceil":
      case "trunc":
        return this.#call(e.name, a);
      case "nearest":
        return this.#call("round", a); // to even, by WGSL's definition
      case "not":
        return this.#prefix(e.kind === "bool" ? "!" : "~", a);
      case "toReal":
        return this.#call("f32", a);
      case "toInt":
        return this.#call(e.a.kind === "bool" ? "i32" : this.#naming.helper("int_of_real"), a);
      case "bitsOf":
      case "intToBits":
        return this.#call("bitcast<u32>", a);
      case "realOf":
        return this.#call("bitcast<f32>", a);
      case "bitsToInt":
        return this.#call("bitcast<i32>", a);
    }
  }

  /**
   * A zero that is multiplied or divided: compilers that know it take the result for zero, which it is not where the other
   * operand is infinite, zero or no number.
   */
  #factor(e: Expression): Piece {
    if (e.op !== "constant" || e.kind !== "real" || Number(e.value) !== 0) return this.piece(e);
    const text = `${this.#naming.helper("real_of_bits")}(${realBits(Number(e.value))})`;
    return { text, level: level.atom, depth: 1 };
  }

  #binary(e: Binary): Piece {
    const isProduct = e.name === "mul" || e.name === "div";
    const a = isProduct ? this.#factor(e.a) : this.piece(e.a);
    const b = e.name === "mul" ? this.#factor(e.b) : this.piece(e.b);
    const kind = e.a.kind;
    // The IR knows n - 1 as n + (-1).
    if (e.name === "add" && kind !== "bits" && b.text.startsWith("-") && b.depth === 0) {
      const positive: Piece = { text: b.text.slice(1), level: level.atom, depth: 0 };
      if (positive.text !== "2147483648") return this.#infix("-", level.sum, a, positive, level.sum, level.product);
    }
    const arithmetic = arithmeticOperators[e.name];
    if (arithmetic) {
      const [operator, own] = arithmetic;
      return this.#infix(operator, own, a, b, own, own - 1);
    }
    const bitwise = kind === "bool" && e.name === "xor" ? "!=" : bitwiseOperators[e.name];
    if (bitwise === "!=") return this.#infix("!=", level.comparison, a, b, level.unary, level.unary);
    if (bitwise) return this.#infix(bitwise, level.bitwise, a, b, level.unary, level.unary);
    const comparison = comparisonOperators[e.name];
    if (comparison) return this.#comparison(e, comparison, a, b);
    switch (e.name) {
      case "min":
      case "max":
        return this.#call(kind === "real" ? this.#naming.helper(`${e.name}_real`) : e.name, a, b);
      default:
        return this.#shift(e, a);
    }
  }

  #comparison(e: Binary, operator: string, a: Piece, b: Piece): Piece {
    const loosest = e.a.kind === "bool" ? level.unary : level.sum;
    const signed = e.a.kind === "bits" && e.name !== "eq" && e.name !== "ne";
    const [x, y] = signed ? [this.#call("bitcast<i32>", a), this.#call("bitcast<i32>", b)] : [a, b];
    // `!=` of WGSL may be false of a NaN.
    if (e.a.kind === "real" && e.name === "ne")
      return this.#prefix("!", this.#infix("==", level.comparison, x, y, loosest, loosest));
    return this.#infix(operator, level.comparison, x, y, loosest, loosest);
  }

  /** The amount is taken modulo 32; an arithmetic shift is one of an i32, a logical one of a u32. */
  #shift(e: Binary, a: Piece): Piece {
    const is: "i32" | "u32" = e.kind === "int" ? "i32" : "u32";
    const as = e.name === "sar" ? "i32" : e.name === "shr" ? "u32" : is;
    const amount = this.#shiftAmount(e.b);
    const value = as === is ? a : this.#call(`bitcast<${as}>`, a);
    const operator = e.name === "shl" ? "<<" : ">>";
    const shifted = this.#infix(operator, level.shift, value, amount, level.unary, level.unary);
    return as === is ? shifted : this.#call(`bitcast<${is}>`, shifted);
  }

  #shiftAmount(e: Expression): Piece {
    if (e.op === "constant") return { text: `${Number(e.value) & 31}u`, level: level.atom, depth: 0 };
    const n = this.piece(e);
    return { text: `(u32(${argument(n)}) & 31u)`, level: level.atom, depth: n.depth + 2 };
  }
}
