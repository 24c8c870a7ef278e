/** What the mutation check changes, and the tests it holds against that. */
import { readdirSync } from "node:fs";
import path from "node:path";

export interface Area {
  readonly name: string;
  readonly files: readonly string[];
}

/** Test helpers and what only prints or checks: changing it changes no value. */
const aside = /\.test\.ts$|\.cases\.ts$|^testing|^print|^ir\.ts$/;

function filesIn(root: string, folder: string, wanted: (name: string) => boolean): string[] {
  return readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".ts") && !aside.test(name) && wanted(name))
    .map((name) => `${folder}/${name}`)
    .sort();
}

const isKernel = (name: string) => name.endsWith("-kernel.ts");
/** Parts of the kernel compiler that decide what is computed; the rest decides in which order and where it is kept. */
const meaning = new Set(
  ["affine", "assemble", "build", "expressions", "lowering", "nodes", "prepare", "puller", "statements", "virtual"].map(
    (name) => `${name}.ts`,
  ),
);

export function areasOf(root: string): readonly Area[] {
  return [
    { name: "primitives", files: filesIn(root, "compiler/primitives", (name) => !isKernel(name)) },
    {
      name: "transformations",
      files: ["compiler/transform", "compiler/transform/control", "compiler/transform/adjoint"].flatMap((folder) =>
        filesIn(root, folder, (name) => name !== "random-programs.ts"),
      ),
    },
    { name: "kernels", files: filesIn(root, "compiler/primitives", isKernel) },
    {
      name: "kernel compiler",
      files: [
        ...filesIn(root, "compiler/kernel", (name) => meaning.has(name)),
        ...filesIn(root, "compiler/kernel/functions", () => true),
      ],
    },
  ];
}

/** Sizes of large cases, and a census: slow, and no better at finding a wrong sign. */
const slow = new Set(["budget.test.ts", "completeness.test.ts"]);

/** Tests of whole programs that reach the rules of loops, branches and solves. */
const programs = ["adjoint", "certificate", "derivatives", "functions", "solve"].map(
  (name) => `compiler/elaborate/${name}.test.ts`,
);

export function testsOf(root: string): string[] {
  const units = [
    "compiler/primitives",
    "compiler/transform",
    "compiler/transform/adjoint",
    "compiler/transform/control",
    "compiler/kernel",
    "compiler/kernel/functions",
  ].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((name) => name.endsWith(".test.ts") && !slow.has(name))
      .map((name) => `${folder}/${name}`)
      .sort(),
  );
  return [...units, ...programs, "compiler/target/wasm/kernel.test.ts", "spec/conformance.test.ts"];
}
