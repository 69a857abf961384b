/** Missing values: NaN in rows, and what is done about them. */
import { cannotRead } from "./array.ts";
import { type ColumnKind, type ColumnPlace, titleOf } from "./columns.ts";

/** `"error"`: refused. `"drop"`: their rows are left out. `"mean"`, `"median"`: of their column. */
export type Missing = "error" | "drop" | "mean" | "median";

/** Rows without missing values. */
export interface CompleteRows {
  /** [rows, d] */
  readonly values: ArrayLike<number> & Iterable<number>;
  /** The rows that were kept, where some were not. */
  readonly kept?: Uint32Array;
  /** [d] what missing values became, where they were filled. */
  readonly fills?: readonly number[];
}

/**
 * Drops or fills. A missing category stays NaN: it becomes no category.
 * @param values [n, d] row-major. @param kinds Of the columns, where they are known.
 * @param fills What to fill with, where a model was trained on other rows.
 * @throws {RangeError} where nothing is left, or a column has no value.
 */
export function completeRows(
  values: CompleteRows["values"],
  d: number,
  how: Missing,
  name: string,
  kinds?: readonly ColumnKind[],
  fills?: readonly number[],
): CompleteRows {
  if (how === "error") return { values };
  const n = values.length / d;
  const isMissing = (row: number, j: number) => Number.isNaN(values[row * d + j]);
  const columns = Array.from({ length: d }, (_, j) => j);
  const absent = (empty: readonly number[]) => {
    const places = empty.map((j): ColumnPlace => {
      const { number = j, name = "" } = kinds?.[j] ?? {};
      return { number, name };
    });
    const numbers = places.map(({ number }) => number).join(",");
    return new RangeError(
      cannotRead(
        name,
        `column ${places.map(titleOf).join(", ")}: all its values are missing; ` +
          `--ignore ${numbers} leaves it out`,
      ),
    );
  };
  if (how === "drop") {
    const all = Uint32Array.from({ length: n }, (_, row) => row);
    const kept = all.filter((row) => !columns.some((j) => isMissing(row, j)));
    if (kept.length === 0) {
      const empty = columns.filter((j) => all.every((row) => isMissing(row, j)));
      if (empty.length > 0) throw absent(empty);
      throw new RangeError(cannotRead(name, "every row has missing values, none is left"));
    }
    if (kept.length === n) return { values };
    const complete = new Float64Array(kept.length * d);
    kept.forEach((row, i) => columns.forEach((j) => complete[i * d + j] = values[row * d + j]));
    return { values: complete, kept };
  }
  const found = fills ??
    columns.map((j) =>
      kinds?.[j].categories ? NaN : fillOf(column(values, d, j), how, () => absent([j]))
    );
  const filled = Float64Array.from(
    values,
    (value, i) => Number.isNaN(value) ? found[i % d] : value,
  );
  return { values: filled, fills: found };
}

/** The values of a column that are there. */
function column(values: ArrayLike<number>, d: number, j: number): Float64Array {
  return Float64Array.from({ length: values.length / d }, (_, row) => values[row * d + j])
    .filter((value) => !Number.isNaN(value));
}

/** @param absent Thrown where there are no values. */
function fillOf(values: Float64Array, how: "mean" | "median", absent: () => RangeError): number {
  if (values.length === 0) throw absent();
  if (how === "mean") return values.reduce((a, b) => a + b) / values.length;
  const sorted = values.sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
