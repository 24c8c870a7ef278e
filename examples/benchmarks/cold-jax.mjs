/** Process start to the first gradient, in jax-js. */
import { defaultDevice, grad, init, jit, numpy as np } from "@jax-js/jax";

await init("wasm");
defaultDevice("wasm");
const rosenbrock = (x) => {
  const head = x.ref.slice([0, 99]);
  const tail = x.slice([1, 100]);
  const a = np.square(tail.sub(np.square(head.ref))).mul(100);
  return np.sum(a.add(np.square(head.mul(-1).add(1))));
};
const x = np.array(new Float32Array(100).fill(0.5));
await jit(grad(rosenbrock))(x).data();
