/** `certificate(f)(x)`: a gradient that passes through solves, with an estimate of its error and what that rests on. */
import { Builder } from "../core/builder.ts";
import { type Atom, realLiteral } from "../core/graph.ts";
import { opaque } from "../core/opaque.ts";
import { add, mul, sub } from "../primitives/arithmetic.ts";
import { isFinite as isFiniteAtom } from "../primitives/comparison.ts";
import { select } from "../primitives/select.ts";
import { fail } from "../syntax/diagnostic.ts";
import { collectReports, reported, reportsDerivatives } from "../transform/collect-reports.ts";
import { noDerivative } from "../transform/control/refuse.ts";
import { inlineGraph } from "../transform/inline.ts";
import { length } from "./certificate-reports.ts";
import { gradient } from "./derivatives.ts";
import type { Elaborator } from "./elaborator.ts";
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

const fields = ["value", "gradient", "error", ...reported];

/**
 * The record of a certificate: `value` and `gradient` of f, `error` (an estimate of the length of the gradient's error),
 * and the worst of `residual`, `distance`, `condition`, `adjoint`, `margin`, `singular`, `vertex` over all solves that
 * the derivative passes through. The error is twice the change that one more Newton step on every condition (and an
 * adjoint solved more sharply) makes to the gradient, plus what rounding does to a system of that condition number.
 */
export function certificate(e: Elaborator, f: FunctionTerm, args: CallArguments): TupleTerm {
  const plain = differentiated(e, f, args, "plain");
  if (e.mode === "check") {
    const [error, ...numbers] = opaque(e.builder, "certificate", plain.atoms, [
      ...["error", ...reported.slice(0, 5)].map(() => ({ dtype: "real" as const, shape: [] })),
      ...[0, 1].map(() => ({ dtype: "bool" as const, shape: [] })),
    ]);
    return record(plain.value, plain.gradient, error!, numbers);
  }
  const polished = differentiated(e, f, args, "polished");
  const b = e.builder;
  const g = leavesOf(plain.gradient, () => e.giveUp()).map((l) => l.atom);
  const better = leavesOf(polished.gradient, () => e.giveUp()).map((l) => l.atom);
  const change = length(
    e,
    g.map((a, i) => sub(b, a, better[i]!)),
  );
  const [distance, , condition] = plain.readings as [Atom, Atom, Atom];
  // The change tells the error to first order in the distance: far from the solution it is worth less.
  const safety = add(b, realLiteral(2), mul(b, realLiteral(20), distance));
  const rounding = mul(b, realLiteral(e.precision === "f64" ? 2 ** -52 : 2 ** -23), add(b, realLiteral(8), condition));
  const estimate = add(b, mul(b, safety, change), mul(b, rounding, length(e, g)));
  const error = select(b, isFiniteAtom(b, estimate), estimate, realLiteral(Number.POSITIVE_INFINITY));
  return record(plain.value, plain.gradient, error, plain.readings, (atom) =>
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
  const kinds = reported.map((n): ArrayTerm["type"] => (n === "singular" || n === "vertex" ? "bool" : "real"));
  const numbers = readings.map((atom, i): Term => ({ kind: "array", type: kinds[i]!, atom: seal(atom) }));
  return tupleTerm([value, gradientTerm, realArray(seal(error)), ...numbers], fields);
}

interface Certified {
  readonly value: Term;
  readonly gradient: Term;
  readonly readings: readonly Atom[];
  readonly atoms: readonly Atom[];
}

/** Value and gradient, with what the derivatives on the way report as values. */
function differentiated(e: Elaborator, f: FunctionTerm, args: CallArguments, how: "plain" | "polished"): Certified {
  const inner = new Builder({ parent: e.builder });
  const before = e.certifying;
  e.certifying = how;
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
          help: "`certificate(f)(x)` is for functions of an optimum, a root or a fixed point under an `implicit` adjoint; other derivatives are exact up to rounding.",
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
