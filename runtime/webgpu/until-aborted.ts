/** Waits that a signal ends. */

/**
 * The result of waiting for something that goes on when nobody waits any more: what it makes must be of use later, or be
 * given back by itself. Throws the signal's reason as soon as it is aborted.
 */
export async function untilAborted<T>(signal: AbortSignal | undefined, result: Promise<T>): Promise<T> {
  if (!signal) return result;
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", abort!);
  }
}
