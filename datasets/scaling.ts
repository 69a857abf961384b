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

/** What was done to raw values: JSON, by which other rows can be put on the same scale. */
export type Scaling =
  | { readonly kind: "none" }
  | { readonly kind: "divisor"; readonly divisor: number }
  | {
    readonly kind: "standard";
    /** [d] */
    readonly mean: readonly number[];
    /** [d], 0 for a constant column. */
    readonly deviation: readonly number[];
  };

/** A scaling for people: `none`, `/ 255`, `standard`. */
export function describeScaling(scaling: Scaling): string {
  return scaling.kind === "divisor" ? `/ ${scaling.divisor}` : scaling.kind;
}

/** Division by `divisor`; `"none"` where that is 1. */
export function dividedBy(divisor: number): Scaling {
  return divisor === 1 ? { kind: "none" } : { kind: "divisor", divisor };
}

/**
 * Scales rows in place.
 * @param data [n, d] row-major, overwritten.
 * @param d Columns.
 * @returns What was done, for {@linkcode Dataset.scaling}.
 * @throws {RangeError} for a divisor that is not finite and positive.
 * @throws {TypeError} for an unknown name.
 */
export function scaleRows(data: Float32Array, d: number, options: ScaleOptions): Scaling {
  const scaling = scalingOf(data, d, options);
  applyScaling(data, d, scaling);
  return scaling;
}

/**
 * Puts raw rows on the scale of others.
 * @param data [n, d] row-major, overwritten.
 * @param d Columns.
 * @throws {RangeError} for another number of columns than were standardised.
 */
export function applyScaling(data: Float32Array, d: number, scaling: Scaling): void {
  if (scaling.kind === "divisor") {
    for (let i = 0; i < data.length; i++) data[i] /= scaling.divisor;
  } else if (scaling.kind === "standard") {
    const { mean, deviation } = scaling;
    if (d !== mean.length) {
      throw new RangeError(`${mean.length} columns were standardised, these rows have ${d}`);
    }
    for (let i = 0; i < data.length; i++) {
      const column = i % d;
      data[i] = deviation[column] === 0 ? 0 : (data[i] - mean[column]) / deviation[column];
    }
  }
}

function scalingOf(data: Float32Array, d: number, options: ScaleOptions): Scaling {
  const scale = options.scale ?? (options.unit === undefined ? "none" : "unit");
  if (scale === "none") return { kind: "none" };
  if (scale === "standard") return standardOf(data, d);
  if (typeof scale !== "number" && scale !== "unit") {
    throw new TypeError(
      `scale is ${JSON.stringify(scale)}, expected none, unit, standard or a divisor`,
    );
  }
  const divisor = scale === "unit" ? options.unit ?? largestAbsolute(data) : scale;
  if (!(divisor > 0 && Number.isFinite(divisor))) {
    throw new RangeError(`scale is ${divisor}, expected a finite divisor above 0`);
  }
  return dividedBy(divisor);
}

/** The largest |x|, or 1 where all values are 0. */
function largestAbsolute(data: Float32Array): number {
  let largest = 0;
  for (const value of data) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : largest;
}

/** Two passes in float64, so that a large mean does not cancel the variance away. */
function standardOf(data: Float32Array, d: number): Scaling {
  const n = data.length / d;
  const mean = new Array<number>(d).fill(0);
  const variance = new Array<number>(d).fill(0);
  for (let i = 0; i < data.length; i++) mean[i % d] += data[i] / n;
  for (let i = 0; i < data.length; i++) variance[i % d] += (data[i] - mean[i % d]) ** 2 / n;
  const deviation = variance.map((value, column) => {
    const root = Math.sqrt(value);
    // A deviation of rounding alone is that of a constant column.
    return root <= 2 ** -36 * Math.abs(mean[column]) ? 0 : root;
  });
  return { kind: "standard", mean, deviation };
}
