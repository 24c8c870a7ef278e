/** What a derivative through a solve tells about itself while it runs. */
import { type Atom, type Graph, intLiteral, realLiteral } from "../core/graph.ts";
import { type CertificateQuantity, type Primitive, singularSystem, vertex } from "../core/primitive.ts";
import { add, div, mul } from "../primitives/arithmetic.ts";
import { and, greaterEqual } from "../primitives/comparison.ts";
import { convert } from "../primitives/convert.ts";
import { innerProduct } from "../primitives/dot.ts";
import { sqrt } from "../primitives/math.ts";
import { reduceMin, reduceSum } from "../primitives/reduce.ts";
import { maximum } from "../primitives/rounding.ts";
import { select } from "../primitives/select.ts";
import { reshape } from "../primitives/shape.ts";
import type { Span } from "../syntax/tree.ts";
import { reportPrimitive } from "../transform/control/effects.ts";
import { inlineGraph } from "../transform/inline.ts";
import type { Elaborator } from "./elaborator.ts";
import { kinkDistance } from "./kink-distance.ts";
import type { LinearSystem } from "./linearised-condition.ts";
import { realArray, rebuild, type Term } from "./terms.ts";

/** The inequalities of a model at its answer, one entry a row. */
export interface Activity {
  /** The dual of each row, never negative. */
  readonly duals: Atom;
  /** How far each row is from binding. */
  readonly slacks: Atom;
  /** Equations, and unknowns that are not duals. */
  readonly equations: number;
  readonly unknowns: number;
}

/** One Newton step of a condition: the leaves of the point it starts from, of the condition there, and of the step. */
export interface Correction {
  readonly at: readonly Atom[];
  readonly residual: readonly Atom[];
  readonly correction: readonly Atom[];
}

interface Certified {
  readonly system: LinearSystem;
  readonly condition: Graph;
  readonly captured: readonly Atom[];
  readonly at: readonly Atom[];
  /** The first of the steps from the answer to `at`, where it is polished. */
  readonly before: Correction | undefined;
  readonly solution: Term;
  readonly activity: ((solution: Term) => Activity) | undefined;
  readonly expression: string;
  readonly span: Span;
}

/**
 * Reports the distance to the solution and the conditioning, where a factored matrix makes them cheap; a certificate
 * asks for all of them. Polishing has the state before it at hand whatever solves the system, and tells that after it
 * as far as no further solve is needed.
 */
export function certify(e: Elaborator, c: Certified): void {
  const b = e.builder;
  const report = (role: CertificateQuantity, flag: Atom, value: Atom) =>
    b.emit(reportPrimitive as Primitive, [flag, intLiteral(0), value], {
      expression: c.expression,
      span: c.span,
      watched: { statusRead: true },
      trial: false,
      quiet: false,
      role,
      polished: c.before !== undefined,
    });
  const relativeDistance = (from: readonly Atom[], correction: readonly Atom[]) =>
    div(b, length(e, correction), maximum(b, length(e, from), realLiteral(1e-3)));
  const { matrix } = c.system;
  const asked = e.certifying !== undefined;
  const none = intLiteral(0);
  const { before } = c;
  if (before) {
    report("distance_before", none, relativeDistance(before.at, before.correction));
    report("residual_before", none, length(e, before.residual));
  }
  if (matrix || asked || before) {
    const residual = inlineGraph(b, c.condition, [...c.captured, ...c.at]);
    if (matrix || asked) {
      const flag = matrix ? select(b, matrix.regular, none, intLiteral(singularSystem)) : none;
      report("distance", flag, relativeDistance(c.at, c.system.solve(residual)));
    }
    if (asked || before) report("residual", none, length(e, residual));
  }
  if (matrix) report("condition", none, matrix.condition());
  if (!c.activity) {
    if (asked) reportKinks(e, c, (value) => report("margin", none, value));
    return;
  }
  const activity = c.activity(rebuild(c.solution, c.at.map(realArray)));
  const rows = activity.duals.type.shape[0] as number;
  if (rows === 0) return;
  const binding = greaterEqual(b, activity.duals, activity.slacks);
  const count = reduceSum(b, convert(b, binding, "real"), [0]);
  const enough = greaterEqual(b, add(b, count, realLiteral(activity.equations)), realLiteral(activity.unknowns));
  // Rows that repeat each other determine less than their number, and make the system singular.
  const fixed = matrix ? and(b, enough, matrix.regular) : enough;
  const margin = reduceMin(b, maximum(b, activity.duals, activity.slacks), [0]);
  report("margin", mul(b, convert(b, fixed, "int"), intLiteral(vertex)), margin);
}

/** Conditions that are no rows and bounds have kinks too: those of projections, of proximal operators, of f itself. */
function reportKinks(e: Elaborator, c: Certified, report: (margin: Atom) => void): void {
  const { distance, unknown } = kinkDistance(e.builder, c.condition, [...c.captured, ...c.at], c.captured.length);
  if (unknown !== undefined)
    e.warn(
      "K1126",
      c.span,
      `How far the condition of this solve is from its nearest kink is not known: it has ${unknown} in it. The \`margin\` of its certificate is 0.`,
      "Compare the derivatives at two points nearby, or state the constraints as a `problem`.",
    );
  if (unknown !== undefined) report(realLiteral(0));
  else if (distance) report(distance);
}

/** The Euclidean length of some leaves together. */
export function length(e: Elaborator, leaves: readonly Atom[]): Atom {
  const b = e.builder;
  const squares = leaves.map((a) => {
    const flat = reshape(b, a, [a.type.shape.reduce<number>((s, d) => s * (d as number), 1)]);
    return innerProduct(b, flat, flat);
  });
  return sqrt(
    b,
    squares.reduce((s, t) => add(b, s, t)),
  );
}
