/** Files' bytes as rows and classes, whatever their format. */
import { cannotRead, lengthOf, type NumericArray } from "./array.ts";
import { type ClassFileOptions, COLUMN_OPTION, parseClassLines } from "./class_lines.ts";
import { type Classes, classesOfArray, classesOfText } from "./classes.ts";
import type { ColumnKind } from "./columns.ts";
import { parseTable, type TableOptions } from "./csv.ts";
import { unsupported } from "./formats.ts";
import { gunzip, isGzip, MAX_UNPACKED_BYTES } from "./gzip.ts";
import { decodeIdx, idxLayout, isIdx } from "./idx.ts";
import { decodeNpy, decodeNpyText, isNpy, npyLayout } from "./npy.ts";
import { isZip, unzip } from "./npz.ts";
import { isParquet, parseParquet, parseParquetClasses } from "./parquet.ts";

/** @param rank Of the array that is wanted of an archive: 1 for classes, else of rows. */
async function unpack(bytes: Uint8Array, file: string, rank: 1 | 2): Promise<Uint8Array> {
  const content = isZip(bytes)
    ? await fromArchive(bytes, file, rank)
    : isGzip(bytes)
    ? await gunzip(bytes, file, MAX_UNPACKED_BYTES, promisedBytes)
    : bytes;
  if (content.length === 0) throw new SyntaxError(cannotRead(file, "the file is empty"));
  const problem = unsupported(content);
  if (problem !== undefined) throw new SyntaxError(cannotRead(file, problem));
  return content;
}

/** The length of an IDX or NPY file that begins like this; undefined for others, and damaged headers. */
function promisedBytes(head: Uint8Array): number | undefined {
  try {
    if (isNpy(head)) return lengthOf(npyLayout(head, ""));
    return isIdx(head) ? lengthOf(idxLayout(head, "")) : undefined;
  } catch {
    // Decoding will say what is wrong.
    return undefined;
  }
}

/** The one array of an NPZ archive that can be meant. @throws {TypeError} where there are several. */
async function fromArchive(bytes: Uint8Array, file: string, rank: 1 | 2): Promise<Uint8Array> {
  const arrays = await unzip(bytes, file);
  const fits = [...arrays.values()].filter((array) => {
    if (!isNpy(array)) return false;
    const { length } = npyLayout(array, file).shape;
    return rank === 1 ? length === 1 : length > 1;
  });
  if (fits.length === 1) return fits[0];
  throw new TypeError(
    cannotRead(
      file,
      `expected one array of ${rank === 1 ? "classes [n]" : "rows [n, d]"} in the archive, found ` +
        `${fits.length} among ${[...arrays.keys()].join(", ")}; save the one you mean as NPY`,
    ),
  );
}

/** Whether to read as IDX: by content, or by name where the magic number is damaged. */
function isIdxFile(bytes: Uint8Array, file: string): boolean {
  return isIdx(bytes) || /[-.]idx\d/.test(baseName(file));
}

function isNpyFile(bytes: Uint8Array, file: string): boolean {
  return isNpy(bytes) || /\.npy(\.gz)?$/.test(file);
}

/** What a file of rows holds. */
export interface Content {
  /** Its values. */
  readonly array: NumericArray;
  /** Of its class column. */
  readonly classes?: Classes;
  /** Of its id column: what the rows are called. */
  readonly ids?: readonly string[];
  /** Of a table: what its columns are. */
  readonly kinds?: readonly ColumnKind[];
  /** Of a table: what was supposed. */
  readonly notes?: readonly string[];
}

/**
 * Reads the bytes of a file of rows, whatever its format.
 * @param bytes The file, gzipped or not.
 * @param file Its name: for messages, and to recognise a damaged IDX or NPY file.
 * @returns The array, and the classes if `table` names a class column.
 * @throws {SyntaxError} for a file that is damaged or of no known format.
 * @throws {TypeError} for content of the wrong kind.
 * @throws {RangeError} for values out of range, a column that does not exist, and the like.
 */
export async function decodeRows(
  bytes: Uint8Array,
  file: string,
  table: TableOptions = {},
): Promise<Content> {
  const content = await unpack(bytes, file, 2);
  const binary = isNpyFile(content, file)
    ? decodeNpy(content, file)
    : isIdxFile(content, file)
    ? decodeIdx(content, file)
    : undefined;
  if (binary !== undefined) {
    refuseColumns(table, file);
    return { array: binary };
  }
  const { array, classes, ids, kinds, notes } = isParquet(content)
    ? await parseParquet(content, file, table)
    : parseTable(content, file, table);
  const found = { array, kinds, notes, ...(ids === undefined ? {} : { ids }) };
  return classes === undefined ? found : { ...found, classes: classesOfText(classes, file) };
}

/** Checks that no columns are named. @throws {TypeError} where they are, of what is no table. */
export function refuseColumns(
  { classColumn, idColumn, columns, ignore, oneHot }: TableOptions,
  file: string,
): void {
  const named = Object.entries({ classColumn, idColumn, columns, ignore, oneHot });
  const given = named.find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const remedy = given === "classColumn" ? "; give a class file" : "";
  throw new TypeError(cannotRead(file, `--${flag} is for tables, which it is not${remedy}`));
}

/**
 * Reads the bytes of a file of classes: IDX or NPY of shape [n], strings included, text of one class a
 * line, a run's labels, or a column of a table.
 * @throws as {@linkcode decodeRows}
 */
export async function decodeClasses(
  bytes: Uint8Array,
  file: string,
  options: ClassFileOptions = {},
): Promise<Classes> {
  const content = await unpack(bytes, file, 1);
  if (isNpyFile(content, file)) {
    refuseColumn(options, file);
    const text = isNpy(content) ? decodeNpyText(content, file) : undefined;
    return text === undefined
      ? classesOfArray(decodeNpy(content, file), file)
      : classesOfText(text, file);
  }
  if (isIdxFile(content, file)) {
    refuseColumn(options, file);
    return classesOfArray(decodeIdx(content, file), file);
  }
  if (isParquet(content)) {
    const { cells, rows } = await parseParquetClasses(content, file, options);
    return { ...classesOfText(cells, file), ...rows && { rows } };
  }
  const { cells, rows, notes } = parseClassLines(content, file, options);
  return { ...classesOfText(cells, file), ...rows && { rows }, notes };
}

/** @throws {TypeError} where a column is asked for, of an array of classes. */
function refuseColumn({ column, columnOption = COLUMN_OPTION }: ClassFileOptions, file: string) {
  if (column === undefined) return;
  throw new TypeError(
    cannotRead(file, `it is an array of classes, and ${columnOption} is for a column of a table`),
  );
}

/** The last part of a path, of a folder too whose name ends in a slash. */
export function baseName(path: string): string {
  return path.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1) || path;
}
