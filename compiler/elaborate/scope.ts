/** Names in force at a place, innermost first. */
import { closest } from "../syntax/suggest.ts";
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

/** The nearest name, when it is near enough to have been meant. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  return closest(name, [...new Set(candidates)]);
}
