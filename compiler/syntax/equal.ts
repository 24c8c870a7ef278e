/** Comparing trees by what they mean to the language, not by where they stand. */

const ignored: ReadonlySet<string> = new Set(["span", "parenthesized", "comments", "text", "file"]);

/** Whether two trees (files, statements, expressions, ...) are equal apart from places, comments and parentheses. */
export function equalTrees(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === "number" && typeof b === "number") return Object.is(a, b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => equalTrees(item, b[index]))
    );
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  for (const key of keys) {
    // The text of a number is kept as written; the text of a file is not part of its tree.
    const compared = !ignored.has(key) || (key === "text" && left.kind === "number");
    if (compared && !equalTrees(left[key], right[key])) return false;
  }
  return true;
}
