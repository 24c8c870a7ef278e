/**
 * Eigenvalues and eigenvectors of a symmetric matrix: reduction to tridiagonal form by Householder reflections,
 * then QL with implicit shifts. After the EISPACK routines tred2 and tql2 (Bowdler, Martin, Reinsch and
 * Wilkinson, Handbook for Automatic Computation II, 1971), with the vectors kept as rows, so that every inner
 * loop is contiguous.
 */

/** QL needs two or three sweeps an eigenvalue; more than this many means that rounding has stalled it. */
export const maxSweeps = 60;

/**
 * The eigenvalues of the symmetric n x n matrix `a`, ascending, and orthonormal eigenvectors as the rows of
 * `vectors`. Errors are a small multiple of epsilon times the largest eigenvalue. All NaN if `a` is not finite.
 */
export function symmetricEigen(a: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const vectors = a.slice();
  const values = new Float64Array(n);
  if (!a.every(Number.isFinite)) return { values: values.fill(Number.NaN), vectors: vectors.fill(Number.NaN) };
  if (n === 0) return { values, vectors };
  const offDiagonal = new Float64Array(n);
  tridiagonalize(vectors, values, offDiagonal, n);
  iterateQl(vectors, values, offDiagonal, n);
  sortAndSign(vectors, values, n);
  return { values, vectors };
}

/** Reduces to tridiagonal form: diagonal d, subdiagonal e[1..], and the transposed transformation in v. */
function tridiagonalize(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  const at = (column: number, row: number) => column * n + row;
  for (let j = 0; j < n; j++) d[j] = v[at(j, n - 1)]!;
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    let h = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
    if (scale === 0) {
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; j++) {
        d[j] = v[at(j, i - 1)]!;
        v[at(j, i)] = 0;
        v[at(i, j)] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        d[k] = d[k]! / scale;
        h += d[k]! * d[k]!;
      }
      let f = d[i - 1]!;
      let g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      d[i - 1] = f - g;
      e.fill(0, 0, i);
      for (let j = 0; j < i; j++) {
        f = d[j]!;
        v[at(i, j)] = f;
        g = e[j]! + v[at(j, j)]! * f;
        const column = j * n;
        for (let k = j + 1; k < i; k++) {
          g += v[column + k]! * d[k]!;
          e[k] = e[k]! + v[column + k]! * f;
        }
        e[j] = g;
      }
      f = 0;
      for (let j = 0; j < i; j++) {
        e[j] = e[j]! / h;
        f += e[j]! * d[j]!;
      }
      const hh = f / (h + h);
      for (let j = 0; j < i; j++) e[j] = e[j]! - hh * d[j]!;
      for (let j = 0; j < i; j++) {
        f = d[j]!;
        g = e[j]!;
        const column = j * n;
        for (let k = j; k < i; k++) v[column + k] = v[column + k]! - (f * e[k]! + g * d[k]!);
        d[j] = v[at(j, i - 1)]!;
        v[at(j, i)] = 0;
      }
    }
    d[i] = h;
  }
  accumulateReflections(v, d, n);
  for (let j = 0; j < n; j++) {
    d[j] = v[at(j, n - 1)]!;
    v[at(j, n - 1)] = 0;
  }
  v[at(n - 1, n - 1)] = 1;
  e[0] = 0;
}

function accumulateReflections(v: Float64Array, d: Float64Array, n: number): void {
  for (let i = 0; i < n - 1; i++) {
    v[i * n + n - 1] = v[i * n + i]!;
    v[i * n + i] = 1;
    const h = d[i + 1]!;
    const next = (i + 1) * n;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[next + k]! / h;
      for (let j = 0; j <= i; j++) {
        const column = j * n;
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[next + k]! * v[column + k]!;
        for (let k = 0; k <= i; k++) v[column + k] = v[column + k]! - g * d[k]!;
      }
    }
    v.fill(0, next, next + i + 1);
  }
}

/** QL iteration on the tridiagonal matrix (d, e), the rotations applied to the rows of v. */
function iterateQl(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shift = 0;
  let size = 0;
  for (let l = 0; l < n; l++) {
    size = Math.max(size, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]!) > 2 ** -52 * size) m++;
    for (let sweep = 0; m > l && sweep < maxSweeps; sweep++) {
      let g = d[l]!;
      let p = (d[l + 1]! - g) / (2 * e[l]!);
      let r = p < 0 ? -hypotenuse(p, 1) : hypotenuse(p, 1);
      d[l] = e[l]! / (p + r);
      d[l + 1] = e[l]! * (p + r);
      const next = d[l + 1]!;
      const h = g - d[l]!;
      for (let i = l + 2; i < n; i++) d[i] = d[i]! - h;
      shift += h;

      p = d[m]!;
      let [c, c2, c3] = [1, 1, 1];
      const first = e[l + 1]!;
      let [s, s2] = [0, 0];
      for (let i = m - 1; i >= l; i--) {
        c3 = c2;
        c2 = c;
        s2 = s;
        g = c * e[i]!;
        const t = c * p;
        r = hypotenuse(p, e[i]!);
        e[i + 1] = s * r;
        // Any rotation will do for a vector that is zero.
        s = r === 0 ? 0 : e[i]! / r;
        c = r === 0 ? 1 : p / r;
        p = c * d[i]! - s * g;
        d[i + 1] = t + s * (c * g + s * d[i]!);
        rotateRows(v, i * n, (i + 1) * n, n, c, s);
      }
      p = (-s * s2 * c3 * first * e[l]!) / next;
      e[l] = s * p;
      d[l] = c * p;
      if (!(Math.abs(e[l]!) > 2 ** -52 * size)) break;
    }
    d[l] = d[l]! + shift;
    e[l] = 0;
  }
}

/** sqrt(x^2 + y^2) without overflow; several times faster than Math.hypot. */
function hypotenuse(x: number, y: number): number {
  const [s, t] = [Math.abs(x), Math.abs(y)];
  if (s > t) return s * Math.sqrt(1 + (t / s) ** 2);
  return t === 0 ? 0 : t * Math.sqrt(1 + (s / t) ** 2);
}

/** (row, next) becomes (c row - s next, s row + c next). */
function rotateRows(v: Float64Array, row: number, next: number, n: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const x = v[row + k]!;
    const y = v[next + k]!;
    v[next + k] = s * x + c * y;
    v[row + k] = c * x - s * y;
  }
}

function sortAndSign(v: Float64Array, d: Float64Array, n: number): void {
  const order = Array.from(d.keys()).sort((i, j) => d[i]! - d[j]! || i - j);
  const [values, vectors] = [d.slice(), v.slice()];
  order.forEach((from, to) => {
    d[to] = values[from]!;
    const row = vectors.subarray(from * n, (from + 1) * n);
    const flip = leadingSign(row) < 0;
    for (let k = 0; k < n; k++) v[to * n + k] = flip ? -row[k]! : row[k]!;
  });
}

/**
 * The sign of the largest component of a vector. Components within a thousandth of the largest count as equal to
 * it and the first of them decides, so that rounding does not choose between (1, -1) and (-1, 1).
 */
export function leadingSign(vector: Float64Array): number {
  let largest = 0;
  for (const x of vector) largest = Math.max(largest, Math.abs(x));
  for (const x of vector) if (Math.abs(x) >= 0.999 * largest) return x < 0 ? -1 : 1;
  return 1;
}
