/** What happens while a graph runs, as events and diagnostics. */

import { BackendError } from "./backend-error.ts";
import { CheckError, evaluationContext } from "./core/evaluate.ts";
import type { EvaluationContext } from "./core/primitive.ts";
import { statusNames } from "./core/status.ts";
import { derivativeReports } from "./derivative-reports.ts";
import { countedIterations, shortNumber } from "./numbers.ts";
import type { CallOptions } from "./program.ts";
import { DiagnosticError, errorAt, fail, warningAt } from "./syntax/diagnostic.ts";
import type { Span } from "./syntax/tree.ts";

/** The context of one statement: solves become events, bad endings of solves nobody looks at become failures. */
export function runContext(precision: "f64" | "f32", options: CallOptions | undefined): EvaluationContext {
  const warned = new Set<string>();
  const hear = derivativeReports(precision, options?.onEvent);
  return evaluationContext({
    precision,
    ...(options?.onTick ? { tick: options.onTick } : {}),
    ...(options?.signal ? { signal: options.signal } : {}),
    solved: (solve) => {
      if (solve.role !== "solve") return hear(solve);
      const statusName = statusNames[solve.status] ?? String(solve.status);
      // Of the solves inside a function that is being tried out, only bad endings are worth a line.
      if (solve.trial && statusName === "converged") return;
      options?.onEvent?.({ kind: "solve", solve, statusName });
      if (solve.fatal && ["diverged", "singular", "infeasible", "unbounded"].includes(statusName))
        throw new DiagnosticError(
          errorAt(
            "K0412",
            solve.span,
            `This solve ended as \`${statusName}\` after ${countedIterations(solve.iterations)}, with error ${shortNumber(solve.error)}.`,
            {
              help: `${helpForEnding(statusName, solve)} A script that reads its \`.status\` decides for itself.`,
            },
          ),
        );
      if (statusName === "converged" || solve.quiet || warned.has(`${solve.span?.start}`)) return;
      if (statusName === "running") return;
      warned.add(`${solve.span?.start}`);
      options?.onEvent?.({
        kind: "warning",
        diagnostic: warningAt(
          "K0413",
          solve.span,
          `This solve ended as \`${statusName}\` after ${countedIterations(solve.iterations)}, with error ${shortNumber(solve.error)}: it did not converge.`,
          {
            help:
              statusName === "iterations"
                ? "Allow more (`iters = ...`), or ask for less (`tol = ...`)."
                : "Its best point is used.",
          },
        ),
      });
    },
  });
}

function helpForEnding(status: string, { iterations, error }: { iterations: number; error: number }): string {
  switch (status) {
    case "diverged":
      return iterations === 0
        ? "Something is not finite where the solve starts, or its slope is: start elsewhere."
        : `A step led to something that is not finite${Number.isFinite(error) ? "" : ", or its slope is"}: take smaller steps, start nearer, or give another solver.`;
    case "infeasible":
      return "No point was found that satisfies all constraints: check their signs and numbers, or start elsewhere.";
    case "unbounded":
      return "The goal improves without end: check its sign, or add the constraint that is missing.";
    default:
      return "The equations of a step do not determine it: start nearer, check that there is an answer, or give another solver.";
  }
}

/** What went wrong while a statement ran, as a diagnostic where it is one. */
export function failureOfRun(error: unknown, span: Span | undefined): unknown {
  if (error instanceof CheckError) {
    const { failure } = error;
    return new DiagnosticError(
      errorAt(failure.code, failure.span, failure.message, failure.help ? { help: failure.help } : {}),
    );
  }
  if (error instanceof BackendError)
    return new DiagnosticError(errorAt(error.code, span, error.message, { help: error.help }));
  if (error instanceof RangeError && /invalid (typed )?array length|allocation failed/i.test(error.message))
    try {
      fail("K0414", span, "There is not enough memory for an array of this statement.", {
        help: "Use smaller sizes, or a `loop` over parts.",
      });
    } catch (diagnostic) {
      return diagnostic;
    }
  return error;
}
