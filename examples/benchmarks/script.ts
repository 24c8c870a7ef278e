/** The workloads as karush's scripts. */
import { readFileSync } from "node:fs";
import type { NdArray } from "../../compiler/core/array.ts";
import { compile } from "../../compiler/index.ts";
import type { Program } from "../../compiler/program.ts";
import type { Inputs } from "./inputs.ts";

/** A workload's program and its data; throws when the script has errors. */
export function readWorkload(
  workload: string,
  inputs: Inputs,
): { readonly program: Program; readonly data: Readonly<Record<string, NdArray>> } {
  const file = new URL(`./workloads/${workload}.opt`, import.meta.url);
  const { program, diagnostics } = compile(readFileSync(file, "utf8"), { file: `${workload}.opt` });
  if (program === undefined) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const data = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]): [string, NdArray] => [
      name,
      { dtype: values instanceof Int32Array ? "int" : "real", shape, data: values },
    ]),
  );
  return { program, data };
}
