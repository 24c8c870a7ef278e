#!/usr/bin/env node
// The `karush` command. Node cannot run TypeScript inside node_modules, so tsx's loader is registered first;
// the user's own tsconfig.json is none of its business.
import { register } from "tsx/esm/api";

register({ tsconfig: false });
const { main } = await import("./main.ts");
await main(process.argv.slice(2));
