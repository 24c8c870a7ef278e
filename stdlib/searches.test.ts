/** The searches along a line, alone: what they promise of a step, on functions made to be hard, and on random ones. */
import test from "node:test";
import { runScript } from "./testing.ts";

const imports = `import { armijo, wolfe, hager_zhang, fixed } from "std/first-order"`;

/** Moré and Thuente 1994, section 5: the first three, with least steps at 1.4, 1.6 and 1, and one of Yanai's family. */
const functions = [
  "a => -a / (a^2 + 2)",
  "a => (a + 0.004)^5 - 2 * (a + 0.004)^4",
  "a => if abs(a - 1) < 0.01 then (a - 1)^2 / 0.02 + 0.005 - a else abs(a - 1) - a",
  "a => 0.99 * sqrt((1 - a)^2 + 1e-6) + 0.01 * sqrt(a^2 + 1e-2)",
  "a => a^4 - 3 * a^3 + a^2 - a",
  "a => a - 1e-2 * log(a + 1e-6) - 1e-2 * a",
];

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: steps satisfy the conditions, from first trials of any size`, () => {
    const text = functions.flatMap((f, i) =>
      ["1e-3", "0.1", "1.0", "10.0", "1000.0"].map((first, j) => {
        const id = `${i}_${j}`;
        return `
      let run${id} = {
        let f = ${f}
        let phi = a => value_and_grad(f)(a)
        let (v0, d0) = phi(0.0)
        let (w, w_found) = wolfe(c2 = 0.2)(phi, v0, d0, ${first})
        let (h, h_found) = hager_zhang()(phi, v0, d0, ${first})
        let (b, b_found) = armijo()(phi, v0, d0, ${first})
        let (wv, wd) = phi(w)
        let (hv, hd) = phi(h)
        let noise = 8 * epsilon * abs(v0)
        (strong: w_found and wv <= v0 + 1e-4 * w * d0 + noise and abs(wd) <= 0.2 * abs(d0),
         weak: h_found and hd >= 0.9 * d0 and
           (hv <= v0 + 0.1 * h * d0 + noise or (hv <= v0 + 2e-6 * abs(v0) and hd <= -0.8 * d0)),
         drop: b_found and phi(b)[0] <= v0 + 1e-4 * b * d0 + noise)
      }
      assert run${id}.strong
      assert run${id}.weak
      assert run${id}.drop`;
      }),
    );
    runScript(`${imports}\n${text.join("\n").replaceAll("phi(b)[0]", "f(b)")}`, { precision });
  });

for (const precision of ["f64", "f32"] as const)
  test(`${precision}: no step where there is none, and none beyond the domain`, () => {
    const text = ["armijo()", "wolfe()", "hager_zhang()"].map(
      (search, i) => `
      let up${i} = { let (a, found) = ${search}(a => (a, 1.0), 0.0, 1.0, 1.0)
        found }
      assert not up${i}
      let lie${i} = { let (a, found) = ${search}(a => (a, -1.0), 0.0, -1.0, 1.0)
        found }
      assert not lie${i}
      let nothing${i} = { let (a, found) = ${search}(a => (inf, inf), 1.0, -1.0, 1.0)
        found }
      assert not nothing${i}
      let edge${i} = { let f = a => -log(2 - a) - 3 * a
        let (v0, d0) = value_and_grad(f)(0.0)
        let (a, found) = ${search}(a => if a < 2 then value_and_grad(f)(a) else (inf, inf), v0, d0, 50.0)
        (a: a, found: found) }
      assert edge${i}.found and 0 < edge${i}.a < 2`,
    );
    runScript(
      `${imports}\n${text.join("\n")}\nlet (a, found) = fixed()(a => (a, a), 1.0, 1.0, 0.3)\nassert a == 0.3 and found`,
      {
        precision,
      },
    );
  });
