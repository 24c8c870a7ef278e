/** What a derivative through a solve tells about itself while it runs. */
import { type Atom, type Graph, intLiteral, realLiteral } from "../core/graph.ts";
import { type CertificateQuantity, type Primitive, singularSystem, vertex } from "../core/primitive.ts";
import { add, div, mul } from "../primitives/arithmetic.ts";
import { greaterEqual } from "../primitives/comparison.ts";
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

interface Certified {
  readonly system: LinearSystem;
  readonly condition: Graph;
  readonly captured: readonly Atom[];
  readonly at: readonly Atom[];
  readonly solution: Term;
  readonly activity: ((solution: Term) => Activity) | undefined;
  readonly expression: string;
  readonly span: Span;
}

/**
 * Reports the distance to the solution and the conditioning, where a factored matrix makes them cheap; a certificate
 * asks for all of them.
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
    });
  const { matrix } = c.system;
  const asked = e.certifying !== undefined;
  const none = intLiteral(0);
  if (matrix || asked) {
    const residual = inlineGraph(b, c.condition, [...c.captured, ...c.at]);
    const size = length(e, c.at);
    const distance = length(e, c.system.solve(residual));
    const scale = maximum(b, size, realLiteral(1e-3));
    const flag = matrix ? select(b, matrix.regular, none, intLiteral(singularSystem)) : none;
    report("distance", flag, div(b, distance, scale));
    if (asked) report("residual", none, length(e, residual));
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
  const fixed = greaterEqual(b, add(b, count, realLiteral(activity.equations)), realLiteral(activity.unknowns));
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
