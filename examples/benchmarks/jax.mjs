/** The workloads in jax-js on its wasm or its WebGPU back end. Arrays are consumed by what uses them: `.ref` keeps them. */
import * as jax from "@jax-js/jax";

const { numpy: np, nn, jit, valueAndGrad, grad, jvp } = jax;

const logistic = (w, X, y) => np.mean(np.log1p(np.exp(y.mul(np.matmul(X, w)).neg())));
const rosenbrock = (x) => {
  const head = x.ref.slice([0, 99]);
  const tail = x.slice([1, 100]);
  const a = np.square(tail.sub(np.square(head.ref))).mul(100);
  return np.sum(a.add(np.square(head.mul(-1).add(1))));
};
const mlp = (p, x, hot) => {
  const hidden = nn.relu(np.matmul(x, p.W1).add(p.b1));
  const logits = np.matmul(hidden, p.W2).add(p.b2);
  return np.sum(nn.logSoftmax(logits, -1).mul(hot)).mul(-1 / 128);
};
const adam = (p, m, v, x, hot, c1, c2) => {
  const g = grad(mlp)(jax.tree.ref(p), x, hot);
  const out = { p: {}, m: {}, v: {} };
  for (const k of ["W1", "b1", "W2", "b2"]) {
    const nm = m[k].mul(0.9).add(g[k].ref.mul(0.1));
    const nv = v[k].mul(0.999).add(np.square(g[k]).mul(0.001));
    const step = nm.ref
      .mul(c1.ref)
      .div(np.sqrt(nv.ref.mul(c2.ref)).add(1e-8))
      .mul(1e-3);
    out.p[k] = p[k].sub(step);
    out.m[k] = nm;
    out.v[k] = nv;
  }
  c1.dispose();
  c2.dispose();
  return out;
};
const hvp = (w, v, X, y) => jvp((u) => grad(logistic)(u, X.ref, y.ref), [w], [v])[1];

async function read(...arrays) {
  const results = [];
  for (const a of arrays) results.push(await a.data());
  return results;
}

/** For each workload, given its inputs as arrays: a function that computes it once and reads the results. */
const workloads = {
  elementwise: ({ x }) => {
    const f = jit(
      valueAndGrad((a) =>
        np.sum(
          np.tanh(
            np
              .sin(a.ref)
              .mul(a.ref)
              .add(np.exp(a.ref.mul(a).neg())),
          ),
        ),
      ),
    );
    return () => read(...f(x.ref));
  },
  matmul: ({ A, B }) => {
    const f = jit(np.matmul);
    return () => read(f(A.ref, B.ref));
  },
  residual: ({ A, B, X }) => {
    const f = jit((x, a, b) => valueAndGrad((u) => np.sum(np.square(np.matmul(a, u).sub(b))).mul(0.5))(x));
    return () => read(...f(X.ref, A.ref, B.ref));
  },
  logistic: ({ w, X, y }) => {
    const f = jit(valueAndGrad(logistic));
    return () => read(...f(w.ref, X.ref, y.ref));
  },
  "logistic-steps": ({ w, X, y }) => {
    const step = jit((u, a, b) => u.ref.sub(grad(logistic)(u, a, b).mul(0.5)));
    return () => {
      let u = w.ref;
      for (let t = 0; t < 200; t++) u = step(u, X.ref, y.ref);
      return read(u);
    };
  },
  mlp: ({ x, labels, W1, b1, W2, b2 }) => {
    const hot = nn.oneHot(labels, 10);
    const f = jit(valueAndGrad(mlp));
    return () => {
      const [value, g] = f({ W1: W1.ref, b1: b1.ref, W2: W2.ref, b2: b2.ref }, x.ref, hot.ref);
      return read(value, g.W1, g.b1, g.W2, g.b2);
    };
  },
  "mlp-steps": ({ x, labels, W1, b1, W2, b2 }) => {
    const hot = nn.oneHot(labels, 10);
    const step = jit(adam);
    const zero = () => Object.fromEntries(Object.entries({ W1, b1, W2, b2 }).map(([k, a]) => [k, np.zerosLike(a.ref)]));
    return () => {
      let s = { p: { W1: W1.ref, b1: b1.ref, W2: W2.ref, b2: b2.ref }, m: zero(), v: zero() };
      for (let t = 0; t < 100; t++) {
        const c1 = np.array(1 / (1 - 0.9 ** (t + 1)));
        const c2 = np.array(1 / (1 - 0.999 ** (t + 1)));
        s = step(s.p, s.m, s.v, x.ref, hot.ref, c1, c2);
      }
      jax.tree.dispose([s.m, s.v]);
      return read(s.p.W1, s.p.b1, s.p.W2, s.p.b2);
    };
  },
  "hessian-vector": ({ w, v, X, y }) => {
    const f = jit(hvp);
    return () => read(f(w.ref, v.ref, X.ref, y.ref));
  },
  "conjugate-gradients": ({ w, v, X, y }) => {
    const step = jit((x, r, p, rr, u, a, b) => {
      const q = hvp(u, p.ref, a, b).add(p.ref.mul(1e-3));
      const alpha = rr.ref.div(np.dot(p.ref, q.ref));
      const next = r.sub(alpha.ref.mul(q));
      const nextSquare = np.dot(next.ref, next.ref);
      return [x.add(alpha.mul(p.ref)), next.ref, next.add(nextSquare.ref.div(rr).mul(p)), nextSquare];
    });
    return () => {
      let s = [np.zerosLike(v.ref), v.ref, v.ref, np.dot(v.ref, v.ref)];
      for (let t = 0; t < 50; t++) s = step(...s, w.ref, X.ref, y.ref);
      const [x, ...rest] = s;
      jax.tree.dispose(rest);
      return read(x);
    };
  },
  sinkhorn: ({ C }) => {
    const step = jit((g, c) => {
      const f = nn.logsumexp(g.sub(c.ref).div(0.1).sub(Math.log(500)), 1).mul(-0.1);
      const next = nn.logsumexp(np.expandDims(f.ref, 1).sub(c).div(0.1).sub(Math.log(500)), 0).mul(-0.1);
      return [f, next];
    });
    return () => {
      let [f, g] = [np.zeros([500]), np.zeros([500])];
      for (let t = 0; t < 20; t++) {
        f.dispose();
        [f, g] = step(g, C.ref);
      }
      return read(f, g);
    };
  },
  rosenbrock: ({ x }) => {
    const step = jit((u) => u.ref.sub(grad(rosenbrock)(u).mul(1e-4)));
    return () => {
      let u = x.ref;
      for (let t = 0; t < 1000; t++) u = step(u);
      return read(u);
    };
  },
  sum: ({ x }) => {
    const f = jit((a) => np.sum(a));
    return () => read(f(x.ref));
  },
};

export async function start(backend) {
  const found = await jax.init(backend);
  if (!found.includes(backend)) throw new Error(`jax-js finds no ${backend} here`);
  jax.defaultDevice(backend);
}

export function prepare(workload, inputs) {
  const arrays = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => [
      name,
      np.array(values, { shape: [...shape], dtype: values instanceof Int32Array ? np.int32 : np.float32 }),
    ]),
  );
  return workloads[workload](arrays);
}
