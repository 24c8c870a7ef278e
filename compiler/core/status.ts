/** How a solve can end. The codes are what travels through graphs; the names are what users write. */
export const statusNames = [
  "running",
  "converged",
  "iterations",
  "diverged",
  "stalled",
  "line_search",
  "singular",
  "infeasible",
  "unbounded",
] as const;

export type StatusName = (typeof statusNames)[number];

export function statusCode(name: StatusName): number {
  return statusNames.indexOf(name);
}

/** Endings that stop a script which does not look at the status. */
export const fatalStatuses: readonly StatusName[] = ["diverged", "singular", "infeasible", "unbounded"];
