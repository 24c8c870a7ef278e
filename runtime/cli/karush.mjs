#!/usr/bin/env node
// The `karush` command.
import { Worker } from "node:worker_threads";
import { optimiseLater } from "./engine.mjs";
import { loadEntry } from "./loader.mjs";

optimiseLater();
const args = process.argv.slice(2);
// A run needs a worker with the compiler in it. It starts now, so that it loads while the command line is read;
// nobody waits for it if the command line is wrong.
const worker = args[0] === "run" ? new Worker(new URL("./worker.mjs", import.meta.url)) : undefined;
worker?.unref();
const { main } = await loadEntry("main");
await main(args, worker);
