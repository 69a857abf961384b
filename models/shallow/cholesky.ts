/** Cholesky factors and their inverses, on the host in float64: what few matrices need, once a step. */

/**
 * L with L·Lᵀ = a, lower triangular.
 * @param a Symmetric [d, d], row-major; its upper triangle is not read.
 * @returns [d, d] with zeros above the diagonal, or undefined where `a` is not positive definite.
 */
export function cholesky(a: Float64Array, d: number): Float64Array | undefined {
  const l = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * d + j];
      for (let k = 0; k < j; k++) rest -= l[i * d + k] * l[j * d + k];
      if (j < i) l[i * d + j] = rest / l[j * d + j];
      else if (rest > 0) l[i * d + i] = Math.sqrt(rest);
      else return undefined;
    }
  }
  return l;
}

/** L⁻¹ of a lower triangular L [d, d] without zeros on its diagonal: row-major, lower triangular. */
export function invertLower(l: Float64Array, d: number): Float64Array {
  const inverse = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const factor = l[i * d + j];
      for (let k = 0; k <= j; k++) inverse[i * d + k] -= factor * inverse[j * d + k];
    }
    const pivot = l[i * d + i];
    for (let k = 0; k < i; k++) inverse[i * d + k] /= pivot;
    inverse[i * d + i] = 1 / pivot;
  }
  return inverse;
}
