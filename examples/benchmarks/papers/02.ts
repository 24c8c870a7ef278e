/** LV-HBA on the convex toy problem. */
import { type Paper, uniform } from "./paper.ts";

const [alpha, beta, eta, gamma1, gamma2, p] = [0.005, 0.002, 0.005, 10, 1, 0.45];
const clamped = (v: number) => Math.min(Math.max(v, -10), 10);

export const lvHba: Paper = {
  name: "02",
  title: "LV-HBA, 100 + 200 unknowns, 20,000 steps",
  steps: { measured: 20_000, tested: 300 },
  goal: 3,
  tolerance: 1e-8,
  inputs(isTest) {
    const n = isTest ? 7 : 100;
    return { x: uniform(1, [n], 0, 2), a: uniform(2, [n], 0, 2), b: uniform(3, [n], 0, 2) };
  },
  plain(inputs, steps) {
    const n = inputs.x!.values.length;
    return () => {
      const [x, a, b] = [inputs.x!, inputs.a!, inputs.b!].map((i) => Float64Array.from(i.values)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const [nextX, nextA, nextB] = [0, 0, 0].map(() => new Float64Array(n)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      let sum = 0;
      for (let i = 0; i < n; i++) sum += x[i]! + a[i]! + b[i]!;
      for (let i = 0, s = sum / (3 * n); i < n; i++) {
        x[i]! -= s;
        a[i]! -= s;
        b[i]! -= s;
      }
      const [thetaA, thetaB] = [a.slice(), b.slice()];
      const [values, residuals] = [new Float64Array(steps + 1), new Float64Array(steps + 1)];
      let [lam, z, residual] = [0, 0, Number.POSITIVE_INFINITY];
      for (let t = 0; ; t++) {
        let value = 0;
        for (let i = 0; i < n; i++) value += 0.5 * ((x[i]! - b[i]!) ** 2 + (a[i]! - 1) ** 2);
        values[t] = value;
        residuals[t] = residual;
        if (t === steps) return [x, a, b];
        const c = (t + 1) ** p;
        let [level, size, inner] = [0, 0, 0];
        for (let i = 0; i < n; i++) {
          level += x[i]! + thetaA[i]! + thetaB[i]!;
          size += x[i]! ** 2 + a[i]! ** 2 + b[i]! ** 2;
        }
        const newLam = clamped(lam + eta * (level - (lam - z) / gamma2));
        let total = 0;
        for (let i = 0; i < n; i++) {
          const moveA = thetaA[i]! - x[i]! + lam + (thetaA[i]! - a[i]!) / gamma1;
          const moveB = 1 + lam + (thetaB[i]! - b[i]!) / gamma1;
          thetaA[i]! -= eta * moveA;
          thetaB[i]! -= eta * moveB;
          inner += (eta * moveA) ** 2 + (eta * moveB) ** 2;
          const vX = -thetaA[i]! + newLam;
          nextX[i] = x[i]! - alpha * ((x[i]! - b[i]!) / c + (-a[i]! - vX));
          nextA[i] = a[i]! - alpha * ((a[i]! - 1) / c + (a[i]! - x[i]! - (a[i]! - thetaA[i]!) / gamma1));
          nextB[i] = b[i]! - alpha * ((b[i]! - x[i]!) / c + (1 - (b[i]! - thetaB[i]!) / gamma1));
          total += nextX[i]! + nextA[i]! + nextB[i]!;
        }
        const shift = total / (3 * n);
        let moved = 0;
        for (let i = 0; i < n; i++) {
          const [dx, da, db] = [nextX[i]! - shift - x[i]!, nextA[i]! - shift - a[i]!, nextB[i]! - shift - b[i]!];
          moved += dx * dx + da * da + db * db;
          x[i]! += dx;
          a[i]! += da;
          b[i]! += db;
        }
        const newZ = clamped(z + (beta * (newLam - z)) / gamma2);
        inner += (newLam - lam) ** 2;
        residual =
          (c * Math.sqrt(moved / alpha ** 2 + ((newZ - z) / beta) ** 2 + inner / eta ** 2)) / Math.sqrt(1 + size);
        lam = newLam;
        z = newZ;
      }
    };
  },
};
