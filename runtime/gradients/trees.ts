/** `trees`: random arguments for a declared function, from the types it was declared with. */
import fc from "fast-check";
import type { Program } from "../../compiler/program.ts";
import type { Expression, Parameter, SourceFile, TypeExpression } from "../../compiler/syntax/tree.ts";
import type { Module } from "../module.ts";
import type { Input } from "../values.ts";
import { tensors } from "./tensors.ts";

export interface TreeOptions {
  /** Sizes for the dimensions that types mention. A dimension that nothing determines is 3. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Arguments drawn otherwise: those that must be positive, say, and those without a type. */
  readonly given?: Readonly<Record<string, fc.Arbitrary<Input>>>;
}

/**
 * One arbitrary for each argument of a function, objective or condition: reals are normal, ints from 0 to 2, tuples and
 * arrays of tuples as their types say. What has a default is left out.
 *
 *     await checkGradient(module, "fit", trees(module, "fit", { sizes: { d: 5 } }));
 *
 * Throws a TypeError where a type is missing or is not one that can be drawn.
 */
export function trees(
  module: Module,
  name: string,
  { sizes = {}, given = {} }: TreeOptions = {},
): Record<string, fc.Arbitrary<Input>> {
  const { program } = module;
  const parameters = parametersOf(program.source, name);
  const unknown = Object.keys(given).find((g) => !parameters.some((p) => p.name.name === g));
  if (unknown !== undefined) throw new TypeError(`\`${name}\` has no argument \`${unknown}\`.`);
  const drawn = parameters.filter((p) => given[p.name.name] !== undefined || p.default === undefined);
  return Object.fromEntries(
    drawn.map((p) => {
      const argument = p.name.name;
      return [argument, given[argument] ?? new TypeReader(program, argument, sizes).arbitrary(p.type)];
    }),
  );
}

function parametersOf(source: SourceFile, name: string): readonly Parameter[] {
  for (const s of source.statements) {
    if (s.kind === "fn" && s.name.name === name) return s.parameters;
    if ((s.kind === "objective" || s.kind === "condition") && s.name.name === name)
      return [...s.unknowns, ...s.parameters];
  }
  throw new TypeError(`The script declares no function, objective or condition named \`${name}\`.`);
}

type Sizes = Readonly<Record<string, number>>;

class TypeReader {
  readonly #program: Program;
  readonly #argument: string;
  readonly #sizes: Sizes;

  constructor(program: Program, argument: string, sizes: Sizes) {
    this.#program = program;
    this.#argument = argument;
    this.#sizes = sizes;
  }

  arbitrary(type: TypeExpression | undefined): fc.Arbitrary<Input> {
    if (type === undefined) throw this.#cannot("it has no type");
    return this.#read(type, [], this.#sizes);
  }

  #cannot(why: string): TypeError {
    const name = this.#argument;
    return new TypeError(`\`${name}\` cannot be drawn: ${why}. Give { given: { ${name}: ... } }.`);
  }

  /** A type under further leading axes: an array of tuples is a tuple of arrays. */
  #read(type: TypeExpression, leading: readonly number[], sizes: Sizes): fc.Arbitrary<Input> {
    switch (type.kind) {
      case "function-type":
        throw this.#cannot("it is a function");
      case "tuple-type": {
        if (type.items.some((i) => i.name === undefined)) throw this.#cannot("the fields of its tuple have no names");
        return fc.record(
          Object.fromEntries(type.items.map((i) => [i.name!.name, this.#read(i.type, leading, sizes)])),
        ) as fc.Arbitrary<Input>;
      }
      case "array-of-type": {
        const named = type.places.filter((p) => p.name !== undefined);
        const inner = {
          ...sizes,
          ...Object.fromEntries(named.map((p) => [p.name!.name, this.#size(p.dimension, sizes)])),
        };
        const axes = type.places.filter((p) => p.name === undefined).map((p) => this.#size(p.dimension, sizes));
        return this.#read(type.element, [...leading, ...axes], inner);
      }
      case "named-type":
        return this.#named(type.name, leading, sizes);
    }
  }

  #named(name: string, shape: readonly number[], sizes: Sizes): fc.Arbitrary<Input> {
    if (name === "real") return tensors.normal(shape);
    if (name === "int") return tensors.integer(0, 2, shape);
    if (name === "bool" && shape.length === 0) return fc.boolean();
    if (name === "bool" || name === "key") throw this.#cannot(`it holds ${name === "key" ? "a key" : "truth values"}`);
    const alias = this.#program.source.statements.find((s) => s.kind === "type" && s.name.name === name);
    if (alias?.kind !== "type") throw this.#cannot(`the script does not declare the type \`${name}\``);
    return this.#read(alias.type, shape, sizes);
  }

  #size(dimension: Expression, sizes: Sizes): number {
    switch (dimension.kind) {
      case "number":
        return dimension.value;
      case "name":
        return sizes[dimension.name] ?? this.#declared(dimension.name) ?? 3;
      case "binary": {
        const [a, b] = [this.#size(dimension.left, sizes), this.#size(dimension.right, sizes)];
        if (dimension.operator === "+") return a + b;
        if (dimension.operator === "-") return a - b;
        if (dimension.operator === "*") return a * b;
        break;
      }
    }
    throw this.#cannot("one of its sizes is computed in a way that is not read here");
  }

  /** A size that the script itself declares. Those of data are known when they are bound, not before. */
  #declared(name: string): number | undefined {
    if (this.#program.data.some((d) => d.shape.includes(name)))
      throw new TypeError(
        `The size \`${name}\` of \`${this.#argument}\` is that of data: give { sizes: { ${name}: ... } }.`,
      );
    for (const s of this.#program.source.statements) {
      if (s.kind === "let" && s.pattern.kind === "name-pattern" && s.pattern.name === name)
        return this.#size(s.value, {});
      if (s.kind === "param" && s.name.name === name) return this.#size(s.value, {});
    }
    return undefined;
  }
}
