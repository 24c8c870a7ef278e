/** `checkGradient`: the claimed derivatives of a function against what they must satisfy, at random points. */
import fc from "fast-check";
import { Module } from "../module.ts";
import { checkPoint, type Disagreement } from "./check-point.ts";
import { scriptFor, showArguments } from "./reproduction.ts";
import { type Arguments, type ClaimedGradient, movingLeaves, subjectOf } from "./subject.ts";
import { flatten, placeOf } from "./tree.ts";

export interface CheckOptions {
  /** 2 checks second derivatives as well, of functions with one real value. 1 when left out. */
  readonly order?: 1 | 2;
  /** Both when left out. */
  readonly modes?: readonly ("forward" | "reverse")[];
  /** 100 when left out. */
  readonly runs?: number;
  /** Both from a former failure: they bring it back. */
  readonly seed?: number;
  readonly path?: string;
  /** What the function computes with; f64 when left out. Differences in f32 tell a few digits only. */
  readonly precision?: "f64" | "f32";
  /**
   * A relative error to grant every comparison, beside what rounding and differences explain: for functions whose values
   * come from solves, which know them to their `tol` only. When left out, 1e-6 in f64 and 1e-2 in f32 for modules that
   * solve anything, and none otherwise.
   */
  readonly slack?: number;
}

export interface CheckReport {
  readonly runs: number;
  /** Points where the function is not differentiable: they say nothing about the derivative. */
  readonly kinks: number;
  /** Points where it has no finite value. */
  readonly undefined: number;
  readonly seed: number;
}

/** What `checkGradient` throws. */
export class GradientError extends Error {
  override readonly name = "GradientError";
  readonly disagreement: Disagreement;
  /** The smallest arguments found that show it. */
  readonly arguments: Arguments;
  /** `w[3]`, where a single entry could be named. */
  readonly place: string | undefined;
  readonly seed: number;
  readonly path: string;
  /** A script that shows the two values; for functions of a module. */
  readonly script: string | undefined;

  constructor(fields: Omit<GradientError, "name" | keyof Error>, message: string) {
    super(message);
    this.disagreement = fields.disagreement;
    this.arguments = fields.arguments;
    this.place = fields.place;
    this.seed = fields.seed;
    this.path = fields.path;
    this.script = fields.script;
  }
}

type Arbitraries = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/**
 * Checks the derivatives of a declared function of a module, or the gradient that a TypeScript function claims, at random
 * arguments. Real arguments move; whole numbers, keys and truth values stay what was drawn. Throws a GradientError with
 * the smallest counterexample found, and a TypeError where nothing could be checked.
 */
export function checkGradient(
  module: Module,
  name: string,
  args: Arbitraries,
  options?: CheckOptions,
): Promise<CheckReport>;
export function checkGradient(f: ClaimedGradient, args: Arbitraries, options?: CheckOptions): Promise<CheckReport>;
export async function checkGradient(
  target: Module | ClaimedGradient,
  second: string | Arbitraries,
  third?: Arbitraries | CheckOptions,
  fourth?: CheckOptions,
): Promise<CheckReport> {
  const ofModule = target instanceof Module;
  const name = ofModule ? (second as string) : target.name || "the function";
  const arbitraries = (ofModule ? third : second) as Arbitraries;
  const options = ((ofModule ? fourth : third) ?? {}) as CheckOptions;
  const { order = 1, modes = ["forward", "reverse"], runs = 100, precision = "f64" } = options;
  const slack = options.slack ?? (ofModule && solves(target) ? { f64: 1e-6, f32: 1e-2 }[precision] : 0);
  let [kinks, outside] = [0, 0];

  const examine = async (args: Arguments, directions: number) => {
    const { moving } = movingLeaves(args);
    if (moving.length === 0)
      throw new TypeError("There is nothing to differentiate in: no argument is real throughout.");
    const subject = subjectOf(target, name, args, modes);
    return checkPoint(subject, flatten(moving), { order, precision, slack, normal: normals(directions) });
  };
  const everything = fc.record({
    args: fc.record(arbitraries),
    directions: fc.noShrink(fc.integer({ min: 1, max: 2 ** 31 - 2 })),
  });
  const property = fc.asyncProperty(everything, async ({ args, directions }) => {
    const outcome = await examine(args as Arguments, directions);
    if (outcome.kind === "kink") kinks += 1;
    if (outcome.kind === "undefined") outside += 1;
    return outcome.kind !== "disagrees";
  });
  const found = await fc.check(property, {
    numRuns: runs,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  if (!found.failed) {
    if (kinks + outside >= found.numRuns)
      throw new TypeError(
        `Nothing was checked: of ${found.numRuns} points ${outside} have no finite value and ${kinks} no derivative. Draw the arguments from where the function is smooth.`,
      );
    return { runs: found.numRuns, kinks, undefined: outside, seed: found.seed };
  }
  const counterexample = found.counterexample?.[0];
  if (counterexample === undefined) throw found.errorInstance ?? new Error("The check found no arguments to try.");
  // What was thrown, rather than found wrong, is the function's own.
  if (found.errorInstance !== null && found.errorInstance !== undefined && !isFalse(found.errorInstance))
    throw found.errorInstance;
  const args = counterexample.args as Arguments;
  const outcome = await examine(args, counterexample.directions);
  if (outcome.kind !== "disagrees") throw new Error("The function gives different values for the same arguments.");
  const { disagreement } = outcome;
  const { moving } = movingLeaves(args);
  const place = disagreement.index === undefined ? undefined : placeOf(moving, disagreement.index);
  const script = ofModule ? scriptFor(target, name, args, disagreement.order) : undefined;
  const fields = {
    disagreement,
    arguments: args,
    place,
    seed: found.seed,
    path: found.counterexamplePath ?? "",
    script,
  };
  throw new GradientError(fields, messageOf(name, fields));
}

/** Whether a script states an optimum, a root or a fixed point anywhere. */
function solves({ program }: Module): boolean {
  return [...program.sources].some(
    ([file, text]) =>
      !file.startsWith("std/") &&
      /\b(minimize|maximize|argmin|argmax|root|fixpoint|least_squares|solve)\s*\(/.test(text),
  );
}

/** fast-check reports a property that returned false with an error of its own. */
function isFalse(error: unknown): boolean {
  return error instanceof Error && /^Property failed by returning false/.test(error.message);
}

function messageOf(
  name: string,
  { disagreement: d, arguments: args, place, seed, path, script }: Omit<GradientError, "name" | keyof Error>,
): string {
  const what = d.order === 2 ? "second derivative" : "gradient";
  return [
    `The ${what} of \`${name}\` is wrong${place ? ` at ${place}` : ""}: ${d.claim} gives ${show(d.claimed)}, ${d.reference} ${d.reference.endsWith("s") ? "give" : "gives"} ${show(d.expected)} (to within ${show(d.tolerance)}).`,
    ...showArguments(args).map((line) => `  ${line}`),
    `Run it again with { seed: ${seed}, path: "${path}" }.`,
    ...(script ? ["A script that shows it:", "", script] : []),
  ].join("\n");
}

const show = (x: number) => String(Number(x.toPrecision(6)));

/** Normal numbers from a seed: a Lehmer generator and Box and Muller's method. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = Number((BigInt(state) * 48271n) % 2147483647n);
    return state / 2147483647;
  };
  uniform();
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
