/**
 * Addresses of array elements. What does not change in a loop is added up before it, once for all accesses
 * that share it; in the loop an address is one addition, and constants go into the instruction.
 */
import { changesOf, sourcesOf } from "../../kernel/changes.ts";
import type { Expression, KernelArray, Loop, Statement, While } from "../../kernel/ir.ts";
import type { FunctionContext } from "./context.ts";
import { bodiesOf, type Form, isNeverNegative, keyOfTerms } from "./forms.ts";

type Terms = ReadonlyMap<Expression, number>;

/** The loops around what is being written, each with the locals that hold sums made before it. */
interface Scope {
  readonly changed: ReadonlySet<number>;
  readonly bases: Map<string, number>;
}

export class Addresses {
  readonly #context: FunctionContext;
  readonly #pushInt: (e: Expression) => void;
  readonly #scopes: Scope[] = [];

  /** `pushInt` writes the code of an index. */
  constructor(context: FunctionContext, pushInt: (e: Expression) => void) {
    this.#context = context;
    this.#pushInt = pushInt;
  }

  /** Pushes an address; returns the offset that the access has to add. */
  push(array: KernelArray, index: Expression): number {
    return this.pushForm(array, this.#context.forms.of(index));
  }

  pushForm(array: KernelArray, form: Form): number {
    const { constant, offset } = this.#split(array, form);
    this.#push(this.#scopes.length - 1, array, form.terms, constant);
    return offset;
  }

  /** Offsets are added without wrapping round: what they are added to must be an address already. */
  #split(array: KernelArray, { terms, constant }: Form): { constant: number; offset: number } {
    if (constant <= 0 || !isNeverNegative(terms)) return { constant, offset: 0 };
    return { constant: 0, offset: constant * this.#context.bytesOf(array.kind) };
  }

  #push(level: number, array: KernelArray, terms: Terms, constant: number): void {
    const { f } = this.#context;
    const scope = this.#scopes[level];
    const [fixed, changing] = scope ? this.#partition(scope, terms) : [new Map<Expression, number>(), terms];
    if (scope && (fixed.size > 0 || constant !== 0)) {
      const base = scope.bases.get(keyOf(array, fixed, constant));
      if (base === undefined) this.#push(level - 1, array, fixed, constant);
      else f.get(base);
    } else {
      f.get(this.#context.pointer(array));
      if (constant !== 0) {
        f.i32(constant * this.#context.bytesOf(array.kind));
        f.emit("i32.add");
      }
    }
    for (const [term, coefficient] of changing) this.#addTerm(term, coefficient, this.#context.bytesOf(array.kind));
  }

  #addTerm(term: Expression, coefficient: number, size: number): void {
    const { f } = this.#context;
    this.#pushInt(term);
    const factor = Math.imul(coefficient, size);
    const shift = Math.log2(Math.abs(factor));
    if (Number.isInteger(shift)) {
      if (shift > 0) {
        f.i32(shift);
        f.emit("i32.shl");
      }
      f.emit(factor > 0 ? "i32.add" : "i32.sub");
      return;
    }
    f.i32(factor);
    f.emit("i32.mul");
    f.emit("i32.add");
  }

  #partition(scope: Scope, terms: Terms): [Map<Expression, number>, Map<Expression, number>] {
    const [fixed, changing] = [new Map<Expression, number>(), new Map<Expression, number>()];
    for (const [term, coefficient] of terms) (isFixed(term, scope) ? fixed : changing).set(term, coefficient);
    return [fixed, changing];
  }

  /**
   * Begins a loop: writes what its accesses add up before it. Accesses with a term that `isVector` says is many
   * values at once are none of its business.
   */
  begin(loop: Loop | While, isVector: (e: Expression) => boolean): void {
    const scope: Scope = { changed: changesOf([loop]).locals, bases: new Map() };
    this.#forEachAccess(loop.body, (array, index) => {
      const form = this.#context.forms.of(index);
      if ([...form.terms.keys()].some(isVector)) return;
      const { constant } = this.#split(array, form);
      const [fixed] = this.#partition(scope, form.terms);
      const key = keyOf(array, fixed, constant);
      if ((fixed.size === 0 && constant === 0) || scope.bases.has(key)) return;
      this.#push(this.#scopes.length - 1, array, fixed, constant);
      const base = this.#context.f.local("i32");
      this.#context.f.set(base);
      scope.bases.set(key, base);
    });
    this.#scopes.push(scope);
  }

  end(): void {
    this.#scopes.pop();
  }

  #forEachAccess(statements: readonly Statement[], visit: (array: KernelArray, index: Expression) => void): void {
    const expression = (e: Expression): void => {
      switch (e.op) {
        case "constant":
        case "local":
          return;
        case "load":
          visit(e.array, e.index);
          expression(e.index);
          return;
        case "unary":
          expression(e.a);
          return;
        case "binary":
          expression(e.a);
          expression(e.b);
          return;
        case "select":
          expression(e.condition);
          expression(e.a);
          expression(e.b);
          return;
        case "call":
          e.arguments.forEach(expression);
      }
    };
    for (const s of statements) {
      if (s.op === "store") {
        visit(s.array, s.index);
        expression(s.index);
      }
      if (s.op === "loop") expression(s.count);
      else expression(s.op === "if" || s.op === "while" ? s.condition : s.value);
      for (const body of bodiesOf(s)) this.#forEachAccess(body, visit);
    }
  }
}

/** Whether a term can be computed before a loop: it may not be in range, or divide by zero, if it is not run. */
function isFixed(term: Expression, scope: Scope): boolean {
  const { locals, arrays, risky } = sourcesOf(term);
  if (arrays.size > 0 || risky) return false;
  for (const id of locals) if (scope.changed.has(id)) return false;
  return true;
}

const keyOf = (array: KernelArray, terms: Terms, constant: number): string =>
  `${array.id}:${keyOfTerms(terms)}+${constant}`;
