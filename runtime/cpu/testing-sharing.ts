/** For tests: a page that is not isolated from others. */

/** Runs `body` where memory cannot be shared. */
export async function withoutSharing(body: () => Promise<void>): Promise<void> {
  const shared = globalThis.SharedArrayBuffer;
  try {
    Reflect.deleteProperty(globalThis, "SharedArrayBuffer");
    await body();
  } finally {
    globalThis.SharedArrayBuffer = shared;
  }
}
