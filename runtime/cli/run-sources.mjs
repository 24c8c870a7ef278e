// Makes Node run our TypeScript, in the main thread and in workers, which start without the loader of their
// parent. Node itself cannot do it: it strips no types inside node_modules. The user's tsconfig.json is not read.
import module from "node:module";
import { register } from "tsx/esm/api";

export function runSources() {
  register({ tsconfig: false });
  // Hooks that are registered last are asked first.
  module.register("./bundled-chevrotain.mjs", import.meta.url);
}
