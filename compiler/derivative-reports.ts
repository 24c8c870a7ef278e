/** What derivatives through solves tell of themselves while they run, as events, warnings and failures. */
import { type SolveEvent, singularSystem, vertex } from "./core/primitive.ts";
import { statusNames } from "./core/status.ts";
import { usableResidual } from "./elaborate/operator-solve.ts";
import { countedIterations, shortNumber } from "./numbers.ts";
import type { ScriptEvent } from "./program.ts";
import { type Diagnostic, DiagnosticError, errorAt, warningAt } from "./syntax/diagnostic.ts";

/** Distances to the solution, relative to it, above which a derivative is said to be in doubt. */
const doubtfulDistance = { f64: 1e-3, f32: 3e-2 } as const;

/** Norms of a declared condition at an answer, relative to the answer (or to 1), up to which it counts as zero. */
const declaredResidual = 1e-3;

/** Listens to the reports of one statement: the worst of each kind is told, and each doubt once for each solve. */
export function derivativeReports(precision: "f64" | "f32", onEvent: ((event: ScriptEvent) => void) | undefined) {
  const worst = new Map<string, number>();
  const warned = new Set<string>();
  const warn = (diagnostic: Diagnostic) => {
    const key = `${diagnostic.code} ${diagnostic.span?.start}`;
    if (warned.has(key)) return;
    warned.add(key);
    onEvent?.({ kind: "warning", diagnostic });
  };
  return (report: SolveEvent): void => {
    const { role, status, error: value, expression, span } = report;
    if (role === "solve") return;
    if (role === "repeated") {
      warn(repeatedValues(span));
      return;
    }
    // The smallest margin is the worst; of everything else the largest. A flag is worth telling whatever the value.
    const badness = Number.isNaN(value) ? Number.POSITIVE_INFINITY : role === "margin" ? -value : value;
    const key = `${role} ${role === "adjoint" ? 0 : status} ${span?.start} ${expression}`;
    if (role !== "declared" && badness > (worst.get(key) ?? Number.NEGATIVE_INFINITY)) {
      worst.set(key, badness);
      onEvent?.({ kind: "certificate", role, status, value, expression, span });
    }
    const doubt = doubtOf(report, precision, worst.get(`distance_before 0 ${span?.start} ${expression}`));
    if (doubt?.severity === "error") throw new DiagnosticError(doubt);
    if (doubt) warn(doubt);
  };
}

/** That the derivative of eigenvectors or singular vectors was read where their values are equal. */
const repeatedValues = (span: SolveEvent["span"]): Diagnostic =>
  warningAt(
    "K0425",
    span,
    "Eigenvalues or singular values are equal here, or zero: the derivative leaves out how their vectors turn into each other.",
    {
      help: "It is right for what is the same whichever vectors are taken, and has no `f(l)` in it: the projection onto their common space, say. It is wrong for single vectors, for `V @ diag(f(l)) @ V'`, and for second derivatives of functions of equal values. Write those without `eigh` or `svd`, or move away from such a matrix.",
    },
  );

/** `before` is the distance before polishing, where the answer is polished. */
function doubtOf(report: SolveEvent, precision: "f64" | "f32", before: number | undefined): Diagnostic | undefined {
  const { role, status, iterations, error: value, span, trial, expression } = report;
  switch (role) {
    case "adjoint": {
      const name = statusNames[status] ?? String(status);
      if (!(value <= usableResidual)) {
        const message = `The linear system for the derivative of this solve was not solved: the solver ended as \`${name}\` after ${countedIterations(iterations)}, with a relative residual of ${shortNumber(value)}.`;
        const help =
          "Choose how it is solved: `adjoint = implicit(by = gmres())`, `minres()` for a symmetric system that is not positive definite, `direct()` for a small one; or allow more iterations.";
        return trial ? warningAt("K0418", span, message, { help }) : errorAt("K0418", span, message, { help });
      }
      if (name === "converged") return undefined;
      return warningAt(
        "K0419",
        span,
        `The linear system for the derivative of this solve was solved only to a relative residual of ${shortNumber(value)} (its solver ended as \`${name}\` after ${countedIterations(iterations)}).`,
        { help: "The derivative may be wrong by about that much. Allow more iterations, or precondition." },
      );
    }
    case "declared":
      if (statusNames[status] !== "converged" || value <= declaredResidual) return undefined;
      return warningAt(
        "K0424",
        span,
        `This condition does not vanish at the answer of \`${expression}\`: its norm there is ${shortNumber(value)} of the answer's size.`,
        {
          help: "A derivative through that solve would follow the condition, not the answer. Zero at the answer is what a condition must be.",
        },
      );
    case "distance":
      if (status === singularSystem)
        return warningAt(
          "K0411",
          span,
          "The condition of this solve does not determine its answer: the linear system for the derivative is singular, and its least-squares solution of least norm is used.",
          {
            help: "Several answers lie side by side here. Add a term that picks one (a small penalty), say `adjoint = implicit(damping = ...)`, or differentiate the iteration itself with `adjoint = unroll`.",
          },
        );
      if (value <= doubtfulDistance[precision]) return undefined;
      if (before !== undefined)
        return warningAt(
          "K0422",
          span,
          `This solve is differentiated at a point that does not satisfy its condition: one Newton step would move it by ${shortNumber(value)} of its size, and by up to ${shortNumber(before)} before it was polished.`,
          {
            help: "The derivative may be wrong by about that much. Ask for a smaller `tol`, or for more Newton steps by a larger `polish`; where they lead away from the answer, leave `polish` out.",
          },
        );
      return warningAt(
        "K0422",
        span,
        `This solve is differentiated at an answer that does not satisfy its condition: one Newton step would move it by ${shortNumber(value)} of its size.`,
        {
          help: "The derivative may be wrong by about that much. Ask for a smaller `tol`, or let the derivative improve the answer first: `adjoint = implicit(polish = 1)`.",
        },
      );
    case "margin":
      if (status !== vertex) return undefined;
      return warningAt(
        "K0423",
        span,
        "The constraints that bind determine this answer alone: it is a vertex, and stays where it is when the objective changes a little.",
        {
          help: "Its derivative in what only the objective contains is zero. A small strictly convex term, such as `1e-3 * dot(x, x)`, makes the answer move.",
        },
      );
    default:
      return undefined;
  }
}
