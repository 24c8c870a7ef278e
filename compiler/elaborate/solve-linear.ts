/** `linear_solve`: systems with a matrix or a function, solved densely or by a named solver. */
import { Builder } from "../core/builder.ts";
import { compareDims, type Dim, showDim } from "../core/dimension.ts";
import { reshape } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import { adjointOf, implicitAdjoint } from "./adjoint.ts";
import { unravel } from "./builtins/arrays.ts";
import { denseSolve } from "./builtins/linear.ts";
import { ravelTerm } from "./builtins/ravel.ts";
import { arrayArgument, type Builtin, take } from "./builtins/support.ts";
import type { Elaborator } from "./elaborator.ts";
import { applyTo } from "./functions.ts";
import { jacobian } from "./jacobian.ts";
import { matchTypes } from "./join-types.ts";
import { matrixProduct } from "./matrix-operators.ts";
import { solveOperator } from "./operator-solve.ts";
import { arithmetic, realTerm, zeroLike } from "./operators.ts";
import { isEmpty, requireForm, sizeOf } from "./solve-parts.ts";
import { runSolver } from "./solver-loop.ts";
import { asSolver, type ConfiguredSolver, memberOf, partNames } from "./solver-terms.ts";
import {
  type CallArguments,
  coreType,
  type FunctionTerm,
  leavesOf,
  rankOf,
  realArray,
  rebuild,
  shapeOf,
  showTermType,
  type Term,
} from "./terms.ts";

/** `linear_solve(A, b)`: A a matrix or a function; dense unless a solver is named. */
export const linearSolveBuiltin: Builtin = (e, args) => {
  const [A, b, by, adjoint] = take("linear_solve", args, ["A", "b", "by?", "adjoint?"]);
  const rhs = realTerm(e, b!, "The right-hand side", args.span);
  if (A!.kind === "function" && isEmpty(e, rhs)) return rhs;
  if (by && !(by.kind === "word" && by.word === "direct")) {
    const solver = asSolver(e, by, args.span);
    const header = solver.declaration.form;
    requireForm(solver, "linear_solve", header.kind === "solves" && header.form.name === "linear_solve", args.span);
    const operator = asOperator(e, A!, args);
    const start = startOf(e, A!, rhs, solver, args);
    const square = compareDims(sizeOf(e, start), sizeOf(e, rhs)) === "equal";
    if (e.mode === "bind" && square && adjointOf(e, adjoint, args.span) === implicitAdjoint)
      return solveAsOperator(e, operator, rhs, solver, args.span);
    const names = partNames(solver.declaration);
    const record = runSolver(e, {
      call: "linear_solve",
      from: start,
      solver,
      adjoint: adjointOf(e, adjoint, args.span),
      condition: undefined,
      record: undefined,
      parts: new Map<string, Term>([
        [names[0]!, operator],
        [names[1]!, rhs],
      ]),
      stochastic: false,
      minimizes: false,
      span: args.span,
      value: undefined,
      defaultCondition: (x) => arithmetic(e, "-", applyTo(e, operator, [x], args.span), rhs, args.span),
    });
    return record.items[record.names!.indexOf("x")]!;
  }
  if (A!.kind === "function") {
    const matrix = jacobian(
      e,
      A!,
      { positional: [zeroLike(e, rhs)], named: new Map(), span: args.span },
      "forward",
      "linear_solve",
    );
    const flat = rhs.kind === "array" && rankOf(rhs) === 1 ? rhs : ravelTerm(e, rhs, args);
    const square = matrix.kind === "array" && rankOf(matrix) === 2 ? matrix : asMatrix(e, matrix, flat);
    const { value, ok } = denseSolve(e, "linear_solve", square as never, flat as never, args);
    e.require(args.span, "K0406", ok.atom, [], "This linear system is singular.", singularHelp);
    return rhs === flat ? value : unravel(e, { positional: [rhs, value], named: new Map(), span: args.span });
  }
  const matrix = arrayArgument(e, "linear_solve", A!, args, "real");
  if (rankOf(matrix) !== 2 || !e.couldBeEqual(shapeOf(matrix)[0]!, shapeOf(matrix)[1]!))
    fail(
      "K0298",
      args.span,
      `\`linear_solve\` takes a square matrix or a function, but this is ${showTermType(matrix)}.`,
      { help: "Least squares are `least_squares(x => A @ x - b, from = ...)`." },
    );
  const { value, ok } = denseSolve(
    e,
    "linear_solve",
    matrix,
    arrayArgument(e, "linear_solve", rhs, args, "real"),
    args,
  );
  e.require(args.span, "K0406", ok.atom, [], "The matrix of this linear system is singular.", singularHelp);
  return value;
};
const singularHelp = "Add a multiple of the identity, or use `try_solve`, which says whether it succeeded.";

function asMatrix(e: Elaborator, m: Term, like: Term): Term {
  if (m.kind !== "array" || like.kind !== "array") return e.giveUp();
  const n = shapeOf(like)[0]!;
  return {
    kind: "array",
    type: "real",
    atom: e.emit("reshape", [m.atom], { dtype: "real", shape: [n, n] }, (b) => reshape(b, m.atom, [n, n])),
  };
}

/** Zeros shaped like the answer: like the right-hand side, but for a matrix that is not square. */
export function startOf(e: Elaborator, A: Term, rhs: Term, solver: ConfiguredSolver, args: CallArguments): Term {
  if (A.kind !== "array" || rankOf(A) !== 2 || rhs.kind !== "array" || rankOf(rhs) === 0) return zeroLike(e, rhs);
  const [rows, columns] = shapeOf(A) as [Dim, Dim];
  const [length, ...rest] = shapeOf(rhs) as [Dim, ...Dim[]];
  if (!e.couldBeEqual(rows, length))
    fail(
      "K1125",
      args.span,
      `The matrix of this linear system has ${showDim(rows)} rows, but its right-hand side ${showDim(length)}.`,
    );
  if (compareDims(rows, columns) !== "different") return zeroLike(e, rhs);
  const type = coreType("real", [columns, ...rest]);
  const start = zeroLike(e, realArray({ kind: "literal", value: 0, type }));
  requireSquare(e, solver, start, rhs, args.span);
  return start;
}

/** More or fewer equations than unknowns are for solvers whose answers satisfy a condition of their own. */
export function requireSquare(e: Elaborator, solver: ConfiguredSolver, x: Term, rhs: Term, span: Span): void {
  const [unknowns, equations] = [sizeOf(e, x), sizeOf(e, rhs)];
  if (memberOf(solver.declaration, "condition") || compareDims(unknowns, equations) !== "different") return;
  fail(
    "K1124",
    span,
    `The solver \`${solver.declaration.name.name}\` is for as many equations as unknowns, but this system has ${showDim(equations)} equations for ${showDim(unknowns)} unknowns.`,
    { help: "`lsmr()` of std/linear solves in the sense of least squares." },
  );
}

/** The system with the derivative of a linear system, whatever the solver does inside. */
function solveAsOperator(e: Elaborator, A: FunctionTerm, right: Term, solver: ConfiguredSolver, span: Span): Term {
  const leaves = leavesOf(right, () => e.giveUp());
  const builder = new Builder({ parent: e.builder, hoist: true });
  const v = rebuild(
    right,
    leaves.map((l) => realArray(builder.input(l.atom.type))),
  );
  const applied = e.within(builder, () =>
    e.inFrame(() => matchTypes(e, e.alignTo(realTerm(e, applyTo(e, A, [v], span), "A v", span), right), right)),
  );
  const closed = builder.close(
    "operator",
    leavesOf(applied, () => e.giveUp()).map((l) => l.atom),
  );
  return solveOperator(e, {
    operator: closed.graph,
    constants: closed.captured,
    right,
    solver,
    span,
    adjoint: false,
    expression: e.textOf(span),
  });
}

/** A matrix as the function that multiplies by it. */
export function asOperator(e: Elaborator, A: Term, args: CallArguments): FunctionTerm {
  if (A.kind === "function") return A;
  const matrix = arrayArgument(e, "linear_solve", A, args, "real");
  return {
    kind: "function",
    name: "A",
    arity: 1,
    apply: (inner) => matrixProduct(e, matrix, inner.positional[0]!, inner.span),
  };
}
