/** What every system computes with: the same numbers from one generator. */

/** An array in row-major order. */
export interface Input {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}
export type Inputs = Readonly<Record<string, Input>>;

/** Mulberry32 (Tommy Ettinger, 2017): small, and good enough for test data. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Uniform between `low` and `high`. */
function uniform(seed: number, shape: readonly number[], low: number, high: number): Input {
  const next = generator(seed);
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * next();
  return { shape, values };
}

function logistic(): Inputs {
  const [n, d] = [10_000, 100];
  const X = uniform(1, [n, d], -1, 1);
  const truth = uniform(2, [d], -1, 1).values;
  const noise = uniform(3, [n], -3, 3).values;
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let z = noise[i]!;
    for (let j = 0; j < d; j++) z += X.values[i * d + j]! * truth[j]!;
    values[i] = z > 0 ? 1 : -1;
  }
  return { X, y: { shape: [n], values }, w: uniform(4, [d], -0.1, 0.1) };
}

/** Columns of very different sizes, so that conjugate gradients have something left to do in the last steps. */
function scaled(inputs: Inputs): Inputs {
  const X = inputs.X!;
  const d = X.shape[1]!;
  return {
    ...inputs,
    X: { shape: X.shape, values: Float32Array.from(X.values, (x, i) => x * 10 ** (-2 * ((i % d) / d))) },
  };
}

const direction = () => ({ v: uniform(5, [100], -1, 1) });

function mlp(): Inputs {
  const [m, d, h, c] = [128, 784, 128, 10];
  const next = generator(6);
  const labels = { shape: [m], values: Int32Array.from({ length: m }, () => Math.floor(c * next())) };
  return {
    x: uniform(7, [m, d], 0, 1),
    labels,
    W1: uniform(8, [d, h], -0.08, 0.08),
    b1: uniform(9, [h], -0.01, 0.01),
    W2: uniform(10, [h, c], -0.2, 0.2),
    b2: uniform(11, [c], -0.01, 0.01),
  };
}

const makers: Readonly<Record<string, () => Inputs>> = {
  elementwise: () => ({ x: uniform(12, [1_000_000], -2, 2) }),
  matmul: () => ({ A: uniform(13, [1024, 1024], -1, 1), B: uniform(14, [1024, 1024], -1, 1) }),
  residual: () => ({
    A: uniform(15, [512, 512], -1, 1),
    B: uniform(16, [512, 512], -1, 1),
    X: uniform(17, [512, 512], -1, 1),
  }),
  logistic,
  "logistic-steps": logistic,
  mlp,
  "mlp-steps": mlp,
  "hessian-vector": () => ({ ...logistic(), ...direction() }),
  "conjugate-gradients": () => ({ ...scaled(logistic()), ...direction() }),
  sinkhorn: () => ({ C: uniform(18, [500, 500], 0, 1) }),
  rosenbrock: () => ({ x: uniform(19, [100], -1, 1) }),
  sum: () => ({ x: uniform(20, [10_000_000], 0, 1) }),
};

export const workloadNames: readonly string[] = Object.keys(makers);

/** The inputs of a workload, by the names of its script's data. */
export function inputsOf(workload: string): Inputs {
  const make = makers[workload];
  if (make === undefined) throw new RangeError(`There is no workload ${workload}.`);
  return make();
}
