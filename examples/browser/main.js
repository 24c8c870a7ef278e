// Runs the script in the text area and writes what it shows. The whole library is one file; nothing else is loaded.
import { CompileError, compileOrThrow, createRuntime, RunError, Tensor } from "../../dist/browser/karush.mjs";

const start = `import { lbfgs } from "std/first-order"

let t = linspace[20](0.0, 1.0)
let y = sin(3 * t) + 0.1 * cos(40 * t)

objective fit(w: real[3]; log_penalty: real) =
  mean((w[0] + w[1] * t + w[2] * t^2 - y)^2) + exp(log_penalty) * dot(w, w)

fn fitted(log_penalty: real) = argmin(fit(; log_penalty), from = zeros[3], by = lbfgs(tol = 1e-5))

show fitted(-6.0)
show grad(p => sum(fitted(p)))(-6.0)
assert norm(fitted(-3.0)) < norm(fitted(-6.0)), "a larger penalty gives smaller coefficients"
`;

const element = (id) => document.getElementById(id);

function written(value) {
  if (value instanceof Tensor)
    return JSON.stringify(value.toArray(), (_, x) => (typeof x === "number" ? rounded(x) : x));
  if (typeof value === "number") return String(rounded(value));
  if (typeof value !== "object") return String(value);
  const parts = Object.entries(value).map(([name, part]) => (Array.isArray(value) ? "" : `${name}: `) + written(part));
  return `(${parts.join(", ")})`;
}

const rounded = (x) => Number(x.toPrecision(6));

/** Runs a script; gives the text to show. What is wrong with the script is text, too. */
export async function run(text, backend) {
  const runtime = await createRuntime({ backend });
  try {
    const module = await runtime.load(compileOrThrow(text, { file: "page.opt" }));
    const { shown, asserts } = await module.run();
    return [
      ...shown.map(({ expression, value }) => `${expression} = ${written(value)}`),
      ...asserts.map(({ expression }) => `holds: ${expression}`),
    ].join("\n");
  } catch (error) {
    if (error instanceof CompileError || error instanceof RunError) return error.message;
    throw error;
  } finally {
    runtime.dispose();
  }
}

async function runAndShow() {
  element("run").disabled = true;
  element("output").textContent = "...";
  try {
    element("output").textContent = await run(element("script").value, element("backend").value);
  } catch (error) {
    element("output").textContent = String(error); // no GPU, for one
  } finally {
    element("run").disabled = false;
  }
}

element("script").value = start;
element("run").addEventListener("click", runAndShow);
