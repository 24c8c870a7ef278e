/** Successive over-relaxation for a sequence of shifted Laplacians. */
import { type Paper, uniform } from "./paper.ts";

export const relaxation: Paper = {
  name: "07",
  title: "SOR for 200 shifted Laplacians on a 10 x 10 grid",
  steps: { measured: 10_000, tested: 10_000 },
  goal: 1 / 1.2,
  tolerance: 1e-6,
  inputs(isTest) {
    const [n, m] = isTest ? [5, 4] : [200, 10];
    const shifts = uniform(1, [n], -0.1, 0.5);
    const omegas = Float64Array.from(shifts.values, (c) => {
      const radius = (4 * Math.cos(Math.PI / (m + 1))) / (4 + c);
      return 1 + (radius / (1 + Math.sqrt(Math.max(1 - radius ** 2, 0.05)))) ** 2;
    });
    return { shifts, omegas: { shape: [n], values: omegas }, sides: uniform(2, [n, m, m], -1, 1) };
  },
  plain({ shifts, omegas, sides }, steps) {
    const [n, m] = sides!.shape as [number, number];
    const size = m * m;
    const [x, r, z] = [0, 0, 0].map(() => new Float64Array(size)) as [Float64Array, Float64Array, Float64Array];
    const norm = (v: Float64Array) => {
      let sum = 0;
      for (let i = 0; i < v.length; i++) sum += v[i]! ** 2;
      return Math.sqrt(sum);
    };
    return () => {
      const [iterations, sizes] = [new Float64Array(n), new Float64Array(n)];
      for (let s = 0; s < n; s++) {
        const centre = 4 + shifts!.values[s]!;
        const pivot = centre / omegas!.values[s]!;
        const b = sides!.values.slice(s * size, (s + 1) * size) as Float64Array;
        x.fill(0);
        r.set(b);
        const limit = 1e-8 * norm(b);
        let t = 0;
        for (; t < steps && norm(r) > limit; t++) {
          for (let i = 0; i < m; i++)
            for (let j = 0; j < m; j++) {
              const at = i * m + j;
              const above = i > 0 ? z[at - m]! : 0;
              const left = j > 0 ? z[at - 1]! : 0;
              z[at] = (r[at]! + above + left) / pivot;
            }
          for (let k = 0; k < size; k++) x[k]! += z[k]!;
          for (let i = 0; i < m; i++)
            for (let j = 0; j < m; j++) {
              const at = i * m + j;
              let around = 0;
              if (i > 0) around += x[at - m]!;
              if (i < m - 1) around += x[at + m]!;
              if (j > 0) around += x[at - 1]!;
              if (j < m - 1) around += x[at + 1]!;
              r[at] = b[at]! - centre * x[at]! + around;
            }
        }
        iterations[s] = t;
        sizes[s] = norm(x);
      }
      return [iterations, sizes];
    };
  },
};
