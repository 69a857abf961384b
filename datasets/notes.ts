/** What looks wrong about columns before they are trained on, in words. */
import type { NumericArray } from "./array.ts";
import { rangesDiffer, type Scale, type Scaling } from "./scaling.ts";
import type { Schema } from "./schema.ts";
import type { ColumnStatistics } from "./statistics.ts";

/** Fewer rows may count upwards by chance. */
const FEW_ROWS = 10;
/** Columns that a note names. */
const NAMED = 3;

/**
 * Notes on raw rows: columns that count them, values that float32 merges, ranges that differ.
 * @param values [n, d] before scaling; undefined: not in memory, and not searched for row numbers. @param asked How they were to be scaled.
 */
export function notesOn(
  { shape }: Pick<NumericArray, "shape">,
  values: ArrayLike<number> | undefined,
  statistics: ColumnStatistics,
  schema: Schema,
  scaling: Scaling,
  asked: Scale | undefined,
): string[] {
  const notes: string[] = [];
  // Images have none.
  if (schema.columns === undefined) return notes;
  if (shape.length > 2) {
    const isChannelsFirst = shape.length === 4 && shape[1] === 3;
    notes.push(
      `its shape [${shape.join(", ")}] is taken as ${shape[0]} rows of ${statistics.d} values: ` +
        "images are [n, h, w] or, in colour, [n, h, w, 3]" +
        (isChannelsFirst ? "; x.transpose(0, 2, 3, 1) puts the channels last" : ""),
    );
  }
  const names = schema.columns.flatMap(({ name, categories }, j) =>
    categories?.map((cell) => `${name ?? j}=${cell}`) ?? [name ? `${j} (${name})` : String(j)]
  );
  const list = (columns: readonly number[]) =>
    columns.slice(0, NAMED).map((j) => names[j]).join(", ") +
    (columns.length > NAMED ? ` and ${columns.length - NAMED} more` : "");
  for (let j = 0; values !== undefined && j < statistics.d; j++) {
    if (!countsRows(values, statistics, j)) continue;
    notes.push(
      `column ${names[j]} counts the rows and is clustered like the others; ` +
        `--id-column ${schema.columns[j]?.name || j} leaves it out`,
    );
  }
  if (scaling.kind !== "standard") {
    const { merged } = statistics;
    if (merged.length > 0) {
      notes.push(
        `float32 cannot tell values of column ${list(merged)} apart; ` +
          "--scale standard takes off the mean before rounding",
      );
    }
    if (asked === undefined && scaling.kind === "none" && rangesDiffer(statistics)) {
      const spans = Array.from(statistics.max, (most, j) => most - statistics.min[j]);
      const narrow = spans.reduce((a, x, j) => x > 0 && (a < 0 || x < spans[a]) ? j : a, -1);
      const range = (j: number) =>
        `column ${names[j]} ranges from ${short(statistics.min[j])} to ${short(statistics.max[j])}`;
      const wide = spans.indexOf(Math.max(...spans));
      const others = wide === narrow ? "" : `, ${range(narrow)}`;
      notes.push(
        `${range(wide)}${others}: columns of different range, or far from 0, are learned badly; ` +
          "--scale standard (or auto) gives all columns the same weight",
      );
    }
  }
  if (asked === "auto") {
    const what = scaling.kind === "standard"
      ? "the columns differ in range, or lie far from 0, and are standardised"
      : "the columns have one range and stay as they are";
    notes.push(`--scale auto: ${what}`);
  }
  return notes;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Whether a column holds n integers in a row, each once. */
function countsRows(values: ArrayLike<number>, { n, d, min, max }: ColumnStatistics, j: number) {
  if (n < FEW_ROWS || max[j] - min[j] !== n - 1 || (min[j] !== 0 && min[j] !== 1)) return false;
  const seen = new Uint8Array(n);
  for (let i = j; i < values.length; i += d) {
    const place = values[i] - min[j];
    if (!Number.isInteger(place) || seen[place]++ > 0) return false;
  }
  return true;
}
