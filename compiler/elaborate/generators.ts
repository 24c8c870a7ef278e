/** The generators of a property's variables, `x: real[n] in normal()`: what there are, and which types they fit. */
import { equalDims } from "../core/dimension.ts";
import type { PropertyVariable } from "../program.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Expression, Property } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import type { Scope } from "./scope.ts";
import type { DeclaredType } from "./types.ts";

type Variable = Property["variables"][number];
type Generator = PropertyVariable["generator"];

/** Those that take no numbers. */
const plain = ["normal", "positive", "simplex", "orthogonal", "permutation"] as const;

export function generatorOf(e: Elaborator, v: Variable, scope: Scope): Generator {
  const g = v.generator;
  const number = (x: Expression): number => {
    const t = e.expression(x, scope);
    if (t.kind === "array" && t.atom.kind === "literal") return t.atom.value;
    return fail("K0761", x.span, "The numbers of a generator are plain numbers.");
  };
  if (!g) return { kind: "normal" };
  if (g.kind === "range") {
    const [low, high] = [number(g.from), number(g.to)];
    if (!(low < high)) fail("K0761", g.span, `\`${low}..${high}\` has nothing between its ends.`);
    return { kind: "range", low, high };
  }
  if (g.kind === "call" && g.callee.kind === "name") {
    const { name } = g.callee;
    const given = g.arguments.map((a) => a.value);
    const kind = plain.find((k) => k === name);
    if (kind !== undefined && given.length === 0) return { kind };
    if (name === "uniform" && given.length === 2) {
      const [low, high] = given.map(number) as [number, number];
      if (!(low < high)) fail("K0761", g.span, `\`uniform(${low}, ${high})\` has nothing between its ends.`);
      return { kind: "uniform", low, high };
    }
    if (name === "spd" && given.length <= 1) {
      const condition = given[0] === undefined ? 10 : number(given[0]);
      if (!(condition >= 1)) fail("K0761", g.span, `A condition number is at least 1, but this is ${condition}.`);
      return { kind: "spd", condition };
    }
  }
  return fail("K0760", g.span, "There is no such generator.", {
    help: "Generators are `normal()`, `positive()`, `uniform(a, b)`, `simplex()`, `orthogonal()`, `spd()` and, for ints, `permutation()` and ranges such as `1..6`.",
  });
}

/** What a generator is for, where that is not what the variable is. */
export function checkGenerator(e: Elaborator, v: Variable, type: DeclaredType, generator: Generator): void {
  const name = `\`${v.name.name}\``;
  const span = v.generator?.span ?? v.span;
  const refuse = (message: string, help: string): never => fail("K1080", span, message, { help });
  if (type.kind !== "array") return;
  const { shape } = type;
  // A lone int has an error of its own, since it may be a size.
  if (type.type === "int" && shape.length === 0) return;
  if (type.type === "int") {
    if (generator.kind === "range") return;
    if (generator.kind === "permutation") {
      if (shape.length !== 1)
        refuse(`\`permutation()\` makes one row of ints, but ${name} has ${shape.length} axes.`, "Write `int[n]`.");
      return;
    }
    refuse(
      `${name} has ints, so it is drawn from a range or is a permutation.`,
      `Write \`${v.name.name}: ${e.textOf(v.type.span)} in 0..5\`, or \`in permutation()\`.`,
    );
  }
  if (type.type !== "real") return;
  switch (generator.kind) {
    case "range":
    case "permutation":
      refuse(
        `${name} has reals, but ${generator.kind === "range" ? "a range gives" : "`permutation()` gives"} ints.`,
        "Write `uniform(a, b)`, or declare ints.",
      );
      return;
    case "simplex":
      if (shape.length === 0)
        refuse(`\`simplex()\` makes rows that sum to 1, but ${name} is one number.`, "Write `real[n]`.");
      return;
    case "orthogonal":
    case "spd": {
      const [rows, columns] = shape.slice(-2);
      if (shape.length < 2 || !equalDims(rows!, columns!))
        refuse(
          `\`${generator.kind}()\` makes square matrices, but ${name} is no square matrix.`,
          "Write `real[n, n]`.",
        );
      return;
    }
    default:
      return;
  }
}
