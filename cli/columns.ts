/** The statistics of standardised columns, so that new rows can be put on the same scale. */
import type { Dataset } from "../datasets/dataset.ts";

/** Of every column of the training data, before it was scaled. */
export interface ColumnStatistics {
  /** [d] */
  readonly mean: readonly number[];
  /** 0 for a constant column. */
  readonly deviation: readonly number[];
}

/** Mean and standard deviation (1/n) of the raw columns, as `scaleRows` computes them. */
export function columnStatistics({ data, n, d }: Dataset): ColumnStatistics {
  const mean = new Array<number>(d).fill(0);
  const variance = new Array<number>(d).fill(0);
  for (let i = 0; i < data.length; i++) mean[i % d] += data[i] / n;
  for (let i = 0; i < data.length; i++) variance[i % d] += (data[i] - mean[i % d]) ** 2 / n;
  const deviation = variance.map((value, j) => {
    const root = Math.sqrt(value);
    return root <= 2 ** -36 * Math.abs(mean[j]) ? 0 : root;
  });
  return { mean, deviation };
}

/**
 * Raw rows on the scale of the training data; `rows.data` is overwritten.
 * @throws {RangeError} for another number of columns.
 */
export function standardiseLike(
  rows: Dataset,
  { mean, deviation }: ColumnStatistics,
): void {
  const { data, d } = rows;
  if (d !== mean.length) {
    throw new RangeError(`this model was trained on ${mean.length} columns, these rows have ${d}`);
  }
  for (let i = 0; i < data.length; i++) {
    const j = i % d;
    data[i] = deviation[j] === 0 ? 0 : (data[i] - mean[j]) / deviation[j];
  }
}
