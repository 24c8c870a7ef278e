// The thread a script runs in: see run-worker.ts.
import "./loader.mjs";

await import("./run-worker.ts");
