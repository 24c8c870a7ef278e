/** How large indices can become: what makes divisions of them vanish. */
import type { Binary, Expression, Unary } from "./ir.ts";

const bounds = new WeakMap<Expression, number | null>();

/** The same expression, of which the caller knows that 0 <= e < n wherever it is evaluated. */
export function knownBelow(e: Expression, n: number): Expression {
  const bound = upperBound(e);
  if (bound === undefined || bound > n) bounds.set(e, n);
  return e;
}

/** One more than the largest value an index can have, when it is known not to be negative. */
export function upperBound(e: Expression): number | undefined {
  if (e.op === "constant") return Number(e.value) >= 0 ? Number(e.value) + 1 : undefined;
  if (e.op === "local") return e.below;
  if (e.kind !== "int" || e.op === "load" || e.op === "call" || e.op === "select") return bounds.get(e) ?? undefined;
  let bound = bounds.get(e);
  if (bound === undefined) {
    // Remembered also when there is none: operands are shared, and many.
    bound = boundOf(e) ?? null;
    // Ints wrap: what may come to 2^31 may be negative.
    if (bound !== null && bound > 2 ** 31) bound = null;
    bounds.set(e, bound);
  }
  return bound ?? undefined;
}

function boundOf(e: Unary | Binary): number | undefined {
  if (e.op === "unary") return e.name === "toInt" && e.a.kind === "bool" ? 2 : undefined;
  const both = (join: (x: number, y: number) => number): number | undefined => {
    const [x, y] = [upperBound(e.a), upperBound(e.b)];
    return x !== undefined && y !== undefined ? join(x, y) : undefined;
  };
  switch (e.name) {
    case "add":
      return both((x, y) => x + y - 1);
    case "mul":
      return both((x, y) => (x - 1) * (y - 1) + 1);
    case "min":
      return both(Math.min);
    case "div": {
      const x = upperBound(e.a);
      return x !== undefined && e.b.op === "constant" ? Math.floor((x - 1) / Number(e.b.value)) + 1 : undefined;
    }
    case "rem":
      return e.b.op === "constant" ? Math.min(Number(e.b.value), upperBound(e.a) ?? Infinity) : undefined;
    default:
      return undefined;
  }
}
