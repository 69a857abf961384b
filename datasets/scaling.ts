/** Scaling of raw values, always asked for or recorded; by statistics of the values in float64. */
import type { ColumnStatistics } from "./statistics.ts";

/**
 * How values are scaled. `"none"`: as they are. `"unit"`: divided by the largest value that their
 * type or data set can hold (255 for bytes), or by the largest absolute value where the type has
 * none. `"standard"`: each column to mean 0 and variance 1 (1/n; a constant column to 0). `"auto"`:
 * `"standard"` for columns of different range or far from 0, and what is usual for bytes and images.
 * A number: divided by it.
 */
export type Scale = "none" | "unit" | "standard" | "auto" | number;

/** What {@linkcode scalingOf} needs to know about the values. */
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
 * Scales rows, in the precision of the values.
 * @param values [n, d] row-major. @param d Columns.
 * @param into [n, d], filled; it may be `values`.
 * @throws {RangeError} for another number of columns than were standardised.
 */
export function applyScaling(
  values: ArrayLike<number>,
  d: number,
  scaling: Scaling,
  into: Float32Array,
): void {
  if (scaling.kind === "none") {
    if (into !== values) into.set(values);
  } else if (scaling.kind === "divisor") {
    const { divisor } = scaling;
    for (let i = 0; i < into.length; i++) into[i] = values[i] / divisor;
  } else {
    const { mean, deviation } = scaling;
    if (d !== mean.length) {
      throw new RangeError(`${mean.length} columns were standardised, these rows have ${d}`);
    }
    for (let row = 0; row < into.length; row += d) {
      for (let j = 0; j < d; j++) {
        into[row + j] = deviation[j] === 0 ? 0 : (values[row + j] - mean[j]) / deviation[j];
      }
    }
  }
}

/** Beyond this many deviations of the narrowest column, values call for standardising. */
const FAR = 100;

/** Whether a network would see some columns only: of different ranges, or far from 0. */
export function rangesDiffer({ largest, deviations }: ColumnStatistics): boolean {
  const narrowest = deviations.reduce((least, x) => x > 0 ? Math.min(least, x) : least, Infinity);
  return largest > FAR * narrowest;
}

/**
 * What is to be done to values of these statistics.
 * @throws {RangeError} for a divisor that is not finite and positive.
 * @throws {TypeError} for an unknown name.
 */
export function scalingOf(statistics: ColumnStatistics, options: ScaleOptions): Scaling {
  const usual = options.unit === undefined ? "none" : "unit";
  const asked = options.scale ?? usual;
  const scale = asked !== "auto" ? asked : rangesDiffer(statistics) ? "standard" : "none";
  if (scale === "none") return { kind: "none" };
  if (scale === "standard") {
    return {
      kind: "standard",
      mean: [...statistics.mean],
      deviation: [...statistics.deviations],
    };
  }
  if (typeof scale !== "number" && scale !== "unit") {
    throw new TypeError(
      `scale is ${JSON.stringify(scale)}, expected none, unit, standard, auto or a divisor`,
    );
  }
  const divisor = scale === "unit" ? options.unit ?? (statistics.largest || 1) : scale;
  if (!(divisor > 0 && Number.isFinite(divisor))) {
    throw new RangeError(`scale is ${divisor}, expected a finite divisor above 0`);
  }
  return dividedBy(divisor);
}
