/** Indices that are taken apart again: loops over the parts need no divisions, and walk through memory. */
import { coefficientOf, dependsOn, forEachNode } from "./affine.ts";
import type { Expression, Local } from "./ir.ts";

/**
 * The sizes, outermost first, by which expressions take an index below `n` apart: a window's rows and columns, say. The
 * index as a sum of parts, each times the sizes behind it, lets their quotients and remainders of it vanish. Only [n]
 * where divisors do not divide each other, or there are none.
 */
export function partsOf(roots: readonly Expression[], index: Local, n: number): number[] {
  const divisors = new Set<number>();
  const constant = (e: Expression) => (e.op === "constant" ? Number(e.value) : undefined);
  forEachNode(roots, (e) => {
    if (e.op !== "binary" || e.kind !== "int" || (e.name !== "div" && e.name !== "rem")) return;
    const by = constant(e.b);
    if (by === undefined) return;
    if (e.a === index) divisors.add(by);
    // (i / n) % m: places behind which m n elements lie.
    else if (e.a.op === "binary" && e.a.name === "div" && e.a.a === index) {
      const first = constant(e.a.b);
      if (first !== undefined) divisors.add(first * by);
    }
  });
  const sizes: number[] = [];
  let behind = 1;
  for (const d of [...[...divisors].filter((d) => d < n).sort((a, b) => a - b), n]) {
    if (d % behind !== 0) return [n];
    if (d > behind) sizes.unshift(d / behind);
    behind = d;
  }
  return sizes.length > 0 ? sizes : [n];
}

/** Whether neighbouring values of an index are neighbours in memory wherever something is loaded by it. */
export function readsNeighbours(roots: readonly Expression[], index: Local): boolean {
  let found = true;
  forEachNode(roots, (e) => {
    if (e.op === "load" && dependsOn(e.index, index) && coefficientOf(e.index, index) !== 1) found = false;
  });
  return found;
}
