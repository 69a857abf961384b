/** Files of classes as text: one class a line, a run's labels, or a column of a table. */
import { cannotRead } from "./array.ts";
import { classPlace, type ColumnOptions } from "./columns.ts";
import type { TableOptions } from "./csv.ts";
import { parseReal, Scanner } from "./csv_scanner.ts";
import { isHeader } from "./header.ts";
import { textOf } from "./text_encoding.ts";

/** How to read a file of classes. */
export interface ClassFileOptions {
  /** Which column of a table holds them. */
  readonly column?: ColumnOptions["classColumn"] | undefined;
  /** What people say the column by, for messages; absent: `--class-column`. */
  readonly columnOption?: string;
}

/** The cells of a file of classes. */
export interface ClassLines {
  /** One a row. */
  readonly cells: readonly string[];
  /** The rows' numbers, ascending, where the file has them. */
  readonly rows?: Uint32Array;
}

/**
 * The cells of a file of classes: of one class a line, or of a table, the column that is asked for.
 * Of a line that holds several words without separators, the line is the class. Tables with a column
 * `row`, as runs write them beside `label`, are put in the order of their rows.
 * @throws {SyntaxError} for an empty or binary file. @throws {RangeError} for a column that there is
 * not, or a row that is there twice.
 */
export function parseClassLines(
  bytes: Uint8Array,
  file: string,
  options: ClassFileOptions = {},
): ClassLines {
  const { column, columnOption = COLUMN_OPTION } = options;
  const scanner = new Scanner(textOf(bytes, file).utf8, file);
  const lines: string[][] = [];
  while (scanner.advance()) lines.push(scanner.cells());
  if (lines.length === 0) throw new SyntaxError(cannotRead(file, "it holds no classes"));
  const [first] = lines;
  const rowAt = first.indexOf("row");
  if (rowAt >= 0 && first.length > 1 && (column !== undefined || first.includes("label"))) {
    const labelAt = classPlace(column ?? "label", first, first.length, file);
    return inOrder(lines.slice(1).map((cells) => [cells[rowAt], cells[labelAt]]), file);
  }
  const hasWords = lines.some((cells) => cells.some((cell) => parseReal(cell) === undefined));
  if (column === undefined && scanner.separator === " " && hasWords) {
    return { cells: withoutName(lines.map((cells) => cells.join(" "))) };
  }
  const width = lines[0].length;
  const ragged = lines.findIndex((cells) => cells.length !== width);
  if (ragged >= 0 || (width !== 1 && column === undefined)) {
    const line = Math.max(0, ragged);
    throw new SyntaxError(
      cannotRead(
        file,
        `line ${line + 1} has ${lines[line].length} columns, expected one class a line; ` +
          `${columnOption} takes a column of a table`,
      ),
    );
  }
  const at = column === undefined ? 0 : placeIn(file, column, first, columnOption);
  const cells = lines.map((line) => line[at]);
  if (typeof column === "string" && column === cells[0]) return { cells: cells.slice(1) };
  const empty = cells.indexOf("");
  if (empty >= 0) {
    throw new SyntaxError(cannotRead(file, `line ${empty + 1}, column ${at}: the class is empty`));
  }
  const hasNames = width > 1 && isHeader(lines[0], lines[1], at);
  return { cells: hasNames ? cells.slice(1) : withoutName(cells) };
}

/** {@linkcode ClassFileOptions.columnOption} */
export const COLUMN_OPTION = "--class-column";

/**
 * Which column holds the classes.
 * @param names Of the columns. @throws {RangeError} where there is no such column.
 */
export function placeIn(
  file: string,
  column: NonNullable<ColumnOptions["classColumn"]>,
  names: readonly string[],
  columnOption: string,
): number {
  const isName = typeof column === "string" && column !== "first" && column !== "last";
  if (names.length > 1 || !isName || names[0] === column) {
    return classPlace(column, names, names.length, file);
  }
  throw new RangeError(
    cannotRead(
      file,
      `it has one column, and that is not called ${JSON.stringify(column)}; ${columnOption} is a ` +
        "column of this file",
    ),
  );
}

/** A first cell that is no number above cells that all are is taken for the column's name. */
function withoutName(cells: string[]): string[] {
  const numbers = cells.filter((cell) => parseReal(cell) !== undefined).length;
  const named = cells.length > 1 && numbers === cells.length - 1 &&
    parseReal(cells[0]) === undefined;
  return named ? cells.slice(1) : cells;
}

/** Labels of pairs of row and label, in the order of the rows. @throws {RangeError} for a row twice. */
export function inOrder(lines: readonly (readonly string[])[], file: string): ClassLines {
  const labels = new Map<number, string>();
  for (const [text, label = ""] of lines) {
    const row = Number(text);
    if (label !== "" && Number.isInteger(row) && row >= 0 && !labels.has(row)) {
      labels.set(row, label);
    } else {
      throw new RangeError(
        cannotRead(
          file,
          `row ${JSON.stringify(text)} is no number, is there twice or has no label`,
        ),
      );
    }
  }
  const sorted = [...labels].sort(([a], [b]) => a - b);
  return {
    cells: sorted.map(([, label]) => label),
    rows: Uint32Array.from(sorted, ([row]) => row),
  };
}
