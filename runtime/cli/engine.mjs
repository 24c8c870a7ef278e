/**
 * Tells V8 to optimise functions later than it does by itself. A compiler runs most of its functions a few thousand
 * times and is done: optimising those took half of a command's processor time, on the other processors where there are
 * some that are free, and helped none. What runs on and on is optimised still. WebAssembly is not concerned.
 */

/** Bytes of bytecode that a function runs between V8's looks at it; V8's own choice is 132 KiB. */
const interruptBudget = 1_000_000;

/** To be called before anything else is loaded: code that was cached is refused with other flags. */
export function optimiseLater() {
  // Newer ones have a cheap optimising compiler, and flags of their own for it.
  if (process.versions.node.startsWith("20."))
    process.getBuiltinModule("node:v8").setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}
