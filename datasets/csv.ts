/**
 * Tables as text: cells separated by commas, semicolons, tabs or runs of spaces, one row a line, with
 * or without a line of column names, a column of classes, columns of text and missing values.
 *
 * Blank lines, and lines above the table that begin with `#`, are skipped. Cells may be quoted, `""`
 * standing for a quote within, and line breaks for themselves. Every row must have the columns of the
 * first, but that a line of names may lack the first one, above the names of the rows. Thousands
 * separators and hexadecimal numbers are not numbers here.
 */
import { cannotRead, MAX_ELEMENTS, type NumericArray } from "./array.ts";
import { Categories } from "./categories.ts";
import { EMPTY_CLASS } from "./classes.ts";
import {
  ACCEPT_MISSING,
  asTextOrNot,
  classIndex,
  type ColumnKind,
  type ColumnOptions,
  MISSING,
  namedColumns,
  notesOnNumbers,
  planColumns,
} from "./columns.ts";
import { linesAfter, type Notation, quote, Scanner } from "./csv_scanner.ts";
import { areNamed, hasRowNames, isHeader, notesOnHeader } from "./header.ts";
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
  /** How those rows were written down: holds of a table of text where nothing else is said. */
  readonly remembered?: WrittenDown;
}

/** How a table of text is written down. */
export type WrittenDown = Pick<TableOptions, "header" | "separator" | "decimal" | "encoding">;

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

/** Whether a first line has all names of the columns that a model was trained on. */
function areTrained({ trained = [] }: TableOptions, first: readonly string[]): boolean {
  return trained.length > 0 &&
    trained.every(({ name }) => name !== undefined && first.includes(name));
}

/**
 * Reads a table.
 * @param bytes The whole file.
 * @param file Its name, for messages.
 * @throws {SyntaxError} for an empty file, a binary one, a row of another length than the first, or
 * a cell that is not a number; the message names the line, counted from 1, and the column, from 0.
 * @throws {RangeError} for a column that does not exist, or more values than fit.
 */
export function parseTable(bytes: Uint8Array, file: string, asked: TableOptions = {}): Table {
  let options: TableOptions = { ...asked.remembered, ...asked };
  const { utf8: text, notes } = textOf(bytes, file, options.encoding);
  const head = new Scanner(text, file, options);
  if (!head.advance()) {
    const isComment = head.comments.length > 0;
    const nothing = `it holds no rows${isComment ? ", all its lines begin with #" : ""}`;
    throw new SyntaxError(cannotRead(file, bytes.length === 0 ? "the file is empty" : nothing));
  }
  const [firstLine, start] = [head.line, head.starts[0]];
  let first = head.cells();
  const second = head.advance() ? head.cells() : undefined;
  const rowsNamed = options.header !== false && second !== undefined && hasRowNames(first, second);
  if (rowsNamed) {
    first = ["", ...first];
    options = leaveRowNames(options);
  }
  const width = first.length;
  const isKnown = areNamed(options, first) || areTrained(options, distinct(first));
  const areNames = options.header ?? (isKnown || undefined);
  const firstNames = areNames === false ? undefined : first;
  const classAt = classIndex(options, firstNames, width, file, head.separatorHint);
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
          `line ${scanner.line} has ${scanner.count} columns, expected ${width} as on line ${
            rowsNamed ? head.line : firstLine
          }` + scanner.separatorHint,
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
            mayBeName: scanner.line === firstLine,
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
      ...rowsNamed
        ? ["its first line has a cell fewer than the next: column 0 is taken for names of the rows"]
        : [],
      ...notesOnNumbers(options, names),
      ...areNames === undefined ? notesOnHeader(first, second, header, classAt) : [],
      ...names === undefined && options.trained?.some(({ name }) => name !== undefined)
        ? ["the table has no column names: its columns are taken in the order of the training's"]
        : [],
    ],
  };
}

/** Takes the first column for names of the rows, unless it is said to be something else. */
function leaveRowNames(options: TableOptions): TableOptions {
  const { idColumn, classColumn, ignore = [] } = options;
  if (classColumn === "first" || namedColumns(options).includes(0)) return options;
  return idColumn === undefined
    ? { ...options, idColumn: 0 }
    : { ...options, ignore: [...ignore, 0] };
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
    cannotRead(scanner.file, `${placeOf(scanner, column, names)}: ${EMPTY_CLASS}`),
  );
}
