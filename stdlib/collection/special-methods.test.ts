/** The other methods for models, on the problems of Hock and Schittkowski that suit them. */
import test from "node:test";
import { type CollectedProblem, checkTable, collectedProblems, solveCollected, verdict } from "./testing.ts";

const boundsAlone = [1, 2, 3, 4, 5, 38, 45];
const quadratic = [3, 21, 28, 35, 48, 51, 52, 53, 76];

const methods: readonly (readonly [solver: string, suits: (p: CollectedProblem) => boolean])[] = [
  ["augmented_lagrangian", (p) => p.hasEquations],
  ["osqp", (p) => quadratic.includes(p.number)],
  ["lbfgs_b", (p) => boundsAlone.includes(p.number)],
];

test("equations, quadratic programs and bounds, in f64 and in f32", () => {
  const rows = collectedProblems().flatMap((p) => {
    const cells = methods.flatMap(([solver, suits]) => {
      if (!suits(p)) return ["", ""];
      const { f64, f32 } = solveCollected(p, solver);
      return [verdict("f64", f64), verdict("f32", f32)];
    });
    return cells.some((c) => c !== "") ? [[p.name, ...cells]] : [];
  });
  const header = ["problem", ...methods.flatMap(([solver]) => [`${solver}, f64`, "f32"])];
  checkTable("special methods", header, rows);
});
