/** Codes on their two principal axes, for a map. */

/** Rows that the axes are found by, spread evenly. */
const MOST_ROWS = 2048;
/** Rounds of orthogonal iteration; each view goes on from the axes of the last. */
const ROUNDS = 30;

/**
 * Principal axes that follow the codes of a training: each projection starts from the axes of the one
 * before, so that the map neither flips nor jumps.
 */
export class Projection {
  private axes: readonly [Float64Array, Float64Array] | undefined;

  /** [n, 2]. @param codes [n, p] row-major. */
  project(codes: Float32Array, p: number): Float32Array {
    const n = codes.length / p;
    const means = meansOf(codes, p);
    if (this.axes?.[0].length !== p) this.axes = startingAxes(p);
    for (let round = 0; round < ROUNDS; round++) {
      this.axes = orthonormal(timesCovariance(codes, p, means, this.axes), this.axes);
    }
    const [first, second] = this.axes;
    const points = new Float32Array(2 * n);
    for (let i = 0; i < n; i++) {
      let [x, y] = [0, 0];
      for (let j = 0; j < p; j++) {
        const value = codes[i * p + j] - means[j];
        x += value * first[j];
        y += value * second[j];
      }
      points[2 * i] = x;
      points[2 * i + 1] = y;
    }
    return points;
  }
}

function meansOf(codes: Float32Array, p: number): Float64Array {
  const means = new Float64Array(p);
  codes.forEach((value, i) => means[i % p] += value);
  return means.map((sum) => sum * p / codes.length);
}

/** Two directions that no coordinate axis is orthogonal to. */
function startingAxes(p: number): readonly [Float64Array, Float64Array] {
  return [
    Float64Array.from({ length: p }, (_, j) => 1 / (1 + j)),
    Float64Array.from({ length: p }, (_, j) => (j % 2 === 0 ? 1 : -1) / (1 + j)),
  ];
}

/** The covariance of some rows times both axes. */
function timesCovariance(
  codes: Float32Array,
  p: number,
  means: Float64Array,
  [first, second]: readonly [Float64Array, Float64Array],
): readonly [Float64Array, Float64Array] {
  const [a, b] = [new Float64Array(p), new Float64Array(p)];
  const stride = p * Math.max(1, Math.floor(codes.length / p / MOST_ROWS));
  for (let start = 0; start < codes.length; start += stride) {
    let [x, y] = [0, 0];
    for (let j = 0; j < p; j++) {
      const value = codes[start + j] - means[j];
      x += value * first[j];
      y += value * second[j];
    }
    for (let j = 0; j < p; j++) {
      const value = codes[start + j] - means[j];
      a[j] += value * x;
      b[j] += value * y;
    }
  }
  return [a, b];
}

/** Gram–Schmidt; a direction that vanishes stays as it was, or is left out where there is but one. */
function orthonormal(
  [a, b]: readonly [Float64Array, Float64Array],
  [formerA, formerB]: readonly [Float64Array, Float64Array],
): readonly [Float64Array, Float64Array] {
  const first = unit(a) ?? unit(formerA)!;
  const rest = (vector: Float64Array) => {
    const along = vector.reduce((sum, value, j) => sum + value * first[j], 0);
    return unit(vector.map((value, j) => value - along * first[j]));
  };
  return [first, rest(b) ?? rest(formerB) ?? new Float64Array(first.length)];
}

/** Undefined for what is too short to have a direction. */
function unit(vector: Float64Array): Float64Array | undefined {
  const length = Math.hypot(...vector);
  return length > 1e-12 ? vector.map((value) => value / length) : undefined;
}
