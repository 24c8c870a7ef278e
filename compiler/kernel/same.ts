/** Kernels that are the same but for names and numbers of locals and arrays share their code. */
import type { Expression, Kernel, Statement } from "./ir.ts";

/** A text that is equal for kernels which do the same to their arrays, in the order of `kernel.arrays`. */
export function kernelKey(kernel: Kernel): string {
  let key = keys.get(kernel);
  if (key === undefined) {
    key = new KeyWriter(kernel).text;
    keys.set(kernel, key);
  }
  return key;
}

const keys = new WeakMap<Kernel, string>();

class KeyWriter {
  readonly #parts: string[] = [];
  readonly #nodes = new Map<Expression, number>();
  readonly #locals = new Map<number, number>();
  readonly #arrays: ReadonlyMap<number, number>;

  constructor(kernel: Kernel) {
    const locals = kernel.locals ?? [];
    this.#arrays = new Map([...kernel.arrays, ...locals].map((a, i) => [a.id, i]));
    for (const a of kernel.arrays) this.#parts.push(`${a.kind}${a.length}${a.access}`);
    for (const a of locals) this.#parts.push(`${a.kind}${a.length} local ${a.each}`);
    this.#statement(kernel.grid);
  }

  get text(): string {
    return this.#parts.join(";");
  }

  #local(id: number): number {
    let found = this.#locals.get(id);
    if (found === undefined) {
      found = this.#locals.size;
      this.#locals.set(id, found);
    }
    return found;
  }

  #list(statements: readonly Statement[]): void {
    this.#parts.push("{");
    for (const s of statements) this.#statement(s);
    this.#parts.push("}");
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        this.#parts.push(`${s.op} ${this.#local(s.local.id)} ${this.#expression(s.value)}`);
        return;
      case "store": {
        const [index, value] = [this.#expression(s.index), this.#expression(s.value)];
        this.#parts.push(`store ${this.#arrays.get(s.array.id)} ${index} ${value}`);
        return;
      }
      case "loop": {
        const accumulators = s.accumulators.map((a) => `${this.#local(a.local.id)}${a.operator}`);
        const count = this.#expression(s.count);
        this.#parts.push(`loop ${this.#local(s.index.id)} ${count} ${s.order} ${s.vectorize} ${accumulators}`);
        this.#list(s.body);
        return;
      }
      case "while":
        this.#parts.push(`while ${this.#expression(s.condition)}`);
        this.#list(s.body);
        return;
      case "if":
        this.#parts.push(`if ${this.#expression(s.condition)}`);
        this.#list(s.then);
        this.#list(s.otherwise);
    }
  }

  /** The number of a node; what it is has been written before. */
  #expression(e: Expression): number {
    const known = this.#nodes.get(e);
    if (known !== undefined) return known;
    const text = this.#describe(e);
    const number = this.#nodes.size;
    this.#nodes.set(e, number);
    this.#parts.push(text);
    return number;
  }

  #describe(e: Expression): string {
    switch (e.op) {
      case "constant":
        return `${e.kind} ${Object.is(e.value, -0) ? "-0" : e.value}`;
      case "local":
        return `local ${this.#local(e.id)}`;
      case "load":
        return `load ${this.#arrays.get(e.array.id)} ${this.#expression(e.index)}`;
      case "unary":
        return `${e.name} ${this.#expression(e.a)}`;
      case "binary":
        return `${e.name} ${this.#expression(e.a)} ${this.#expression(e.b)}`;
      case "select":
        return `select ${this.#expression(e.condition)} ${this.#expression(e.a)} ${this.#expression(e.b)}`;
      case "call":
        return `call ${functionNumber(e.function)} ${e.arguments.map((a) => this.#expression(a))}`;
    }
  }
}

let functions = 0;
const functionNumbers = new WeakMap<object, number>();
function functionNumber(f: object): number {
  let n = functionNumbers.get(f);
  if (n === undefined) {
    functions += 1;
    n = functions;
    functionNumbers.set(f, n);
  }
  return n;
}
