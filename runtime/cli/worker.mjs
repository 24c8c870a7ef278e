// The thread a script runs in: see run-worker.ts.
import { parentPort } from "node:worker_threads";
import { loadEntry } from "./loader.mjs";

const { serve } = await loadEntry("run-worker");
await serve(parentPort);
