/** Two principal axes of codes. */

/** Iterations of the power method: far more than separated variances need. */
const ITERATIONS = 300;

/** What turns codes [n, p] into points [n, 2]. */
export interface Plane {
  /** [p] */
  readonly mean: Float64Array;
  /** [2, p], orthonormal. */
  readonly axes: readonly [Float64Array, Float64Array];
}

/** The plane of the largest variances. @param codes [n, p] row-major. */
export function principalPlane(codes: ArrayLike<number>, p: number): Plane {
  const n = codes.length / p;
  const mean = new Float64Array(p);
  for (let i = 0; i < codes.length; i++) mean[i % p] += codes[i] / n;
  const covariance = Array.from({ length: p }, () => new Float64Array(p));
  for (let row = 0; row < n; row++) {
    for (let a = 0; a < p; a++) {
      const x = codes[row * p + a] - mean[a];
      for (let b = 0; b < p; b++) covariance[a][b] += x * (codes[row * p + b] - mean[b]) / n;
    }
  }
  const first = largestAxis(covariance);
  return { mean, axes: [first, largestAxis(covariance, first)] };
}

/** The eigenvector of the largest eigenvalue, of what is orthogonal to `other` where that is given. */
function largestAxis(matrix: readonly Float64Array[], other?: Float64Array): Float64Array {
  const p = matrix.length;
  let axis = Float64Array.from({ length: p }, (_, i) => 1 / (i + 1));
  for (let count = 0; count < ITERATIONS; count++) {
    if (other) {
      const share = dot(axis, other);
      axis = axis.map((value, i) => value - share * other[i]);
    }
    const next = Float64Array.from(matrix, (row) => dot(row, axis));
    const length = Math.sqrt(dot(next, next));
    // No variance is left: any axis will do.
    if (!(length > 1e-300)) break;
    axis = next.map((value) => value / length);
  }
  return axis;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Points [n, 2] of codes [n, p]. */
export function project(codes: ArrayLike<number>, { mean, axes }: Plane): Float64Array {
  const p = mean.length;
  const n = codes.length / p;
  return Float64Array.from({ length: 2 * n }, (_, i) => {
    const [row, axis] = [Math.floor(i / 2), axes[i % 2]];
    return axis.reduce((sum, value, j) => sum + value * (codes[row * p + j] - mean[j]), 0);
  });
}
