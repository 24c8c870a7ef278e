/** Numbers in messages. */

/** Enough digits for a message. */
export function shortNumber(x: number): string {
  return String(Number(x.toPrecision(3)));
}
