/**
 * karush inside a TypeScript program: fits a curve to measurements, and chooses how smooth it is by the error on others.
 *
 *     node --import tsx examples/embed.ts
 */
import { type CompileError, compileOrThrow, createRuntime, type Tensor } from "karush";

const source = `
import { lbfgs } from "std/first-order"
data t: real[n]
data y: real[n]
data t_new: real[m]
data y_new: real[m]
param degree: int = 5

fn features(t: real[k]) = [t[i]^j for i in 0..k for j in 0..(degree + 1)]
objective fit(w: real[degree + 1]; log_penalty: real) =
  mean((features(t) @ w - y)^2) + exp(log_penalty) * dot(w, w)
fn coefficients(log_penalty: real) = argmin(fit(; log_penalty), from = zeros[degree + 1], by = lbfgs(tol = 1e-8))
fn validation(log_penalty: real) = mean((features(t_new) @ coefficients(log_penalty) - y_new)^2)
`;

// Measurements of sin(3 t) with noise that is the same every time.
const noise = (i: number) => 0.2 * Math.sin(12.9898 * i + 4.1414);
const curve = (times: readonly number[], first: number) => times.map((t, i) => Math.sin(3 * t) + noise(first + i));
const times = Array.from({ length: 12 }, (_, i) => i / 11);
const timesNew = times.map((t) => t + 0.04);
const data = { t: times, y: curve(times, 0), t_new: timesNew, y_new: curve(timesNew, 100) };

using runtime = await createRuntime({ backend: "cpu", precision: "f64" });
const module = await runtime.load(compileOrThrow(source, { file: "fit.opt" }), { data, params: { degree: 5 } });

// The derivative of the validation error goes through the fit: a few steps down give a better penalty.
let penalty = -2;
for (let step = 0; step <= 8; step++) {
  const { value, gradient } = await module.valueAndGradient("validation", { log_penalty: penalty });
  if (step % 4 === 0) console.log(`log penalty ${penalty.toFixed(3)}: validation error ${Number(value).toFixed(6)}`);
  penalty -= 40 * Number(gradient);
}
const coefficients = (await module.call("coefficients", { log_penalty: penalty })) as Tensor;
console.log("coefficients:", Array.from(await coefficients.data(), (w) => w.toFixed(3)).join(" "));

// What is wrong with a program comes as data: a code, a place, a message.
try {
  compileOrThrow("show sum([1.0, 2.0] + [1.0, 2.0, 3.0])", { file: "wrong.opt" });
} catch (error) {
  const [first] = (error as CompileError).diagnostics;
  console.log(`${first!.code}: ${first!.message}`);
}
