/** The workloads in TensorFlow.js, on its wasm, its WebGPU or its plain JavaScript (cpu) back end. */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";

const logistic = (w, X, y) =>
  tf.mean(tf.log1p(tf.exp(tf.neg(tf.mul(y, tf.reshape(tf.matMul(X, tf.reshape(w, [-1, 1])), [-1]))))));
const rosenbrock = (x) => {
  const head = tf.slice(x, 0, 99);
  const tail = tf.slice(x, 1, 99);
  return tf.sum(tf.add(tf.mul(100, tf.square(tf.sub(tail, tf.square(head)))), tf.square(tf.sub(1, head))));
};
const mlp = (x, hot) => (W1, b1, W2, b2) => {
  const logits = tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, W1), b1)), W2), b2);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), hot), 1)));
};
/** Its own derivative of a derivative lacks rules, so this is the product written out. */
const hvp = (w, v, X, y) => {
  const n = y.shape[0];
  const times = (u) => tf.reshape(tf.matMul(X, tf.reshape(u, [-1, 1])), [-1]);
  const s = tf.sigmoid(tf.neg(tf.mul(y, times(w))));
  const r = tf.div(tf.mul(tf.mul(s, tf.sub(1, s)), times(v)), n);
  return tf.reshape(tf.matMul(tf.reshape(r, [1, -1]), X), [-1]);
};

/** Repeats a step, disposing of every state but the last. */
function repeat(state, count, step) {
  let s = state.map((a) => tf.clone(a));
  for (let t = 0; t < count; t++) {
    const next = tf.tidy(() => step(s, t));
    tf.dispose(s);
    s = next;
  }
  return s;
}

async function read(arrays) {
  const results = await Promise.all(arrays.map((a) => a.data()));
  tf.dispose(arrays);
  return results;
}

const pair = ({ value, grad }) => [value, grad];

const workloads = {
  elementwise: ({ x }) => {
    const f = tf.valueAndGrad((a) => tf.sum(tf.tanh(tf.add(tf.mul(tf.sin(a), a), tf.exp(tf.neg(tf.mul(a, a)))))));
    return () => pair(f(x));
  },
  matmul:
    ({ A, B }) =>
    () => [tf.matMul(A, B)],
  residual: ({ A, B, X }) => {
    const f = tf.valueAndGrad((u) => tf.mul(0.5, tf.sum(tf.square(tf.sub(tf.matMul(A, u), B)))));
    return () => pair(f(X));
  },
  logistic: ({ w, X, y }) => {
    const f = tf.valueAndGrad((u) => logistic(u, X, y));
    return () => pair(f(w));
  },
  "logistic-steps": ({ w, X, y }) => {
    const g = tf.grad((u) => logistic(u, X, y));
    return () => repeat([w], 200, ([u]) => [tf.sub(u, tf.mul(0.5, g(u)))]);
  },
  mlp: ({ x, labels, W1, b1, W2, b2 }) => {
    const f = tf.valueAndGrads(mlp(x, tf.cast(tf.oneHot(labels, 10), "float32")));
    return () => {
      const { value, grads } = f([W1, b1, W2, b2]);
      return [value, ...grads];
    };
  },
  "mlp-steps": ({ x, labels, W1, b1, W2, b2 }) => {
    const g = tf.grads(mlp(x, tf.cast(tf.oneHot(labels, 10), "float32")));
    const start = [W1, b1, W2, b2];
    return () => {
      const zeros = start.map((a) => tf.zerosLike(a));
      const last = repeat([...start, ...zeros, ...zeros], 100, (s, t) => {
        const p = s.slice(0, 4);
        const grads = g(p);
        const m = grads.map((d, i) => tf.add(tf.mul(0.9, s[4 + i]), tf.mul(0.1, d)));
        const v = grads.map((d, i) => tf.add(tf.mul(0.999, s[8 + i]), tf.mul(0.001, tf.square(d))));
        const [c1, c2] = [1e-3 / (1 - 0.9 ** (t + 1)), 1 / (1 - 0.999 ** (t + 1))];
        const next = p.map((a, i) => tf.sub(a, tf.div(tf.mul(c1, m[i]), tf.add(tf.sqrt(tf.mul(c2, v[i])), 1e-8))));
        return [...next, ...m, ...v];
      });
      tf.dispose([...zeros, ...last.slice(4)]);
      return last.slice(0, 4);
    };
  },
  "hessian-vector":
    ({ w, v, X, y }) =>
    () => [tf.tidy(() => hvp(w, v, X, y))],
  "conjugate-gradients":
    ({ w, v, X, y }) =>
    () => {
      const start = tf.tidy(() => [tf.zerosLike(v), tf.clone(v), tf.clone(v), tf.dot(v, v)]);
      const last = repeat(start, 50, ([x, r, p, rr]) => {
        const q = tf.add(hvp(w, p, X, y), tf.mul(1e-3, p));
        const a = tf.div(rr, tf.dot(p, q));
        const next = tf.sub(r, tf.mul(a, q));
        const square = tf.dot(next, next);
        return [tf.add(x, tf.mul(a, p)), next, tf.add(next, tf.mul(tf.div(square, rr), p)), square];
      });
      tf.dispose([...start, ...last.slice(1)]);
      return last.slice(0, 1);
    },
  sinkhorn:
    ({ C }) =>
    () => {
      const zero = tf.zeros([500]);
      const last = repeat([zero, zero], 20, ([, g]) => {
        const f = tf.mul(-0.1, tf.logSumExp(tf.sub(tf.div(tf.sub(g, C), 0.1), Math.log(500)), 1));
        const next = tf.logSumExp(tf.sub(tf.div(tf.sub(tf.expandDims(f, 1), C), 0.1), Math.log(500)), 0);
        return [f, tf.mul(-0.1, next)];
      });
      tf.dispose(zero);
      return last;
    },
  rosenbrock: ({ x }) => {
    const g = tf.grad(rosenbrock);
    return () => repeat([x], 1000, ([u]) => [tf.sub(u, tf.mul(1e-4, g(u)))]);
  },
  sum:
    ({ x }) =>
    () => [tf.sum(x)],
};

export async function start(backend) {
  if (backend === "webgpu") await import("@tensorflow/tfjs-backend-webgpu");
  await tf.setBackend(backend);
  await tf.ready();
}

export function prepare(workload, inputs) {
  const arrays = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => [
      name,
      tf.tensor(values, [...shape], values instanceof Int32Array ? "int32" : "float32"),
    ]),
  );
  const run = workloads[workload](arrays);
  return () => read(run());
}
