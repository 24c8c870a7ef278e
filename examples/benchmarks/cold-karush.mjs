/** Process start to the first gradient, with what `import "karush"` loads in Node. */
import { compileOrThrow, createRuntime } from "../../dist/library/index.mjs";

const source = "fn rosenbrock(x: real[n]) = sum(100 * (x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)";
const runtime = await createRuntime({ backend: "cpu", precision: "f32" });
const module = await runtime.load(compileOrThrow(source, { file: "rosenbrock.opt" }));
const { gradient } = await module.valueAndGradient("rosenbrock", { x: new Float32Array(100).fill(0.5) });
if (gradient === undefined) throw new Error("no gradient");
