/** Whether the first line of a table names its columns. */
import { type ColumnOptions, MISSING, namedColumns } from "./columns.ts";
import { parseReal, quote } from "./csv_scanner.ts";

/** What no column is called: numbers (also with decimal commas), and missing values. */
const isValue = (cell: string) =>
  parseReal(cell) !== undefined || /^[+-]?\d+,\d*$/.test(cell) ||
  (cell !== "" && MISSING.test(cell));

/** Whether a cell is a number, and not written as a whole one. */
function isFraction(cell: string): boolean {
  return parseReal(cell) !== undefined && !/^[+-]?\d+$/.test(cell);
}

/**
 * Whether a first line names columns: where no cell of values is a number, where the numbers count
 * the columns (pandas without names), or where the class is a word above numbers.
 * @param second The line below. @param classAt The class column, or −1.
 */
export function isHeader(
  first: readonly string[],
  second: readonly string[] | undefined,
  classAt: number,
): boolean {
  const cells = first.filter((_, i) => i !== classAt);
  if (cells.some((cell) => cell !== "") && !cells.some(isValue)) return true;
  const named = cells.filter((cell) => cell !== "");
  if (second === undefined) return false;
  const counts = named.length >= cells.length - 1 && named.every((cell, i) => cell === String(i));
  if (counts && (named.length > 2 || (named.length === 2 && second.some(isFraction)))) return true;
  return classAt >= 0 && parseReal(first[classAt]) === undefined &&
    parseReal(second[classAt]) !== undefined && named.every((cell) => /^\d+$/.test(cell));
}

/**
 * Whether a first line of numbers may name columns after all: whole numbers that count from 0, in equal
 * steps, as years are, or above fractions.
 */
function mayBeHeader(
  first: readonly string[],
  second: readonly string[],
  classAt: number,
): boolean {
  const values = (cells: readonly string[]) => cells.filter((_, i) => i !== classAt);
  const cells = values(first);
  if (cells.every((cell, i) => cell === String(i))) return true;
  if (cells.length < 2 || !cells.every((cell) => /^[+-]?\d+$/.test(cell))) return false;
  if (values(second).every((cell) => isFraction(cell))) return true;
  const step = Number(cells[1]) - Number(cells[0]);
  return step !== 0 && cells.length > 3 &&
    cells.every((cell, i) => Number(cell) === Number(cells[0]) + i * step);
}

/**
 * Whether the first column holds the rows' names, above which a first line of names has no cell: so
 * R writes tables, and so R and pandas read them.
 */
export function hasRowNames(first: readonly string[], second: readonly string[]): boolean {
  return second.length === first.length + 1 && !first.some(isValue) && second[0].trim() !== "" &&
    !isFraction(second[0]) && second.at(-1) !== "";
}

/** Whether a column is meant by a name that the first line gives it. */
export function areNamed(options: ColumnOptions, first: readonly string[]): boolean {
  return namedColumns(options).some((column) =>
    typeof column === "string" && first.includes(column)
  );
}

/**
 * What may be wrong about taking the first line for names, or for a row, where nobody said which it is.
 * @param isHeader What it was taken for. @param option By which people say it, where there is one.
 */
export function notesOnHeader(
  first: readonly string[],
  second: readonly string[] | undefined,
  isHeader: boolean,
  classAt: number,
  option = "--header",
): string[] {
  const line = `its first line, ${quote(first.join(","))},`;
  if (!isHeader) {
    return second !== undefined && mayBeHeader(first, second, classAt)
      ? [`${line} is read as a row; ${option} yes takes it for names`]
      : [];
  }
  // Where there are no numbers, it looks like all other lines.
  const isOfNumbers = first.some((name) => parseReal(name) !== undefined);
  const isLikeOthers = !second?.some((cell, i) => i !== classAt && isValue(cell));
  return isOfNumbers || isLikeOthers
    ? [`${line} is taken for names; ${option} no reads it as a row`]
    : [];
}
