/** Hand-written loops in JavaScript: what a careful programmer would write without a library. */
import type { Inputs } from "./inputs.ts";

type Values = Float32Array | Int32Array;
type Computation = (x: Readonly<Record<string, Values>>) => () => readonly ArrayLike<number>[];

/** The logistic loss, and its gradient in `g`. X is n by d. */
function logistic(X: Values, y: Values, w: Values, g: Float32Array): number {
  const [n, d] = [y.length, w.length];
  g.fill(0);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const row = i * d;
    let z = 0;
    for (let j = 0; j < d; j++) z += X[row + j]! * w[j]!;
    const e = Math.exp(-y[i]! * z);
    loss += Math.log1p(e);
    const r = (-y[i]! * e) / (1 + e) / n;
    for (let j = 0; j < d; j++) g[j]! += r * X[row + j]!;
  }
  return loss / n;
}

function hessianVector(X: Values, y: Values, w: Values, v: Values, out: Float32Array): void {
  const [n, d] = [y.length, w.length];
  out.fill(0);
  for (let i = 0; i < n; i++) {
    const row = i * d;
    let z = 0;
    let dz = 0;
    for (let j = 0; j < d; j++) {
      z += X[row + j]! * w[j]!;
      dz += X[row + j]! * v[j]!;
    }
    const e = Math.exp(-y[i]! * z);
    const r = ((e / (1 + e)) * (1 / (1 + e)) * dz) / n;
    for (let j = 0; j < d; j++) out[j]! += r * X[row + j]!;
  }
}

function dot(a: Values, b: Values): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** c = a b, with the inner loop along rows. */
function product(a: Values, b: Values, [m, k, n]: readonly [number, number, number], c: Float32Array): void {
  c.fill(0);
  for (let i = 0; i < m; i++)
    for (let l = 0; l < k; l++) {
      const s = a[i * k + l]!;
      for (let j = 0; j < n; j++) c[i * n + j]! += s * b[l * n + j]!;
    }
}

/** c = a' b: a is k by m, b is k by n. */
function transposedProduct(a: Values, b: Values, [m, k, n]: readonly [number, number, number], c: Float32Array): void {
  c.fill(0);
  for (let l = 0; l < k; l++)
    for (let i = 0; i < m; i++) {
      const s = a[l * m + i]!;
      for (let j = 0; j < n; j++) c[i * n + j]! += s * b[l * n + j]!;
    }
}

interface Layers {
  readonly W1: Float32Array;
  readonly b1: Float32Array;
  readonly W2: Float32Array;
  readonly b2: Float32Array;
}
const layers = (x: Readonly<Record<string, Values>>): Layers => ({
  W1: Float32Array.from(x.W1!),
  b1: Float32Array.from(x.b1!),
  W2: Float32Array.from(x.W2!),
  b2: Float32Array.from(x.b2!),
});
const zeroLayers = (p: Layers): Layers => ({
  W1: new Float32Array(p.W1.length),
  b1: new Float32Array(p.b1.length),
  W2: new Float32Array(p.W2.length),
  b2: new Float32Array(p.b2.length),
});

function mlp(x: Values, labels: Values, p: Layers, g: Layers): number {
  const [m, h, c] = [labels.length, p.b1.length, p.b2.length];
  const d = x.length / m;
  const [hidden, logits] = [new Float32Array(m * h), new Float32Array(m * c)];
  product(x, p.W1, [m, d, h], hidden);
  for (let i = 0; i < m * h; i++) hidden[i] = Math.max(0, hidden[i]! + p.b1[i % h]!);
  product(hidden, p.W2, [m, h, c], logits);
  let loss = 0;
  for (let i = 0; i < m; i++) {
    let [top, sum] = [-Infinity, 0];
    for (let j = 0; j < c; j++) {
      logits[i * c + j]! += p.b2[j]!;
      top = Math.max(top, logits[i * c + j]!);
    }
    for (let j = 0; j < c; j++) sum += Math.exp(logits[i * c + j]! - top);
    loss += (top + Math.log(sum) - logits[i * c + labels[i]!]!) / m;
    for (let j = 0; j < c; j++)
      logits[i * c + j] = (Math.exp(logits[i * c + j]! - top) / sum - (j === labels[i] ? 1 : 0)) / m;
  }
  transposedProduct(hidden, logits, [h, m, c], g.W2);
  g.b1.fill(0);
  g.b2.fill(0);
  const back = new Float32Array(m * h);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < c; j++) g.b2[j]! += logits[i * c + j]!;
    for (let l = 0; l < h; l++) {
      let sum = 0;
      if (hidden[i * h + l]! > 0) for (let j = 0; j < c; j++) sum += logits[i * c + j]! * p.W2[l * c + j]!;
      back[i * h + l] = sum;
      g.b1[l]! += sum;
    }
  }
  transposedProduct(x, back, [d, m, h], g.W1);
  return loss;
}

/** 2 times the step size times the gradient is taken in place. */
function rosenbrockStep(x: Float32Array, g: Float32Array, step: number): void {
  g.fill(0);
  for (let i = 0; i + 1 < x.length; i++) {
    const a = x[i + 1]! - x[i]! * x[i]!;
    g[i + 1]! += 200 * a;
    g[i]! += -400 * a * x[i]! - 2 * (1 - x[i]!);
  }
  for (let i = 0; i < x.length; i++) x[i]! -= step * g[i]!;
}

const computations: Readonly<Record<string, Computation>> = {
  elementwise: (inputs) => () => {
    const x = inputs.x!;
    const g = new Float32Array(x.length);
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const a = x[i]!;
      const [s, e] = [Math.sin(a), Math.exp(-a * a)];
      const t = Math.tanh(s * a + e);
      sum += t;
      g[i] = (1 - t * t) * (Math.cos(a) * a + s - 2 * a * e);
    }
    return [[sum], g];
  },
  matmul: (x) => () => {
    const c = new Float32Array(1024 * 1024);
    product(x.A!, x.B!, [1024, 1024, 1024], c);
    return [c];
  },
  residual: (x) => () => {
    const r = new Float32Array(512 * 512);
    const g = new Float32Array(512 * 512);
    product(x.A!, x.X!, [512, 512, 512], r);
    for (let i = 0; i < r.length; i++) r[i]! -= x.B![i]!;
    transposedProduct(x.A!, r, [512, 512, 512], g);
    return [[0.5 * dot(r, r)], g];
  },
  logistic: (x) => () => {
    const g = new Float32Array(100);
    return [[logistic(x.X!, x.y!, x.w!, g)], g];
  },
  "logistic-steps": (x) => () => {
    const g = new Float32Array(100);
    const w = Float32Array.from(x.w!);
    for (let t = 0; t < 200; t++) {
      logistic(x.X!, x.y!, w, g);
      for (let j = 0; j < 100; j++) w[j]! -= 0.5 * g[j]!;
    }
    return [w];
  },
  mlp: (x) => {
    const p = layers(x);
    return () => {
      const g = zeroLayers(p);
      return [[mlp(x.x!, x.labels!, p, g)], g.W1, g.b1, g.W2, g.b2];
    };
  },
  "mlp-steps": (x) => () => {
    const p = layers(x);
    const [g, m, v] = [zeroLayers(p), zeroLayers(p), zeroLayers(p)];
    for (let t = 0; t < 100; t++) {
      mlp(x.x!, x.labels!, p, g);
      const [c1, c2] = [1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)];
      for (const k of ["W1", "b1", "W2", "b2"] as const) {
        const [pk, gk, mk, vk] = [p[k], g[k], m[k], v[k]];
        for (let i = 0; i < pk.length; i++) {
          mk[i] = 0.9 * mk[i]! + 0.1 * gk[i]!;
          vk[i] = 0.999 * vk[i]! + 0.001 * gk[i]! * gk[i]!;
          pk[i]! -= (1e-3 * mk[i]!) / c1 / (Math.sqrt(vk[i]! / c2) + 1e-8);
        }
      }
    }
    return [p.W1, p.b1, p.W2, p.b2];
  },
  "hessian-vector": (x) => () => {
    const out = new Float32Array(100);
    hessianVector(x.X!, x.y!, x.w!, x.v!, out);
    return [out];
  },
  "conjugate-gradients": (x) => () => {
    const d = x.v!.length;
    const [u, q] = [new Float32Array(d), new Float32Array(d)];
    const [r, p] = [Float32Array.from(x.v!), Float32Array.from(x.v!)];
    let rr = dot(r, r);
    for (let t = 0; t < 50; t++) {
      hessianVector(x.X!, x.y!, x.w!, p, q);
      for (let j = 0; j < d; j++) q[j]! += 1e-3 * p[j]!;
      const a = rr / dot(p, q);
      for (let j = 0; j < d; j++) {
        u[j]! += a * p[j]!;
        r[j]! -= a * q[j]!;
      }
      const next = dot(r, r);
      for (let j = 0; j < d; j++) p[j] = r[j]! + (next / rr) * p[j]!;
      rr = next;
    }
    return [u];
  },
  sinkhorn: (x) => () => {
    const [C, n] = [x.C!, 500];
    const [f, g, row] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
    const softMinimum = (h: Float32Array, i: number, along: number, across: number) => {
      let [top, sum] = [-Infinity, 0];
      for (let j = 0; j < n; j++) {
        row[j] = (h[j]! - C[i * across + j * along]!) / 0.1;
        top = Math.max(top, row[j]!);
      }
      for (let j = 0; j < n; j++) sum += Math.exp(row[j]! - top);
      return -0.1 * (top + Math.log(sum) - Math.log(n));
    };
    for (let t = 0; t < 20; t++) {
      for (let i = 0; i < n; i++) f[i] = softMinimum(g, i, 1, n);
      for (let j = 0; j < n; j++) g[j] = softMinimum(f, j, n, 1);
    }
    return [f, g];
  },
  rosenbrock: (inputs) => () => {
    const x = Float32Array.from(inputs.x!);
    const g = new Float32Array(x.length);
    for (let t = 0; t < 1000; t++) rosenbrockStep(x, g, 1e-4);
    return [x];
  },
  sum: (inputs) => () => {
    const x = inputs.x!;
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += x[i]!;
    return [[sum]];
  },
};

/** What computes a workload once. */
export function prepare(workload: string, inputs: Inputs): () => readonly ArrayLike<number>[] {
  return computations[workload]!(Object.fromEntries(Object.entries(inputs).map(([k, v]) => [k, v.values])));
}
