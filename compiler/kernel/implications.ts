/** What follows for one flag of a graph when another one is true. */
import type { Atom, Equation } from "../core/graph.ts";

/** What is known of some values: numbers, and 1 or 0 for flags. */
type Facts = ReadonlyMap<number, number>;

export class Implications {
  readonly #producers = new Map<number, Equation>();

  constructor(equations: readonly Equation[]) {
    for (const e of equations) for (const v of e.outputs) this.#producers.set(v.id, e);
  }

  producer(a: Atom): Equation | undefined {
    return a.kind === "var" ? this.#producers.get(a.id) : undefined;
  }

  /** Whether `flag` is certainly false when `assumed` is true. */
  excludes(assumed: Atom, flag: Atom): boolean {
    if (assumed.kind === "literal") return false;
    const e = this.#producers.get(assumed.id);
    // Either may be why.
    if (e?.primitive.name === "or") return e.inputs.every((a) => this.excludes(a, flag));
    const facts = new Map([[assumed.id, 1]]);
    if (e?.primitive.name === "notEqual") {
      // The same comparison, asked the other way round.
      for (const other of this.#producers.values())
        if (other.primitive.name === "equal" && other.inputs.every((a, i) => isSame(a, e.inputs[i]!)))
          facts.set(other.outputs[0]!.id, 0);
      return this.#value(flag, facts, e.inputs) === 0;
    }
    return this.#value(flag, facts) === 0;
  }

  /** A value that follows from the facts; `apart` are two values known to differ. */
  #value(a: Atom, facts: Facts, apart?: readonly Atom[]): number | undefined {
    if (a.kind === "literal") return a.value;
    const known = facts.get(a.id);
    if (known !== undefined) return known;
    const e = this.#producers.get(a.id);
    if (!e || a.type.shape.length > 0) return undefined;
    const of = (i: number) => this.#value(e.inputs[i]!, facts, apart);
    switch (e.primitive.name) {
      case "or":
      case "and": {
        const decisive = e.primitive.name === "or" ? 1 : 0;
        const [x, y] = [of(0), of(1)];
        if (x === decisive || y === decisive) return decisive;
        return x === undefined || y === undefined ? undefined : 1 - decisive;
      }
      case "not": {
        const x = of(0);
        return x === undefined ? undefined : 1 - x;
      }
      case "equal":
        return this.#equal(e.inputs[0]!, e.inputs[1]!, facts, apart);
      case "select": {
        const which = of(0);
        if (which !== undefined) return of(which ? 1 : 2);
        const [x, y] = [of(1), of(2)];
        return x === y ? x : undefined;
      }
      default:
        return undefined;
    }
  }

  /** Whether two values are equal; a choice is, or is not, where both of its sides are. */
  #equal(x: Atom, y: Atom, facts: Facts, apart: readonly Atom[] | undefined): number | undefined {
    if (apart && isSame(x, apart[0]!) && isSame(y, apart[1]!)) return 0;
    const [v, w] = [this.#value(x, facts, apart), this.#value(y, facts, apart)];
    if (v !== undefined && w !== undefined) return v === w ? 1 : 0;
    const e = this.producer(x);
    if (e?.primitive.name !== "select" || x.type.shape.length > 0) return undefined;
    const which = this.#value(e.inputs[0]!, facts, apart);
    if (which !== undefined) return this.#equal(e.inputs[which ? 1 : 2]!, y, facts, apart);
    const sides = [1, 2].map((i) => this.#equal(e.inputs[i]!, y, facts, apart));
    return sides[0] === sides[1] ? sides[0] : undefined;
  }
}

const isSame = (a: Atom, b: Atom): boolean =>
  a.kind === "literal" ? b.kind === "literal" && Object.is(a.value, b.value) : a === b;
