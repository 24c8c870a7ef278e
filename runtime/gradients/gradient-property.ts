/** `gradientProperty`: what random programs and their derivatives must satisfy, however they are computed. */
import fc from "fast-check";
import { CompileError, compileOrThrow, createRuntime, RunError, type Runtime } from "../index.ts";
import { renderDiagnostic } from "../show/diagnostics.ts";
import { Neighbours } from "./neighbours.ts";
import { derivativeFrom } from "./numeric-derivative.ts";
import { dot, identities, placesApart, sameNumbers, type Values } from "./program-identities.ts";
import type { Move, RandomProgram } from "./programs/program.ts";
import { comparedAt, propertyScript, type Shown, shownAt, steps } from "./property-script.ts";
import { leavesOf } from "./tree.ts";

type Backend = "reference" | "cpu" | "webgpu";

export interface PropertyOptions {
  /** 2, which also checks second derivatives, when left out. */
  readonly order?: 1 | 2;
  /** What has to agree with the reference evaluator: `["cpu"]` when left out. */
  readonly backends?: readonly ("cpu" | "webgpu")[];
  /** How runtimes are made: for tests of the check itself. */
  readonly open?: (backend: Backend) => Promise<Pick<Runtime, "load" | "dispose">>;
  /** Told about each program that was looked at. */
  readonly onProgram?: (program: RandomProgram, outcome: ProgramOutcome["kind"]) => void;
}

/** Two things that should be equal. */
export interface ProgramDisagreement {
  readonly claim: string;
  readonly reference: string;
  readonly claimed: readonly number[];
  readonly expected: readonly number[];
  /** What shows it to people. */
  readonly shown: readonly Shown[];
  /** What has to be computed to see it again. */
  readonly needs: readonly Shown[];
}

export type ProgramOutcome =
  /** `kink`: the differences said nothing, all else agreed. */
  | { readonly kind: "agrees" | "kink" }
  /** The program stops with a message on every back end. */
  | { readonly kind: "stops" }
  | { readonly kind: "disagrees"; readonly disagreement: ProgramDisagreement }
  /** It does not compile, though it is well-typed, or stops on one back end only. */
  | { readonly kind: "refused"; readonly message: string };

/**
 * An fc property of random programs: forward and reverse mode are transposes of each other and linear, second derivatives
 * symmetric and the same in all four nestings of modes, all of it agrees with differences where there is no kink, a batch
 * with a loop, and every back end with the reference evaluator. A counterexample is printed as a script that shows it.
 *
 *     await fc.assert(gradientProperty(programs({ size: 30 })), { numRuns: 100 });
 */
export function gradientProperty(
  programs: fc.Arbitrary<RandomProgram>,
  options: PropertyOptions = {},
): fc.IAsyncProperty<[RandomProgram]> {
  return propertyOf(programs, new ProgramChecker(options), options);
}

/** A counterexample is made smaller for this long. */
const shrinkMilliseconds = 60_000;

/** The same with a checker that the caller disposes of. */
export function propertyOf(
  programs: fc.Arbitrary<RandomProgram>,
  checker: ProgramChecker,
  { onProgram }: PropertyOptions = {},
): fc.IAsyncProperty<[RandomProgram]> {
  const failed = new WeakMap<RandomProgram, Failure>();
  return fc.asyncProperty(programs, async (program) => {
    const origin = program.origin ?? program;
    const before = failed.get(origin);
    if (before && performance.now() - before.since > shrinkMilliseconds) return;
    const outcome = await checker.examine(program, before?.needs);
    onProgram?.(program, outcome.kind);
    const what = whatFailed(outcome);
    // A smaller program that fails otherwise is another failure, which would hide this one.
    if (what === undefined || (before && before.what !== what)) return;
    const needs = outcome.kind === "disagrees" ? outcome.disagreement.needs : undefined;
    if (!before) failed.set(origin, { what, needs, since: performance.now() });
    throw new Error(messageOf(program, outcome));
  });
}

/** What is known of a failure while its program gets smaller. */
interface Failure {
  readonly what: string;
  readonly needs: readonly Shown[] | undefined;
  readonly since: number;
}

/** What stays the same of a failure while the program gets smaller. */
function whatFailed(outcome: ProgramOutcome): string | undefined {
  if (outcome.kind === "disagrees") return `${outcome.disagreement.claim} ${outcome.disagreement.shown[0]}`;
  if (outcome.kind === "refused") return outcome.message.replace(/[\d.]+/g, "#").slice(0, 60);
  return undefined;
}

/** What to print of a program that something is wrong with; undefined where nothing is. */
export function messageOf(program: RandomProgram, outcome: ProgramOutcome): string | undefined {
  if (outcome.kind === "refused") return `${outcome.message}\n\n${propertyScript(program, ["value"])}`;
  if (outcome.kind !== "disagrees") return undefined;
  const { claim, reference, claimed, expected, shown } = outcome.disagreement;
  return [
    `${claim} and ${reference} disagree:`,
    `  ${brief(claimed)}`,
    `  ${brief(expected)}`,
    "A script that shows it:",
    "",
    propertyScript(program, shown),
  ].join("\n");
}

const brief = (xs: readonly number[]) => `${xs.slice(0, 12).join(" ")}${xs.length > 12 ? " ..." : ""}`;

/** A derivative, and the values along a direction whose slope it gives. */
interface Claim {
  readonly claim: string;
  readonly along: "v0" | "w0";
  readonly needs: readonly [derivative: Shown, values: Shown];
  readonly shown: readonly Shown[];
}

const first: Claim = {
  claim: "The gradient",
  along: "v0",
  needs: ["gradient", "batched"],
  shown: ["along", "differences"],
};
const second: Claim = {
  claim: "The second derivative",
  along: "w0",
  needs: ["forwardOverReverse", "slopes"],
  shown: ["alongTwice", "differencesTwice"],
};

/** Runs programs on the back ends. They are opened when first needed, and kept. */
export class ProgramChecker {
  readonly #order: 1 | 2;
  readonly #backends: readonly ("cpu" | "webgpu")[];
  readonly #runtimes = new Map<Backend, ReturnType<typeof openRuntime>>();
  readonly #open: NonNullable<PropertyOptions["open"]>;

  constructor({ order = 2, backends = ["cpu"], open = openRuntime }: PropertyOptions = {}) {
    this.#open = open;
    this.#order = order;
    this.#backends = backends;
  }

  /** `only`: what to compute, when a failure is looked at again; everything when left out. */
  async examine(program: RandomProgram, only?: readonly Shown[]): Promise<ProgramOutcome> {
    const names = only ?? shownAt(this.#order);
    const compared = comparedAt(this.#order).filter((name) => names.includes(name));
    const reference = await this.#run(program, names, "reference");
    if (typeof reference === "string") {
      if (!reference.startsWith("stops: ")) return { kind: "refused", message: reference };
      for (const backend of this.#backends) {
        const other = await this.#run(program, compared, backend);
        if (typeof other !== "string")
          return { kind: "refused", message: `The reference ${reference}\nbut ${backend} does not.` };
        if (!other.startsWith("stops: ")) return { kind: "refused", message: other };
      }
      return { kind: "stops" };
    }
    const neighbours = new Neighbours(reference, (move) => this.#run(program, names, "reference", move));
    let isAtKink = false;
    const exactness = program.solves ? 1e-6 : 1e-8;
    for (const identity of identities) {
      if (!identity.shown.every((name) => names.includes(name))) continue;
      const [a, b, size] = identity.sides(reference, program);
      if (sameNumbers(a, b, exactness, size)) continue;
      if (await neighbours.jumps(identity.shown, exactness, 2 ** -43)) {
        isAtKink = true;
        continue;
      }
      const { claim, reference: other, shown } = identity;
      return {
        kind: "disagrees",
        disagreement: { claim, reference: other, claimed: a, expected: b, shown, needs: shown },
      };
    }
    for (const backend of this.#backends) {
      const found = await this.#run(program, compared, backend);
      if (typeof found === "string")
        return { kind: "refused", message: `The reference does not stop, but ${backend} does.\n${found}` };
      const tolerance = backend === "webgpu" ? 2e-3 : exactness;
      for (const name of compared) {
        const [a, b] = [found.get(name)!, reference.get(name)!];
        if (sameNumbers(a, b, tolerance)) continue;
        const growth = backend === "webgpu" ? 2 ** -18 : 2 ** -43;
        if (await neighbours.jumps([name], tolerance, growth, placesApart(b, a, tolerance))) {
          isAtKink = true;
          continue;
        }
        const sides = { claimed: a, expected: b, shown: [name], needs: [name] };
        return {
          kind: "disagrees",
          disagreement: { claim: `\`${backend}\``, reference: "the reference evaluator", ...sides },
        };
      }
    }
    const outcome = this.#differences(program, reference, exactness);
    return isAtKink && outcome.kind === "agrees" ? { kind: "kink" } : outcome;
  }

  /** The derivatives against difference quotients. */
  #differences(program: RandomProgram, reference: Values, exactness: number): ProgramOutcome {
    const claims = (this.#order === 2 ? [first, second] : [first]).filter((c) =>
      c.needs.every((n) => reference.has(n)),
    );
    let kink = false;
    for (const { claim, along, needs, shown } of claims) {
      const values = reference.get(needs[1])!;
      const claimed = dot(reference.get(needs[0])!, program.directionEntries(along));
      const middle = values.at(-1)!;
      const size = Math.max(1, ...values.map(Math.abs));
      let at = 0;
      const [coarse, fine] = steps.map((range) =>
        derivativeFrom(
          middle,
          range.map((h) => ({ h, right: values[at++]!, left: values[at++]! })),
          program.solves ? 1e-11 : 2 ** -50,
        ),
      );
      if (!coarse || !fine || coarse.kink || fine.kink) kink = true;
      else {
        const apart = Math.abs(coarse.value - fine.value);
        if (!(apart <= 4 * (coarse.error + fine.error))) kink = true;
        else {
          const expected = coarse.error < fine.error ? coarse : fine;
          const allowed = 4 * expected.error + 2 * apart + 10 * exactness * Math.max(size, Math.abs(claimed));
          if (Math.abs(claimed - expected.value) <= allowed || !(expected.error < 1e-3 * size)) continue;
          // relu(t^2) is smooth, and has no second derivative at 0 by the convention for relu.
          if (program.kinked && program.point.kind !== "normal") kink = true;
          else
            return {
              kind: "disagrees",
              disagreement: {
                claim,
                reference: "differences",
                claimed: [claimed],
                expected: [expected.value],
                shown,
                needs,
              },
            };
        }
      }
    }
    return { kind: kink ? "kink" : "agrees" };
  }

  /** The values shown; or what is wrong, after `stops: ` where the program itself says so while it runs. */
  async #run(program: RandomProgram, names: readonly Shown[], backend: Backend, move?: Move): Promise<Values | string> {
    try {
      const text = propertyScript(program, names, move);
      const runtime = await this.#runtime(backend);
      const module = await runtime.load(compileOrThrow(text, { file: "random.opt" }));
      const { shown } = await module.run();
      const numbers = shown.map((s) => leavesOf(s.value).flatMap((l) => [...l.data]));
      return new Map(names.map((name, i) => [name, numbers[i]!]));
    } catch (error) {
      if (error instanceof RunError && error.diagnostics.every((d) => stopping.test(d.code)))
        return `stops: ${error.diagnostics.map((d) => `${d.code} ${d.message}`).join("\n")}`;
      const sources = new Map([["random.opt", propertyScript(program, names, move)]]);
      if (error instanceof CompileError || error instanceof RunError)
        return error.diagnostics.map((d) => renderDiagnostic(d, sources, { color: false })).join("\n\n");
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }

  async dispose(): Promise<void> {
    for (const runtime of this.#runtimes.values()) (await runtime).dispose();
    this.#runtimes.clear();
  }

  #runtime(backend: Backend): ReturnType<typeof openRuntime> {
    const known = this.#runtimes.get(backend);
    if (known) return known;
    const made = this.#open(backend);
    this.#runtimes.set(backend, made);
    return made;
  }
}

function openRuntime(backend: Backend): Promise<Pick<Runtime, "load" | "dispose">> {
  return createRuntime({ backend, ...(backend === "webgpu" ? {} : { precision: "f64", threads: 1 }) });
}

/** Failures while running that a program may cause: singular matrices, solves that diverge, values that are not finite. */
const stopping = /^K04/;
