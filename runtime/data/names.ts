/** Helping people find the name they meant. */
import { closest } from "../../compiler/syntax/suggest.ts";

/** The nearest of the names, ignoring case. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const byLowerCase = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]));
  const near = byLowerCase.get(name.toLowerCase()) ?? closest(name, [...byLowerCase.keys()]);
  return near === undefined ? undefined : (byLowerCase.get(near.toLowerCase()) ?? near);
}

/** `"a", "b" and "c"`, cut to a dozen. */
export function listed(names: readonly string[], most = 12): string {
  const quoted = names.slice(0, most).map((name) => JSON.stringify(name));
  if (names.length > most) return `${quoted.join(", ")} and ${names.length - most} more`;
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

/** What to do about a name that is not among those there are. */
export function suggestion(name: string, candidates: readonly string[], what: string): string {
  const near = nearest(name, candidates);
  if (near !== undefined) return `Did you mean ${JSON.stringify(near)}?`;
  return candidates.length === 0 ? `It has no ${what}s.` : `Its ${what}s are ${listed(candidates)}.`;
}
