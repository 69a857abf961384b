/**
 * Cholesky factors and their inverses, on the host in float64: what few matrices need, once a step. Four
 * sums go side by side, each in its order, since one alone waits for its own additions.
 */

/**
 * L with L·Lᵀ = a, lower triangular.
 * @param a Symmetric [d, d], row-major; its upper triangle is not read.
 * @returns [d, d] with zeros above the diagonal, or undefined where `a` is not positive definite.
 */
export function cholesky(a: Float64Array, d: number): Float64Array | undefined {
  const l = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    let pivot = a[j * d + j];
    for (let k = 0; k < j; k++) pivot -= l[j * d + k] * l[j * d + k];
    if (!(pivot > 0)) return undefined;
    pivot = Math.sqrt(pivot);
    l[j * d + j] = pivot;
    let i = j + 1;
    for (; i + 3 < d; i += 4) {
      const [row, r0, r1, r2, r3] = [j * d, i * d, (i + 1) * d, (i + 2) * d, (i + 3) * d];
      let [s0, s1, s2, s3] = [a[r0 + j], a[r1 + j], a[r2 + j], a[r3 + j]];
      for (let k = 0; k < j; k++) {
        const factor = l[row + k];
        s0 -= l[r0 + k] * factor;
        s1 -= l[r1 + k] * factor;
        s2 -= l[r2 + k] * factor;
        s3 -= l[r3 + k] * factor;
      }
      l[r0 + j] = s0 / pivot;
      l[r1 + j] = s1 / pivot;
      l[r2 + j] = s2 / pivot;
      l[r3 + j] = s3 / pivot;
    }
    for (; i < d; i++) {
      let rest = a[i * d + j];
      for (let k = 0; k < j; k++) rest -= l[i * d + k] * l[j * d + k];
      l[i * d + j] = rest / pivot;
    }
  }
  return l;
}

/** L⁻¹ of a lower triangular L [d, d] without zeros on its diagonal: row-major, lower triangular. */
export function invertLower(l: Float64Array, d: number): Float64Array {
  const inverse = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    const row = i * d;
    let j = 0;
    for (; j + 3 < i; j += 4) {
      const [f0, f1, f2, f3] = [l[row + j], l[row + j + 1], l[row + j + 2], l[row + j + 3]];
      const [r0, r1, r2, r3] = [j * d, (j + 1) * d, (j + 2) * d, (j + 3) * d];
      // What lies above a diagonal is 0, and takes nothing away.
      for (let k = 0; k < j + 4; k++) {
        inverse[row + k] = inverse[row + k] - f0 * inverse[r0 + k] - f1 * inverse[r1 + k] -
          f2 * inverse[r2 + k] - f3 * inverse[r3 + k];
      }
    }
    for (; j < i; j++) {
      const factor = l[row + j];
      for (let k = 0; k <= j; k++) inverse[row + k] -= factor * inverse[j * d + k];
    }
    const pivot = l[row + i];
    for (let k = 0; k < i; k++) inverse[row + k] /= pivot;
    inverse[row + i] = 1 / pivot;
  }
  return inverse;
}
