/** What a workgroup added up, each invocation a part, joined through workgroup memory: see team.ts. */
import type { Accumulator, KernelArray } from "../../kernel/ir.ts";
import type { WgslModule } from "./module.ts";
import { indented, loaded, stored, typeOf } from "./statements.ts";
import { neutralOf, type Team } from "./team.ts";

/** Reductions are joined in two steps of about this many. */
const joinWidth = 8;

const operators = ["add", "mul", "min", "max", "and", "or"] as const;
const kinds = ["real", "int", "bool"] as const;
const nameOf = (operator: string, kind: string): string => `join_${operator}_${kind}`;

/** The functions that join values of a workgroup, written as they are used. */
export class Joins {
  readonly #module: WgslModule;
  readonly #size: number;
  readonly #written = new Map<string, { readonly name: string; readonly lines: readonly string[] }>();

  constructor(module: WgslModule, size: number) {
    this.#module = module;
    this.#size = size;
    for (const operator of operators) for (const kind of kinds) module.names.take(nameOf(operator, kind));
  }

  /** `locals`: the arrays that each iteration of the grid has for itself. */
  team(lane: string, locals: readonly KernelArray[] = []): Team {
    return {
      lane,
      locals,
      size: this.#size,
      join: (a) => this.#join(a),
      neutral: (a) => this.#neutral(a),
      combined: (a, before, total) => this.#operation(a, before, total),
    };
  }

  /** The lines of the functions and of the memory they use. */
  parts(): string[][] {
    if (this.#written.size === 0) return [];
    return [
      [`var<workgroup> parts: array<u32, ${this.#size}>;`, `var<workgroup> joined_parts: array<u32, ${this.#groups}>;`],
      ...[...this.#written.values()].map((w) => [...w.lines]),
    ];
  }

  get #groups(): number {
    return Math.ceil(this.#size / joinWidth);
  }

  #neutral(a: Accumulator): string {
    const text = neutralOf(a)!;
    const isInfinite = a.local.kind === "real" && (a.operator === "min" || a.operator === "max");
    return isInfinite ? `${this.#module.helper("real_of_bits")}(${text})` : text;
  }

  #operation({ local: { kind }, operator }: Accumulator, a: string, b: string): string {
    switch (operator) {
      case "add":
        return `${a} + ${b}`;
      case "mul":
        return `${a} * ${b}`;
      case "min":
      case "max":
        return `${kind === "real" ? this.#module.helper(`${operator}_real`) : operator}(${a}, ${b})`;
      case "and":
        return `${a} & ${b}`;
      case "or":
        return `${a} | ${b}`;
    }
  }

  #join(accumulator: Accumulator): string {
    const { kind } = accumulator.local;
    const key = `${accumulator.operator} ${kind}`;
    const known = this.#written.get(key);
    if (known) return known.name;
    const name = nameOf(accumulator.operator, kind);
    const type = typeOf(kind);
    const read = (place: string) => `(${loaded(kind, place)})`;
    const groups = this.#groups;
    const lines = [
      `fn ${name}(lane: u32, value: ${type}) -> ${type} {`,
      ...indented([
        `parts[lane] = ${stored(kind, "value")};`,
        "workgroupBarrier();",
        `if lane < ${groups}u {`,
        ...indented([
          `var part = ${read(`parts[lane * ${joinWidth}u]`)};`,
          `for (var n = 1u; n < ${joinWidth}u; n++) {`,
          `  part = ${this.#operation(accumulator, "part", read(`parts[lane * ${joinWidth}u + n]`))};`,
          "}",
          `joined_parts[lane] = ${stored(kind, "part")};`,
        ]),
        "}",
        "workgroupBarrier();",
        `var total = ${read("joined_parts[0]")};`,
        `for (var n = 1u; n < ${groups}u; n++) {`,
        `  total = ${this.#operation(accumulator, "total", read("joined_parts[n]"))};`,
        "}",
        "return total;",
      ]),
      "}",
    ];
    this.#written.set(key, { name, lines });
    return name;
  }
}
