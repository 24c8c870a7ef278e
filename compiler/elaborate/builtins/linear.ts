/** Factorisations and dense solves. A matrix that has none ends the run, or is told by `try_...`. */
import { applyOperation, type Dim } from "../../core/dimension.ts";
import { type Atom, boolScalar, realLiteral } from "../../core/graph.ts";
import { mul, sub } from "../../primitives/arithmetic.ts";
import { cholesky } from "../../primitives/cholesky.ts";
import { greater, not, notEqual } from "../../primitives/comparison.ts";
import { determinant, logDeterminant } from "../../primitives/determinant.ts";
import { eigh } from "../../primitives/eigh.ts";
import { inverse, linearSolve } from "../../primitives/linear-solve.ts";
import { lu } from "../../primitives/lu.ts";
import { diagonalOf, matrixTranspose } from "../../primitives/matrix.ts";
import { qr } from "../../primitives/qr.ts";
import { reduceMax, reduceSum } from "../../primitives/reduce.ts";
import { abs } from "../../primitives/rounding.ts";
import { reshape } from "../../primitives/shape.ts";
import { svd } from "../../primitives/svd.ts";
import { triangularSolve } from "../../primitives/triangular-solve.ts";
import { fail } from "../../syntax/diagnostic.ts";
import { stopGradient } from "../../transform/control/effects.ts";
import type { Elaborator } from "../elaborator.ts";
import {
  type ArrayTerm,
  type CallArguments,
  coreType,
  rankOf,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "../terms.ts";
import { requireSquare } from "./matrices.ts";
import { arrayArgument, type Builtin, result, take } from "./support.ts";

const matrixHelp =
  "Add a multiple of the identity, or use `try_cholesky` or `try_solve`, which say whether they succeeded.";

function matrix(e: Elaborator, name: string, term: Term, args: CallArguments, square: boolean): ArrayTerm {
  const a = arrayArgument(e, name, term, args, "real");
  if (rankOf(a) !== 2) fail("K0282", args.span, `\`${name}\` takes a matrix, but this is ${showTermType(a)}.`);
  if (square) requireSquare(e, name, a, args);
  return a;
}

/** A result with a flag: checked, or handed to the user. */
function flagged(
  e: Elaborator,
  name: string,
  a: readonly Atom[],
  shape: readonly Dim[],
  make: (b: Elaborator["builder"]) => readonly [Atom, Atom],
): { value: ArrayTerm; ok: ArrayTerm } {
  const [value, ok] = e.emitMany(name, a, [coreType("real", shape), boolScalar], () => make(e.builder));
  return { value: { kind: "array", type: "real", atom: value! }, ok: { kind: "array", type: "bool", atom: ok! } };
}

/** Asymmetry relative to the largest entry that rounding does not explain: what `~=` allows. */
const asymmetry = { f64: 1e-6, f32: 1e-3 } as const;

/**
 * What is said of a symmetric matrix is false of another one, and nothing shows it. The library's own matrices are
 * symmetric as far as their makers know them: a Hessian by derivatives of solves may be off by their `tol`.
 */
function requireSymmetric(e: Elaborator, name: string, a: ArrayTerm, args: CallArguments): void {
  if (e.mode === "check" || args.span.file.startsWith("std/")) return;
  const b = e.builder;
  const held = stopGradient(b, a.atom);
  const difference = reduceMax(b, abs(b, sub(b, held, matrixTranspose(b, held))), [0, 1]);
  const allowed = mul(b, realLiteral(asymmetry[e.precision]), reduceMax(b, abs(b, held), [0, 1]));
  e.require(
    args.span,
    "K1151",
    // A NaN passes: what is made of it is told as such.
    not(b, greater(b, difference, allowed)),
    [difference],
    `\`${name}\` takes a symmetric matrix, but two entries across the diagonal of this one differ by {0}.`,
    "Where its symmetric part is meant, write `(A + A') / 2`. Of a matrix that is not symmetric there are `lu`, `qr` and `svd`.",
  );
}

function choleskyOf(name: "cholesky" | "try_cholesky"): Builtin {
  return (e, args) => {
    const [x] = take(name, args, ["A"]);
    const a = matrix(e, name, x!, args, true);
    requireSymmetric(e, name, a, args);
    const { value, ok } = flagged(e, "cholesky", [a.atom], shapeOf(a), (b) => cholesky(b, a.atom));
    if (name === "try_cholesky") return tupleTerm([value, ok], ["L", "ok"]);
    e.require(
      args.span,
      "K0404",
      ok.atom,
      [],
      "This matrix is not positive definite, so it has no Cholesky factor.",
      matrixHelp,
    );
    return value;
  };
}

/** The dense solution of A x = b; b a vector or a matrix of columns. */
export function denseSolve(
  e: Elaborator,
  name: string,
  a: ArrayTerm,
  rhs: ArrayTerm,
  args: CallArguments,
): { value: ArrayTerm; ok: ArrayTerm } {
  if (rankOf(rhs) < 1 || rankOf(rhs) > 2 || !e.couldBeEqual(shapeOf(a)[0]!, shapeOf(rhs)[0]!))
    fail(
      "K0707",
      args.span,
      `\`${name}\` wants a right-hand side with as many rows as the matrix, but these are ${showTermType(a)} and ${showTermType(rhs)}.`,
    );
  e.deferEquality([shapeOf(a)[0]!], [shapeOf(rhs)[0]!], `\`${name}\``, args.span);
  const shape = shapeOf(rhs);
  return flagged(e, "solve", [a.atom, rhs.atom], shape, (b) => {
    const column = shape.length === 1 ? reshape(b, rhs.atom, [shape[0]!, 1]) : rhs.atom;
    const [x, ok] = linearSolve(b, a.atom, column);
    return [shape.length === 1 ? reshape(b, x, shape) : x, ok];
  });
}

const trySolve: Builtin = (e, args) => {
  const [A, rhs] = take("try_solve", args, ["A", "b"]);
  const { value, ok } = denseSolve(
    e,
    "try_solve",
    matrix(e, "try_solve", A!, args, true),
    arrayArgument(e, "try_solve", rhs!, args, "real"),
    args,
  );
  return tupleTerm([value, ok], ["x", "ok"]);
};

const triangular: Builtin = (e, args) => {
  const [A, rhs, lower] = take("triangular_solve", args, ["A", "b", "lower?"]);
  const a = matrix(e, "triangular_solve", A!, args, true);
  const r = arrayArgument(e, "triangular_solve", rhs!, args, "real");
  if (rankOf(r) < 1 || rankOf(r) > 2 || !e.couldBeEqual(shapeOf(a)[0]!, shapeOf(r)[0]!))
    fail(
      "K0707",
      args.span,
      `\`triangular_solve\` wants a right-hand side with as many rows as the matrix, but these are ${showTermType(a)} and ${showTermType(r)}.`,
    );
  if (lower && !(lower.kind === "array" && lower.type === "bool" && lower.atom.kind === "literal"))
    fail("K0284", args.span, "`lower` is `true` or `false`.");
  const isLower =
    lower === undefined || (lower.kind === "array" && lower.atom.kind === "literal" && lower.atom.value === 1);
  return solveTriangle(e, a, r, isLower, false, args);
};

function solveTriangle(
  e: Elaborator,
  a: ArrayTerm,
  r: ArrayTerm,
  lower: boolean,
  transposed: boolean,
  args: CallArguments,
): ArrayTerm {
  if (e.mode === "bind") {
    const b = e.builder;
    e.require(
      args.span,
      "K0405",
      notEqual(b, diagonalOf(b, a.atom), realLiteral(0)),
      [],
      "This triangular matrix has a zero on its diagonal, so it can not be solved with.",
    );
  }
  return result(e, `triangular_solve ${lower} ${transposed}`, [a.atom, r.atom], "real", shapeOf(r), (b) => {
    const column = rankOf(r) === 1 ? reshape(b, r.atom, [shapeOf(r)[0]!, 1]) : r.atom;
    const x = triangularSolve(b, a.atom, column, { lower, transposed, unitDiagonal: false });
    return rankOf(r) === 1 ? reshape(b, x, shapeOf(r)) : x;
  });
}

/** `cholesky_solve(L, b)`: A x = b by the lower factor of A. */
const choleskySolve: Builtin = (e, args) => {
  const [L, rhs] = take("cholesky_solve", args, ["L", "b"]);
  const a = matrix(e, "cholesky_solve", L!, args, true);
  const r = arrayArgument(e, "cholesky_solve", rhs!, args, "real");
  if (rankOf(r) < 1 || rankOf(r) > 2 || !e.couldBeEqual(shapeOf(a)[0]!, shapeOf(r)[0]!))
    fail(
      "K0707",
      args.span,
      `\`cholesky_solve\` wants a right-hand side with as many rows as the factor, but these are ${showTermType(a)} and ${showTermType(r)}.`,
    );
  return solveTriangle(e, a, solveTriangle(e, a, r, true, false, args), true, true, args);
};

const inverseBuiltin: Builtin = (e, args) => {
  const [A] = take("inverse", args, ["A"]);
  const a = matrix(e, "inverse", A!, args, true);
  const { value, ok } = flagged(e, "inverse", [a.atom], shapeOf(a), (b) => inverse(b, a.atom));
  e.require(args.span, "K0406", ok.atom, [], "This matrix is singular, so it has no inverse.", matrixHelp);
  return value;
};

const det: Builtin = (e, args) => {
  const [A] = take("det", args, ["A"]);
  const a = matrix(e, "det", A!, args, true);
  return result(e, "det", [a.atom], "real", [], (b) => determinant(b, a.atom));
};

const logdet: Builtin = (e, args) => {
  const [A] = take("logdet", args, ["A"]);
  const a = matrix(e, "logdet", A!, args, true);
  const { value, ok } = flagged(e, "logdet", [a.atom], [], (b) => logDeterminant(b, a.atom));
  e.require(args.span, "K0407", ok.atom, [], "The determinant of this matrix is not positive, so it has no logarithm.");
  return value;
};

const luBuiltin: Builtin = (e, args) => {
  const [A] = take("lu", args, ["A"]);
  const a = matrix(e, "lu", A!, args, true);
  const n = shapeOf(a)[0]!;
  const real = coreType("real", shapeOf(a));
  const [p, l, u, ok] = e.emitMany("lu", [a.atom], [coreType("int", [n]), real, real, boolScalar], (b) =>
    lu(b, a.atom),
  );
  e.require(args.span, "K0406", ok!, [], "This matrix is singular, so it has no useful LU factors.", matrixHelp);
  const arrays: Term[] = [
    { kind: "array", type: "int", atom: p! },
    { kind: "array", type: "real", atom: l! },
    { kind: "array", type: "real", atom: u! },
  ];
  return tupleTerm(arrays, ["p", "L", "U"]);
};

const qrBuiltin: Builtin = (e, args) => {
  const [A] = take("qr", args, ["A"]);
  const a = matrix(e, "qr", A!, args, false);
  const [m, n] = shapeOf(a);
  if (typeof m === "number" && typeof n === "number" && m < n)
    fail(
      "K0708",
      args.span,
      `\`qr\` takes a matrix with at least as many rows as columns, but this is ${showTermType(a)}.`,
      { help: "Factor its transpose." },
    );
  const [q, r] = e.emitMany("qr", [a.atom], [coreType("real", [m!, n!]), coreType("real", [n!, n!])], (b) =>
    qr(b, a.atom),
  );
  return tupleTerm([
    { kind: "array", type: "real", atom: q! },
    { kind: "array", type: "real", atom: r! },
  ]);
};

const eighBuiltin: Builtin = (e, args) => {
  const [A] = take("eigh", args, ["A"]);
  const a = matrix(e, "eigh", A!, args, true);
  requireSymmetric(e, "eigh", a, args);
  const n = shapeOf(a)[0]!;
  const [w, q] = e.emitMany("eigh", [a.atom], [coreType("real", [n]), coreType("real", [n, n])], (b) =>
    eigh(b, a.atom),
  );
  return tupleTerm([
    { kind: "array", type: "real", atom: w! },
    { kind: "array", type: "real", atom: q! },
  ]);
};

const svdBuiltin: Builtin = (e, args) => {
  const [A] = take("svd", args, ["A"]);
  const a = matrix(e, "svd", A!, args, false);
  const [m, n] = shapeOf(a) as [Dim, Dim];
  const k = e.dimensionTerm(applyOperation("min", m, n)).dimension!;
  const types = [coreType("real", [m, k]), coreType("real", [k]), coreType("real", [n, k])];
  const [u, s, v] = e.emitMany("svd", [a.atom], types, (b) => svd(b, a.atom));
  return tupleTerm([u, s, v].map((t): Term => ({ kind: "array", type: "real", atom: t! })));
};

const traceOf: Builtin = (e, args) => {
  const [A] = take("trace_of", args, ["A"]);
  const a = matrix(e, "trace_of", A!, args, true);
  return result(e, "trace_of", [a.atom], "real", [], (b) => reduceSum(b, diagonalOf(b, a.atom), [0]));
};

export const linearBuiltins: Readonly<Record<string, Builtin>> = {
  cholesky: choleskyOf("cholesky"),
  try_cholesky: choleskyOf("try_cholesky"),
  try_solve: trySolve,
  triangular_solve: triangular,
  cholesky_solve: choleskySolve,
  inverse: inverseBuiltin,
  det,
  logdet,
  lu: luBuiltin,
  qr: qrBuiltin,
  eigh: eighBuiltin,
  svd: svdBuiltin,
  trace_of: traceOf,
};
