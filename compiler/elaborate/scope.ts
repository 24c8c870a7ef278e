/** Names in force at a place, innermost first. */
import type { Span } from "../syntax/tree.ts";
import type { Term } from "./terms.ts";
import type { TypeDefinition } from "./types.ts";

export interface Binding {
  readonly term: Term;
  readonly span: Span | undefined;
}

export class Scope {
  readonly parent: Scope | undefined;
  readonly #names = new Map<string, Binding>();
  readonly #types = new Map<string, TypeDefinition>();

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  find(name: string): Binding | undefined {
    return this.#names.get(name) ?? (this.parent ? this.parent.find(name) : undefined);
  }

  /** The binding made in this very scope: two declarations of one name in it are an error. */
  own(name: string): Binding | undefined {
    return this.#names.get(name);
  }

  bind(name: string, term: Term, span?: Span): void {
    this.#names.set(name, { term, span });
  }

  findType(name: string): TypeDefinition | undefined {
    return this.#types.get(name) ?? (this.parent ? this.parent.findType(name) : undefined);
  }

  bindType(name: string, definition: TypeDefinition): void {
    this.#types.set(name, definition);
  }

  /** All names in force, for suggestions. */
  names(): string[] {
    return [...this.#names.keys(), ...(this.parent ? this.parent.names() : [])];
  }

  typeNames(): string[] {
    return [...this.#types.keys(), ...(this.parent ? this.parent.typeNames() : [])];
  }
}

/** The nearest name by edit distance, when it is near enough to have been meant. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of new Set(candidates)) {
    const d = editDistance(name, candidate);
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** Damerau's distance (adjacent swaps count one), case counting half. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 4) return 99;
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...new Array<number>(b.length).fill(0)]);
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const [x, y] = [a[i - 1]!, b[j - 1]!];
      const cost = x === y ? 0 : x.toLowerCase() === y.toLowerCase() ? 0.5 : 1;
      let d = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && x === b[j - 2] && a[i - 2] === y) d = Math.min(d, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = d;
    }
  return rows[a.length]![b.length]!;
}
