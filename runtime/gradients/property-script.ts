/** The script that a random program is checked by: one run shows everything that must agree. */
import { differenceSteps } from "./numeric-derivative.ts";
import type { Move, RandomProgram } from "./programs/program.ts";

/** Difference quotients are taken over two ranges of steps: a kink between them shows by their disagreeing. */
export const steps = [differenceSteps(1), differenceSteps(0.05)] as const;

/** All steps, both ways, range after range; then zero. */
export const offsets: readonly number[] = [...steps.flatMap((range) => range.flatMap((h) => [h, -h])), 0];

/** What is shown, by name. `s` is the program's value along u0, one real. */
const firstOrder = {
  value: "f(x0)",
  tangent: "jvp(f)(x0, v0)",
  otherTangent: "jvp(f)(x0, w0)",
  mixedTangent: "jvp(f)(x0, 2 * v0 - w0)",
  pulled: "vjp(f)(x0, u0)",
  otherPulled: "vjp(f)(x0, z0)",
  mixedPulled: "vjp(f)(x0, 2 * u0 - z0)",
  kept: "vjp(checkpoint(f))(x0, u0)",
  gradient: "grad(s)(x0)",
  batched: "[s(x0 + h * v0) for h in offsets]",
  looped: "looped",
  gradientOfMap: "grad(X => sum([s(x) for x in X]))(X)",
  gradientOfLoop: "grad(X => loop total = 0.0 for x in X { total + s(x) })(X)",
  mapOfGradients: "[grad(s)(x) for x in X]",
} as const;

const secondOrder = {
  forwardOverReverse: "hvp(s)(x0, v0)",
  otherSecond: "hvp(s)(x0, w0)",
  reverseOverForward: "grad(x => jvp(s)(x, v0))(x0)",
  reverseOverReverse: "grad(x => sum(v0 * grad(s)(x)))(x0)",
  forwardOverForward: "jvp(x => jvp(s)(x, w0))(x0, v0)",
  slopes: "[sum(w0 * grad(s)(x0 + h * v0)) for h in offsets]",
} as const;

/** Only for people: what shows that a derivative and differences disagree. */
const forPeople = {
  along: "sum(v0 * grad(s)(x0))",
  differences: "[(s(x0 + h * v0) - s(x0 - h * v0)) / (2 * h) for h in [1e-2, 1e-3, 1e-4]]",
  alongTwice: "sum(w0 * hvp(s)(x0, v0))",
  differencesTwice: "[sum(w0 * (grad(s)(x0 + h * v0) - grad(s)(x0 - h * v0))) / (2 * h) for h in [1e-2, 1e-3, 1e-4]]",
} as const;

export type Shown = keyof typeof firstOrder | keyof typeof secondOrder | keyof typeof forPeople;
const expressions: Readonly<Record<Shown, string>> = { ...firstOrder, ...secondOrder, ...forPeople };

export const shownAt = (order: 1 | 2): readonly Shown[] =>
  Object.keys(order === 1 ? firstOrder : { ...firstOrder, ...secondOrder }) as Shown[];

/** Of these, what other back ends are asked for: kernels are compiled for each, and the rest differs little. */
const elsewhere: ReadonlySet<Shown> = new Set<Shown>([
  "value",
  "tangent",
  "gradient",
  "batched",
  "mapOfGradients",
  "gradientOfLoop",
  "forwardOverReverse",
  "reverseOverReverse",
]);

export const comparedAt = (order: 1 | 2): readonly Shown[] => shownAt(order).filter((name) => elsewhere.has(name));

/** The program, its point, and a line that shows each of `names`. */
export function propertyScript(program: RandomProgram, names: readonly Shown[], move?: Move): string {
  const texts = names.map((name) => `show ${expressions[name]}`);
  const needs = (word: string) => texts.some((t) => new RegExp(`\\b${word}\\b`).test(t));
  const lines = [program.source, ...program.pointText(move).split("\n")];
  const [atValue, along] = ["sum(u0 * f(x))", "let X = [x0 + h * v0 for h in [0.0, 0.125, -0.5]]"];
  lines.push(`fn s(x) = ${atValue}`);
  if (needs("X")) lines.push(along);
  if (needs("offsets") || needs("looped")) lines.push(`let offsets = [${offsets.map(exact).join(", ")}]`);
  if (needs("looped")) lines.push("let (_, looped) = scan z = 0.0 for h in offsets { (z, s(x0 + h * v0)) }");
  const used = lines.filter((line) => {
    const declared = /^let ([vwuz]0) /.exec(line)?.[1];
    return (
      declared === undefined || [...texts, ...lines].some((t) => t !== line && new RegExp(`\\b${declared}\\b`).test(t))
    );
  });
  return [...used, ...texts, ""].join("\n");
}

const exact = (x: number) => (Number.isInteger(x) ? x.toFixed(1) : String(x));
