/** The Moore–Penrose inverse of a small matrix, on the host in float64. */

/** Eigenvalues of the Gram matrix below this share of the largest count as 0. */
const RANK_TOLERANCE = 1e-10;

/** Sweeps of Jacobi's method; it converges quadratically, in about six. */
const MOST_SWEEPS = 30;

/**
 * A⁺ = Aᵀ·(A·Aᵀ)⁺.
 * @param a [rows, columns] row-major, all finite.
 * @returns [columns, rows] row-major.
 */
export function pseudoInverse(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const gram = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < rows; j++) {
      for (let c = 0; c < columns; c++) {
        gram[i * rows + j] += a[i * columns + c] * a[j * columns + c];
      }
    }
  }
  const { values, vectors } = symmetricEigen(gram, rows);
  const least = RANK_TOLERANCE * Math.max(...values);
  const inverse = new Float64Array(rows * rows);
  for (const [e, value] of values.entries()) {
    if (!(value > least)) continue;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        inverse[i * rows + j] += vectors[i * rows + e] * vectors[j * rows + e] / value;
      }
    }
  }
  const result = new Float64Array(columns * rows);
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        result[c * rows + i] += a[j * columns + c] * inverse[j * rows + i];
      }
    }
  }
  return result;
}

/** Eigenvalues, and eigenvectors as columns, of a symmetric matrix [n, n], by cyclic Jacobi rotations. */
function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { values: Float64Array; vectors: Float64Array } {
  const m = matrix.slice();
  const vectors = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [app, aqq, apq] = [m[p * n + p], m[q * n + q], m[p * n + q]];
        if (Math.abs(apq) <= Number.EPSILON * Math.sqrt(Math.abs(app * aqq))) continue;
        rotated = true;
        const theta = (aqq - app) / (2 * apq);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(m, k * n + p, k * n + q, c, s);
        for (let k = 0; k < n; k++) rotate(m, p * n + k, q * n + k, c, s);
        for (let k = 0; k < n; k++) rotate(vectors, k * n + p, k * n + q, c, s);
      }
    }
    if (!rotated) break;
  }
  return { values: Float64Array.from({ length: n }, (_, i) => m[i * (n + 1)]), vectors };
}

function rotate(m: Float64Array, i: number, j: number, c: number, s: number): void {
  const [a, b] = [m[i], m[j]];
  m[i] = c * a - s * b;
  m[j] = s * a + c * b;
}
