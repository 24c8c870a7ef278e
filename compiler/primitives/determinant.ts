/** Determinants and their logarithms. */
import { knownDim } from "../core/dimension.ts";
import type { Atom } from "../core/graph.ts";
import { type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, mul } from "./arithmetic.ts";
import { cofactorsLowering } from "./cofactors-kernel.ts";
import { determinantLowering } from "./determinant-kernel.ts";
import { cofactorDerivative } from "./determinant-numerics.ts";
import { notLinear } from "./elementwise.ts";
import { batchLeading } from "./leading-axes.ts";
import { inverse } from "./linear-solve.ts";
import { logDeterminantLowering } from "./log-determinant-kernel.ts";
import { epsilonOf } from "./machine.ts";
import { matrixTranspose, matrixType, stackSizes } from "./matrix.ts";
import { copyMatrix, luInPlace } from "./matrix-numerics.ts";
import { reduceSum } from "./reduce.ts";

/** The inner products of the matrices of two stacks: `[...]`. */
function innerProducts(b: Emitter, x: Atom, y: Atom): Atom {
  const r = x.type.shape.length;
  return reduceSum(b, mul(b, x, y), [r - 2, r - 1]);
}

export const determinantPrimitive: Primitive<Record<string, never>> = {
  name: "determinant",
  lower: determinantLowering,
  infer: ([a]) => [{ dtype: "real", shape: matrixType("determinant", a!, "square").batch }],
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const result = makeArray(context, "real", batch);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      let product = luInPlace(matrix, n, 0).sign;
      for (let i = 0; i < n; i++) product *= matrix[i * n + i]!;
      result.data[k] = product;
    }
    return [result];
  },
  // d det = <cof(A), dA>
  jvp: (b, { inputs }, [da]) => {
    const a = inputs[0]!;
    return { outputs: [determinant(b, a)], tangents: [da && innerProducts(b, cofactors(b, a), da)] };
  },
  transpose: notLinear("determinant"),
  batch: batchLeading(() => determinantPrimitive),
};

/** Inputs A and k directions; output the k-th derivative of cof(A) in them. */
export const cofactorsPrimitive: Primitive<Record<string, never>> = {
  name: "cofactors",
  lower: cofactorsLowering,
  infer: (inputs) => {
    matrixType("cofactors", inputs[0]!, "square");
    invariant(
      inputs.every((x) => x.shape.length === inputs[0]!.shape.length),
      () => "cofactors in directions of another rank",
    );
    return [inputs[0]!];
  },
  evaluate: (inputs, _params, context) => {
    const { count, rows: n } = stackSizes(inputs[0]!);
    const result = makeArray(context, "real", inputs[0]!.shape);
    for (let k = 0; k < count; k++) {
      const [a, ...directions] = inputs.map((x) => copyMatrix(x.data, k, n * n));
      result.data.set(cofactorDerivative(a!, n, directions), k * n * n);
    }
    return [result];
  },
  // d C(A; E1, E2, ...) = C(A; dA, E1, E2, ...) + C(A; dE1, E2, ...) + C(A; E1, dE2, ...) + ...
  jvp: (b, { inputs }, [da, ...changes]) => {
    const [a, ...directions] = inputs as readonly [Atom, ...Atom[]];
    const terms = changes.flatMap((change, i) => (change ? [cofactors(b, a, directions.with(i, change))] : []));
    // The determinant has degree n, so its derivatives end.
    const n = knownDim(a.type.shape.at(-1)!);
    if (da && (n === undefined || directions.length + 2 <= n)) terms.push(cofactors(b, a, [da, ...directions]));
    const tangent = terms.length === 0 ? undefined : terms.reduce((s, t) => add(b, s, t));
    return { outputs: [cofactors(b, a, directions)], tangents: [tangent] };
  },
  // <ct, C(A; E, ...)> is symmetric in ct and E: both are a higher derivative of the determinant
  transpose: (b, { inputs }, linear, [ct]) => {
    const [a, ...directions] = inputs as readonly [Atom, ...Atom[]];
    if (linear[0]) return notLinear("cofactors in its matrix")();
    return [
      undefined,
      ...directions.map((_, i) => (linear[i + 1] && ct ? cofactors(b, a, directions.with(i, ct)) : undefined)),
    ];
  },
  batch: batchLeading(() => cofactorsPrimitive),
};

/** The cofactors of `[..., n, n]` (the gradient of the determinant), or their derivative in the given directions. */
export function cofactors(b: Emitter, a: Atom, directions: readonly Atom[] = []): Atom {
  return b.emit(cofactorsPrimitive, [a, ...directions], {})[0]!;
}

/**
 * The determinants `[...]` of `[..., n, n]`, by LU. Derivatives of any order are right at singular matrices too;
 * the first and second are accurate to a small multiple of epsilon (by way of the SVD), later ones lose about n bits.
 */
export function determinant(b: Emitter, a: Atom): Atom {
  return b.emit(determinantPrimitive, [a], {})[0]!;
}

export const logDeterminantPrimitive: Primitive<Record<string, never>> = {
  name: "logDeterminant",
  lower: logDeterminantLowering,
  infer: ([a]) => {
    const { batch } = matrixType("logDeterminant", a!, "square");
    return [
      { dtype: "real", shape: batch },
      { dtype: "bool", shape: batch },
    ];
  },
  evaluate: ([a], _params, context) => {
    const { batch, count, rows: n } = stackSizes(a!);
    const value = makeArray(context, "real", batch);
    const ok = makeArray(context, "bool", batch);
    for (let k = 0; k < count; k++) {
      const matrix = copyMatrix(a!.data, k, n * n);
      const lu = luInPlace(matrix, n, n * epsilonOf(context.precision));
      let { sign } = lu;
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const pivot = matrix[i * n + i]!;
        if (pivot < 0) sign = -sign;
        sum += Math.log(Math.abs(pivot));
      }
      value.data[k] = lu.regular ? (sign > 0 ? sum : Number.NaN) : -Infinity;
      ok.data[k] = lu.regular && sign > 0 ? 1 : 0;
    }
    return [value, ok];
  },
  // d log det = <A^-T, dA>
  jvp: (b, { inputs }, [da]) => {
    const a = inputs[0]!;
    const [value, ok] = logDeterminant(b, a);
    const tangent = da && innerProducts(b, matrixTranspose(b, inverse(b, a)[0]), da);
    return { outputs: [value, ok], tangents: [tangent, undefined] };
  },
  transpose: notLinear("logDeterminant"),
  batch: batchLeading(() => logDeterminantPrimitive),
};

/**
 * log det of `[..., n, n]` and whether it exists, both `[...]`: by LU, without overflow. Where the determinant is
 * negative the value is NaN, where it is zero (to rounding, as `linearSolve` judges) -inf, and ok is false.
 */
export function logDeterminant(b: Emitter, a: Atom): readonly [value: Atom, ok: Atom] {
  const [value, ok] = b.emit(logDeterminantPrimitive, [a], {});
  return [value!, ok!];
}

export const determinantPrimitives: readonly Primitive[] = [
  determinantPrimitive,
  cofactorsPrimitive,
  logDeterminantPrimitive,
];
