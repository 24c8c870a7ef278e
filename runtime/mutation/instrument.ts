/**
 * A module with all its mutants in it, of which one at a time is switched on, so that one bundle of the tests serves them
 * all. The switch is `globalThis.karushMutation`.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { findMutations, type Mutation } from "./operators.ts";
import { lineTable } from "./source-map.ts";

export interface Mutant extends Mutation {
  /** From 1, the same for the same tree of sources. */
  readonly id: number;
  /** From the root of the repository. */
  readonly file: string;
  readonly line: number;
}

export interface Switch {
  /** The mutant that is on; 0 for none. */
  active: number;
  /** Marks the mutants whose place was run. */
  readonly reached: Uint8Array;
}

declare global {
  var karushMutation: Switch | undefined;
}

export interface Instrumented {
  readonly text: string;
  readonly mutants: readonly Mutant[];
}

/** The mutants of a TypeScript file, numbered from `firstId`, and its text as JavaScript with all of them. */
export function instrument(root: string, file: string, firstId: number): Instrumented {
  const source = readFileSync(path.join(root, file), "utf8");
  const { code, map } = transformSync(source, { loader: "ts", target: "es2022", sourcemap: true, sourcefile: file });
  const lineOf = lineTable(code, JSON.parse(map).mappings);
  const exports = (from: string, name: string) => {
    const text = readFileSync(path.resolve(root, path.dirname(file), from), "utf8");
    return new RegExp(`export (?:const|function) ${name}\\b`).test(text);
  };
  const statements = /-kernel\.ts$/.test(file);
  const mutants = findMutations(code, { exports, statements }).map(
    (m, i): Mutant => ({ ...m, id: firstId + i, file, line: lineOf(m.start) }),
  );
  return { text: withSwitches(code, mutants), mutants };
}

function withSwitches(code: string, mutants: readonly Mutant[]): string {
  const needed = new Map(mutants.flatMap(({ needs }) => (needs ? [[`${needs.from} ${needs.alias}`, needs]] : [])));
  const imports = [...needed.values()].map((n) => `import { ${n.name} as ${n.alias} } from "${n.from}";\n`);
  let next = 0;
  const render = (from: number, to: number): string => {
    let text = "";
    let at = from;
    while (next < mutants.length && mutants[next]!.start < to) {
      const { start, end } = mutants[next]!;
      const here: Mutant[] = [];
      while (next < mutants.length && mutants[next]!.start === start && mutants[next]!.end === end)
        here.push(mutants[next++]!);
      const original = render(start, end);
      const choices = here.map(
        (m) => `(karush$.reached[${m.id}] = 1, karush$.active === ${m.id}) ? (${m.replacement}) : `,
      );
      text += `${code.slice(at, start)}(${choices.join("")}(${original}))`;
      at = end;
    }
    return text + code.slice(at, to);
  };
  return `${imports.join("")}const karush$ = globalThis.karushMutation;\n${render(0, code.length)}`;
}
