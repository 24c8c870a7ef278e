/** `certificate(f)(x)`: a gradient that passes through solves, with an estimate of its error and what that rests on. */
import { Builder } from "../core/builder.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { isFinite as isFiniteAtom, or } from "../primitives/comparison.ts";
import { maximum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { fail } from "../syntax/diagnostic.ts";
import { collectReports, isFlag, reported, reportsDerivatives } from "../transform/collect-reports.ts";
import { noDerivative } from "../transform/control/refuse.ts";
import { inlineGraph } from "../transform/inline.ts";
import { length } from "./certificate-reports.ts";
import { gradient } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
import { epsilonOf } from "./perturbation.ts";
import {
  type ArrayTerm,
  type CallArguments,
  type FunctionTerm,
  leavesOf,
  realArray,
  rebuild,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "./terms.ts";

type Reported = (typeof reported)[number];

const kindOf = (name: Reported): "real" | "bool" => (isFlag(name) ? "bool" : "real");

const fields = ["value", "gradient", "error", ...reported];

/**
 * The record of a certificate: `value` and `gradient` of f, `error` (an estimate of the length of the gradient's error),
 * and the worst of each quantity in `reported` over all solves that the derivative passes through. The gradient is taken twice more, after one and after two Newton steps on every condition,
 * with systems solved to rounding and numbers moved within it. Its distance from the last of these is what solves left
 * open; that between the two is what Newton steps and rounding leave open still.
 */
export function certificate(e: Elaborator, f: FunctionTerm, args: CallArguments): TupleTerm {
  const plain = differentiated(e, f, args, 0);
  if (e.mode === "check") {
    const [error, ...numbers] = opaque(e.builder, "certificate", plain.atoms, [
      { dtype: "real", shape: [] },
      ...reported.map((name) => ({ dtype: kindOf(name), shape: [] })),
    ]);
    return record(plain.value, plain.gradient, error!, numbers);
  }
  const b = e.builder;
  const [once, twice] = [differentiated(e, f, args, 1), differentiated(e, f, args, 2)];
  const leaves = (made: Certified) => leavesOf(made.gradient, () => e.giveUp()).map((l) => l.atom);
  const g = leaves(plain);
  const apart = (xs: readonly Atom[], ys: readonly Atom[]) =>
    length(
      e,
      xs.map((a, i) => sub(b, a, ys[i]!)),
    );
  const change = apart(g, leaves(twice));
  const unsettled = apart(leaves(once), leaves(twice));
  // A matrix that an iteration never built is built for the other two; damping hides what is singular without it.
  const readings = plain.readings.map((r, i) => {
    if (reported[i] === "condition") return maximum(b, r, twice.readings[i]!);
    return reported[i] === "singular" ? or(b, r, twice.readings[i]!) : r;
  });
  const reading = (name: Reported) => readings[reported.indexOf(name)]!;
  // The change tells the error to first order in the distance: far from the solution it is worth less.
  const safety = add(b, realLiteral(2), mul(b, realLiteral(20), reading("distance")));
  const rounding = mul(b, realLiteral(epsilonOf(e)), add(b, realLiteral(8), reading("condition")));
  const left = add(b, mul(b, realLiteral(8), unsettled), mul(b, rounding, length(e, g)));
  const estimate = add(b, mul(b, safety, change), left);
  const error = select(b, isFiniteAtom(b, estimate), estimate, realLiteral(Number.POSITIVE_INFINITY));
  return record(plain.value, plain.gradient, error, readings, (atom) =>
    noDerivative(
      b,
      atom,
      args.span,
      "A certificate has no derivative.",
      "Differentiate the function itself, and ask for the certificate of that.",
    ),
  );
}

function record(
  value: Term,
  gradientTerm: Term,
  error: Atom,
  readings: readonly Atom[],
  seal: (atom: Atom) => Atom = (a) => a,
): TupleTerm {
  const numbers = readings.map((atom, i): Term => ({ kind: "array", type: kindOf(reported[i]!), atom: seal(atom) }));
  return tupleTerm([value, gradientTerm, realArray(seal(error)), ...numbers], fields);
}

interface Certified {
  readonly value: Term;
  readonly gradient: Term;
  readonly readings: readonly Atom[];
  readonly atoms: readonly Atom[];
}

/** Value and gradient after so many Newton steps, with what the derivatives on the way report as values. */
function differentiated(e: Elaborator, f: FunctionTerm, args: CallArguments, steps: 0 | 1 | 2): Certified {
  const inner = new Builder({ parent: e.builder });
  const before = e.certifying;
  e.certifying = steps;
  try {
    const made = e.within(inner, () => gradient(e, f, args, "value_and_grad"));
    const first = leavesOf(made.value, () => e.giveUp());
    const second = leavesOf(made.gradient, () => e.giveUp());
    const outputs = [...first, ...second].map((l) => l.atom);
    const { graph, captured } = inner.close("certificate", outputs);
    if (e.mode === "check") {
      const atoms = inlineGraph(e.builder, graph, captured);
      return placed(made, first, second, atoms, []);
    }
    if (!reportsDerivatives(graph))
      fail(
        "K0530",
        args.span,
        `The derivative of ${f.name ? `\`${f.name}\`` : "this function"} passes through no solve, so there is nothing to certify.`,
        {
          help: "`certificate(f)(x)` is for functions of an optimum, a root or a fixed point under an `implicit` adjoint, or of a `linear_solve` by an iteration; other derivatives are exact up to rounding.",
        },
      );
    const atoms = inlineGraph(e.builder, collectReports(graph), captured);
    return placed(made, first, second, atoms.slice(0, outputs.length), atoms.slice(outputs.length));
  } finally {
    e.certifying = before;
  }
}

function placed(
  made: { readonly value: Term; readonly gradient: Term },
  first: readonly ArrayTerm[],
  second: readonly ArrayTerm[],
  atoms: readonly Atom[],
  readings: readonly Atom[],
): Certified {
  const leaf = (l: ArrayTerm, i: number): ArrayTerm => ({ ...l, atom: atoms[i]! });
  return {
    value: rebuild(made.value, first.map(leaf)),
    gradient: rebuild(
      made.gradient,
      second.map((l, i) => leaf(l, first.length + i)),
    ),
    readings,
    atoms,
  };
}
