/** What the kernels of one WGSL module share: names, scalar functions and helpers, each in the text once. */
import { forEachNode } from "../../kernel/affine.ts";
import type { Expression, ScalarFunction, Statement } from "../../kernel/ir.ts";
import { prepareFunction } from "../../kernel/prepare.ts";
import { foldFunction } from "./fold.ts";
import { type HelperName, helperNames, helperTexts } from "./helpers.ts";
import { Names } from "./names.ts";
import { indented, type ModuleNaming, StatementPrinter, typeOf } from "./statements.ts";
import { forEachExpression, forEachStatement } from "./walk.ts";

export class WgslModule {
  readonly names = new Names();
  readonly #helpers = new Set<HelperName>();
  readonly #functions = new Map<ScalarFunction, string>();
  readonly #functionTexts: string[][] = [];

  /** `reserved`: what the module declares besides. */
  constructor(reserved: readonly string[]) {
    for (const name of [...reserved, ...helperNames]) this.names.take(name);
  }

  /** Names the functions that statements call, before their locals take names, so that no local hides one. */
  include(body: readonly Statement[]): void {
    const found: ScalarFunction[] = [];
    const visit = (e: Expression): void => {
      if (e.op !== "call" || this.#functions.has(e.function)) return;
      this.#functions.set(e.function, this.names.take(e.function.name));
      forEachExpression(e.function.body, visit);
      forEachNode([e.function.result], visit);
      found.push(e.function);
    };
    forEachExpression(body, visit);
    for (const f of found) this.#functionTexts.push(this.#function(f));
  }

  /** Marks a helper as used. */
  helper(name: HelperName): string {
    this.#helpers.add(name);
    return name;
  }

  naming(access: Pick<ModuleNaming, "load" | "store" | "loadFour">): ModuleNaming {
    return {
      ...access,
      scalarFunction: (f) => this.#functions.get(f)!,
      helper: (name) => this.helper(name),
    };
  }

  /** The lines of helpers and functions, when everything that uses them is printed. */
  parts(): string[][] {
    return [...helperTexts(this.#helpers).map((text) => text.split("\n")), ...this.#functionTexts];
  }

  #function(f: ScalarFunction): string[] {
    const { body, result, parameters } = prepareFunction(foldFunction(f));
    const assigned = assignedIn(body);
    const noArrays = () => {
      throw new Error(`internal error: the function ${f.name} touches an array`);
    };
    return this.names.scope(() => {
      const naming = this.naming({ load: noArrays, store: noArrays });
      const printer = new StatementPrinter(naming, this.names, assigned);
      const changed = parameters.filter((p) => assigned.has(p.id));
      const list = parameters.map((p) => {
        const name = assigned.has(p.id) ? this.names.take(`${p.name}_given`) : printer.declare(p);
        return { name, text: `${name}: ${typeOf(p.kind)}` };
      });
      // Parameters cannot be assigned in WGSL.
      const copies = changed.map((p) => `var ${printer.declare(p)} = ${list[parameters.indexOf(p)]!.name};`);
      const lines = this.names.scope(() => printer.block(body, (value) => `return ${value(result)};`));
      const head = `fn ${this.#functions.get(f)}(${list.map((p) => p.text).join(", ")}) -> ${typeOf(result.kind)} {`;
      return [head, ...indented([...copies, ...lines]), "}"];
    });
  }
}

/** The locals that `assign` changes anywhere in statements. */
export function assignedIn(statements: readonly Statement[]): ReadonlySet<number> {
  const assigned = new Set<number>();
  forEachStatement(statements, (s) => {
    if (s.op === "assign") assigned.add(s.local.id);
  });
  return assigned;
}
