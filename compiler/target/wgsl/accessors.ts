/** How the resident workgroup reads and writes elements of arrays, which start anywhere in the data. */
import type { KernelArray } from "../../kernel/ir.ts";
import { loaded, stored, typeOf } from "./statements.ts";

/** The names of the functions for each kind of array, and their text: (start, index) and (start, index, value). */
export const accessors = Object.fromEntries(
  (["real", "int", "bool"] as const).map((kind) => {
    const [load, store, type, word] = [`load_${kind}`, `store_${kind}`, typeOf(kind), "data[start + u32(i)]"];
    const text = [
      `fn ${load}(start: u32, i: i32) -> ${type} {`,
      `  return ${loaded(kind, word)};`,
      "}",
      "",
      `fn ${store}(start: u32, i: i32, value: ${type}) {`,
      `  ${word} = ${stored(kind, "value")};`,
      "}",
    ];
    return [kind, { load, store, text }];
  }),
) as Readonly<Record<KernelArray["kind"], { readonly load: string; readonly store: string; readonly text: string[] }>>;
