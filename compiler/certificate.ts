/** What is known of a derivative through a solve, gathered from its reports. */
import { singularSystem, vertex } from "./core/primitive.ts";
import type { ScriptEvent } from "./program.ts";

/** Of several derivatives through one solve, the worst figures. All are absent that nobody computed. */
export interface Certificate {
  /** The Newton correction at the answer, relative to the answer: about its relative error. After polishing, if any. */
  readonly distance?: number;
  /** The same before polishing; absent where the adjoint does not polish. */
  readonly distance_before?: number;
  /** The norm of the condition at the answer. After polishing, if any. */
  readonly residual?: number;
  /** The same before polishing; absent where the adjoint does not polish. */
  readonly residual_before?: number;
  /** The condition number of the linearised condition, its rows and columns scaled. */
  readonly condition?: number;
  /** The relative residual of the linear system for the derivative. */
  readonly adjoint?: number;
  /** How far the nearest inequality is from starting or ceasing to bind, or the condition from a kink. */
  readonly margin?: number;
  /** The condition does not determine the answer: the derivative is the least-squares one of least norm. */
  readonly singular?: true;
  /** The constraints that bind determine the answer alone. */
  readonly vertex?: true;
}

export type CertificateEvent = Extract<ScriptEvent, { kind: "certificate" }>;

/** The certificate with one more report taken in. */
export function withReport(known: Certificate | undefined, { role, status, value }: CertificateEvent): Certificate {
  // Users see one figure for all linear systems that iterations solve.
  const field = role === "system" ? "adjoint" : role;
  const before = known?.[field];
  const worse = role === "margin" ? Math.min : Math.max;
  return {
    ...known,
    [field]: before === undefined ? value : worse(before, value),
    ...(role === "distance" && status === singularSystem ? { singular: true } : {}),
    ...(role === "margin" && status === vertex ? { vertex: true } : {}),
  };
}

/** A list of solves with the report added to the last solve of its expression. */
export function attachReport<T extends { readonly expression: string; readonly certificate?: Certificate }>(
  solves: T[],
  event: CertificateEvent,
): void {
  const at = solves.findLastIndex((s) => s.expression === event.expression);
  const solve = solves[at];
  if (solve) solves[at] = { ...solve, certificate: withReport(solve.certificate, event) };
}
