/**
 * Cofactors and their derivatives, right at singular matrices too: everything is a polynomial in the
 * singular values and the tangents seen between the singular vectors, and nothing is divided by.
 */
import { luInPlace, transposed } from "./matrix-numerics.ts";
import { jacobiSvd } from "./svd-numerics.ts";

/**
 * The k-th derivative of the matrix of cofactors of `a` (n x n) in the directions `directions` (k of them); the
 * cofactors themselves for none. The errors are a small multiple of epsilon |a|^(n - 1 - k) for k <= 1. From k =
 * 2 on they grow like 2^n.
 */
export function cofactorDerivative(a: Float64Array, n: number, directions: readonly Float64Array[]): Float64Array {
  const svd = jacobiSvd(transposed(a, n, n), n, n);
  const sign = orthogonalSign(svd.left, n) * orthogonalSign(svd.right, n);
  // cof(U X V') = det(U) det(V) U cof(X) V', and X is diagonal.
  const inner = directions.map((e) => product(svd.left, product(e, transposed(svd.right, n, n), n), n));
  const cofactors =
    inner.length === 0
      ? diagonal(exclusiveProducts(svd.values), n)
      : inner.length === 1
        ? firstDerivative(svd.values, inner[0]!, n)
        : higherDerivative(svd.values, inner, n);
  const result = product(transposed(svd.left, n, n), product(cofactors, svd.right, n), n);
  return result.map((x) => sign * x);
}

/** The determinant of an orthogonal matrix. */
function orthogonalSign(q: Float64Array, n: number): number {
  const u = q.slice();
  let { sign } = luInPlace(u, n, 0);
  for (let i = 0; i < n; i++) if (u[i * n + i]! < 0) sign = -sign;
  return sign;
}

function product(x: Float64Array, y: Float64Array, n: number): Float64Array {
  const z = new Float64Array(n * n);
  addProduct(z, x, y, n);
  return z;
}

function addProduct(z: Float64Array, x: Float64Array, y: Float64Array, n: number): void {
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const factor = x[i * n + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < n; j++) z[i * n + j] = z[i * n + j]! + factor * y[k * n + j]!;
    }
}

function diagonal(values: Float64Array, n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = values[i]!;
  return matrix;
}

/** Of each place, the product of all other values. */
function exclusiveProducts(values: Float64Array): Float64Array {
  const products = new Float64Array(values.length);
  let running = 1;
  for (let i = 0; i < values.length; i++) {
    products[i] = running;
    running *= values[i]!;
  }
  running = 1;
  for (let i = values.length - 1; i >= 0; i--) {
    products[i] = products[i]! * running;
    running *= values[i]!;
  }
  return products;
}

/**
 * d cof(S)[P]: sum_j G_ij P_jj on the diagonal and -G_ij P_ji beside it, G_ij the product of all s but s_i and
 * s_j.
 */
function firstDerivative(s: Float64Array, p: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const others = exclusiveProducts(s.filter((_, k) => k !== i));
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      const g = others[j < i ? j : j - 1]!;
      result[i * n + i] = result[i * n + i]! + g * p[j * n + j]!;
      result[i * n + j] = -g * p[j * n + i]!;
    }
  }
  return result;
}

/**
 * The same in several directions: the coefficient of t_1 ... t_k in the cofactors of S + sum t_i P_i, by the
 * recursion of Faddeev and LeVerrier over polynomials in which t_i^2 = 0, stored by the set (bit mask) of their
 * t.
 */
function higherDerivative(s: Float64Array, p: readonly Float64Array[], n: number): Float64Array {
  const size = 1 << p.length;
  const x: Float64Array[] = Array.from({ length: size }, () => new Float64Array(n * n));
  x[0] = diagonal(s, n);
  p.forEach((matrix, i) => {
    x[1 << i] = matrix;
  });
  // N_m = X N_(m-1) + c I, c = -tr(X N_m) / m, from c = 1: N_n is the adjugate up to its sign.
  let current: Float64Array[] = x.map(() => new Float64Array(n * n));
  for (let m = 1; m <= n; m++) {
    const next = m === 1 ? current : multiply(x, current, n);
    for (let set = 0; set < size; set++) {
      const c = m === 1 ? (set === 0 ? 1 : 0) : -trace(next[set]!, n) / (m - 1);
      for (let i = 0; i < n; i++) next[set]![i * (n + 1)] = next[set]![i * (n + 1)]! + c;
    }
    current = next;
  }
  const adjugate = transposed(current[size - 1]!, n, n);
  return n % 2 === 1 ? adjugate : adjugate.map((v) => -v);
}

function trace(matrix: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += matrix[i * (n + 1)]!;
  return sum;
}

/** The product of two matrices of such polynomials: sets multiply to their union if they are disjoint. */
function multiply(x: readonly Float64Array[], y: readonly Float64Array[], n: number): Float64Array[] {
  return x.map((_, union) => {
    const z = new Float64Array(n * n);
    for (let set = 0; set <= union; set++) if ((set & union) === set) addProduct(z, x[set]!, y[union ^ set]!, n);
    return z;
  });
}
