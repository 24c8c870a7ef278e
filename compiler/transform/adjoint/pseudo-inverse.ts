/** The pseudo-inverse of a square matrix, for linear systems that do not determine their solution. */
import { Builder } from "../../core/builder.ts";
import { type Atom, type Graph, realLiteral } from "../../core/graph.ts";
import type { Emitter, Primitive } from "../../core/primitive.ts";
import { add, div, mul, neg, sub } from "../../primitives/arithmetic.ts";
import { greater } from "../../primitives/comparison.ts";
import { batchedMatmul, identityLike, matrixTranspose, scaleColumns } from "../../primitives/matrix.ts";
import { reduceMax } from "../../primitives/reduce.ts";
import { select } from "../../primitives/select.ts";
import { svd } from "../../primitives/svd.ts";
import { customDerivativePrimitive } from "../control/custom.ts";
import { stopGradient } from "../control/effects.ts";

/**
 * P = A^+ of a square matrix `real[n, n]`, so that P b is the least-squares solution of least norm. Singular values up
 * to `cutoff` times the largest count as zero. The derivative is that of Golub and Pereyra (1973, theorem 4.3), which
 * holds as long as the rank stays what it is: dP = -P dA P + P P' dA' (I - A P) + (I - P A) dA' P' P.
 */
export function pseudoInverse(b: Emitter, matrix: Atom, cutoff: number): Atom {
  const [u, s, v] = svd(b, stopGradient(b, matrix));
  const kept = greater(b, s, mul(b, reduceMax(b, s, [0]), realLiteral(cutoff)));
  const one = realLiteral(1);
  const inverses = select(b, kept, div(b, one, select(b, kept, s, one)), realLiteral(0));
  const value = batchedMatmul(b, scaleColumns(b, v, inverses), matrixTranspose(b, u));
  return b.emit(customDerivativePrimitive as Primitive, [value, matrix], {
    graph: firstOf(matrix),
    rule: tangentRule(matrix),
    resultsAt: 0,
  })[0]!;
}

/** (P, A) => P: the rule then takes the result itself, so that it can be differentiated again. */
function firstOf(matrix: Atom): Graph {
  const b = new Builder();
  const [first] = [b.input(matrix.type), b.input(matrix.type)];
  return b.close("pseudo_inverse", [first]).graph;
}

function tangentRule(matrix: Atom): Graph {
  const b = new Builder();
  const [p, a, , da] = [0, 1, 2, 3].map(() => b.input(matrix.type)) as [Atom, Atom, Atom, Atom];
  const product = (...factors: Atom[]) => factors.reduce((x, y) => batchedMatmul(b, x, y));
  const transposed = (x: Atom) => matrixTranspose(b, x);
  const identity = identityLike(b, a);
  const rows = product(p, transposed(p), transposed(da), sub(b, identity, product(a, p)));
  const columns = product(sub(b, identity, product(p, a)), transposed(da), transposed(p), p);
  const tangent = add(b, neg(b, product(p, da, p)), add(b, rows, columns));
  return b.close("pseudo_inverse.tangent", [tangent]).graph;
}
