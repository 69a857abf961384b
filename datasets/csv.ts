/**
 * Tables as text: cells separated by commas, semicolons, tabs or runs of spaces, one row a line, with
 * or without a line of column names, a column of classes, columns of text and missing values.
 *
 * Blank lines, and lines above the table that begin with `#`, are skipped. Cells may be quoted, `""`
 * standing for a quote within, and line breaks for themselves. Every row must have the columns of the
 * first. Thousands separators and hexadecimal numbers are not numbers here.
 */
import { cannotRead, MAX_ELEMENTS, type NumericArray } from "./array.ts";
import { Categories } from "./categories.ts";
import {
  ACCEPT_MISSING,
  areNamed,
  asTextOrNot,
  classIndex,
  type ColumnKind,
  type ColumnOptions,
  isHeader,
  mayBeHeader,
  MISSING,
  notesOnNumbers,
  planColumns,
} from "./columns.ts";
import { linesAfter, type Notation, parseReal, Scanner } from "./csv_scanner.ts";
import { textOf } from "./text_encoding.ts";

/** How to read a table. */
export interface TableOptions extends Notation, ColumnOptions {
  /**
   * Whether the first line names the columns. Where absent: if none of its value cells is a number or
   * stands for a missing value (`?`, `NA`, `null`, …), if they count the columns from 0, or if the
   * class column begins with a word above numbers.
   */
  readonly header?: boolean;
  /** What the text is in, as `TextDecoder` calls it; absent: UTF-8 or UTF-16, else Windows-1252. */
  readonly encoding?: string;
  /** Whether missing values become NaN; absent: they are refused. */
  readonly missing?: boolean;
  /** Columns of the rows that a model was trained on: the same are read, in the same order. */
  readonly trained?: readonly ColumnKind[];
}

/** A table read from text. */
export interface Table {
  /**
   * Values, [rows, columns] in float64: numbers, or the number of a cell's category, NaN where one is
   * missing. Non-finite cells are kept as they stand.
   */
  readonly array: NumericArray;
  /** Names of the value columns, if the first line gave them. */
  readonly columns?: readonly string[];
  /** What the value columns hold. */
  readonly kinds: readonly ColumnKind[];
  /** The class column's cells as text, one a row. */
  readonly classes?: readonly string[];
  /** The id column's cells as text, one a row. */
  readonly ids?: readonly string[];
  /** What was supposed and may be wrong, for people. */
  readonly notes: readonly string[];
}

/** A cell for a message: quoted, and not longer than a line bears. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function cellsOf(scanner: Scanner): string[] {
  return Array.from({ length: scanner.count }, (_, i) => scanner.text(i));
}

/** Names, told apart as pandas does: the second `x` is `x.1`. */
function distinct(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let count = 1;
    while (taken.has(`${name}.${count}`)) count++;
    taken.add(`${name}.${count}`);
    return `${name}.${count}`;
  });
}

/**
 * Reads a table.
 * @param bytes The whole file.
 * @param file Its name, for messages.
 * @throws {SyntaxError} for an empty file, a binary one, a row of another length than the first, or
 * a cell that is not a number; the message names the line, counted from 1, and the column, from 0.
 * @throws {RangeError} for a column that does not exist, or more values than fit.
 */
export function parseTable(bytes: Uint8Array, file: string, options: TableOptions = {}): Table {
  const { utf8: text, notes } = textOf(bytes, file, options.encoding);
  const head = new Scanner(text, file, options);
  if (!head.advance()) {
    const isComment = head.comments.length > 0;
    const nothing = `it holds no rows${isComment ? ", all its lines begin with #" : ""}`;
    throw new SyntaxError(cannotRead(file, bytes.length === 0 ? "the file is empty" : nothing));
  }
  const first = cellsOf(head);
  const width = first.length;
  const [firstLine, start] = [head.line, head.starts[0]];
  const areNames = options.header ?? (areNamed(options, first) || undefined);
  const classAt = classIndex(options, areNames === false ? undefined : first, width, file);
  const second = head.advance() ? cellsOf(head) : undefined;
  const header = areNames ?? isHeader(first, second, classAt);
  if (header && second === undefined) {
    throw new SyntaxError(cannotRead(file, "it holds column names and no rows"));
  }
  const names = header ? distinct(first) : undefined;
  const { fates, order } = planColumns(options, names, width, classAt, file, options.trained);
  const columns = order.length;
  const room = columns * (1 + linesAfter(text, start));
  if (room > MAX_ELEMENTS) {
    throw new RangeError(
      cannotRead(file, `some ${room} values are too many, at most ${MAX_ELEMENTS} fit`),
    );
  }
  const values = new Float64Array(room);
  const slots = Int32Array.from({ length: width }, (_, i) => order.indexOf(i));
  const categories = order.map((column, slot) =>
    fates[column] === "text" ? new Categories(options.trained?.[slot].categories) : undefined
  );
  const classes: string[] = [];
  const ids: string[] = [];
  const scanner = new Scanner(text, file, options);
  scanner.advance();
  if (header) scanner.advance();
  let rows = 0;
  do {
    if (scanner.count !== width) {
      throw new SyntaxError(
        cannotRead(
          file,
          `line ${scanner.line} has ${scanner.count} columns, expected ${width} as on line ${firstLine}` +
            scanner.separatorHint,
        ),
      );
    }
    const base = rows * columns;
    for (let column = 0; column < width; column++) {
      const slot = slots[column];
      if (slot >= 0) {
        const value = categories[slot] === undefined
          ? scanner.real(column)
          : categories[slot].numberOf(scanner.text(column));
        values[base + slot] = value === undefined
          ? missingOr(scanner, column, names, options, {
            isCategory: categories[slot] !== undefined,
            mayBeName: scanner.line === firstLine && options.header === undefined,
          })
          : value;
      } else if (fates[column] === "class") classes.push(classCell(scanner, column, names));
      else if (fates[column] === "id") ids.push(scanner.text(column));
    }
    rows++;
  } while (scanner.advance());
  return {
    array: {
      type: "text",
      shape: [rows, columns],
      values: values.subarray(0, rows * columns),
    },
    ...(names === undefined ? {} : { columns: order.map((i) => names[i]) }),
    kinds: order.map((i, slot) => ({
      ...(names === undefined ? {} : { name: names[i] }),
      ...(i === slot ? {} : { number: i }),
      ...(categories[slot] === undefined ? {} : { categories: categories[slot].cells() }),
    })),
    ...(classAt < 0 ? {} : { classes }),
    ...(ids.length === 0 ? {} : { ids }),
    notes: [
      ...notes,
      ...notesOnComments(text, head.comments),
      ...renamed(first, names, order),
      ...notesOnNumbers(options, names),
      ...areNames === undefined ? notesOnHeader(first, second, names, classAt) : [],
      ...names === undefined && options.trained?.some(({ name }) => name !== undefined)
        ? ["the table has no column names: its columns are taken in the order of the training's"]
        : [],
    ],
  };
}

/** What may be wrong about leaving out lines above the table. @param comments Where they lie. */
function notesOnComments(
  bytes: Uint8Array,
  comments: readonly (readonly [start: number, end: number])[],
): string[] {
  if (comments.length === 0) return [];
  const [first] = comments.map(([start, end]) =>
    quote(new TextDecoder().decode(bytes.subarray(start, end)))
  );
  return [
    comments.length === 1
      ? `its first line, ${first}, begins with # and is left out`
      : `${comments.length} lines above the table begin with # and are left out, the first is ${first}`,
  ];
}

/** Which of the columns that are read have another name than the first line gives them. */
function renamed(
  first: readonly string[],
  names: readonly string[] | undefined,
  order: readonly number[],
): string[] {
  const others = order.filter((i) => names !== undefined && names[i] !== first[i]);
  if (names === undefined || others.length === 0) return [];
  const some = others.slice(0, 3).map((i) => `column ${i} is ${names[i]}`).join(", ");
  const rest = others.length > 3 ? ", …" : "";
  return [`several columns are called ${quote(first[others[0]])}: ${some}${rest}`];
}

/** What may be wrong about taking the first line for names, or for a row. */
function notesOnHeader(
  first: readonly string[],
  second: readonly string[] | undefined,
  names: readonly string[] | undefined,
  classAt: number,
): string[] {
  const line = `its first line, ${quote(first.join(","))},`;
  if (names?.some((name) => parseReal(name) !== undefined)) {
    return [`${line} is taken for names; --header no reads it as a row`];
  }
  if (names !== undefined || second === undefined || !mayBeHeader(first, second, classAt)) {
    return [];
  }
  return [`${line} is read as a row; --header yes takes it for names`];
}

/** Where a cell is, for a message. */
function placeOf({ line }: Scanner, column: number, names: readonly string[] | undefined): string {
  const name = names?.[column] ? ` (${names[column]})` : "";
  return `line ${line}, column ${column}${name}`;
}

/** NaN for a missing value where those are accepted. @throws {SyntaxError} for another cell. */
function missingOr(
  scanner: Scanner,
  column: number,
  names: readonly string[] | undefined,
  { missing, decimal, trained }: TableOptions,
  { isCategory, mayBeName }: { readonly isCategory: boolean; readonly mayBeName: boolean },
): number {
  const text = scanner.text(column);
  if (MISSING.test(text) && missing) return NaN;
  const fault = text === "" ? "the cell is empty" : `${quote(text)} is not a number`;
  const what = isCategory && text !== "" ? `${quote(text)} is no category of the training` : fault;
  const header = mayBeName ? "; --header yes takes the line for names" : "";
  const remedy = decimal !== "," && /^[+-]?\d+,\d+$/.test(text)
    ? commaRemedy(text)
    // Of rows for a trained model, the training has decided.
    : trained !== undefined
    ? ""
    : MISSING.test(text)
    ? ACCEPT_MISSING
    : asTextOrNot(column);
  throw new SyntaxError(
    cannotRead(scanner.file, `${placeOf(scanner, column, names)}: ${what}${header}${remedy}`),
  );
}

/** What can be done about a comma in a number. */
function commaRemedy(text: string): string {
  return /^[+-]?[1-9]\d{0,2},\d{3}$/.test(text)
    ? "; thousands separators are not read, and --decimal , takes the comma for a decimal one"
    : "; --decimal , reads decimal commas";
}

function classCell(scanner: Scanner, column: number, names?: readonly string[]): string {
  const text = scanner.text(column);
  if (text !== "") return text;
  throw new SyntaxError(
    cannotRead(scanner.file, `${placeOf(scanner, column, names)}: the class is empty`),
  );
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
  column?: ColumnOptions["classColumn"],
): ClassLines {
  const scanner = new Scanner(textOf(bytes, file).utf8, file);
  const lines: string[][] = [];
  while (scanner.advance()) lines.push(cellsOf(scanner));
  if (lines.length === 0) throw new SyntaxError(cannotRead(file, "it holds no classes"));
  const [first] = lines;
  const rowAt = first.indexOf("row");
  if (rowAt >= 0 && first.length > 1 && (column !== undefined || first.includes("label"))) {
    const labelAt = classIndex({ classColumn: column ?? "label" }, first, first.length, file);
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
          "--class-column takes a column of a table (evaluate: --truth-column, --labels-column)",
      ),
    );
  }
  const at = width === 1
    ? 0
    : classIndex({ ...column !== undefined && { classColumn: column } }, first, width, file);
  const cells = lines.map((line) => line[at]);
  if (typeof column === "string" && column === cells[0]) return { cells: cells.slice(1) };
  const empty = cells.indexOf("");
  if (empty >= 0) {
    throw new SyntaxError(cannotRead(file, `line ${empty + 1}, column ${at}: the class is empty`));
  }
  const hasNames = width > 1 && isHeader(lines[0], lines[1], at);
  return { cells: hasNames ? cells.slice(1) : withoutName(cells) };
}

/** A first cell that is no number above cells that all are is taken for the column's name. */
function withoutName(cells: string[]): string[] {
  const numbers = cells.filter((cell) => parseReal(cell) !== undefined).length;
  const named = cells.length > 1 && numbers === cells.length - 1 &&
    parseReal(cells[0]) === undefined;
  return named ? cells.slice(1) : cells;
}

/** Labels of pairs of row and label, in the order of the rows. @throws {RangeError} for a row twice. */
function inOrder(lines: readonly (readonly string[])[], file: string): ClassLines {
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
