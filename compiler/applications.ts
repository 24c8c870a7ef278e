/** Functions compiled for the arguments of calls, for as long as they are likely to be called again. */
import type { Graph, Var } from "./core/graph.ts";
import type { Term } from "./elaborate/terms.ts";
import type { Span } from "./syntax/tree.ts";

/** A function compiled for arguments of some shapes. */
export interface Application {
  readonly name: string;
  readonly span: Span | undefined;
  readonly derivatives: boolean;
  /** Whether the last output is the check that long derivatives are finite. */
  readonly isChecked: boolean;
  readonly graph: Graph;
  readonly captured: readonly Var[];
  readonly result: Term;
}

/** How many are remembered: each holds its compiled form. The one that was used longest ago goes first. */
const mostApplications = 128;

export class Applications {
  readonly #known = new Map<string, Application>();

  /** By what makes two calls compile to one program. */
  get(key: string): Application | undefined {
    const known = this.#known.get(key);
    if (known) this.remember(key, known);
    return known;
  }

  remember(key: string, application: Application): void {
    this.#known.delete(key);
    this.#known.set(key, application);
    if (this.#known.size <= mostApplications) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest!);
  }
}
