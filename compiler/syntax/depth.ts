/** How deep a tree is, found without recursion: later stages walk trees recursively and must not run out of stack. */
import type { Expression, Statement } from "./tree.ts";

/** No program written by hand comes near this. */
const maximumTreeDepth = 1000;

/** Whether a path in the tree is longer than later stages can take. */
export function treeIsTooDeep(root: Statement | Expression): boolean {
  const stack: { value: object; depth: number }[] = [{ value: root, depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.depth > maximumTreeDepth) return true;
    // Arrays are no level of their own.
    const depth = Array.isArray(top.value) ? top.depth : top.depth + 1;
    for (const [key, value] of Object.entries(top.value)) {
      if (key !== "span" && typeof value === "object" && value !== null) stack.push({ value, depth });
    }
  }
  return false;
}
