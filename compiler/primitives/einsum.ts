/** Einstein sums in NumPy's notation, composed of diagonals, sums, general products and one permutation. */
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { mul } from "./arithmetic.ts";
import { dotGeneral } from "./dot.ts";
import { gather } from "./gather.ts";
import { iota } from "./iota.ts";
import { reduceSum } from "./reduce.ts";
import { moveAxis, transpose } from "./shape.ts";

export interface EinsumPlan {
  /** One letter an axis, for each operand. Axes with one letter must have one size. */
  readonly operands: readonly string[];
  readonly output: string;
}

/** What is wrong with a specification, as a sentence without the full stop. */
export interface EinsumProblem {
  readonly problem: string;
}

/**
 * Reads `ij,jk->ik`. Without `->` the output has the letters that occur once, in alphabetical order.
 * Blanks are ignored; there is no ellipsis.
 */
export function parseEinsum(spec: string, ranks: readonly number[]): EinsumPlan | EinsumProblem {
  const text = spec.replaceAll(" ", "");
  const [left, right, ...rest] = text.split("->");
  if (left === undefined || rest.length > 0) return { problem: `"${spec}" has more than one ->` };
  const bad = /[^A-Za-z,]/.exec(left)?.[0] ?? /[^A-Za-z]/.exec(right ?? "")?.[0];
  if (bad !== undefined) return { problem: `"${spec}" may only have letters, commas and one ->, not ${bad}` };
  const operands = left.split(",");
  if (operands.length !== ranks.length)
    return { problem: `"${spec}" is for ${count(operands.length, "operand")}, but ${ranks.length} given` };
  for (const [i, labels] of operands.entries())
    if (labels.length !== ranks[i])
      return {
        problem: `operand ${i + 1} has ${count(ranks[i]!, "axis")}, but "${labels}" names ${labels.length}`,
      };
  const all = operands.join("");
  if (right === undefined) {
    const once = [...new Set(all)].filter((l) => all.indexOf(l) === all.lastIndexOf(l));
    return { operands, output: once.sort().join("") };
  }
  for (const label of right) {
    if (!all.includes(label)) return { problem: `the output's ${label} is in no operand of "${spec}"` };
    if (right.indexOf(label) !== right.lastIndexOf(label))
      return { problem: `${label} occurs twice in the output of "${spec}"` };
  }
  return { operands, output: right };
}

function count(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : noun === "axis" ? "axes" : `${noun}s`}`;
}

interface Labelled {
  readonly x: Atom;
  readonly labels: string;
}

/** Keeps one of two axes with one letter: the diagonal. */
function diagonals(b: Emitter, { x, labels }: Labelled): Labelled {
  for (let i = 0; i < labels.length; i++) {
    const j = labels.indexOf(labels[i]!, i + 1);
    if (j < 0) continue;
    const front = moveAxis(b, moveAxis(b, x, j, 0), i + 1, 0);
    const n = front.type.shape[0]!;
    const rest = labels.slice(0, i) + labels.slice(i + 1, j) + labels.slice(j + 1);
    return diagonals(b, { x: gather(b, front, iota(b, n), 1, 1), labels: labels[i]! + rest });
  }
  return { x, labels };
}

/** Sums the axes whose letters nobody else wants. */
function sumUnused(b: Emitter, { x, labels }: Labelled, wanted: string): Labelled {
  const axes = [...labels].flatMap((l, i) => (wanted.includes(l) ? [] : [i]));
  return { x: reduceSum(b, x, axes), labels: [...labels].filter((l) => wanted.includes(l)).join("") };
}

function permute(b: Emitter, { x, labels }: Labelled, order: string): Atom {
  return transpose(
    b,
    x,
    [...order].map((l) => labels.indexOf(l)),
  );
}

/** The product of two operands, summed over the letters that only they have. */
function contractPair(b: Emitter, left: Labelled, right: Labelled, wanted: string): Labelled {
  const shared = [...left.labels].filter((l) => right.labels.includes(l));
  const kept = shared.filter((l) => wanted.includes(l));
  const summed = shared.filter((l) => !wanted.includes(l));
  if (kept.length === left.labels.length && kept.length === right.labels.length)
    return { x: mul(b, left.x, permute(b, right, left.labels)), labels: left.labels };
  const places = (labels: string, letters: readonly string[]) => letters.map((l) => labels.indexOf(l));
  const x = dotGeneral(b, left.x, right.x, {
    contract: [places(left.labels, summed), places(right.labels, summed)],
    batch: [places(left.labels, kept), places(right.labels, kept)],
  });
  const free = [...left.labels, ...right.labels].filter((l) => !shared.includes(l));
  return { x, labels: [...kept, ...free].join("") };
}

/** The Einstein sum of operands of one dtype (real or int), contracted from left to right. */
export function einsum(b: Emitter, spec: string, operands: readonly Atom[]): Atom {
  const plan = parseEinsum(
    spec,
    operands.map((x) => x.type.shape.length),
  );
  if ("problem" in plan) throw new Error(`internal error: einsum: ${plan.problem}`);
  const parts = operands.map((x, i): Labelled => {
    const others = plan.operands.filter((_, k) => k !== i).join("") + plan.output;
    return sumUnused(b, diagonals(b, { x, labels: plan.operands[i]! }), others);
  });
  const total = parts.reduce((left, right, i) => {
    const later =
      parts
        .slice(i + 1)
        .map((p) => p.labels)
        .join("") + plan.output;
    return contractPair(b, left, right, later);
  });
  return permute(b, total, plan.output);
}
