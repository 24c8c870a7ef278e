/**
 * How large a program may become while it is compiled. A few lines can ask for more than any machine has: functions that
 * call one another twice double at every level, and so do tuples of tuples. What is written by people stays far below.
 */
import { variablesMade } from "../core/graph.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Term } from "./terms.ts";

const mostCalls = 100_000;
/** Equations have a result or more each. */
const mostVariables = 1_500_000;
/** Of one array that is written out, and of all of them. */
const mostEntries = 10_000;
const mostEntriesOfAll = 50_000;
const mostLeaves = 10_000;

const help =
  "Something doubles at every level, such as a function that calls another one twice: give results names with `let`, or write a `loop`.";

export class Budget {
  readonly #variablesBefore = variablesMade();
  #calls = 0;
  #entries = 0;

  /** A function is called. Throws a DiagnosticError with the code K1092 when it is one call too many. */
  spendCall(span: Span | undefined): void {
    this.#calls += 1;
    if (this.#calls > mostCalls)
      fail("K1092", span, `This program calls functions more than ${mostCalls} times while it is compiled.`, { help });
  }

  /** A call was elaborated. Throws a DiagnosticError with the code K1092 when the program has become too large by it. */
  checkSize(span: Span | undefined): void {
    if (variablesMade() - this.#variablesBefore > mostVariables)
      fail("K1092", span, `This program becomes more than ${mostVariables} operations.`, { help });
  }

  /** An array is written out. Throws a DiagnosticError with the code K1093 when it is too long. */
  spendEntries(count: number, span: Span): void {
    this.#entries += count;
    const isLong = count > mostEntries;
    if (!isLong && this.#entries <= mostEntriesOfAll) return;
    fail(
      "K1093",
      span,
      isLong
        ? `This writes out ${count} entries; an array in a program has at most ${mostEntries}.`
        : `The arrays of this program write out more than ${mostEntriesOfAll} entries.`,
      { help: 'Put the numbers in a file, and read it: `data x: real[n] from "x.csv"`.' },
    );
  }
}

const leafCounts = new WeakMap<Term, number>();

/** Throws a DiagnosticError with the code K1094 for a tuple with too many leaves, counting those it holds several times. */
export function refuseLargeTuple(tuple: Term, span: Span): void {
  const leaves = leavesIn(tuple);
  if (leaves > mostLeaves)
    fail(
      "K1094",
      span,
      `This tuple holds ${leaves} values, those of the tuples in it included; it may hold ${mostLeaves}.`,
      {
        help: "Use an array where all have one type.",
      },
    );
}

function leavesIn(term: Term): number {
  if (term.kind !== "tuple") return 1;
  let count = leafCounts.get(term);
  if (count === undefined) {
    count = term.items.reduce((sum, t) => sum + leavesIn(t), 0);
    leafCounts.set(term, count);
  }
  return count;
}
