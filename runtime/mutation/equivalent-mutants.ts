/**
 * Mutants that change no value a program can see, each with the reason. They are told by file and text rather than by
 * line, so that they are still found after a change elsewhere.
 */
import type { Mutant } from "./instrument.ts";

interface Equivalent {
  readonly file: string;
  /** As the table shows it. */
  readonly shown: string;
  readonly why: string;
}

const starts = "The slope of Newton's method: another one leads to the same root, in the steps that there are.";
const ends = "When a series ends: its further terms are below rounding.";
const unread = "Nothing reads this count: what is left of the operands is stacked.";
const cost = "An estimate of cost: it decides what is computed where, not what.";

const equivalents: readonly Equivalent[] = [
  { file: "compiler/primitives/reduce.ts", shown: "-2147483648 -> 2147483648", why: "The same 32 bits." },
  {
    file: "compiler/kernel/functions/gamma.ts",
    shown: "1 / 2 -> 1",
    why: "A first value that is replaced before anything reads it.",
  },
  {
    file: "compiler/primitives/gamma-numerics.ts",
    shown: "1 + r * (2 * y / 3 + r * ((3 * y22 - 7) / 36 + r * (-(12 * y22 * y + 14 * y) / 810))) -> 1",
    why: starts,
  },
  { file: "compiler/primitives/gamma-numerics.ts", shown: "r * (-(12 * y22 * y + 14 * y) / 810) -> r", why: starts },
  {
    file: "compiler/primitives/gamma-numerics.ts",
    shown: "negligible * 4 * Math.abs(df) -> negligible * 4",
    why: ends,
  },
  {
    file: "compiler/primitives/random-gamma-kernel.ts",
    shown: "mul(negligible, abs(df)) -> ir.div(negligible, abs(df))",
    why: ends,
  },
  {
    file: "compiler/primitives/eigh-ql-kernel.ts",
    shown: "and(gt(m, l), lt(sweep, int(maxSweeps))) -> gt(m, l)",
    why: "A limit that no finite matrix comes to.",
  },
  {
    file: "compiler/primitives/eigh-ql-kernel.ts",
    shown: "n - 1 -> n + 1",
    why: "Where the search for a small entry ends: the last one is 0, so it ends there anyway.",
  },
  { file: "compiler/kernel/build.ts", shown: "n + b.length -> n", why: cost },
  { file: "compiler/kernel/virtual.ts", shown: "count + (mustStore ? 1 : 0) -> count", why: cost },
  {
    file: "compiler/transform/control/scan-derivatives.ts",
    shown:
      "marks.stacked.filter((m) => !m).length + arriving.length -> marks.stacked.filter((m) => !m).length - arriving.length",
    why: unread,
  },
  {
    file: "compiler/transform/control/scan-derivatives.ts",
    shown: "params.stacked + stackedMask.filter(Boolean).length -> stackedMask.filter(Boolean).length",
    why: unread,
  },
];

/** Why a mutant changes nothing; undefined where nobody has shown that. */
export function equivalenceOf({ file, shown }: Mutant): string | undefined {
  return equivalents.find((e) => e.file === file && e.shown === shown)?.why;
}
