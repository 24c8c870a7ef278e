#!/usr/bin/env node
// The `karush` command.
import "./loader.mjs";

const { main } = await import("./main.ts");
await main(process.argv.slice(2));
