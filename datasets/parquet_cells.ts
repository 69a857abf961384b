/** Cells of Parquet tables as numbers and text. */
import { cannotRead } from "./array.ts";
import type { Categories } from "./categories.ts";
import { ACCEPT_MISSING, asTextOrNot, MISSING } from "./columns.ts";
import type { TableOptions } from "./csv.ts";

/** Where a column of values comes from. */
export interface Slot {
  /** As the schema stores it. */
  readonly name: string;
  /** Of the file. */
  readonly column: number;
  /** Of its lists: which element, and of how many. */
  readonly element?: number;
  /** See `element`. */
  readonly length?: number;
}

/** Cells as numbers and text. */
export class CellReader {
  /** @param names Of the columns. @param options Whether values may be missing, and what decided. */
  constructor(
    private readonly file: string,
    private readonly names: readonly string[],
    private readonly options: TableOptions,
  ) {}

  /** What a slot takes of a cell: an element of a list, all lists as long as the first, or all. */
  element(cell: unknown, { element, length }: Slot, row: number, column: number): unknown {
    if (cell === undefined) this.outside(row, column);
    if (element === undefined || cell === null) return cell;
    if (Array.isArray(cell) && cell.length === length) return cell[element];
    const found = Array.isArray(cell) ? `a list of ${cell.length} values` : describe(cell);
    return this.fail(row, column, `${found}, expected a list of ${length} as the first is`);
  }

  /** The value of a cell; NaN for one that is missing, where that is accepted. */
  number(cell: unknown, row: number, column: number): number {
    if (cell === undefined) this.outside(row, column);
    if (typeof cell === "number") return cell;
    if (typeof cell === "boolean") return cell ? 1 : 0;
    if (typeof cell === "bigint") {
      const value = Number(cell);
      if (Number.isSafeInteger(value)) return value;
      return this.fail(row, column, `${cell} is past ±(2⁵³ − 1), up to which integers are exact`);
    }
    if (cell === null) return this.missing(row, column);
    return this.fail(row, column, `${describe(cell)} is not a number`, asTextOrNot(column));
  }

  /** The number of a cell's category. */
  category(cell: unknown, categories: Categories, row: number, column: number): number {
    if (cell === null || cell === "") return this.missing(row, column);
    const text = this.text(cell, row, column, "category");
    if (MISSING.test(text)) return this.missing(row, column);
    const number = categories.numberOf(text);
    if (number !== undefined) return number;
    return this.fail(row, column, `${describe(text)} is no category of the training`);
  }

  /** A cell as text. */
  text(cell: unknown, row: number, column: number, what: string): string {
    if (cell === undefined) this.outside(row, column);
    if (cell === null || cell === "") {
      return this.fail(row, column, `the ${what} is empty`);
    }
    if (cell instanceof Date) return cell.toISOString();
    if (typeof cell !== "object") return String(cell);
    return this.fail(row, column, `${describe(cell)} is no ${what}`);
  }

  /** What a row is called; empty where it has no name. */
  id(cell: unknown, row: number, column: number): string {
    return cell === null || cell === "" ? "" : this.text(cell, row, column, "name");
  }

  /** A missing value is null; there is none where a number leads out of the dictionary. */
  private outside(row: number, column: number): never {
    return this.fail(row, column, "the dictionary of the column has no such value");
  }

  private missing(row: number, column: number): number {
    if (this.options.missing) return NaN;
    return this.fail(row, column, "the value is missing", ACCEPT_MISSING);
  }

  /** @param remedy Said where a training has not decided already. */
  private fail(row: number, column: number, problem: string, remedy = ""): never {
    const help = this.options.trained === undefined ? remedy : "";
    const place = `row ${row}, column ${column} (${this.names[column]})`;
    throw new SyntaxError(cannotRead(this.file, `${place}: ${problem}${help}`));
  }
}

function describe(cell: unknown): string {
  if (Array.isArray(cell)) return "a list";
  if (cell instanceof Date) return `the time ${cell.toISOString()}`;
  if (typeof cell === "object") return "a structure";
  const text = String(cell);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
