/** Systems with a triangular matrix. */
import { type Dim, multiplyDims } from "../core/dimension.ts";
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { neg, sub } from "./arithmetic.ts";
import { notLinear } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import {
  batchedMatmul,
  lowerPart,
  matrixTranspose,
  stackSizes,
  systemType,
  upperPart,
  withoutDiagonal,
} from "./matrix.ts";
import { copyMatrix, solveTriangularInPlace, type TriangularOptions } from "./matrix-numerics.ts";
import { moveAxis, reshape } from "./shape.ts";
import { triangularSolveLowering } from "./triangular-solve-kernel.ts";

type TriangularParams = { readonly lower: boolean; readonly transposed: boolean; readonly unitDiagonal: boolean };

export const triangularSolvePrimitive: Primitive<TriangularParams> = {
  name: "triangularSolve",
  lower: triangularSolveLowering,
  infer: ([a, rhs]) => [systemType("triangularSolve", a!, rhs!)],
  evaluate: ([a, rhs], params, context) => {
    const { count, rows: n, columns: m } = stackSizes(rhs!);
    const result = makeArray(context, "real", rhs!.shape);
    for (let k = 0; k < count; k++) {
      const x = copyMatrix(rhs!.data, k, n * m);
      solveTriangularInPlace(copyMatrix(a!.data, k, n * n), n, x, m, params);
      result.data.set(x, k * n * m);
    }
    return [result];
  },
  // dX = T \ (dB - tri(dA) X), with the transposes of T and dA where the system is transposed
  jvp: (b, { inputs, params }, [da, db]) => {
    const [a, rhs] = inputs as readonly [Atom, Atom];
    const x = triangularSolve(b, a, rhs, params);
    if (!da) return { outputs: [x], tangents: [db && triangularSolve(b, a, db, params)] };
    const triangle = params.lower ? lowerPart(b, da, "lower") : upperPart(b, da);
    const changed = params.unitDiagonal ? withoutDiagonal(b, triangle) : triangle;
    const product = batchedMatmul(b, params.transposed ? matrixTranspose(b, changed) : changed, x);
    const change = db ? sub(b, db, product) : neg(b, product);
    return { outputs: [x], tangents: [triangularSolve(b, a, change, params)] };
  },
  // <ct, T \ B> = <T' \ ct, B>
  transpose: (b, { inputs, params }, linear, [ct]) => {
    if (linear[0]) return notLinear("triangularSolve in its matrix")();
    return [undefined, ct && triangularSolve(b, inputs[0]!, ct, { ...params, transposed: !params.transposed })];
  },
  batch: (b, call, batched, size, guard) => {
    if (batched[0]) return batchLeading(() => triangularSolvePrimitive)(b, call, batched, size, guard);
    const [a, rhs] = call.inputs as readonly [Atom, Atom];
    const outputs = solveManyAtOnce(b, rhs, size, (columns) => triangularSolve(b, a, columns, call.params));
    return { outputs: [outputs], batched: [true] };
  },
};

/** Lanes that share one matrix are solved as more columns: `rhs` `[size, ..., n, m]` as `[..., n, size * m]`. */
export function solveManyAtOnce(b: Emitter, rhs: Atom, size: Dim, solve: (columns: Atom) => Atom): Atom {
  const r = rhs.type.shape.length;
  const moved = moveAxis(b, rhs, 0, r - 2);
  const outer = moved.type.shape.slice(0, -2);
  const solution = solve(reshape(b, moved, [...outer, multiplyDims(size, rhs.type.shape[r - 1]!)]));
  return moveAxis(b, reshape(b, solution, moved.type.shape), r - 2, 0);
}

/**
 * Solves T X = B (T' X = B if `transposed`) for stacks `[..., n, n]` and `[..., n, m]`, T the lower or upper triangle
 * of A, its diagonal taken as ones if `unitDiagonal`. What is outside the triangle is not read. By
 * substitution: backward stable (Higham, Accuracy and Stability, theorem 8.5). A zero on the diagonal divides.
 */
export function triangularSolve(b: Emitter, a: Atom, rhs: Atom, options: TriangularOptions): Atom {
  const { lower, transposed, unitDiagonal } = options;
  return b.emit(triangularSolvePrimitive, [a, rhs], { lower, transposed, unitDiagonal })[0]!;
}

export const triangularSolvePrimitives: readonly Primitive[] = [triangularSolvePrimitive] as readonly Primitive[];
