/** Whether the bundle was made from the sources as they are. Plain JavaScript: the launcher asks before all else. */

const { readFileSync, statSync } = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");

/** The list of what a bundle was made from: paths from the root, each with its time and size. */
export const manifestPath = "dist/sources.json";

/** The state of a file, to be compared: when it was last changed, and how long it is. */
export function stateOf(file) {
  const { mtimeMs, size } = statSync(file);
  return [mtimeMs, size];
}

/**
 * A file that is new counts when a known one imports it, and that one has changed then. A time that differs is enough,
 * be it older: switching to another commit and back leaves a file of the same text, and costs a build.
 */
export function isCurrent(root) {
  try {
    const sources = JSON.parse(readFileSync(path.join(root, manifestPath), "utf8"));
    for (const [file, [mtimeMs, size]] of Object.entries(sources)) {
      const [changed, length] = stateOf(path.join(root, file));
      if (changed !== mtimeMs || length !== size) return false;
    }
    return true;
  } catch {
    return false; // no bundle, or a source that is gone
  }
}
