/** Grows random expressions of a wanted type, from the forms it is given. */
import { constant, count, expression, type Node, place, reference, type Variable, withFields } from "./tree.ts";
import { type Dimension, isReal, type RealType, type Sizes, sameType, scalar, type Type, zeroText } from "./types.ts";

/** A whole number from 0 to n - 1. */
export type Pick = (n: number) => number;

export interface Scope {
  /** Innermost first. */
  readonly variables: readonly Variable[];
  readonly depth: number;
  /** The form this expression stands in. */
  readonly parent: string;
  /** Where each draw of random numbers gets its key; undefined where a loop would repeat the draw. */
  readonly folds: readonly Variable[] | undefined;
  /** Derivatives of derivatives, and solves in solves, grow fast: how many may still be nested. */
  readonly derivatives: number;
  readonly solves: number;
}

export interface Form {
  readonly name: string;
  readonly weight: number;
  /** What it needs to have been declared, if anything. */
  possible(type: Type, grower: Grower, scope: Scope): boolean;
  build(grower: Grower, type: Type, scope: Scope): Node;
}

/** A function that programs declare: text around a body. */
export interface Helper {
  readonly name: string;
  readonly parameters: readonly RealType[];
  readonly result: RealType;
}

/** What broke before: forms that are likelier inside others. */
const boosts: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  map: { if: 4, loop: 2, scan: 2 },
  if: { loop: 4, scan: 3, map: 2 },
  loop: { map: 3, if: 3, loop: 2, update: 3 },
  scan: { if: 3, map: 3 },
  pullback: { loop: 3, scan: 3, map: 2 },
  directional: { loop: 3, scan: 3, map: 2 },
  checkpoint: { loop: 4, if: 2 },
  fixpoint: { if: 2 },
};

export class Grower {
  readonly pick: Pick;
  readonly sizes: Sizes;
  readonly tuples: readonly RealType[];
  readonly helpers: Helper[] = [];
  readonly #forms: readonly Form[];
  #left: number;
  #names = 0;

  constructor(pick: Pick, sizes: Sizes, size: number, tuples: readonly RealType[], forms: readonly Form[]) {
    this.pick = pick;
    this.sizes = sizes;
    this.tuples = tuples;
    this.#left = size;
    this.#forms = forms;
  }

  one<T>(items: readonly T[]): T {
    return items[this.pick(items.length)]!;
  }

  /** Whether a chance of one in n came true. */
  chance(n: number): boolean {
    return this.pick(n) === 0;
  }

  fresh(prefix: string, type: Type): Variable {
    this.#names += 1;
    return { name: `${prefix}${this.#names}`, type };
  }

  freshNumber(): number {
    this.#names += 1;
    return this.#names;
  }

  /** How much may still be grown; shared out by whoever grows several trees. */
  allow(size: number): void {
    this.#left = size;
  }

  dimension(): Dimension {
    return this.chance(3) ? "m" : "n";
  }

  nonEmpty(...dimensions: readonly Dimension[]): boolean {
    return dimensions.every((d) => this.sizes[d] > 0);
  }

  /** A type for an intermediate value: most are small. */
  anyType(): RealType {
    const k = this.pick(8);
    if (k < 3) return scalar;
    if (k < 6) return { kind: "real", shape: [this.dimension()] };
    if (k === 6) return { kind: "real", shape: [this.dimension(), this.dimension()] };
    return this.one(this.tuples);
  }

  grow(type: Type, scope: Scope, form = scope.parent, less = 1): Node {
    const inner = { ...scope, depth: scope.depth - less, parent: form };
    this.#left -= 1;
    if (inner.depth <= 0 || this.#left <= 0) return this.leaf(type, inner);
    const possible = this.#forms.filter((f) => f.possible(type, this, inner));
    const weights = possible.map((f) => f.weight * (boosts[form]?.[f.name] ?? 1));
    let at = this.pick(weights.reduce((s, w) => s + w, 0) + 1);
    for (const [i, f] of possible.entries()) {
      at -= weights[i]!;
      if (at < 0) return f.build(this, type, inner);
    }
    return this.leaf(type, inner);
  }

  leaf(type: Type, scope: Scope): Node {
    const fitting = scope.variables.filter((v) => sameType(v.type, type));
    if (fitting.length > 0 && !this.chance(5)) return reference(this.chance(3) ? this.one(fitting) : fitting[0]!);
    if (type.kind === "position") return expression("place", type)`${place(this.pick(3), type.of)}`;
    const moving = scope.variables.filter((v) => isReal(v.type) && !v.name.includes("."));
    const any = moving.length > 0 && !this.chance(6) ? reference(this.one(moving)) : undefined;
    if (type.kind === "bool")
      return any
        ? expression("comparison", type)`(sum(${any}) > ${this.constantText([])})`
        : constant(type, this.one(["true", "false"]));
    if (type.kind === "tuple")
      return this.tuple(
        type,
        type.fields.map((f) => this.leaf(f.type, scope)),
      );
    if (scope.folds !== undefined && this.chance(8)) return this.draw(type, scope);
    const text = this.constantText(type.shape);
    return any ? expression("derived", type)`(${text} * tanh(sum(${any})))` : constant(type, text);
  }

  /** `(a: e, b: e)`. */
  tuple(type: Type, parts: readonly Node[]): Node {
    if (type.kind !== "tuple") throw new TypeError("A tuple of something that is none.");
    const pieces = type.fields.flatMap(({ name }, i) => [
      `${i > 0 ? ", " : "("}${name}: `,
      { kind: "part" as const, node: parts[i]!, binds: [] },
    ]);
    return { form: "tuple", type, pieces: [...pieces, ")"], needs: [] };
  }

  constantText(shape: readonly Dimension[]): string {
    const sign = this.chance(2) ? "" : "-";
    const number = `${sign}0.${1 + this.pick(9)}`;
    const other = `${sign === "" ? "-" : ""}0.${1 + this.pick(9)}`;
    if (shape.length === 0) return `(${number})`;
    if (shape.length === 1)
      return this.one([`linspace[${shape[0]}](${number}, ${other})`, `fill[${shape[0]}](${number})`]);
    return `outer(linspace[${shape[0]}](${number}, ${other}), linspace[${shape[1]}](0.3, ${number}))`;
  }

  /** Random numbers of a shape; each draw of a program has a key of its own. */
  draw(type: Type, scope: Scope): Node {
    if (type.kind !== "real" || scope.folds === undefined) throw new TypeError("Nothing can be drawn here.");
    const axes = type.shape.length === 0 ? "" : `[${type.shape.join(", ")}]`;
    const opening = "fold_in(".repeat(scope.folds.length);
    const draw = this.one(["normal", "uniform", "laplace"]);
    const pieces = scope.folds
      .toReversed()
      .flatMap((fold) => [", ", { kind: "part" as const, node: reference(fold), binds: [] }, ")"]);
    const text = `${draw}${axes}(${opening}key(${this.freshNumber()})`;
    return { form: "draw", type, pieces: [text, ...pieces, ")"], needs: [] };
  }

  count(most: number, least = 0) {
    return count(least + 1 + this.pick(most - least), least);
  }
}

/** A scope with more variables, innermost first. `step` is what tells the steps of a loop apart, for draws. */
export function within(scope: Scope, variables: readonly Variable[], step?: Variable | "once"): Scope {
  const folds =
    step === "once"
      ? scope.folds
      : step === undefined || scope.folds === undefined
        ? undefined
        : [step, ...scope.folds];
  return { ...scope, variables: [...variables.flatMap(withFields), ...scope.variables], folds };
}

export const zeroNode = (type: Type): Node => constant(type, zeroText(type), "zero");
