/**
 * Writes the loops of routines: a builder that collects statements in the order in which they are asked for,
 * and views that turn rows and columns into places of flat arrays.
 */
import { add, and, bool, div, int, load, local, loop, max, min, mul, neg, real, select, sub } from "./expressions.ts";
import type { Accumulator, Expression, KernelArray, Local, Loop, Statement } from "./ir.ts";

/** A place or a count: plain numbers stand for constants. */
export type Index = number | Expression;

export const asInt = (i: Index): Expression => (typeof i === "number" ? int(i) : i);
export const plus = (a: Index, b: Index): Expression => add(asInt(a), asInt(b));
export const minus = (a: Index, b: Index): Expression => sub(asInt(a), asInt(b));
export const times = (a: Index, b: Index): Expression => mul(asInt(a), asInt(b));

/** Elements `start`, `start + step`, ... of an array. */
export interface VectorView {
  readonly array: KernelArray;
  /** Whether neighbours lie side by side. */
  readonly contiguous: boolean;
  place(i: Index): Expression;
  at(i: Index): Expression;
}

export function vectorView(array: KernelArray, start: Index, step: Index = 1): VectorView {
  const place = (i: Index) => plus(start, times(i, step));
  return { array, contiguous: step === 1, place, at: (i) => load(array, place(i)) };
}

/** A row-major matrix with the given number of columns that begins at `start`. */
export interface MatrixView {
  readonly array: KernelArray;
  place(i: Index, j: Index): Expression;
  at(i: Index, j: Index): Expression;
  row(i: Index): VectorView;
  column(j: Index): VectorView;
}

export function matrixView(array: KernelArray, start: Index, columns: number): MatrixView {
  const place = (i: Index, j: Index) => plus(plus(start, times(i, columns)), j);
  return {
    array,
    place,
    at: (i, j) => load(array, place(i, j)),
    row: (i) => vectorView(array, place(i, 0)),
    column: (j) => vectorView(array, plus(start, j), columns),
  };
}

/** One scratch array, of which each lane has a run to itself, and that run cut into named parts. */
export interface Workspace<Part extends string> {
  readonly scratch: { readonly name: string; readonly kind: KernelArray["kind"]; readonly length: number };
  /** Where each part of a lane begins. */
  starts(lane: Expression): Readonly<Record<Part, Expression>>;
}

/** A workspace for `count` lanes, from the lengths of the parts. (One array, as targets bind only a few.) */
export function workspace<Part extends string>(
  name: string,
  kind: KernelArray["kind"],
  count: number,
  lengths: Readonly<Record<Part, number>>,
): Workspace<Part> {
  const parts = Object.entries<number>(lengths) as [Part, number][];
  const size = parts.reduce((sum, [, length]) => sum + length, 0);
  return {
    scratch: { name, kind, length: count * size },
    starts: (lane) => {
      let offset = 0;
      const places = parts.map(([part, length]) => {
        const start = plus(times(lane, size), offset);
        offset += length;
        return [part, start] as const;
      });
      return Object.fromEntries(places) as Record<Part, Expression>;
    },
  };
}

type Body = (index: Local) => void;

/** Collects statements; what is written inside the callback of a loop or branch becomes its body. */
export class Code {
  #statements: Statement[] = [];

  /** The statements that `build` writes. */
  static write(build: (code: Code) => void): readonly Statement[] {
    const code = new Code();
    build(code);
    return code.#statements;
  }

  #capture(body: () => void): readonly Statement[] {
    const outer = this.#statements;
    const inner: Statement[] = [];
    this.#statements = inner;
    body();
    this.#statements = outer;
    return inner;
  }

  /** A name for a value as it is now: later stores do not change it. */
  let(name: string, value: Expression): Expression {
    if (value.op === "constant") return value;
    const named = local(value.kind, name, value.op === "local" ? value.below : undefined);
    this.#statements.push({ op: "let", local: named, value });
    return named;
  }

  /** A local that `assign` changes. */
  variable(name: string, value: Expression): Local {
    const named = local(value.kind, name);
    this.#statements.push({ op: "variable", local: named, value });
    return named;
  }

  assign(variable: Local, value: Expression): void {
    this.#statements.push({ op: "assign", local: variable, value });
  }

  store(array: KernelArray, index: Index, value: Expression): void {
    this.#statements.push({ op: "store", array, index: asInt(index), value });
  }

  /** vector[i] = value */
  set(vector: VectorView, i: Index, value: Expression): void {
    this.store(vector.array, vector.place(i), value);
  }

  /** matrix[i, j] = value */
  put(matrix: MatrixView, i: Index, j: Index, value: Expression): void {
    this.store(matrix.array, matrix.place(i, j), value);
  }

  #loop(name: string, count: Index, order: Loop["order"], body: Body, options?: Parameters<typeof loop>[4]): void {
    this.#statements.push(loop(name, count, order, (index) => this.#capture(() => body(index)), options));
  }

  /** Runs `body` for 0, 1, ..., count - 1, in order. */
  loop(name: string, count: Index, body: Body): void {
    this.#loop(name, count, "serial", body);
  }

  /** Runs `body` for 0, 1, ..., count - 1; iterations do not depend on each other. */
  independent(name: string, count: Index, body: Body): void {
    this.#loop(name, count, "independent", body);
  }

  /** The same, where neighbours touch neighbouring places: an inner loop worth making vectors of. */
  vector(name: string, count: Index, body: Body): void {
    this.#loop(name, count, "independent", body, { vectorize: true });
  }

  /** Runs `body` for 0, 1, ..., count - 1, in vectors if the elements of all views lie side by side. */
  along(name: string, count: Index, views: readonly VectorView[], body: Body): void {
    if (views.every((view) => view.contiguous)) this.vector(name, count, body);
    else this.independent(name, count, body);
  }

  /** A loop whose body joins values into accumulators (see `Loop`) and may store to places of its own. */
  reduction(name: string, count: Index, accumulators: readonly Accumulator[], body: Body): void {
    this.#loop(name, count, "reduction", body, { accumulators, vectorize: true });
  }

  /** The sums over 0, ..., count - 1 of the terms that `terms` names, formed in one loop. */
  sums(name: string, count: Index, parts: number, terms: (index: Local) => readonly Expression[]): Expression[] {
    const totals = Array.from({ length: parts }, (_, i) => this.variable(parts === 1 ? name : name + i, real(0)));
    const accumulators = totals.map((total) => ({ local: total, operator: "add" as const }));
    this.reduction("k", count, accumulators, (k) => {
      terms(k).forEach((term, i) => {
        this.assign(totals[i]!, add(totals[i]!, term));
      });
    });
    return totals;
  }

  /** The sum of `term` over 0, ..., count - 1. */
  sum(name: string, count: Index, term: (index: Local) => Expression): Expression {
    return this.sums(name, count, 1, (k) => [term(k)])[0]!;
  }

  /** The largest of `first` and `term` at 0, ..., count - 1; NaN if any is. */
  largest(name: string, count: Index, first: Expression, term: (index: Local) => Expression): Expression {
    const found = this.variable(name, first);
    this.reduction("k", count, [{ local: found, operator: "max" }], (k) => {
      this.assign(found, max(found, term(k)));
    });
    return found;
  }

  /** Whether `term` holds at all of 0, ..., count - 1. */
  every(name: string, count: Index, term: (index: Local) => Expression): Expression {
    const all = this.variable(name, bool(true));
    this.reduction("k", count, [{ local: all, operator: "and" }], (k) => {
      this.assign(all, and(all, term(k)));
    });
    return all;
  }

  /**
   * Runs `body` for the indices `first`, ..., `first + count - 1`: `width` of them at a time, so that inner loops can
   * share what they load, and then those that are left one by one. Blocks do not depend on each other, unless `order`
   * is "serial".
   */
  blocks(
    name: string,
    first: Index,
    count: Index,
    width: number,
    body: (indices: readonly Expression[]) => void,
    order: "serial" | "independent" = "independent",
  ): void {
    const whole = this.let(`${name}Blocks`, div(asInt(count), int(width)));
    this.#loop(`${name}Block`, whole, order, (block) => {
      const start = this.let(name, plus(first, times(block, width)));
      body(Array.from({ length: width }, (_, offset) => plus(start, offset)));
    });
    const done = this.let(`${name}Done`, times(whole, width));
    this.#loop(`${name}Rest`, minus(count, done), order, (rest) => {
      body([this.let(name, plus(plus(first, done), rest))]);
    });
  }

  /** Runs `then` if the condition holds, else `otherwise`. */
  when(condition: Expression, then: () => void, otherwise: () => void = () => {}): void {
    this.#statements.push({
      op: "if",
      condition,
      then: this.#capture(then),
      otherwise: this.#capture(otherwise),
    });
  }

  /** Runs `body` while the condition holds. All parts of the condition may be evaluated each time. */
  while(condition: Expression, body: () => void): void {
    this.#statements.push({ op: "while", condition, body: this.#capture(body) });
  }
}

/** `i` moved into 0, ..., count - 1, for loads whose value does not count; `count` is not zero. */
export const clampIndex = (i: Expression, count: number): Expression => max(min(i, int(count - 1)), int(0));

/** -x where the condition holds, else x. */
export const negateIf = (condition: Expression, x: Expression): Expression => select(condition, neg(x), x);
