/** Rows of three overlapping groups, for golden values of choosing K. */

/**
 * 120 rows of 2 columns. In Python, before rounding to float32:
 * `((i*d + j)**2 * 37 % 1009) / 1009 * (2 + j) + (2.6 if i % 3 == j else 0)`.
 */
export function choiceRows(): { data: Float32Array; n: number; d: number } {
  const [n, d] = [120, 2];
  const data = Float32Array.from({ length: n * d }, (_, place) => {
    const [i, j] = [Math.floor(place / d), place % d];
    return (place ** 2 * 37 % 1009) / 1009 * (2 + j) + (i % 3 === j ? 2.6 : 0);
  });
  return { data, n, d };
}
