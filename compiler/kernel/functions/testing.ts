/** Kernel expressions as JavaScript functions, fast enough for millions of arguments: for tests. */
import * as ir from "../expressions.ts";
import type { Expression, Kind, Precision, ScalarFunction, Statement, UnaryName } from "../ir.ts";

export type CompiledFunction = (...values: readonly number[]) => number;

/** A function of reals (or ints, by `kinds`), evaluated as targets evaluate it. */
export function compileFunction(
  build: (...parameters: Expression[]) => Expression,
  precision: Precision,
  kinds: readonly ("real" | "int")[] = ["real"],
): CompiledFunction {
  const parameters = kinds.map((k, i) => ir.local(k, `x${i}`));
  const result = build(...parameters);
  const writer = new Writer(precision);
  const body = writer.body([], result);
  const prelude = `
    const f64 = new Float64Array(1), u64 = new BigInt64Array(f64.buffer), f32 = new Float32Array(1), u32 = new Int32Array(f32.buffer);
    const bitsOf64 = (x) => (f64[0] = x, u64[0]), realOf64 = (x) => (u64[0] = x, f64[0]);
    const bitsOf32 = (x) => (f32[0] = x, u32[0]), realOf32 = (x) => (u32[0] = x, f32[0]);
    const wrap = (x) => BigInt.asIntN(64, x);
    const nearest = (x) => { if (!(Math.abs(x) < 2 ** 52)) return x; const b = Math.floor(x), r = x - b; return r !== 0.5 ? (r < 0.5 ? b : b + 1) : b % 2 === 0 ? b : b + 1; };
    const toInt = (x) => x !== x ? 0 : Math.trunc(Math.min(Math.max(x, -2147483648), 2147483647));
  `;
  return new Function(`${prelude}${writer.functions.join("\n")}
    return (${parameters.map((p) => `v${p.id}`).join(", ")}) => { ${body} };`)() as CompiledFunction;
}

class Writer {
  readonly functions: string[] = [];
  readonly #names = new Map<ScalarFunction, string>();
  readonly #precision: Precision;

  constructor(precision: Precision) {
    this.#precision = precision;
  }

  body(statements: readonly Statement[], result: Expression): string {
    return `${this.#statements(statements)} ${this.#shared([result], ([r]) => `return Number(${r});`)}`;
  }

  #statements(list: readonly Statement[]): string {
    return list.map((s) => this.#statement(s)).join(" ");
  }

  #statement(s: Statement): string {
    switch (s.op) {
      case "let":
      case "variable":
        return `let v${s.local.id}; { ${this.#shared([s.value], ([v]) => `v${s.local.id} = ${v};`)} }`;
      case "assign":
        return `{ ${this.#shared([s.value], ([v]) => `v${s.local.id} = ${v};`)} }`;
      case "while":
        return `for (;;) { ${this.#shared([s.condition], ([c]) => `if (!${c}) break;`)} ${this.#statements(s.body)} }`;
      case "if":
        return `{ ${this.#shared([s.condition], ([c]) => `if (${c}) { ${this.#statements(s.then)} } else { ${this.#statements(s.otherwise)} }`)} }`;
      case "loop":
        return `for (let v${s.index.id} = 0; v${s.index.id} < ${this.#tree(s.count)}; v${s.index.id}++) { ${this.#statements(s.body)} }`;
      case "store":
        throw new Error("a function stores nothing");
    }
  }

  #tree(e: Expression): string {
    return this.#shared([e], ([v]) => v!, true);
  }

  /** Names for all nodes in an order in which they can be computed, then `use` of the roots. */
  #shared(roots: readonly Expression[], use: (names: string[]) => string, inline = false): string {
    const names = new Map<Expression, string>();
    const lines: string[] = [];
    const visit = (e: Expression): string => {
      const known = names.get(e);
      if (known) return known;
      const text = this.#text(e, visit);
      const name = e.op === "constant" || e.op === "local" || inline ? text : `t${names.size}`;
      if (name !== text) lines.push(`const ${name} = ${text};`);
      names.set(e, name);
      return name;
    };
    const made = roots.map(visit);
    return `${lines.join(" ")} ${use(made)}`;
  }

  #real(text: string): string {
    return this.#precision === "f32" ? `Math.fround(${text})` : text;
  }

  #text(e: Expression, visit: (e: Expression) => string): string {
    const wide = this.#precision === "f64";
    switch (e.op) {
      case "constant":
        if (e.kind === "bits")
          return wide ? `(${BigInt.asIntN(64, BigInt(e.value))}n)` : `(${Number(BigInt.asIntN(32, BigInt(e.value)))})`;
        if (e.kind === "real") {
          const v = wide ? Number(e.value) : Math.fround(Number(e.value));
          return Object.is(v, -0) ? "(-0)" : `(${v})`;
        }
        return `(${e.value})`;
      case "local":
        return `v${e.id}`;
      case "load":
        throw new Error("a function loads nothing");
      case "select": {
        const [c, a, b] = [visit(e.condition), visit(e.a), visit(e.b)];
        return `(${c} ? ${a} : ${b})`;
      }
      case "call": {
        const args = e.arguments.map(visit);
        return `${this.#function(e.function)}(${args.join(", ")})`;
      }
      case "unary":
        return this.#unary(e.name, e.kind, visit(e.a));
      case "binary":
        return this.#binary(e.name, e.a.kind, visit(e.a), visit(e.b));
    }
  }

  #unary(name: UnaryName, kind: Kind, a: string): string {
    const wide = this.#precision === "f64";
    switch (name) {
      case "neg":
        return kind === "bits" && wide ? `wrap(-${a})` : kind === "real" ? `(-${a})` : `((-${a}) | 0)`;
      case "not":
        return kind === "bool" ? `(${a} ? 0 : 1)` : `(~${a})`;
      case "abs":
        return `Math.abs(${a})`;
      case "sqrt":
        return this.#real(`Math.sqrt(${a})`);
      case "floor":
      case "ceil":
      case "trunc":
        return `Math.${name}(${a})`;
      case "nearest":
        return `nearest(${a})`;
      case "toReal":
        return this.#real(`Number(${a})`);
      case "toInt":
        return `toInt(Number(${a}))`;
      case "bitsOf":
        return `bitsOf${wide ? 64 : 32}(${a})`;
      case "realOf":
        return `realOf${wide ? 64 : 32}(${a})`;
      case "intToBits":
        return wide ? `BigInt(${a} >>> 0)` : a;
      case "bitsToInt":
        return wide ? `Number(BigInt.asIntN(32, ${a}))` : a;
    }
  }

  #binary(name: string, kind: string, a: string, b: string): string {
    const wide = this.#precision === "f64" && kind === "bits";
    const comparison = { eq: "===", ne: "!==", lt: "<", le: "<=", gt: ">", ge: ">=" }[name];
    if (comparison) return `(${a} ${comparison} ${b} ? 1 : 0)`;
    const operator = { add: "+", sub: "-", mul: "*", div: "/", and: "&", or: "|", xor: "^" }[name];
    if (kind === "real") {
      if (name === "min" || name === "max") return `Math.${name}(${a}, ${b})`;
      return this.#real(`(${a} ${operator} ${b})`);
    }
    if (wide) {
      if (name === "shl") return `wrap(${a} << BigInt(${b}))`;
      if (name === "sar") return `(${a} >> BigInt(${b}))`;
      if (name === "shr") return `wrap(BigInt.asUintN(64, ${a}) >> BigInt(${b}))`;
      return `wrap(${a} ${operator} ${b})`;
    }
    if (name === "shl") return `(${a} << ${b})`;
    if (name === "sar") return `(${a} >> ${b})`;
    if (name === "shr") return `((${a} >>> ${b}) | 0)`;
    if (name === "mul") return `Math.imul(${a}, ${b})`;
    if (name === "div") return `(Math.trunc(${a} / ${b}) | 0)`;
    if (name === "rem") return `((${a} % ${b}) | 0)`;
    if (name === "min" || name === "max") return `Math.${name}(${a}, ${b})`;
    return `((${a} ${operator} ${b}) | 0)`;
  }

  #function(f: ScalarFunction): string {
    let name = this.#names.get(f);
    if (!name) {
      name = `f${this.#names.size}_${f.name}`;
      this.#names.set(f, name);
      const parameters = f.parameters.map((p) => `v${p.id}`).join(", ");
      this.functions.push(`function ${name}(${parameters}) { ${this.body(f.body, f.result)} }`);
    }
    return name;
  }
}
