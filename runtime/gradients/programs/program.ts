/** A random program: declarations that end in `fn f(x: ...)`, and a point to look at it. */
import fc from "fast-check";
import { problemDeclaration } from "./forms-factors.ts";
import { solverImports } from "./forms-solves.ts";
import type { Helper } from "./grow.ts";
import { fits, type Node, nodesOf, sizeOf, type Variable, write } from "./tree.ts";
import { entriesOf, type RealType, type Sizes, typeText, valueText } from "./types.ts";

/** A function that the program declares: grown, or written with a derivative of its own. */
export interface Declaration extends Helper {
  readonly variables: readonly Variable[];
  readonly body: Node;
  /** ` derivative dx => ...`; empty for most. */
  readonly rule: string;
}

/** Where the program is looked at. Directions are never zero. */
export interface Point {
  readonly seed: number;
  readonly kind: "normal" | "ties" | "zeros";
  readonly digits: number;
}

/** A generator of numbers from -1 to 1 that a seed and an index say everything about (a round of mulberry32). */
function numberAt(seed: number, index: number): number {
  const state = (Math.imul(seed, 0x9e3779b1) + Math.imul(index + 1, 0x6d2b79f5)) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
}

/**
 * How a point is moved, by about `growth`: scaled by it (`way` 0), which keeps ties, or every entry up or down on its own,
 * in one of many ways, which takes them apart.
 */
export interface Move {
  readonly growth: number;
  readonly way: number;
}

const unmoved: Move = { growth: 0, way: 0 };

type Fields = Pick<RandomProgram, "sizes" | "input" | "output" | "declarations" | "body" | "point">;

const directions = ["v0", "w0", "u0", "z0"] as const;

function directionEntry(seed: number, which: number, index: number): number {
  const x = Number(numberAt(seed + 7919 * which, index).toFixed(2));
  return x === 0 ? 0.5 : x;
}

export class RandomProgram {
  readonly sizes: Sizes;
  readonly input: RealType;
  readonly output: RealType;
  readonly declarations: readonly Declaration[];
  readonly body: Node;
  readonly point: Point;
  /** The program that this one is made from, by shrinking say. */
  readonly origin: RandomProgram | undefined;

  constructor(fields: Fields, origin?: RandomProgram) {
    this.sizes = fields.sizes;
    this.input = fields.input;
    this.output = fields.output;
    this.declarations = fields.declarations;
    this.body = fields.body;
    this.point = fields.point;
    this.origin = origin;
  }

  with(changes: Partial<Fields>): RandomProgram {
    return new RandomProgram({ ...this, ...changes }, this.origin ?? this);
  }

  /** How many expressions it has. */
  get size(): number {
    return [this.body, ...this.used.map((d) => d.body)].reduce((sum, body) => sum + sizeOf(body), 0);
  }

  /** The declarations that the function needs, in order. */
  get used(): readonly Declaration[] {
    const names = new Set<string>();
    let text = write(this.body, this.sizes);
    for (const d of [...this.declarations].reverse())
      if (text.includes(`${d.name}(`)) {
        names.add(d.name);
        text += write(d.body, this.sizes);
      }
    return this.declarations.filter((d) => names.has(d.name));
  }

  /** Whether no axis that must have entries is empty. */
  get fits(): boolean {
    return [this.body, ...this.used.map((d) => d.body)].every((body) => fits(body, this.sizes));
  }

  /** Whether answers are known to the tolerance of a solver only. */
  get solves(): boolean {
    return [this.body, ...this.used.map((d) => d.body)].some((body) =>
      [...nodesOf(body)].some((n) => solving.has(n.form)),
    );
  }

  /** Whether something in it has a kink, where derivatives of derivatives follow conventions. */
  get kinked(): boolean {
    return [...this.forms].some((form) => kinkedForms.has(form));
  }

  /** The kinds of expressions in it. */
  get forms(): ReadonlySet<string> {
    return new Set([this.body, ...this.used.map((d) => d.body)].flatMap((b) => [...nodesOf(b)].map((n) => n.form)));
  }

  /** The program without a point: ends in `fn f`. */
  get source(): string {
    const functions = this.used.map((d) => {
      const parameters = d.variables.map((v) => `${v.name}: ${typeText(v.type)}`).join(", ");
      return `fn ${d.name}(${parameters}) = ${write(d.body, this.sizes)}${d.rule}`;
    });
    functions.push(`fn f(x: ${typeText(this.input)}) = ${write(this.body, this.sizes)}`);
    const text = functions.join("\n") + typeText(this.input) + typeText(this.output);
    const files = new Map<string, string[]>();
    for (const [name, file] of solverImports)
      if (new RegExp(`\\b${name}\\(`).test(text)) files.set(file, [...(files.get(file) ?? []), name]);
    const imports = [...files].map(([file, names]) => `import { ${names.join(", ")} } from "${file}"`);
    const sizes = (["n", "m"] as const)
      .filter((d) => new RegExp(`\\b${d}\\b`).test(text))
      .map((d) => `let ${d} = ${this.sizes[d]}`);
    const problems = /\bfuzzed_nearest\(/.test(text) ? [problemDeclaration] : [];
    return [...imports, ...problems, ...sizes, ...functions].join("\n");
  }

  /** `x0`, directions `v0` and `w0` like it, and cotangents `u0` and `z0` like the value, all of them moved by `move`. */
  pointText({ growth, way }: Move = unmoved): string {
    const { seed, kind, digits } = this.point;
    const entry = (index: number) => {
      const x = kind === "zeros" ? 0 : Number(numberAt(seed, kind === "ties" ? 0 : index).toFixed(digits));
      if (way === 0) return x === 0 ? "0.0" : literal(x * (1 + growth));
      const side = numberAt(seed + way, index) < 0 ? -1 : 1;
      return literal(x + side * growth * Math.max(Math.abs(x), 1));
    };
    // Entries that add up to zero by chance are moved apart, too: ties of x0 are meant, these are not.
    const direction = (which: number) => (index: number) =>
      literal(directionEntry(seed, which, index) * (1 + growth * (index + 1)));
    const lines = [
      `let x0 = ${valueText(this.input, this.sizes, entry)}`,
      `let v0 = ${valueText(this.input, this.sizes, direction(1))}`,
      `let w0 = ${valueText(this.input, this.sizes, direction(2))}`,
      `let u0 = ${valueText(this.output, this.sizes, direction(3))}`,
      `let z0 = ${valueText(this.output, this.sizes, direction(4))}`,
    ];
    return lines.join("\n");
  }

  /** The entries of a direction or cotangent, in order. */
  directionEntries(name: (typeof directions)[number]): readonly number[] {
    const which = directions.indexOf(name) + 1;
    const length = entriesOf(which <= 2 ? this.input : this.output, this.sizes);
    return Array.from({ length }, (_, index) => directionEntry(this.point.seed, which, index));
  }

  /** What fast-check prints of a counterexample: the program itself is in the error. */
  [fc.toStringMethod](): string {
    return `a program of ${this.size} expressions`;
  }

  toString(): string {
    return this.source;
  }
}

const kinkedForms = new Set(
  "kinked choice where sum reduction cumulative order row if loop comparison any gather factors".split(" "),
);
const solving = new Set(["fixpoint", "contraction", "root of", "argmin", "linear system", "least squares", "problem"]);

const literal = (x: number) => (Number.isInteger(x) ? x.toFixed(1) : String(x));
