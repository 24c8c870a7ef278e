/**
 * Random kernels to hold targets to the interpreter: for tests, no part of the compiler. Everything a kernel may
 * do occurs, and all results are exact, whatever the order in which reductions run.
 */
import assert from "node:assert/strict";
import * as k from "./expressions.ts";
import type { Storage } from "./interpret.ts";
import type { Accumulator, Expression, Kernel, KernelArray, Kind, Local, Precision, Statement } from "./ir.ts";
import { randomNumbers } from "./testing-comparison.ts";

/** What the statements at one place may name. */
interface Scope {
  readonly values: readonly Expression[];
  /** Variables that may be assigned here. */
  readonly variables: readonly Local[];
  /** Indices and counts of the independent loops around, outermost first. */
  readonly places: readonly (readonly [Local, number])[];
  readonly depth: number;
}

export interface RandomKernel {
  readonly kernel: Kernel;
  /** Fresh storage for its arrays: the inputs have values, what is written has zeros. */
  storage(precision: Precision): Storage[];
}

/** The same kernel for the same seed. `count` is that of the grid. */
export function randomKernel(seed: number, count: number): RandomKernel {
  return new Generator(seed).kernel(count);
}

/** That arrays are the same, but for the bits of NaNs; equal numbers of either sign of zero are not. */
export function assertSameStorage(found: readonly Storage[], expected: readonly Storage[], what: string): void {
  expected.forEach((array, i) => {
    const at = array.findIndex((x, j) => !Object.is(x, found[i]![j]));
    assert.ok(at < 0, `${what}: array ${i} has ${found[i]![at]} at ${at}, not ${array[at]}`);
  });
}

const realUnary = ["neg", "abs", "floor", "ceil", "trunc", "nearest"] as const;
const realBinary = ["add", "sub", "mul", "div", "min", "max"] as const;
const intBinary = ["add", "sub", "mul", "min", "max", "and", "or", "xor", "shl", "shr", "sar", "div", "rem"] as const;
const bitsBinary = ["add", "sub", "and", "or", "xor"] as const;
const shifts = ["shl", "shr", "sar"] as const;
const comparisons = ["eq", "ne", "lt", "le", "gt", "ge"] as const;
const kinds = ["real", "real", "int", "bool", "bits"] as const;

class Generator {
  readonly #next: () => number;
  readonly #seed: number;
  readonly #arrays: KernelArray[] = [];
  readonly #inputs: readonly KernelArray[];
  readonly #functions;

  constructor(seed: number) {
    this.#seed = seed;
    this.#next = randomNumbers(seed);
    this.#inputs = [
      k.kernelArray("x", "real", 40, "read"),
      k.kernelArray("y", "real", 1, "read"),
      k.kernelArray("n", "int", 23, "read"),
      k.kernelArray("p", "bool", 17, "read"),
    ];
    this.#arrays.push(...this.#inputs);
    this.#functions = [halving()];
  }

  kernel(count: number): RandomKernel {
    const grid = k.loop(
      "g",
      count,
      "independent",
      (g) => this.#statements({ values: [g], variables: [], places: [[g, count]], depth: 0 }, true),
      { vectorize: this.#chance(0.6) },
    );
    const kernel: Kernel = {
      name: `random${this.#seed}`,
      span: undefined,
      arrays: this.#arrays,
      grid,
      description: "",
    };
    return { kernel, storage: (precision) => this.#storage(precision) };
  }

  #storage(precision: Precision): Storage[] {
    const next = randomNumbers(this.#seed + 1);
    const odd = [0, -0, Infinity, -Infinity, NaN, 1e30, 0.5, -2.5, 1];
    return this.#arrays.map(({ kind, length }, i) => {
      const values = Array.from({ length }, () => {
        if (i >= this.#inputs.length) return 0;
        if (kind === "bool") return next() > 0 ? 1 : 0;
        if (kind === "int") return Math.floor(next() * 50);
        return next() > 0.7 ? odd[Math.floor((next() + 1) * 4.5)]! : next() * 10;
      });
      if (kind !== "real") return Int32Array.from(values);
      return precision === "f64" ? Float64Array.from(values) : Float32Array.from(values);
    });
  }

  #integer(below: number): number {
    return Math.min(Math.floor(((this.#next() + 1) / 2) * below), below - 1);
  }

  #chance(p: number): boolean {
    return this.#next() < 2 * p - 1;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#integer(from.length)]!;
  }

  #statements(scope: Scope, mustStore = false): Statement[] {
    const statements: Statement[] = [];
    let here = scope;
    const define = (e: Expression) => {
      here = { ...here, values: [...here.values, e] };
    };
    const n = 1 + this.#integer(scope.depth === 0 ? 6 : 4);
    for (let i = 0; i < n; i++) {
      const choice = this.#integer(12);
      if (choice < 3) {
        const value = this.#expression(this.#pick(kinds), here, 3);
        const named = k.local(value.kind, "v", value.kind === "int" ? k.upperBound(value) : undefined);
        statements.push({ op: "let", local: named, value });
        define(named);
      } else if (choice < 5) {
        const value = this.#expression(this.#pick(kinds), here, 2);
        const variable = k.local(value.kind, "w");
        statements.push({ op: "variable", local: variable, value });
        define(variable);
        here = { ...here, variables: [...here.variables, variable] };
      } else if (choice < 7 && here.variables.length > 0) {
        const variable = this.#pick(here.variables);
        statements.push({ op: "assign", local: variable, value: this.#expression(variable.kind, here, 3) });
      } else if (choice < 9) {
        const [store, back] = this.#store(here);
        statements.push(store);
        define(back);
      } else if (scope.depth < 3) {
        statements.push(...this.#nested(here));
      }
    }
    if (mustStore || this.#chance(0.5)) statements.push(this.#store(here)[0]);
    return statements;
  }

  /** A store to an array of its own, at a place of its own, and the load that reads it back. */
  #store(scope: Scope): [Statement, Expression] {
    const places = this.#chance(0.7) ? scope.places : [...scope.places].reverse();
    let [index, length]: [Expression, number] = [k.int(0), 1];
    for (const [place, count] of places) {
      index = k.add(k.mul(index, k.int(count)), place);
      length *= count;
    }
    const kind = this.#pick(["real", "real", "int", "bool"] as const);
    const array = k.kernelArray(`out${this.#arrays.length}`, kind, Math.max(length, 1), "both");
    this.#arrays.push(array);
    return [{ op: "store", array, index, value: this.#expression(kind, scope, 4) }, k.load(array, index)];
  }

  #nested(scope: Scope): Statement[] {
    const inner = { ...scope, depth: scope.depth + 1 };
    switch (this.#integer(6)) {
      case 0: {
        const condition = this.#expression("bool", scope, 2);
        const [then, otherwise] = [this.#statements(inner), this.#chance(0.5) ? this.#statements(inner) : []];
        return [{ op: "if", condition, then, otherwise }];
      }
      case 1: {
        const steps = k.local("int", "steps");
        const more = k.lt(steps, k.int(this.#integer(5)));
        const condition = this.#chance(0.5) ? k.and(more, this.#expression("bool", scope, 2)) : more;
        const body = this.#statements({ ...inner, values: [...inner.values, steps] });
        return [
          { op: "variable", local: steps, value: k.int(0) },
          {
            op: "while",
            condition,
            body: [...body, { op: "assign", local: steps, value: k.add(steps, k.int(1)) }],
          },
        ];
      }
      case 2:
        return this.#reduction(inner);
      case 3: {
        const count = this.#count(scope);
        return [k.loop("s", count, "serial", (s) => this.#statements({ ...inner, values: [...inner.values, s] }))];
      }
      default: {
        const count = this.#integer(14);
        const body = (i: Local) =>
          this.#statements({
            values: [...inner.values, i],
            variables: [],
            places: [...inner.places, [i, count]],
            depth: inner.depth,
          });
        return [k.loop("i", count, "independent", body, { vectorize: this.#chance(0.7) })];
      }
    }
  }

  #count(scope: Scope): Expression {
    if (this.#chance(0.5)) return k.int(this.#integer(this.#chance(0.1) ? 20 : 7));
    return k.and(this.#expression("int", scope, 2), k.int(7));
  }

  #reduction(scope: Scope): Statement[] {
    const accumulators: Accumulator[] = Array.from({ length: 1 + this.#integer(2) }, () =>
      this.#pick<Accumulator>([
        { local: k.local("real", "sum"), operator: "add" },
        { local: k.local("real", "least"), operator: "min" },
        { local: k.local("real", "most"), operator: "max" },
        { local: k.local("real", "product"), operator: "mul" },
        { local: k.local("int", "total"), operator: "add" },
        { local: k.local("int", "largest"), operator: "max" },
        { local: k.local("bool", "all"), operator: "and" },
        { local: k.local("bool", "any"), operator: "or" },
      ]),
    );
    const start = accumulators.map(({ local, operator }) => ({
      op: "variable" as const,
      local,
      value: this.#term(local.kind, operator, scope),
    }));
    const vectorize = this.#chance(0.7);
    const count = this.#chance(0.6) ? k.int(this.#integer(40)) : this.#count(scope);
    const body = (j: Local) => {
      const inner = { ...scope, values: [...scope.values, j], variables: [] };
      return accumulators.map(({ local, operator }) => ({
        op: "assign" as const,
        local,
        value: k.binary(operator, local, this.#term(local.kind, operator, inner)),
      }));
    };
    const loop = k.loop("j", count, "reduction", body, { accumulators, vectorize });
    return [...start, loop, this.#storeOf(accumulators[0]!.local, scope)];
  }

  #storeOf(value: Local, scope: Scope): Statement {
    const [store] = this.#store({ ...scope, values: [...scope.values, value] });
    if (store.op !== "store") return store;
    return { ...store, value: store.array.kind === value.kind ? value : store.value };
  }

  /** Small whole numbers for sums, and signs for products: no order of operations rounds them. */
  #term(kind: Kind, operator: Accumulator["operator"], scope: Scope): Expression {
    if (kind === "real" && operator === "add")
      return k.toReal(k.sub(k.and(this.#expression("int", scope, 3), k.int(63)), k.int(20)));
    if (kind === "real" && operator === "mul")
      return k.select(this.#expression("bool", scope, 2), k.real(-1), k.real(1));
    return this.#expression(kind, scope, 3);
  }

  #expression(kind: Kind, scope: Scope, depth: number): Expression {
    const named = scope.values.filter((e) => e.kind === kind);
    if (named.length > 0 && (depth <= 0 || this.#chance(0.2))) return this.#pick(named);
    switch (kind) {
      case "real":
        return this.#real(scope, depth);
      case "int":
        return this.#int(scope, depth);
      case "bool":
        return this.#bool(scope, depth);
      case "bits":
        return this.#bits(scope, depth);
    }
  }

  #real(scope: Scope, depth: number): Expression {
    if (depth <= 0) return k.real(this.#pick([0, 1, -0.5, 2, 3, Infinity]));
    const next = (kind: Kind) => this.#expression(kind, scope, depth - 1);
    switch (this.#integer(10)) {
      case 0:
        return k.unary(this.#pick(realUnary), next("real"));
      case 1:
        return k.sqrt(k.abs(next("real")));
      case 2:
        return k.select(next("bool"), next("real"), next("real"));
      case 3:
        return k.toReal(next(this.#pick(["int", "bool"])));
      case 4:
        return k.unary("realOf", next("bits"));
      case 5:
        return k.call(this.#pick(this.#functions), next("real"), next("int"));
      case 6:
      case 7:
        return this.#load(this.#pick([0, 0, 1]), scope, depth);
      default:
        return k.binary(this.#pick(realBinary), next("real"), next("real"));
    }
  }

  #load(array: number, scope: Scope, depth: number): Expression {
    const from = this.#inputs[array]!;
    if (this.#chance(0.5)) {
      const indices = scope.values.filter((e) => e.op === "local" && (e.below ?? Infinity) <= from.length);
      if (indices.length > 0) {
        const near = k.add(this.#pick(indices), k.int(this.#integer(4)));
        if ((k.upperBound(near) ?? Infinity) <= from.length) return k.load(from, near);
        return k.load(from, this.#pick(indices));
      }
    }
    const index = this.#expression("int", scope, depth - 1);
    return k.load(from, k.max(k.min(index, k.int(from.length - 1)), k.int(0)));
  }

  #int(scope: Scope, depth: number): Expression {
    if (depth <= 0) return k.int(this.#integer(9) - 3);
    const next = (kind: Kind) => this.#expression(kind, scope, depth - 1);
    switch (this.#integer(8)) {
      case 0:
        return k.unary(this.#pick(["neg", "not"]), next("int"));
      case 1:
        return k.toInt(next(this.#pick(["real", "bool"])));
      case 2:
        return k.select(next("bool"), next("int"), next("int"));
      case 3:
        return this.#load(2, scope, depth);
      case 4:
        return k.unary("bitsToInt", next("bits"));
      default: {
        const name = this.#pick(intBinary);
        if (name === "div") return k.div(next("int"), k.max(next("int"), k.int(1)));
        if (name === "rem") return k.rem(k.and(next("int"), k.int(0xffff)), k.int(1 + this.#integer(9)));
        return k.binary(name, next("int"), next("int"));
      }
    }
  }

  #bool(scope: Scope, depth: number): Expression {
    if (depth <= 0) return k.bool(this.#chance(0.5));
    const next = (kind: Kind) => this.#expression(kind, scope, depth - 1);
    switch (this.#integer(6)) {
      case 0:
        return k.not(next("bool"));
      case 1:
        return k.binary(this.#pick(["and", "or", "eq", "ne", "xor"]), next("bool"), next("bool"));
      case 2:
        return k.select(next("bool"), next("bool"), next("bool"));
      case 3:
        return this.#load(3, scope, depth);
      default: {
        const kind = this.#pick(["real", "real", "int", "bits"] as const);
        return k.binary(this.#pick(comparisons), next(kind), next(kind));
      }
    }
  }

  #bits(scope: Scope, depth: number): Expression {
    if (depth <= 0) return k.bits(BigInt(this.#integer(1000)) << 20n);
    const next = (kind: Kind) => this.#expression(kind, scope, depth - 1);
    switch (this.#integer(7)) {
      case 0: {
        // The bits of a NaN are not specified.
        const x = next("real");
        return k.unary("bitsOf", k.select(k.eq(x, x), x, k.real(0)));
      }
      case 1:
        return k.unary("intToBits", next("int"));
      case 2:
        return k.unary(this.#pick(["neg", "not"]), next("bits"));
      case 3:
        return k.select(next("bool"), next("bits"), next("bits"));
      case 4:
        return k.binary(this.#pick(shifts), next("bits"), next("int"));
      default:
        return k.binary(this.#pick(bitsBinary), next("bits"), next("bits"));
    }
  }
}

/** A function with control flow: x halved n times. */
function halving() {
  const [x, n, y] = [k.local("real", "x"), k.local("int", "n"), k.local("real", "y")];
  const body: Statement[] = [
    { op: "variable", local: y, value: x },
    k.loop("i", k.and(n, k.int(3)), "serial", () => [{ op: "assign", local: y, value: k.mul(y, k.real(0.5)) }]),
  ];
  return { name: "halved", parameters: [x, n], body, result: y };
}
