// The thread the REPL computes in: see run-repl.ts.
import "./loader.mjs";

await import("./run-repl.ts");
