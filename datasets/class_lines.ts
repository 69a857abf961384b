/** Files of classes as text: one class a line, a run's labels, or a column of a table. */
import { cannotRead } from "./array.ts";
import { EMPTY_CLASS } from "./classes.ts";
import { classPlace, type ColumnOptions, notesOnNumbers } from "./columns.ts";
import type { TableOptions } from "./csv.ts";
import { parseReal, quote, Scanner } from "./csv_scanner.ts";
import { areNamed, isHeader, notesOnHeader } from "./header.ts";
import { textOf } from "./text_encoding.ts";

/** How to read a file of classes. */
export interface ClassFileOptions
  extends Partial<Pick<TableOptions, "header" | "separator" | "encoding">> {
  /** Which column of a table holds them. */
  readonly column?: ColumnOptions["classColumn"] | undefined;
  /** What people say the column by, for messages; absent: `--class-column`. */
  readonly columnOption?: string;
  /** Whether rows that may have such a column are beside it: then it has to be one of several here. */
  readonly isBeside?: boolean;
  /**
   * What people say by whether its first line names columns, to be told of a guess; absent: nothing is
   * said, since the number of the rows tells.
   */
  readonly headerOption?: string;
}

/** The cells of a file of classes. */
export interface ClassLines {
  /** One a row. */
  readonly cells: readonly string[];
  /** The rows' numbers, ascending, where the file has them. */
  readonly rows?: Uint32Array;
  /** What was supposed and may be wrong, for people. */
  readonly notes: readonly string[];
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
  const { column, columnOption = COLUMN_OPTION, header, headerOption } = options;
  const { utf8, notes } = textOf(bytes, file, options.encoding);
  const scanner = new Scanner(utf8, file, options);
  const lines: string[][] = [];
  while (scanner.advance()) lines.push(scanner.cells());
  if (lines.length === 0) throw new SyntaxError(cannotRead(file, "it holds no classes"));
  const [first, second] = lines;
  const names = header === false ? undefined : first;
  const [rowAt, labelAt] = columnsOfRun(names ?? [], column, file);
  if (rowAt >= 0) {
    const pairs = lines.slice(1).map((cells) => [cells[rowAt], cells[labelAt]] as const);
    return { ...inOrder(pairs, file), notes };
  }
  const hasWords = lines.some((cells) => cells.some((cell) => parseReal(cell) === undefined));
  if (column === undefined && scanner.separator === " " && hasWords) {
    const cells = lines.map((cells) => cells.join(" "));
    refuseEmpty(cells, 0, file);
    return oneALine(cells, header, notes, headerOption);
  }
  const width = first.length;
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
  const at = placeIn(file, names, width, options);
  const cells = lines.map((line) => line[at]);
  refuseEmpty(cells, at, file);
  const asked: ColumnOptions = column === undefined ? {} : { classColumn: column };
  const isNamed = areNamed(asked, first);
  const given = header ?? (isNamed || undefined);
  if (width === 1 || given !== undefined) return oneALine(cells, given, notes, headerOption);
  const isGuessed = isHeader(first, second, at);
  return {
    cells: withoutName(cells, isGuessed || undefined),
    notes: [
      ...notes,
      ...notesOnNumbers(asked, isGuessed ? first : []),
      ...headerOption === undefined
        ? []
        : notesOnHeader(first, second, isGuessed, at, headerOption),
    ],
  };
}

/** @throws {SyntaxError} for an empty class. @param column Of which they are. */
function refuseEmpty(cells: readonly string[], column: number, file: string): void {
  const empty = cells.indexOf("");
  if (empty < 0) return;
  throw new SyntaxError(cannotRead(file, `line ${empty + 1}, column ${column}: ${EMPTY_CLASS}`));
}

/** {@linkcode ClassFileOptions.columnOption} */
export const COLUMN_OPTION = "--class-column";

/**
 * The columns `row` and of labels of a table such as a run's labels.csv, or −1 and −1.
 * @param names Of the columns. @throws {RangeError} for a column that there is not.
 */
export function columnsOfRun(
  names: readonly string[],
  column: ClassFileOptions["column"],
  file: string,
): readonly [row: number, label: number] {
  const row = names.indexOf("row");
  const isRun = row >= 0 && names.length > 1 && (column !== undefined || names.includes("label"));
  return isRun ? [row, classPlace(column ?? "label", names, names.length, file)] : [-1, -1];
}

/**
 * Which column holds the classes: the one that is asked for, or the only one.
 * @param names Of the columns, where they may have some. @param width How many there are.
 * @throws {RangeError} where there is no such column.
 */
export function placeIn(
  file: string,
  names: readonly string[] | undefined,
  width: number,
  { column, columnOption = COLUMN_OPTION, isBeside = false }: ClassFileOptions,
): number {
  if (column === undefined) return 0;
  const isPlace = typeof column === "number" || column === "first" || column === "last";
  if (width > 1 || names?.[0] === column || (isPlace && !isBeside)) {
    return classPlace(column, names, width, file);
  }
  const problem = isPlace ? "" : `, and that is not called ${JSON.stringify(column)}`;
  throw new RangeError(
    cannotRead(
      file,
      `it has one column${problem}; ${columnOption} is for a column of this file` +
        (isBeside ? ", and without --classes for one of the rows" : ""),
    ),
  );
}

/**
 * Classes of one a line. A first word that no other line has is a name where all other classes have
 * several rows; said where people can say otherwise, and done there alone: elsewhere the number of the
 * rows tells.
 * @param isNamed Absent: looked at. @param option By which people say it, where there is one.
 */
function oneALine(
  cells: string[],
  isNamed: boolean | undefined,
  notes: readonly string[],
  option?: string,
): ClassLines {
  const left = withoutName(cells, isNamed);
  const [first, ...others] = cells;
  const isLookedAt = isNamed === undefined && option !== undefined && left === cells;
  if (!isLookedAt || parseReal(first) !== undefined || others.includes(first)) {
    return { cells: left, notes };
  }
  const counts = new Map<string, number>();
  for (const cell of others) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const line = `its first line, ${quote(first)},`;
  return others.length > 0 && counts.values().every((count) => count > 1)
    ? {
      cells: others,
      notes: [...notes, `${line} is taken for a name; ${option} no takes it for a class`],
    }
    : {
      cells,
      notes: [...notes, `${line} is taken for a class; ${option} yes takes it for a name`],
    };
}

/**
 * Cells below the column's name.
 * @param isNamed Absent: a first cell that is no number above cells that all are is its name.
 */
function withoutName(cells: string[], isNamed?: boolean): string[] {
  const numbers = cells.filter((cell) => parseReal(cell) !== undefined).length;
  const named = isNamed ?? (cells.length > 1 && numbers === cells.length - 1 &&
    parseReal(cells[0]) === undefined);
  return named ? cells.slice(1) : cells;
}

/** Labels of pairs of row and label, in the order of the rows. @throws {RangeError} for a row twice. */
export function inOrder(
  pairs: readonly (readonly [row: string | undefined, label: string | undefined])[],
  file: string,
): Pick<ClassLines, "cells" | "rows"> {
  const labels = new Map<number, string>();
  for (const [text = "", label = ""] of pairs) {
    const row = parseReal(text) ?? NaN;
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
