/** diffGrad on a function of one number. */
import type { Paper } from "./paper.ts";

const withSteps = (steps: number, text: string): Paper => ({
  name: "10",
  title: `diffGrad on F1, one unknown, ${text} steps`,
  steps: { measured: steps, tested: 300 },
  goal: 1 / 1.2,
  tolerance: 1e-9,
  inputs: () => ({ start: { shape: [], values: Float64Array.of(-1) } }),
  plain({ start }, steps) {
    const [step, b1, b2, eps] = [0.1, 0.95, 0.999, 1e-8];
    return () => {
      const [path, values, sizes] = [0, 0, 0].map(() => new Float64Array(steps + 1)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      let [x, m, v, before] = [start!.values[0]!, 0, 0, 0];
      for (let t = 0; ; t++) {
        const g = x <= 0 ? 2 * (x + 0.3) : 2 * (x - 0.2);
        path[t] = x;
        values[t] = x <= 0 ? (x + 0.3) ** 2 : (x - 0.2) ** 2 + 0.05;
        sizes[t] = Math.abs(g);
        if (t === steps) return [path, [steps]];
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        const first = m / -Math.expm1((t + 1) * Math.log(b1));
        const second = v / -Math.expm1((t + 1) * Math.log(b2));
        x -= ((step / (1 + Math.exp(-Math.abs(before - g)))) * first) / (Math.sqrt(second) + eps);
        before = g;
      }
    };
  },
});

/** The paper's length, in which half of the time is that of any run, and one in which steps are all. */
export const diffGrad: readonly Paper[] = [withSteps(300, "300"), withSteps(30_000, "30,000")];
