/** Columns of text as columns of 0 and 1. */
import { cannotRead, MAX_ELEMENTS } from "./array.ts";
import { type ColumnKind, titleOf } from "./columns.ts";

/**
 * Gives every category a column of its own. A missing or unknown category (NaN) has 0 in all.
 * @param values [n, kinds]: numbers, or a category's number.
 * @param name Of the rows, for messages.
 * @returns [n, d]; `values` themselves where no column holds categories.
 * @throws {RangeError} for more values than memory holds, naming the column with most categories.
 */
export function expandCategories<T extends ArrayLike<number>>(
  values: T,
  columns: number,
  kinds: readonly ColumnKind[],
  name: string,
): { readonly values: T | Float64Array; readonly d: number } {
  if (kinds.every(({ categories }) => categories === undefined)) return { values, d: columns };
  const widths = kinds.map(({ categories }) => categories?.length ?? 1);
  const d = widths.reduce((a, b) => a + b);
  const n = values.length / columns;
  const expanded = allocate(n * d) ?? tooMany(name, kinds, n, d);
  for (let row = 0; row < n; row++) {
    let at = row * d;
    for (let slot = 0; slot < columns; slot++) {
      const value = values[row * columns + slot];
      if (kinds[slot].categories === undefined) expanded[at] = value;
      else if (!Number.isNaN(value)) expanded[at + value] = 1;
      at += widths[slot];
    }
  }
  return { values: expanded, d };
}

/** Zeros; undefined where they do not fit. */
function allocate(length: number): Float64Array | undefined {
  if (length > MAX_ELEMENTS) return undefined;
  try {
    return new Float64Array(length);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function tooMany(name: string, kinds: readonly ColumnKind[], n: number, d: number): never {
  const counts = kinds.map(({ categories }) => categories?.length ?? 0);
  const slot = counts.indexOf(Math.max(...counts));
  const { name: called = "", number = slot } = kinds[slot];
  throw new RangeError(
    cannotRead(
      name,
      `column ${titleOf({ number, name: called })} has ${
        counts[slot]
      } categories, each a column: ` +
        `${n} rows of ${d} values do not fit in memory; --ignore ${number} leaves it out, ` +
        `--id-column ${number} takes it as the rows' names`,
    ),
  );
}
