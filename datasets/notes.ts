/** What looks wrong about columns before they are trained on, in words. */
import type { NumericArray } from "./array.ts";
import { placesOf, titleOf } from "./columns.ts";
import { rangesDiffer, type Scale, type Scaling } from "./scaling.ts";
import { rangeText, type Schema } from "./schema.ts";
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
  const notes = asked === "auto" ? [`--scale auto: ${outcomeOf(scaling, schema)}`] : [];
  if (schema.columns === undefined) return notes;
  if (shape.length > 2) {
    const isChannelsFirst = shape.length === 4 && shape[1] === 3;
    notes.push(
      `its shape [${shape.join(", ")}] is taken as ${shape[0]} rows of ${statistics.d} values: ` +
        "images are [n, h, w] or, in colour, [n, h, w, 3]" +
        (isChannelsFirst ? "; x.transpose(0, 2, 3, 1) puts the channels last" : ""),
    );
  }
  const places = placesOf(schema.columns);
  const names = places.map(titleOf);
  const hasHeader = schema.columns.some(({ name }) => name !== undefined);
  const list = (columns: readonly number[]) =>
    columns.slice(0, NAMED).map((j) => names[j]).join(", ") +
    (columns.length > NAMED ? ` and ${columns.length - NAMED} more` : "");
  for (let j = 0; values !== undefined && j < statistics.d; j++) {
    if (!countsRows(values, statistics, j, hasHeader && UNNAMED.test(places[j].name))) continue;
    notes.push(
      `column ${names[j]} counts the rows and is clustered like the others; ` +
        `--id-column ${places[j].number} leaves it out`,
    );
  }
  const { vanishing } = statistics;
  if (vanishing.length > 0) {
    notes.push(
      `values of column ${list(vanishing)} are so small that they count as equal; ` +
        "take them in a smaller unit, as larger numbers",
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
        `column ${names[j]} ranges from ${rangeText(statistics.min[j], statistics.max[j])}`;
      const wide = spans.indexOf(Math.max(...spans));
      const others = wide === narrow ? "" : `, ${range(narrow)}`;
      notes.push(
        `${range(wide)}${others}: columns of different range, or far from 0, are learned badly; ` +
          "--scale standard (or auto) gives all columns the same weight",
      );
    }
  }
  return notes;
}

/** What was done to values that were to be scaled as they need it. */
function outcomeOf(scaling: Scaling, { type, columns }: Schema): string {
  if (scaling.kind === "divisor") return `values of type ${type} are divided by ${scaling.divisor}`;
  if (scaling.kind === "standard") {
    return "the columns differ in range, or lie far from 0, and are standardised";
  }
  return columns === undefined
    ? "images stay as they are"
    : "the columns have one range and stay as they are";
}

/** What tables call the row numbers that pandas writes. */
const UNNAMED = /^(?:unnamed: \d+|index)?$/i;

/**
 * Whether a column holds integers, each once: n in a row, or any where the header has no name for them,
 * as for pandas' row numbers after rows were left out.
 */
function countsRows(
  values: ArrayLike<number>,
  { n, d, min, max }: ColumnStatistics,
  j: number,
  isUnnamed: boolean,
): boolean {
  if (n < FEW_ROWS || (max[j] - min[j] !== n - 1 && !isUnnamed)) return false;
  const seen = new Set<number>();
  for (let i = j; i < values.length && Number.isInteger(values[i]); i += d) seen.add(values[i]);
  return seen.size === n;
}
