/** Process start to the first gradient, in TensorFlow.js. */
import * as tf from "@tensorflow/tfjs";

await tf.setBackend("cpu");
const rosenbrock = (x) => {
  const head = tf.slice(x, 0, 99);
  const tail = tf.slice(x, 1, 99);
  return tf.sum(tf.add(tf.mul(100, tf.square(tf.sub(tail, tf.square(head)))), tf.square(tf.sub(1, head))));
};
await tf
  .grad(rosenbrock)(tf.fill([100], 0.5))
  .data();
