/** Scaling of raw values, always asked for or recorded, never guessed from the data. */

/**
 * How values are scaled. `"none"`: as they are. `"unit"`: divided by the largest value that their
 * type or data set can hold (255 for bytes), or by the largest absolute value where the type has
 * none. `"standard"`: each column to mean 0 and variance 1 (1/n; a constant column to 0). A number:
 * divided by it.
 */
export type Scale = "none" | "unit" | "standard" | number;

/** What {@linkcode scaleRows} needs to know about the values. */
export interface ScaleOptions {
  /** What was asked for; absent: `"unit"` if `unit` is given, else `"none"`. */
  readonly scale?: Scale;
  /** The divisor that `"unit"` stands for. */
  readonly unit?: number;
}

/**
 * Scales rows in place.
 * @param data [n, d] row-major, overwritten.
 * @param d Columns.
 * @returns What was done, for {@linkcode Dataset.scaling}: `"none"`, `"/ 255"`, `"standard"`.
 * @throws {RangeError} for a divisor that is not finite and positive.
 * @throws {TypeError} for an unknown name.
 */
export function scaleRows(data: Float32Array, d: number, options: ScaleOptions): string {
  const scale = options.scale ?? (options.unit === undefined ? "none" : "unit");
  if (scale === "none") return "none";
  if (scale === "standard") {
    standardise(data, d);
    return "standard";
  }
  if (typeof scale !== "number" && scale !== "unit") {
    throw new TypeError(
      `scale is ${JSON.stringify(scale)}, expected none, unit, standard or a divisor`,
    );
  }
  const divisor = scale === "unit" ? options.unit ?? largestAbsolute(data) : scale;
  if (!(divisor > 0 && Number.isFinite(divisor))) {
    throw new RangeError(`scale is ${divisor}, expected a finite divisor above 0`);
  }
  if (divisor === 1) return "none";
  for (let i = 0; i < data.length; i++) data[i] /= divisor;
  return `/ ${divisor}`;
}

/** The largest |x|, or 1 where all values are 0. */
function largestAbsolute(data: Float32Array): number {
  let largest = 0;
  for (const value of data) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : largest;
}

/** Two passes in float64, so that a large mean does not cancel the variance away. */
function standardise(data: Float32Array, d: number): void {
  const n = data.length / d;
  const mean = new Float64Array(d);
  const variance = new Float64Array(d);
  for (let i = 0; i < data.length; i++) mean[i % d] += data[i] / n;
  for (let i = 0; i < data.length; i++) variance[i % d] += (data[i] - mean[i % d]) ** 2 / n;
  for (let i = 0; i < data.length; i++) {
    const column = i % d;
    const deviation = Math.sqrt(variance[column]);
    const centred = data[i] - mean[column];
    // A deviation of rounding alone is that of a constant column.
    const constant = deviation <= 2 ** -36 * Math.abs(mean[column]);
    data[i] = constant ? 0 : centred / deviation;
  }
}
