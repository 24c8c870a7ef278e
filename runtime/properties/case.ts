/**
 * The inputs of a property as one fast-check arbitrary. Sizes and arrays hang together, so shrinking is
 * ours: first the integers (arrays are cut to their new shapes), then the arrays, towards zeros.
 */
import fc from "fast-check";
import type { BoundProperty, PropertyVariable, Value } from "../../compiler/program.ts";
import { draw, resized, simpler, simplestEntry } from "./draw.ts";

export interface Case {
  readonly ints: Readonly<Record<string, number>>;
  readonly values: Readonly<Record<string, Value>>;
}

export class CaseArbitrary extends fc.Arbitrary<Case> {
  readonly #property: BoundProperty;
  readonly #mayShrink: () => boolean;

  constructor(property: BoundProperty, mayShrink: () => boolean) {
    super();
    this.#property = property;
    this.#mayShrink = mayShrink;
  }

  override generate(random: fc.Random): fc.Value<Case> {
    const uniform = () => random.nextInt(0, 2 ** 31 - 1) / 2 ** 31;
    const ints: Record<string, number> = {};
    const values: Record<string, Value> = {};
    for (const variable of this.#property.variables) {
      const template = this.#property.shapeOf(variable.name, ints);
      const value = draw(template, variable.generator, uniform);
      if (isScalarInt(variable, template)) ints[variable.name] = scalarOf(value);
      else values[variable.name] = value;
    }
    return new fc.Value({ ints, values }, undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is Case {
    return true;
  }

  override shrink(value: Case): fc.Stream<fc.Value<Case>> {
    return new fc.Stream(this.#smaller(value)).map((smaller) => new fc.Value(smaller, undefined));
  }

  *#smaller({ ints, values }: Case): Generator<Case, void, undefined> {
    for (const variable of this.#property.variables) {
      const int = ints[variable.name];
      if (int !== undefined) {
        for (const smaller of towards(simplestEntry(variable.generator), int))
          if (this.#mayShrink()) yield this.#withInts({ ...ints, [variable.name]: smaller }, values);
      }
    }
    for (const variable of this.#property.variables) {
      const value = values[variable.name];
      if (value === undefined) continue;
      for (const smaller of simpler(value, variable.generator))
        if (this.#mayShrink()) yield { ints, values: { ...values, [variable.name]: smaller } };
    }
  }

  /** The same values in the shapes that other integers give. */
  #withInts(ints: Case["ints"], values: Case["values"]): Case {
    const fitted = this.#property.variables.flatMap((variable) => {
      const value = values[variable.name];
      if (value === undefined) return [];
      return [
        [variable.name, resized(value, this.#property.shapeOf(variable.name, ints), variable.generator)] as const,
      ];
    });
    return { ints, values: Object.fromEntries(fitted) };
  }
}

function isScalarInt(variable: PropertyVariable, template: Value): boolean {
  return variable.type === "int" && template.kind === "array" && template.array.shape.length === 0;
}

function scalarOf(value: Value): number {
  return value.kind === "array" ? value.array.data[0]! : Number.NaN;
}

/** Integers nearer to a target: the target first, then half-way, then the neighbour. */
function towards(target: number, value: number): number[] {
  const half = target + Math.trunc((value - target) / 2);
  return [...new Set([target, half, value - Math.sign(value - target)])].filter((n) => n !== value);
}
