// Runs what users run first, and keeps the code that V8 made for it. A process of its own, started by `build.ts`, for
// the library or for the command, as its argument says.
import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import { optimiseLater } from "../cli/engine.mjs";
import { loadBundled, recordCodeCache, saveCodeCache } from "./code-cache.mjs";

const [, , use] = process.argv;
const bundled = (name) => loadBundled(new URL(`../../dist/${use}/${name}.cjs`, import.meta.url));
const example = (name) => fileURLToPath(new URL(`../../examples/${name}.opt`, import.meta.url));

async function useLibrary() {
  const { compileOrThrow, createRuntime } = bundled("index");
  const source = "fn rosenbrock(x: real[n]) = sum(100 * (x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)";
  for (const precision of ["f32", "f64"]) {
    const runtime = await createRuntime({ backend: "cpu", precision });
    const module = await runtime.load(compileOrThrow(source, { file: "rosenbrock.opt" }));
    await module.valueAndGradient("rosenbrock", { x: new Float64Array(100).fill(0.5) });
  }
}

async function useCommand() {
  for (const name of ["ridge", "rosenbrock", "fit-diabetes"]) await perform(example(name));
  const { main } = bundled("main");
  const write = process.stdout.write;
  process.stdout.write = () => true;
  for (const command of ["run", "check"]) await main([command, example("ridge")]);
  process.stdout.write = write;
}

/** What a worker does, in this thread. */
async function perform(file) {
  const { port1, port2 } = new MessageChannel();
  const done = new Promise((resolve) => port1.on("message", (message) => message.kind === "done" && resolve()));
  const request = {
    ...{ file, backend: "cpu", data: {}, set: {}, precision: "f64", seed: 0, checkFinite: false },
    ...{ allowRead: [], allowWrite: [], render: { color: true, width: 80 } },
  };
  const served = bundled("run-worker").serve(port2);
  port1.postMessage({ request, interrupt: new SharedArrayBuffer(4) });
  await Promise.all([done, served]);
  port1.close();
}

if (use === "command") optimiseLater();
recordCodeCache();
await (use === "library" ? useLibrary() : useCommand());
saveCodeCache();
process.exit(0);
