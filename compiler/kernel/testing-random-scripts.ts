/** Scripts around random programs, for tests of back ends: values, derivatives of all kinds, and batches of both. */
import { ProgramWriter, picker } from "../transform/random-programs.ts";

/** The same script for the same seed: a program `f`, `g` and what it is asked for. */
export function randomScript(seed: number): string {
  const declarations = new ProgramWriter(seed * 7919, 4 + (seed % 42)).write();
  const pick = picker(seed + 1);
  const point = [0, 1, 2].map(() => ((pick(2000) - 1000) / 1000 + 1e-4).toFixed(4));
  return `${declarations}
let x0 = [${point.join(", ")}]
let v0 = [0.3, -0.8, 0.5]
let u0 = [0.2, 0.7, -0.4]
let X = [x0, x0 + 0.1 * v0, u0]
show f(x0), g(x0), [f(q) for q in X]
show grad(f)(x0), [grad(f)(q) for q in X], hessian(f)(x0), hvp(f)(x0, v0)
show grad(X => loop s = 0.0 for q in X { s + f(q) })(X), jacobian(g, mode = forward)(x0), jacobian(g, mode = reverse)(x0)
show grad(x => jvp(f)(x, v0))(x0)`;
}
