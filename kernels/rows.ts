/** What the references that move or compare rows share. */
import type { NumberArray } from "./kernel.ts";

/** Below this width a loop is faster than a call of `set` with a `subarray`. */
const WIDE = 24;

/** Copies `width` elements of `from` at `source` to `to` at `target`. */
export function copyRow(
  from: NumberArray,
  source: number,
  to: NumberArray,
  target: number,
  width: number,
): void {
  if (width >= WIDE) to.set(from.subarray(source, source + width), target);
  else for (let j = 0; j < width; j++) to[target + j] = from[source + j];
}

/**
 * Loads a row into float64 scratch memory, where the loops over pairs of rows run at one speed
 * whatever the type of the data.
 */
export function loadRow(from: NumberArray, source: number, row: Float64Array): void {
  for (let j = 0; j < row.length; j++) row[j] = from[source + j];
}

/**
 * out[j] = ‖point − rows[first + j]‖² for j < count, by direct differences: no cancellation, and
 * equal rows give equal values, so that ties are exact.
 *
 * @param point `[d]`
 * @param rows `[·, d]`
 * @param out at least `[count]`
 */
export function squaredDistances(
  point: Float64Array,
  rows: Float64Array,
  first: number,
  count: number,
  out: Float64Array,
): void {
  const d = point.length;
  let j = 0;
  // Four sums at once hide the latency of the addition that each of them waits for.
  for (; j + 4 <= count; j += 4) {
    const r0 = (first + j) * d, r1 = r0 + d, r2 = r1 + d, r3 = r2 + d;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let c = 0; c < d; c++) {
      const x = point[c];
      const e0 = x - rows[r0 + c], e1 = x - rows[r1 + c];
      const e2 = x - rows[r2 + c], e3 = x - rows[r3 + c];
      s0 += e0 * e0;
      s1 += e1 * e1;
      s2 += e2 * e2;
      s3 += e3 * e3;
    }
    out[j] = s0;
    out[j + 1] = s1;
    out[j + 2] = s2;
    out[j + 3] = s3;
  }
  for (; j < count; j++) {
    const r = (first + j) * d;
    let s = 0;
    for (let c = 0; c < d; c++) {
      const e = point[c] - rows[r + c];
      s += e * e;
    }
    out[j] = s;
  }
}

/**
 * Roundings that a squared distance of `d` terms in float32 passes through, to first order: one in
 * the difference, which squaring doubles, one in the square, d − 1 in the sum of terms ≥ 0; one
 * more pays for the second-order terms.
 */
export function squaredDistanceRoundings(d: number): number {
  return d + 3;
}
