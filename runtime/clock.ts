/**
 * Milliseconds from some fixed moment, to tell how long something takes. Node makes its `performance` when it is first
 * asked for, which takes as long as a small program.
 */
export function milliseconds(): number {
  const { hrtime } = globalThis.process ?? {};
  if (hrtime === undefined) return performance.now();
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
