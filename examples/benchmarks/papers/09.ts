/** The sub-gradient method for a matrix of low rank and measurements of which some are wrong. */
import { generator, type Paper, uniform } from "./paper.ts";

export const recovery: Paper = {
  name: "09",
  title: "SubGM, 500 measurements of a 20 x 20 matrix, 400 steps",
  steps: { measured: 400, tested: 60 },
  goal: 3,
  tolerance: 1e-6,
  inputs(isTest) {
    const [m, d] = isTest ? [40, 4] : [500, 20];
    const A = uniform(1, [m, d, d], -1.7, 1.7);
    const V = uniform(2, [d, 3], -1, 1).values;
    const next = generator(3);
    const y = Float64Array.from({ length: m }, (_, i) => {
      let s = next() < 0.1 ? 20 * next() - 10 : 0;
      for (let a = 0; a < d; a++)
        for (let b = 0; b < d; b++)
          for (let c = 0; c < 3; c++) s += A.values[(i * d + a) * d + b]! * V[3 * a + c]! * V[3 * b + c]!;
      return s;
    });
    return { A, y: { shape: [m], values: y }, U: uniform(4, [d, d], -1e-2, 1e-2) };
  },
  plain({ A, y, U }, steps) {
    const [d, k] = U!.shape as [number, number];
    const [a, target, m] = [A!.values, y!.values, y!.values.length];
    const [B, Q] = [new Float64Array(d * d), new Float64Array(d * d)];
    const square = (x: Float64Array) => {
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) {
          let s = 0;
          for (let c = 0; c < k; c++) s += x[i * k + c]! * x[j * k + c]!;
          B[i * d + j] = s;
        }
    };
    return () => {
      let x = Float64Array.from(U!.values);
      let next = new Float64Array(d * k);
      let least = Number.POSITIVE_INFINITY;
      const best = new Float64Array(d * k);
      const values = new Float64Array(steps + 1);
      for (let t = 0; ; t++) {
        square(x);
        Q.fill(0);
        let loss = 0;
        for (let i = 0; i < m; i++) {
          const row = i * d * d;
          let z = -target[i]!;
          for (let j = 0; j < d * d; j++) z += a[row + j]! * B[j]!;
          loss += Math.abs(z);
          const s = Math.sign(z) / m;
          for (let j = 0; j < d * d; j++) Q[j]! += s * a[row + j]!;
        }
        values[t] = loss / m;
        // A solve that has not converged gives the iterate of least value.
        if (loss < least) {
          least = loss;
          best.set(x);
        }
        if (t === steps) return [best];
        let length = 0;
        for (let j = 0; j < d * d; j++) length += Q[j]! ** 2;
        const step = (0.45 * 0.99 ** t) / Math.sqrt(length);
        for (let i = 0; i < d; i++)
          for (let c = 0; c < k; c++) {
            let s = 0;
            for (let j = 0; j < d; j++) s += (Q[i * d + j]! + Q[j * d + i]!) * x[j * k + c]!;
            next[i * k + c] = x[i * k + c]! - step * s;
          }
        [x, next] = [next, x];
      }
    };
  },
};
