/** Newton's method with gradient-normalised shifts on a logistic loss. */
import { factor, generator, type Paper, substitute, uniform } from "./paper.ts";

const epsilon = 2 ** -52;

export const gradientNormalized: Paper = {
  name: "05",
  title: "gradient-normalised Newton, logistic loss of 500 x 30, 8 steps",
  steps: { measured: 8, tested: 5 },
  goal: 3,
  tolerance: 1e-8,
  inputs(isTest) {
    const [m, n] = isTest ? [30, 4] : [500, 30];
    const A = uniform(1, [m, n], -2, 2);
    for (let i = 0; i < A.values.length; i++) A.values[i]! *= 10 ** (-(i % n) / (n - 1));
    const truth = uniform(2, [n], -2, 2).values;
    const next = generator(3);
    const labels = Float64Array.from({ length: m }, (_, i) => {
      let z = 0;
      for (let j = 0; j < n; j++) z += A.values[i * n + j]! * truth[j]!;
      return next() < 1 / (1 + Math.exp(-z)) ? 1 : -1;
    });
    return { A, labels: { shape: [m], values: labels } };
  },
  plain({ A, labels }, steps) {
    const [m, n] = A!.shape as [number, number];
    const [a, y] = [A!.values, labels!.values];
    const measured = (x: Float64Array, g: Float64Array): { value: number; size: number } => {
      g.fill(0);
      let value = 0;
      for (let i = 0; i < m; i++) {
        let z = 0;
        for (let j = 0; j < n; j++) z += a[i * n + j]! * x[j]!;
        const u = -y[i]! * z;
        const e = Math.exp(-Math.abs(u));
        value += Math.max(u, 0) + Math.log1p(e);
        const r = (-y[i]! * (u > 0 ? 1 / (1 + e) : e / (1 + e))) / m;
        for (let j = 0; j < n; j++) g[j]! += r * a[i * n + j]!;
      }
      let size = 0;
      for (let j = 0; j < n; j++) size += g[j]! ** 2;
      return { value: value / m, size: Math.sqrt(size) };
    };
    const hessian = (x: Float64Array, H: Float64Array): void => {
      H.fill(0);
      for (let i = 0; i < m; i++) {
        let z = 0;
        for (let j = 0; j < n; j++) z += a[i * n + j]! * x[j]!;
        const e = Math.exp(-Math.abs(z));
        const w = e / (1 + e) ** 2 / m;
        for (let j = 0; j < n; j++) {
          const s = w * a[i * n + j]!;
          for (let k = 0; k <= j; k++) H[j * n + k]! += s * a[i * n + k]!;
        }
      }
    };
    return () => {
      let [x, g, trial, trialG] = [0, 0, 0, 0].map(() => new Float64Array(n)) as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const [H, L, d] = [new Float64Array(n * n), new Float64Array(n * n), new Float64Array(n)];
      let { value, size } = measured(x, g);
      let radius = 1;
      for (let t = 0; t < steps; t++) {
        hessian(x, H);
        const noise = 2 * epsilon * Math.abs(value);
        for (let tries = 0; tries < 40; tries++) {
          L.set(H);
          for (let j = 0; j < n; j++) L[j * n + j]! += size / radius;
          const isDefinite = factor(L, n);
          for (let j = 0; j < n; j++) d[j] = -g[j]!;
          if (isDefinite) substitute(L, n, d);
          for (let j = 0; j < n; j++) trial[j] = x[j]! + d[j]!;
          const next = measured(trial, trialG);
          const wanted = ((radius / 8) * next.size ** 2) / size;
          const drops = wanted > noise ? value - next.value >= wanted : next.value <= value + noise && next.size < size;
          if (isDefinite && Number.isFinite(next.value) && drops) {
            [x, trial, g, trialG] = [trial, x, trialG, g];
            ({ value, size } = next);
            radius = Math.min(Math.max(2 * radius, 1e-9), 1e10);
            break;
          }
          radius *= 0.5;
        }
      }
      return [x];
    };
  },
};
