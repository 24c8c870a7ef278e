/** Numbers in messages. */

/** `1 iteration`, `2 iterations`. */
export function countedIterations(count: number): string {
  return `${count} ${count === 1 ? "iteration" : "iterations"}`;
}

/** Enough digits for a message. */
export function shortNumber(x: number): string {
  return String(Number(x.toPrecision(3)));
}
