/** What stands in the rows of a table: the columns that tell its clusters apart most. */
import type { Dataset } from "../datasets/dataset.ts";
import type { StreamedDataset } from "../datasets/row_file.ts";
import type { Scaling } from "../datasets/scaling.ts";
import { type ClusterReport, columnNames, rawOf } from "./clusters.ts";

/** Some columns of some rows, in their own units. */
export interface RowValues {
  /** What the columns are called. */
  readonly columns: readonly string[];
  /** [m, columns] row-major, four digits each. */
  readonly values: readonly number[];
}

/** Of a raw 0, scaling in float32 and back leaves the rounding of the scaled value. */
const ROUNDING = 2 ** -23;

/**
 * A scaled value of a column in its own units, four digits; 0 where no more than rounding tells it
 * from 0.
 */
export function shownOf(value: number, column: number, scaling: Scaling): number {
  const raw = rawOf(value, column, scaling);
  const isZero = scaling.kind === "standard" &&
    Math.abs(raw) <= ROUNDING * Math.abs(value * scaling.deviation[column]);
  return isZero ? 0 : Number(raw.toPrecision(4));
}

/**
 * The values of these rows.
 * @param data A table. @param clusters Its clusters, with what tells them apart. @param most Columns.
 * @returns Undefined where no column tells anything apart.
 */
export async function rowValuesOf(
  { data, d, ...info }: Dataset | StreamedDataset,
  rows: ArrayLike<number>,
  clusters: readonly ClusterReport[],
  most: number,
): Promise<RowValues | undefined> {
  const all = columnNames(info);
  const strength = new Map<number, number>();
  for (const { name, difference } of clusters.flatMap(({ columns = [] }) => columns)) {
    const column = all.indexOf(name);
    strength.set(column, Math.max(strength.get(column) ?? 0, Math.abs(difference)));
  }
  const chosen = [...strength].sort((a, b) => b[1] - a[1]).slice(0, most)
    .map(([column]) => column).sort((a, b) => a - b);
  if (chosen.length === 0) return undefined;
  const row = new Float32Array(d);
  const values: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (data instanceof Float32Array) row.set(data.subarray(rows[i] * d, (rows[i] + 1) * d));
    else await data.read(rows[i], row);
    for (const column of chosen) {
      values.push(shownOf(row[column], column, info.scaling));
    }
  }
  return { columns: chosen.map((column) => all[column]), values };
}
