/** Labels of rows as a table of text. */
import type { RowsInfo } from "../datasets/dataset.ts";
import { quoteCell } from "./tables.ts";

/** A column of a table of labels: its name, and its cell of row i. */
export type LabelColumn = readonly [name: string, cell: (i: number) => string];

/**
 * A line for each row: `row`, its number in the source; `id`, where the source has one; `label`; and
 * more columns.
 */
export function labelsCsv(
  labels: Uint32Array,
  { rowNumbers, ids }: Pick<RowsInfo, "rowNumbers" | "ids">,
  more: readonly LabelColumn[] = [],
): string {
  const columns: LabelColumn[] = [
    ["row", (i) => String(rowNumbers?.[i] ?? i)],
    ...ids === undefined ? [] : [["id", (i: number) => ids[i]] as const],
    ["label", (i) => String(labels[i])],
    ...more,
  ];
  const lines = [columns.map(([name]) => name).join(",")];
  labels.forEach((_, i) => lines.push(columns.map(([, cell]) => quoteCell(cell(i))).join(",")));
  return `${lines.join("\n")}\n`;
}

/** The column `class`: what each row was given, where that is known. */
export function classColumn({ classes, classNames }: RowsInfo): LabelColumn[] {
  return classes === undefined
    ? []
    : [["class", (i) => classNames?.[classes[i]] ?? String(classes[i])]];
}

/** A column of shares in [0, 1], six digits each. */
export function shareColumn(name: string, share: (i: number) => number): LabelColumn {
  return [name, (i) => String(Number(share(i).toPrecision(6)))];
}
