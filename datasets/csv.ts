/**
 * Tables of numbers as text: cells separated by commas, semicolons, tabs or runs of spaces, one row
 * a line, with or without a line of column names and a column of classes.
 *
 * Blank lines and lines that begin with `#` are skipped. Cells may be quoted, `""` standing for a
 * quote within; a line break within quotes is not supported. Every row must have the columns of the
 * first. Decimal commas, thousands separators and hexadecimal numbers are not numbers here.
 */
import { cannotRead, MAX_ELEMENTS, type NumericArray } from "./array.ts";

/** What separates cells; `" "` stands for runs of spaces and tabs. */
export type Separator = "," | ";" | "\t" | " ";

/** How to read a table. */
export interface TableOptions {
  /** Recognised in the first line where absent: tab, else semicolon, else comma, else spaces. */
  readonly separator?: Separator;
  /**
   * Whether the first line names the columns. Where absent: if its value cells all look like names,
   * that is, none begins as a number does or stands for a missing value (`?`, `NA`, `null`, …).
   */
  readonly header?: boolean;
  /** The column of classes, counted from 0; absent: every column holds values. */
  readonly classColumn?: "first" | "last" | number;
}

/** A table read from text. */
export interface Table {
  /** Values, [rows, columns] without the class column; non-finite cells are kept as they stand. */
  readonly array: NumericArray;
  /** Names of the value columns, if the first line gave them. */
  readonly columns?: readonly string[];
  /** The class column's cells as text, one a row. */
  readonly classes?: readonly string[];
}

const TAB = 9, LINE_FEED = 10, RETURN = 13, SPACE = 32, QUOTE = 34, HASH = 35;
const PLUS = 43, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57;

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(nan|inf|infinity)$/i;

/** What a first line must not hold to be taken for column names: numbers, damaged or missing. */
const NOT_A_NAME = /^(?:[+-]?\.?\d.*|[?.-]+|na|n\/a|nan|null|none|missing|[+-]?inf(?:inity)?)$/i;

/**
 * The value of a cell, or undefined for one that is not a number. `nan`, `inf` and `infinity`, in
 * any case, are numbers.
 */
export function parseReal(text: string): number | undefined {
  if (REAL.test(text)) return Number(text);
  const match = NOT_FINITE.exec(text);
  if (match === null) return undefined;
  if (match[2].toLowerCase() === "nan") return NaN;
  return match[1] === "-" ? -Infinity : Infinity;
}

/** The lines of a file that hold cells, and the cells of one line at a time. */
class Scanner {
  /** Number of the current line in the file, from 1. */
  line = 0;
  /** Cells of the current line: bytes [starts[i], ends[i]), blanks and outer quotes removed. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Number of cells of the current line. */
  count = 0;
  private next: number;
  private separator: number;
  private readonly decoder = new TextDecoder();

  constructor(readonly bytes: Uint8Array, readonly file: string, separator?: Separator) {
    const byteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.next = byteOrderMark ? 3 : 0;
    this.separator = separator?.charCodeAt(0) ?? 0;
  }

  /** Moves to the next line that holds cells and splits it; false at the end of the file. */
  advance(): boolean {
    const { bytes } = this;
    while (this.next < bytes.length) {
      const start = this.next;
      let end = start;
      while (end < bytes.length && bytes[end] !== LINE_FEED && bytes[end] !== RETURN) end++;
      const isPair = bytes[end] === RETURN && bytes[end + 1] === LINE_FEED;
      this.next = end + (isPair ? 2 : 1);
      this.line++;
      let at = start;
      // Where tabs separate, a line of nothing but tabs is a row of empty cells, not a blank line.
      while (at < end && isBlank(bytes[at]) && (bytes[at] === SPACE || this.separator !== TAB)) {
        at++;
      }
      if (at === end || bytes[at] === HASH) continue;
      if (this.separator === 0) this.separator = this.recognise(at, end);
      this.split(start, end);
      return true;
    }
    return false;
  }

  /** The text of cell `i` of the current line. */
  text(i: number): string {
    const text = this.decoder.decode(this.bytes.subarray(this.starts[i], this.ends[i]));
    return text.includes('""') ? text.replaceAll('""', '"') : text;
  }

  /** The value of cell `i`, or undefined. */
  real(i: number): number | undefined {
    const { bytes } = this;
    const end = this.ends[i];
    let at = this.starts[i];
    // At most 15 digits and a power of ten up to 10²²: both exact, so their quotient rounds once.
    const negative = bytes[at] === MINUS;
    if (negative || bytes[at] === PLUS) at++;
    let digits = 0, mantissa = 0, point = -1;
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte >= ZERO && byte <= NINE) {
        mantissa = 10 * mantissa + byte - ZERO;
        digits++;
      } else if (byte === POINT && point < 0) point = at;
      else break;
    }
    if (at < end || digits === 0 || digits > 15) return parseReal(this.text(i));
    const value = point < 0 ? mantissa : mantissa / EXACT_POWERS[end - point - 1];
    return negative ? -value : value;
  }

  private recognise(start: number, end: number): number {
    let quoted = false, comma = false, semicolon = false;
    for (let at = start; at < end; at++) {
      const byte = this.bytes[at];
      if (byte === QUOTE) quoted = !quoted;
      else if (quoted) continue;
      else if (byte === TAB) return TAB;
      else if (byte === ",".charCodeAt(0)) comma = true;
      else if (byte === ";".charCodeAt(0)) semicolon = true;
    }
    return (semicolon ? ";" : comma ? "," : " ").charCodeAt(0);
  }

  private split(start: number, end: number): void {
    const { bytes } = this;
    const separator = this.separator;
    const isPadding = (byte: number) =>
      isBlank(byte) && (separator === SPACE || byte !== separator);
    while (end > start && isPadding(bytes[end - 1])) end--;
    let at = start;
    this.count = 0;
    for (;;) {
      while (at < end && isPadding(bytes[at])) at++;
      let stop: number;
      if (bytes[at] === QUOTE && at < end) {
        const close = this.closingQuote(at + 1, end);
        this.cell(at + 1, close);
        stop = close + 1;
        while (stop < end && isBlank(bytes[stop]) && !isSeparator(bytes[stop], separator)) stop++;
        if (stop < end && !isSeparator(bytes[stop], separator)) {
          this.fail(`text follows the closing quote of column ${this.count - 1}`);
        }
      } else {
        stop = at;
        while (stop < end && !isSeparator(bytes[stop], separator)) stop++;
        let last = stop;
        while (last > at && isBlank(bytes[last - 1])) last--;
        this.cell(at, last);
      }
      if (stop >= end) return;
      at = stop + 1;
    }
  }

  private cell(start: number, end: number): void {
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  private closingQuote(at: number, end: number): number {
    for (; at < end; at++) {
      if (this.bytes[at] !== QUOTE) continue;
      if (this.bytes[at + 1] !== QUOTE || at + 1 >= end) return at;
      at++;
    }
    return this.fail("a quote is not closed on its line");
  }

  private fail(problem: string): never {
    throw new SyntaxError(cannotRead(this.file, `line ${this.line}: ${problem}`));
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isSeparator(byte: number, separator: number): boolean {
  return separator === SPACE ? isBlank(byte) : byte === separator;
}

/** A cell for a message: quoted, and not longer than a line bears. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/**
 * Reads a table.
 * @param bytes The whole file, UTF-8.
 * @param file Its name, for messages.
 * @returns Values as float32, [rows, columns].
 * @throws {SyntaxError} for an empty file, a binary one, a row of another length than the first, or
 * a cell that is not a number, at a line, counted from 1, and a column, counted from 0.
 * @throws {RangeError} for a class column that does not exist, or more values than fit.
 */
export function parseTable(bytes: Uint8Array, file: string, options: TableOptions = {}): Table {
  if (bytes.includes(0)) {
    throw new SyntaxError(cannotRead(file, "it is neither text nor of a known binary format"));
  }
  const scanner = new Scanner(bytes, file, options.separator);
  if (!scanner.advance()) {
    throw new SyntaxError(
      cannotRead(file, bytes.length === 0 ? "the file is empty" : "it holds no rows"),
    );
  }
  const width = scanner.count;
  const firstLine = scanner.line;
  const classAt = classIndex(options.classColumn, width, file);
  const columns = width - (classAt < 0 ? 0 : 1);
  const names = headerOf(scanner, classAt, options.header);
  if (names !== undefined && !scanner.advance()) {
    throw new SyntaxError(cannotRead(file, "it holds column names and no rows"));
  }
  const room = columns * (1 + linesAfter(bytes, scanner.starts[0]));
  if (room > MAX_ELEMENTS) {
    throw new RangeError(
      cannotRead(file, `some ${room} values are too many, at most ${MAX_ELEMENTS} fit`),
    );
  }
  const values = new Float32Array(room);
  const classes: string[] = [];
  let rows = 0, filled = 0;
  do {
    if (scanner.count !== width) {
      throw new SyntaxError(
        cannotRead(
          file,
          `line ${scanner.line} has ${scanner.count} columns, expected ${width} as on line ${firstLine}`,
        ),
      );
    }
    for (let column = 0; column < width; column++) {
      if (column === classAt) {
        classes.push(classCell(scanner, column));
        continue;
      }
      const value = scanner.real(column);
      if (value === undefined) throw notANumber(scanner, column);
      values[filled++] = value;
    }
    rows++;
  } while (scanner.advance());
  return {
    array: { type: "text", shape: [rows, columns], values: values.subarray(0, filled) },
    ...(names === undefined ? {} : { columns: names }),
    ...(classAt < 0 ? {} : { classes }),
  };
}

function notANumber(scanner: Scanner, column: number): SyntaxError {
  const text = scanner.text(column);
  const what = text === "" ? "the cell is empty" : `${quote(text)} is not a number`;
  return new SyntaxError(
    cannotRead(scanner.file, `line ${scanner.line}, column ${column}: ${what}`),
  );
}

function classCell(scanner: Scanner, column: number): string {
  const text = scanner.text(column);
  if (text !== "") return text;
  throw new SyntaxError(
    cannotRead(scanner.file, `line ${scanner.line}, column ${column}: the class is empty`),
  );
}

function classIndex(
  column: TableOptions["classColumn"],
  width: number,
  file: string,
): number {
  if (column === undefined) return -1;
  const index = column === "first" ? 0 : column === "last" ? width - 1 : column;
  if (!Number.isInteger(index) || index < 0 || index >= width) {
    throw new RangeError(
      cannotRead(file, `there is no class column ${column}, the columns are 0 to ${width - 1}`),
    );
  }
  if (width === 1) {
    throw new RangeError(
      cannotRead(file, "its only column is the class column, no values are left"),
    );
  }
  return index;
}

/** Names of the value columns if the current line is a header, else undefined. */
function headerOf(scanner: Scanner, classAt: number, header?: boolean): string[] | undefined {
  const values = Array.from({ length: scanner.count }, (_, i) => i).filter((i) => i !== classAt);
  const cells = values.map((i) => scanner.text(i));
  const isHeader = header ??
    (cells.some((cell) => cell !== "") && !cells.some((cell) => NOT_A_NAME.test(cell)));
  return isHeader ? cells : undefined;
}

function linesAfter(bytes: Uint8Array, start: number): number {
  let lines = 0;
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === LINE_FEED || (bytes[at] === RETURN && bytes[at + 1] !== LINE_FEED)) lines++;
  }
  return lines;
}

/**
 * The cells of a file of one class a line. A first line that is no number above lines that all are
 * is taken for the column's name.
 * @throws {SyntaxError} for an empty or binary file, or a line of several columns.
 */
export function parseClassLines(bytes: Uint8Array, file: string): string[] {
  if (bytes.includes(0)) {
    throw new SyntaxError(cannotRead(file, "it is neither text nor of a known binary format"));
  }
  const scanner = new Scanner(bytes, file);
  const classes: string[] = [];
  while (scanner.advance()) {
    if (scanner.count !== 1) {
      throw new SyntaxError(
        cannotRead(
          file,
          `line ${scanner.line} has ${scanner.count} columns, expected one class a line`,
        ),
      );
    }
    classes.push(classCell(scanner, 0));
  }
  if (classes.length === 0) throw new SyntaxError(cannotRead(file, "it holds no classes"));
  const numbers = classes.filter((cell) => parseReal(cell) !== undefined).length;
  const named = classes.length > 1 && numbers === classes.length - 1 &&
    parseReal(classes[0]) === undefined;
  return named ? classes.slice(1) : classes;
}
