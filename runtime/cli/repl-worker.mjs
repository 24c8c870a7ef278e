// The thread the REPL computes in: see run-repl.ts.
import { register } from "tsx/esm/api";

register({ tsconfig: false });
await import("./run-repl.ts");
