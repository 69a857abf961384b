/**
 * Parquet tables, by hyparquet, which is loaded when one is met. Numbers, booleans and decimals are
 * values; a column of lists of one length is as many columns, `NAME.0`, `NAME.1`, …; strings are
 * classes, names of rows or categories. Row groups are decoded one at a time.
 */
import type { ConvertedType, DecodedArray, ParquetScan, SchemaTree } from "hyparquet";
import { cannotRead, MAX_ELEMENTS } from "./array.ts";
import { Categories } from "./categories.ts";
import {
  type ClassFileOptions,
  type ClassLines,
  COLUMN_OPTION,
  columnsOfRun,
  inOrder,
  placeIn,
} from "./class_lines.ts";
import { classIndex, notesOnNumbers, planColumns } from "./columns.ts";
import type { Table, TableOptions } from "./csv.ts";
import { CellReader, type Slot } from "./parquet_cells.ts";
import { expanders } from "./parquet_expanders.ts";
import { CheckedPages, type Chunk } from "./parquet_pages.ts";
import { type Fields, ThriftReader } from "./thrift.ts";

/** Whether the bytes begin as a Parquet file does. */
export function isParquet(bytes: Uint8Array): boolean {
  return [0x50, 0x41, 0x52, 0x31].every((byte, i) => bytes[i] === byte);
}

/** A file with what its footer says. */
interface Opened {
  readonly scan: ParquetScan;
  /** Names of the columns. */
  readonly names: readonly string[];
  /** Columns of lists. */
  readonly lists: readonly number[];
  readonly rows: number;
  /** Decodes a column of a row group, once its pages are checked. */
  readColumn(column: number, group: number): Promise<DecodedArray>;
}

/**
 * Reads a table.
 * @param bytes The whole file. @param file Its name, for messages.
 * @param options Which columns are what; how text is written down does not matter.
 * @throws {SyntaxError} for a damaged file, and for a value that is no number; the message names row
 * and column, from 0. @throws {RangeError} as of a table of text.
 */
export async function parseParquet(
  bytes: Uint8Array,
  file: string,
  options: TableOptions = {},
): Promise<Table> {
  return await inOurWords(file, async () => {
    const opened = await open(bytes, file);
    const { slots, categories, classAt, idAt } = await layoutOf(opened, file, options);
    const width = slots.length;
    const cells = new CellReader(file, opened.names, options);
    const classes: string[] = [];
    const ids: string[] = [];
    const groups: Float64Array[] = [];
    const needed = [...new Set([...slots.map(({ column }) => column), classAt, idAt])];
    for await (const { first, count, columns } of rowGroups(opened, needed, file)) {
      const values = new Float64Array(count * width);
      slots.forEach((slot, j) => {
        const { column } = slot;
        const data = columns.get(column)!;
        const found = categories[j];
        for (let i = 0; i < count; i++) {
          const row = first + i;
          const cell = cells.element(data[i], slot, row, column);
          values[i * width + j] = found === undefined
            ? cells.number(cell, row, column)
            : cells.category(cell, found, row, column);
        }
      });
      groups.push(values);
      for (let i = 0; i < count; i++) {
        const row = first + i;
        if (classAt >= 0) {
          classes.push(cells.text(columns.get(classAt)![i], row, classAt, "class"));
        }
        if (idAt >= 0) ids.push(cells.id(columns.get(idAt)![i], row, idAt));
      }
    }
    return {
      array: { type: "parquet", shape: [opened.rows, width], values: joined(groups) },
      columns: slots.map(({ name }) => name),
      kinds: slots.map(({ name, column }, j) => ({
        name,
        ...(column === j ? {} : { number: column }),
        ...(categories[j] === undefined ? {} : { categories: categories[j].cells() }),
      })),
      ...(classAt < 0 ? {} : { classes }),
      ...(idAt < 0 ? {} : { ids }),
      notes: notesOnNumbers(options, opened.names),
    };
  });
}

/** What becomes of the columns. */
interface Layout {
  /** Of values, in the order wanted. */
  readonly slots: readonly Slot[];
  /** Of the slots that hold text. */
  readonly categories: readonly (Categories | undefined)[];
  /** Of the file, or −1. */
  readonly classAt: number;
  /** Of the file, or −1. */
  readonly idAt: number;
}

async function layoutOf(opened: Opened, file: string, options: TableOptions): Promise<Layout> {
  const { names, rows } = opened;
  const { trained, ...columnOptions } = options;
  const classAt = classIndex(columnOptions, names, names.length, file);
  const { fates, order: kept } = planColumns(columnOptions, names, names.length, classAt, file);
  const found = await slotsOf(opened, kept);
  const slotNames = found.map(({ name }) => name);
  const { order } = planColumns({}, slotNames, found.length, -1, file, trained);
  const slots = order.map((i) => found[i]);
  const values = rows * slots.length;
  if (values > MAX_ELEMENTS) {
    throw new RangeError(
      cannotRead(file, `${values} values are too many, at most ${MAX_ELEMENTS} fit`),
    );
  }
  const categories = slots.map(({ column }, j) => {
    const isText = trained ? trained[j].categories !== undefined : fates[column] === "text";
    return isText ? new Categories(trained?.[j].categories) : undefined;
  });
  return { slots, categories, classAt, idAt: fates.indexOf("id") };
}

function joined(groups: readonly Float64Array[]): Float64Array {
  const values = new Float64Array(groups.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const group of groups) {
    values.set(group, at);
    at += group.length;
  }
  return values;
}

/**
 * The cells of one column as text, as classes: of the column that is asked for, or of the only one. A
 * table with a column `row`, as `predict` writes it, is put in the order of its rows.
 * @throws as {@linkcode parseParquet}
 */
export async function parseParquetClasses(
  bytes: Uint8Array,
  file: string,
  options: ClassFileOptions = {},
): Promise<Pick<ClassLines, "cells" | "rows">> {
  return await inOurWords(file, async () => {
    const opened = await open(bytes, file);
    const { names } = opened;
    const [rowAt, labelAt] = columnsOfRun(names, options.column, file);
    if (rowAt < 0 && names.length > 1 && options.column === undefined) {
      throw new SyntaxError(
        cannotRead(
          file,
          `it has the columns ${names.join(", ")}; ${
            options.columnOption ?? COLUMN_OPTION
          } takes one`,
        ),
      );
    }
    const at = rowAt < 0 ? placeIn(file, names, names.length, options) : labelAt;
    const reader = new CellReader(file, names, {});
    const cells: string[] = [];
    const rows: string[] = [];
    for await (const { first, count, columns } of rowGroups(opened, [at, rowAt], file)) {
      const textOf = (column: number, i: number, what: string) =>
        reader.text(columns.get(column)![i], first + i, column, what);
      for (let i = 0; i < count; i++) {
        cells.push(textOf(at, i, "class"));
        if (rowAt >= 0) rows.push(textOf(rowAt, i, "row"));
      }
    }
    return rowAt < 0 ? { cells } : inOrder(cells.map((cell, i) => [rows[i], cell]), file);
  });
}

/**
 * Goes through the footer, whose lengths and numbers of children hyparquet believes: negative ones lead it
 * back to where it has been, for ever.
 * @throws {Error} where the footer is no structure, or its schema no tree.
 */
function checkFooter(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - 8;
  const start = end < 4 ? 0 : end - view.getUint32(end, true);
  if (start < 4) throw new Error("the file ends before its footer");
  const schema = new ThriftReader(bytes.subarray(0, end), start).struct().get(2);
  if (!Array.isArray(schema)) throw new Error("the footer has no schema");
  /** Elements that are still to come, of those that were begun. */
  let open = 1;
  for (const element of schema as readonly Fields[]) {
    const children = element.get(5) ?? 0;
    if (typeof children !== "number" || children < 0 || open === 0) {
      throw new Error("the schema is no tree");
    }
    open += children - 1;
  }
  if (open !== 0) throw new Error("the schema is no tree");
}

/** Reads the footer. */
async function open(bytes: Uint8Array, file: string): Promise<Opened> {
  checkFooter(bytes);
  const [{ parquetScan, parquetSchema }, expanderOf] = await Promise.all([
    import("hyparquet"),
    expanders(),
  ]);
  /** Of the column that is being decoded. */
  let pages: CheckedPages | undefined;
  const checked = Object.entries(expanderOf).map(([name, expand]) => [
    name,
    (input: Uint8Array) => pages!.expand(input, input.byteOffset + input.length, expand),
  ]);
  const scan = await parquetScan({
    file: {
      byteLength: bytes.length,
      slice: (start, end) => bytes.slice(start, end).buffer as ArrayBuffer,
    },
    compressors: Object.fromEntries(checked),
  });
  const { metadata } = scan;
  const { children } = parquetSchema(metadata);
  const names = children.map(({ element }) => element.name);
  if (names.includes(undefined!)) throw new Error("a column has no name");
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new SyntaxError(cannotRead(file, `several columns are called ${JSON.stringify(twice)}`));
  }
  const lists = Array.from(names.keys()).filter((i) =>
    children[i].children.length > 0 || children[i].element.repetition_type === "REPEATED"
  );
  const groups = metadata.row_groups.filter((group) => Number(group.num_rows) !== 0);
  const rows = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (groups.some((group) => !(group.num_rows > 0)) || rows !== Number(metadata.num_rows)) {
    // A damaged footer may hold anything in the place of a number.
    const [held, said] = [rows, Number(metadata.num_rows)].map((count) =>
      Number.isNaN(count) ? "an unknown number of" : String(count)
    );
    throw new Error(`row groups hold ${held} rows, the footer says ${said} rows`);
  }
  if (rows === 0) throw new RangeError(cannotRead(file, "it holds no rows"));
  return {
    ...{ scan, names, lists, rows },
    async readColumn(column, group) {
      const name = names[column];
      const leaf = leafOf(children[column]);
      if (leaf === undefined) {
        throw new SyntaxError(
          cannotRead(file, `column ${column} (${name}) holds structures; --ignore leaves it out`),
        );
      }
      const parts = groups[group].columns.filter(({ meta_data }) =>
        meta_data?.path_in_schema[0] === name
      );
      const [part] = parts;
      if (parts.length !== 1 || part.meta_data === undefined) {
        throw new Error(`${parts.length} columns ${name} in row group ${group}`);
      }
      const { dictionary_page_offset, data_page_offset, total_compressed_size, num_values, codec } =
        part.meta_data;
      const start = Number(dictionary_page_offset || data_page_offset);
      const end = start + Number(total_compressed_size);
      if (!(start >= 0 && start <= end && end <= bytes.length)) {
        throw new Error(`column ${name} lies from byte ${start} to ${end} of ${bytes.length}`);
      }
      pages = new CheckedPages({
        bytes: bytes.subarray(start, end),
        values: Number(num_values),
        isPlain: codec === "UNCOMPRESSED",
        ...leaf,
      });
      const cells = await scan.readColumn({ column: name, ...scan.ranges[group] });
      checkWidth(leaf.type, cells);
      return cells;
    },
  };
}

/** Of a column of values, or of lists of them. */
interface Leaf extends Pick<Chunk, "repetition" | "definition" | "isBoolean"> {
  /** What its values are said to be, beside how they are stored. */
  readonly type: ConvertedType | undefined;
}

/** The levels of a column; undefined for structures. */
function leafOf(column: SchemaTree): Leaf | undefined {
  let [repetition, definition] = [0, 0];
  for (let at = column;; [at] = at.children) {
    const kind = at.element.repetition_type;
    if (kind === "REPEATED") repetition++;
    if (kind !== "REQUIRED") definition++;
    if (at.children.length === 0) {
      const { type: stored, converted_type: type } = at.element;
      return { repetition, definition, isBoolean: stored === "BOOLEAN", type };
    }
    if (at.children.length > 1) return undefined;
  }
}

/** @throws {Error} where an integer of 8 or 16 bits, stored in 32, has more. */
function checkWidth(type: ConvertedType | undefined, cells: ArrayLike<unknown>): void {
  const found = /^(U?)INT_(8|16)$/.exec(type ?? "");
  if (found === null) return;
  const most = 2 ** (Number(found[2]) - (found[1] === "" ? 1 : 0)) - 1;
  const least = found[1] === "" ? -most - 1 : 0;
  const check = (cell: unknown): void => {
    if (Array.isArray(cell)) return cell.forEach(check);
    if (typeof cell === "number" && !(cell >= least && cell <= most)) {
      throw new Error(`${cell} is no ${type}`);
    }
  };
  for (let i = 0; i < cells.length; i++) check(cells[i]);
}

/** A row group's columns. */
interface Group {
  readonly first: number;
  readonly count: number;
  readonly columns: ReadonlyMap<number, DecodedArray>;
}

/** Decodes the columns that are needed, one row group after the other. */
async function* rowGroups(
  { scan, names, readColumn }: Opened,
  needed: readonly number[],
  file: string,
): AsyncGenerator<Group> {
  for (const [group, { rowStart, rowEnd }] of scan.ranges.entries()) {
    const count = rowEnd - rowStart;
    const columns = new Map<number, DecodedArray>();
    for (const column of needed.filter((column) => column >= 0)) {
      const data = await readColumn(column, group);
      if (data.length !== count) {
        throw new SyntaxError(
          cannotRead(
            file,
            `column ${column} (${names[column]}) has ${data.length} of ${count} rows of a group`,
          ),
        );
      }
      columns.set(column, data);
    }
    yield { first: rowStart, count, columns };
  }
}

/** The columns of values: of a column of lists, one for each element of its first list. */
async function slotsOf(
  { names, lists, readColumn }: Opened,
  kept: readonly number[],
): Promise<Slot[]> {
  const slots: Slot[] = [];
  for (const column of kept) {
    const name = names[column];
    const first = lists.includes(column)
      ? (await readColumn(column, 0) as unknown[]).find(Array.isArray)
      : undefined;
    if (first === undefined) slots.push({ name, column });
    first?.forEach((_, element) =>
      slots.push({ name: `${name}.${element}`, column, element, length: first.length })
    );
  }
  return slots;
}

/** What is said of a file while it is decoded, as a reading error. */
async function inOurWords<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith(cannotRead(file, ""))) throw error;
    // What the runtime says of a place outside a buffer helps nobody, nor do names of variables.
    const isPlain = (error as Error).constructor === Error && !message.includes("undefined");
    const reason = isPlain ? ` (${message})` : "";
    throw new SyntaxError(
      cannotRead(file, `its Parquet data are damaged or of an unknown kind${reason}`),
      { cause: error },
    );
  }
}
