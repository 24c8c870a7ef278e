/** Sinkhorn's sweeps, then Newton's steps with the largest entries of the plan, held row by row. */
import { type Paper, uniform } from "./paper.ts";

const epsilon = 2 ** -52;

/** exp(u) - 1 - u. */
const beyondLinear = (u: number): number =>
  Math.abs(u) < 0.01 ? u * u * (0.5 + u * (1 / 6 + u * (1 / 24))) : Math.expm1(u) - u;

export const sinkhornNewton: Paper = {
  name: "06",
  title: "Sinkhorn-Newton-Sparse, random assignment of 100 x 100, 6 Newton steps",
  steps: { measured: 6, tested: 4 },
  goal: 3,
  tolerance: 1e-5,
  inputs: (isTest) => ({ cost: uniform(1, isTest ? [88, 88] : [100, 100], 0, 1) }),
  plain({ cost }, steps) {
    const n = cost!.shape[0]!;
    const C = cost!.values;
    const eta = 2.4 * n;
    const mass = 1 / n;
    let largest = 0;
    for (const c of C) largest = Math.max(largest, Math.abs(c));
    const noise = epsilon * (100 + 0.1 * eta * largest);
    const vector = () => new Float64Array(n);
    const matrix = () => new Float64Array(n * n);

    const level = (x: Float64Array, y: Float64Array) => {
      let shift = 0;
      for (let i = 0; i < n; i++) shift += y[i]! - x[i]!;
      shift /= 2 * n;
      for (let i = 0; i < n; i++) {
        x[i]! += shift;
        y[i]! -= shift;
      }
    };
    /** log(sum of exp(eta (y_j - C_ij))): of rows, or of columns. */
    const terms = (y: Float64Array, out: Float64Array, [across, along]: readonly [number, number]) => {
      for (let i = 0; i < n; i++) {
        let most = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < n; j++) most = Math.max(most, y[j]! - C[i * across + j * along]!);
        let sum = 0;
        for (let j = 0; j < n; j++) sum += Math.exp(eta * (y[j]! - C[i * across + j * along]! - most));
        out[i] = eta * most + Math.log(sum);
      }
    };
    const sweep = (x: Float64Array, y: Float64Array, of: Float64Array) => {
      terms(y, of, [n, 1]);
      for (let i = 0; i < n; i++) x[i] = (Math.log(mass) + 1 - of[i]!) / eta;
      terms(x, of, [1, n]);
      for (let i = 0; i < n; i++) y[i] = (Math.log(mass) + 1 - of[i]!) / eta;
      level(x, y);
    };
    const misplacedRows = (x: Float64Array, y: Float64Array, of: Float64Array) => {
      terms(y, of, [n, 1]);
      let sum = 0;
      for (let i = 0; i < n; i++) sum += Math.abs(mass - Math.exp(eta * x[i]! - 1 + of[i]!));
      return sum;
    };
    /** log P in `L`, P in `P`, minus the gradient in gx and gy; the mass in the wrong place, and the dual. */
    const plan = (
      x: Float64Array,
      y: Float64Array,
      { L, P, gx, gy }: { L: Float64Array; P: Float64Array; gx: Float64Array; gy: Float64Array },
    ) => {
      gy.fill(mass);
      let [total, dual] = [0, 0];
      for (let i = 0; i < n; i++) {
        let row = 0;
        for (let j = 0; j < n; j++) {
          const l = eta * (x[i]! + y[j]! - C[i * n + j]!) - 1;
          const p = Math.exp(l);
          L[i * n + j] = l;
          P[i * n + j] = p;
          row += p;
          gy[j]! -= p;
        }
        gx[i] = mass - row;
        total += row;
        dual += mass * (x[i]! + y[i]!);
      }
      let misplaced = 0;
      for (let i = 0; i < n; i++) misplaced += Math.abs(gx[i]!) + Math.abs(gy[i]!);
      return { misplaced, value: dual - total / eta };
    };
    const threshold = (L: Float64Array) => {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const l of L) {
        low = Math.min(low, l);
        high = Math.max(high, l);
      }
      if (10 * n >= n * n) return low;
      for (let i = 0; i < 32; i++) {
        const middle = low + 0.5 * (high - low);
        let count = 0;
        for (let j = 0; j < L.length; j++) if (L[j]! >= middle) count += 1;
        if (count >= 10 * n) low = middle;
        else high = middle;
      }
      return low;
    };
    const dot = (a: Float64Array, b: Float64Array) => {
      let s = 0;
      for (let i = 0; i < a.length; i++) s += a[i]! * b[i]!;
      return s;
    };

    return () => {
      let [x, y, nextX, nextY] = [vector(), vector(), vector(), vector()];
      const of = vector();
      let [here, there] = [0, 0].map(() => ({ L: matrix(), P: matrix(), gx: vector(), gy: vector() })) as [
        Parameters<typeof plan>[2],
        Parameters<typeof plan>[2],
      ];
      sweep(x, y, of);
      for (let used = 1; used < 500 && (used < 20 || misplacedRows(x, y, of) > 0.2); used++) sweep(x, y, of);
      let now = plan(x, y, here);
      const [columns, values, starts] = [new Int32Array(n * n), matrix(), new Int32Array(n + 1)];
      const size = 2 * n;
      const [g, D, d, r, z, p, q] = [0, 0, 0, 0, 0, 0, 0].map(() => new Float64Array(size)) as Float64Array[] as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const times = (w: Float64Array, out: Float64Array) => {
        for (let i = 0; i < size; i++) out[i] = D[i]! * w[i]!;
        for (let i = 0; i < n; i++) {
          let s = 0;
          const u = eta * w[i]!;
          for (let k = starts[i]!; k < starts[i + 1]!; k++) {
            const j = n + columns[k]!;
            s += values[k]! * w[j]!;
            out[j]! += values[k]! * u;
          }
          out[i]! += eta * s;
        }
      };
      for (let t = 0; t < steps; t++) {
        const { L, P, gx, gy } = here;
        const least = threshold(L);
        let count = 0;
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++)
            if (L[i * n + j]! >= least) {
              columns[count] = j;
              values[count++] = P[i * n + j]!;
            }
          starts[i + 1] = count;
        }
        g.set(gx);
        g.set(gy, n);
        for (let i = 0; i < size; i++) D[i] = eta * (mass - g[i]!);
        d.fill(0);
        r.set(g);
        for (let i = 0; i < size; i++) z[i] = r[i]! / D[i]!;
        p.set(z);
        let rz = dot(r, z);
        const goal = 1e-6 * Math.sqrt(dot(g, g));
        for (let k = 0; k < 4000 && Math.sqrt(dot(r, r)) > goal; k++) {
          times(p, q);
          const curvature = dot(p, q);
          if (!(curvature > 0)) break;
          const a = rz / curvature;
          for (let i = 0; i < size; i++) {
            d[i]! += a * p[i]!;
            r[i]! -= a * q[i]!;
          }
          for (let i = 0; i < size; i++) z[i] = r[i]! / D[i]!;
          const next = dot(r, z);
          for (let i = 0; i < size; i++) p[i] = z[i]! + (next / rz) * p[i]!;
          rz = next;
        }
        const slope = dot(g, d);
        let a = 1;
        let found = false;
        for (let k = 0; k < 60 && !found; k++) {
          let sum = 0;
          for (let i = 0; i < n; i++)
            for (let j = 0; j < n; j++) sum += P[i * n + j]! * beyondLinear(eta * a * (d[i]! + d[n + j]!));
          const gained = a * slope - sum / eta;
          found = Number.isFinite(gained) && gained >= 1e-4 * a * slope;
          if (!found) a *= 0.5;
        }
        if (!found) break;
        for (let i = 0; i < n; i++) {
          nextX[i] = x[i]! + a * d[i]!;
          nextY[i] = y[i]! + a * d[n + i]!;
        }
        level(nextX, nextY);
        const then = plan(nextX, nextY, there);
        if (now.misplaced <= noise && then.misplaced >= now.misplaced) continue;
        [x, nextX, y, nextY] = [nextX, x, nextY, y];
        [here, there] = [there, here];
        now = then;
      }
      return [x, y];
    };
  },
};
