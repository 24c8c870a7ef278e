// A thread that runs a whole command, so that it can be stopped whatever it does: see time-limit.ts.
import { parentPort, workerData } from "node:worker_threads";
import { loadEntry } from "./loader.mjs";

const { main } = await loadEntry("main");
await main(workerData.args);
parentPort.postMessage(process.exitCode ?? 0);
