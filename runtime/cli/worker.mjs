// The thread a script runs in: see run-worker.ts. A worker starts without the loader of its parent.
import { register } from "tsx/esm/api";

register({ tsconfig: false });
await import("./run-worker.ts");
