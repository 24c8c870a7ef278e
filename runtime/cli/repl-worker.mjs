// The thread the REPL computes in: see run-repl.ts.
import { parentPort } from "node:worker_threads";
import { loadEntry } from "./loader.mjs";

const { serve } = await loadEntry("run-repl");
await serve(parentPort);
