/** Columns of text as columns of 0 and 1. */
import type { ColumnKind } from "./columns.ts";

/**
 * Gives every category a column of its own. A missing or unknown category (NaN) has 0 in all.
 * @param values [n, kinds]: numbers, or a category's number.
 * @returns [n, d]; `values` themselves where no column holds categories.
 */
export function expandCategories<T extends ArrayLike<number>>(
  values: T,
  columns: number,
  kinds: readonly ColumnKind[],
): { readonly values: T | Float64Array; readonly d: number } {
  if (kinds.every(({ categories }) => categories === undefined)) return { values, d: columns };
  const widths = kinds.map(({ categories }) => categories?.length ?? 1);
  const d = widths.reduce((a, b) => a + b);
  const n = values.length / columns;
  const expanded = new Float64Array(n * d);
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
