/** What the options of the standard library's solvers may be, where it is known when a program is compiled. */
import { knownDim } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Term } from "./terms.ts";

interface Range {
  readonly contains: (value: number) => boolean;
  readonly words: string;
}

const positive: Range = { contains: (x) => x > 0, words: "above 0" };
const notNegative: Range = { contains: (x) => x >= 0, words: "0 or more" };
const atLeastOne: Range = { contains: (x) => x >= 1, words: "1 or more" };
const share: Range = { contains: (x) => x >= 0 && x < 1, words: "from 0 up to, but not including, 1" };

/** By the name of the option, which means the same in all of them. */
const ranges: ReadonlyMap<string, Range> = new Map([
  ["step", notNegative],
  ["history", atLeastOne],
  ["restart", atLeastOne],
  ["tries", notNegative],
  ["radius", positive],
  ["lipschitz", positive],
  ["momentum", share],
  ["b1", share],
  ["b2", share],
]);

/** Refuses an option of a solver of the standard library with which it could not work. */
export function refuseOutOfRange(solver: string, option: string, term: Term, span: Span): void {
  const range = ranges.get(option);
  if (!range || term.kind !== "array") return;
  const value =
    term.dimension !== undefined
      ? knownDim(term.dimension)
      : term.atom.kind === "literal"
        ? term.atom.value
        : undefined;
  if (value === undefined || range.contains(value)) return;
  fail("K1175", span, `The option \`${option}\` of \`${solver}\` is ${range.words}, but this is ${value}.`, {
    help: "Leave it out for its default, or give a value in its range.",
  });
}
