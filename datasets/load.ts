/** The one entry for data: a named set, or a file of any supported format. Needs Deno's files. */
import { cannotRead, lengthOf, type NumericArray } from "./array.ts";
import { parseClassLines, parseTable, type TableOptions } from "./csv.ts";
import type { ColumnKind } from "./columns.ts";
import { type Dataset, type DatasetOptions, makeDataset } from "./dataset.ts";
import { gunzip, isGzip, MAX_UNPACKED_BYTES } from "./gzip.ts";
import { decodeIdx, idxLayout, isIdx } from "./idx.ts";
import { type Classes, classesOfArray, classesOfText } from "./classes.ts";
import {
  assembleNamedSet,
  findNamedSet,
  NAMED_SETS,
  type NamedFile,
  type NamedSet,
} from "./named.ts";
import type { Missing } from "./missing.ts";
import { decodeNpy, decodeNpyText, isNpy, npyLayout } from "./npy.ts";
import { isZip, unzip } from "./npz.ts";
import type { Scale } from "./scaling.ts";
import type { TrainedOn } from "./schema.ts";

/** How to load data. */
export interface LoadOptions {
  /** Where named sets lie: each in a folder of its name, or the files themselves. */
  readonly dataDir?: string;
  /** A file of classes for the rows of a file: IDX, NPY, or text of one a line, or a table. */
  readonly classes?: string;
  /** How to read a table of text: what its columns are, and how numbers are written. */
  readonly table?: TableOptions;
  /** What is done about missing values and NaN; absent: they are refused. */
  readonly missing?: Missing;
  /** The data that a model was trained on: columns are put in their order, and values on their scale. */
  readonly trained?: TrainedOn;
  /** Absent: named sets to [0, 1], unsigned bytes by 255, the rest as it is. */
  readonly scale?: Scale;
  /** The first rows only. */
  readonly limit?: number;
  /** Stops reading. */
  readonly signal?: AbortSignal;
}

/**
 * Loads a named set ({@linkcode NAMED_SETS}) or a file: IDX, NPY, NPZ, or a table of text, each of them
 * gzipped or not, told apart by content. A name means the set; `./mnist` means the file.
 * @throws {Deno.errors.NotFound} for a file that is not there, or a named set yet to be fetched.
 * @throws {SyntaxError} for a file that is damaged or of no known format.
 * @throws {TypeError} for content of the wrong kind: strings, classes of rank 2.
 * @throws {RangeError} for values that are not finite, classes of another length, and the like.
 * @example
 * ```ts
 * import { loadDataset } from "./load.ts";
 * const digits = await loadDataset("optdigits");
 * console.log(digits.n, digits.d); // 5620 64
 * ```
 */
export async function loadDataset(
  nameOrPath: string,
  options: LoadOptions = {},
): Promise<Dataset> {
  const set = findNamedSet(nameOrPath);
  if (set === undefined) return await loadFile(nameOrPath, options);
  if (options.classes !== undefined || options.table?.classColumn !== undefined) {
    throw new TypeError(`The data set ${set.name} has its own classes; give none beside it`);
  }
  return assembleNamedSet(
    set,
    (file) => readNamedFile(set, file, options.dataDir, options.signal),
    scaleAndLimit(options),
  );
}

function scaleAndLimit(
  { scale, limit, trained }: LoadOptions,
): Pick<DatasetOptions, "scale" | "limit" | "trained"> {
  return {
    ...(scale === undefined ? {} : { scale }),
    ...(limit === undefined ? {} : { limit }),
    ...(trained === undefined ? {} : { trained }),
  };
}

async function loadFile(path: string, options: LoadOptions): Promise<Dataset> {
  const { signal, missing, trained } = options;
  const { classColumn, ...others } = options.table ?? {};
  const table: TableOptions = {
    ...others,
    // Beside a file of classes, the column is that file's.
    ...(options.classes !== undefined || classColumn === undefined ? {} : { classColumn }),
    ...(missing === undefined || missing === "error" ? {} : { missing: true }),
    ...(trained?.schema.columns === undefined ? {} : { trained: trained.schema.columns }),
  };
  const bytes = await readBytes(path, signal, () => {
    const names = NAMED_SETS.map((set) => set.name).join(", ");
    return `there is no such file, and no data set of that name (${names})`;
  });
  const content = await decodeRows(bytes, path, table);
  const classes = options.classes === undefined
    ? content.classes
    : await readClasses(options.classes, signal, classColumn);
  return makeDataset(content.array, {
    name: baseName(path),
    source: path,
    ...(classes === undefined ? {} : { classes }),
    ...(content.kinds === undefined ? {} : { kinds: content.kinds }),
    ...(content.notes === undefined ? {} : { notes: content.notes }),
    ...(missing === undefined ? {} : { missing }),
    ...scaleAndLimit(options),
  });
}

/**
 * Reads a file of classes: IDX or NPY of shape [n], strings included, text of one class a line, a
 * run's labels, or a column of a table.
 * @throws as {@linkcode loadDataset}
 */
export async function readClasses(
  path: string,
  signal?: AbortSignal,
  column?: TableOptions["classColumn"],
): Promise<Classes> {
  return await decodeClasses(await readBytes(path, signal), path, column);
}

/** Formats that people try, by how they begin, and what to do instead. */
const UNSUPPORTED: readonly [format: string, magic: readonly number[]][] = [
  ["HDF5", [0x89, 0x48, 0x44, 0x46]],
  ["PNG", [0x89, 0x50, 0x4e, 0x47]],
  ["Parquet", [0x50, 0x41, 0x52, 0x31]],
  ["a bzip2 archive", [0x42, 0x5a, 0x68]],
  ["an xz archive", [0xfd, 0x37, 0x7a, 0x58]],
  ["a Zstandard archive", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a Python pickle", [0x80, 0x04, 0x95]],
];

/** @param rank Of the array that is wanted of an archive: 1 for classes, else of rows. */
async function unpack(bytes: Uint8Array, file: string, rank: 1 | 2): Promise<Uint8Array> {
  const content = isZip(bytes)
    ? await fromArchive(bytes, file, rank)
    : isGzip(bytes)
    ? await gunzip(bytes, file, MAX_UNPACKED_BYTES, promisedBytes)
    : bytes;
  if (content.length === 0) throw new SyntaxError(cannotRead(file, "the file is empty"));
  for (const [format, magic] of UNSUPPORTED) {
    if (magic.every((byte, i) => content[i] === byte)) {
      throw new SyntaxError(
        cannotRead(file, `${format} is not supported; expected IDX, NPY or a table of text`),
      );
    }
  }
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
 * @throws as {@linkcode loadDataset}
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
    const { classColumn, idColumn, columns, ignore, oneHot } = table;
    if ([classColumn, idColumn, columns, ignore, oneHot].every((option) => option === undefined)) {
      return { array: binary };
    }
    throw new TypeError(
      cannotRead(
        file,
        "a class column is for tables of text, and other columns too; give a class file",
      ),
    );
  }
  const { array, classes, kinds, notes } = parseTable(content, file, table);
  const found = { array, kinds, notes };
  return classes === undefined ? found : { ...found, classes: classesOfText(classes, file) };
}

/**
 * Reads the bytes of a file of classes, as {@linkcode readClasses} does.
 * @throws as {@linkcode loadDataset}
 */
export async function decodeClasses(
  bytes: Uint8Array,
  file: string,
  column?: TableOptions["classColumn"],
): Promise<Classes> {
  const content = await unpack(bytes, file, 1);
  if (isNpyFile(content, file)) {
    const text = isNpy(content) ? decodeNpyText(content, file) : undefined;
    return text === undefined
      ? classesOfArray(decodeNpy(content, file), file)
      : classesOfText(text, file);
  }
  if (isIdxFile(content, file)) return classesOfArray(decodeIdx(content, file), file);
  return classesOfText(parseClassLines(content, file, column), file);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) || path;
}

async function readBytes(
  path: string,
  signal?: AbortSignal,
  absent = () => "there is no such file",
): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path, signal === undefined ? {} : { signal });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(cannotRead(path, absent()), { cause: error });
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw new TypeError(cannotRead(path, "it is a folder; name a file in it"), { cause: error });
    }
    throw error;
  }
}

/**
 * The folder into which named sets are fetched: `$XDG_CACHE_HOME/dynae`, else `~/.cache/dynae`
 * (`%LOCALAPPDATA%\dynae` on Windows). Undefined where neither is set, or reading the environment
 * is not permitted; nothing is asked for.
 */
export function cacheDir(): string | undefined {
  const cache = environment("XDG_CACHE_HOME");
  if (cache) return `${cache}/dynae`;
  const home = environment("HOME");
  if (home) return `${home}/.cache/dynae`;
  const local = environment("LOCALAPPDATA");
  return local ? `${local}/dynae` : undefined;
}

function environment(variable: string): string | undefined {
  const permission = Deno.permissions.querySync({ name: "env", variable });
  return permission.state === "granted" ? Deno.env.get(variable) : undefined;
}

/**
 * The folders in which a named set's files are looked for, in order. The cache is passed over where
 * reading it is not permitted already; a folder that the user names is asked for.
 */
async function foldersOf(set: NamedSet, dataDir?: string): Promise<string[]> {
  const given = dataDir === undefined ? [] : [`${dataDir}/${set.folder}`, dataDir];
  const cache = cacheDir();
  return cache !== undefined && await mayRead(cache) ? [...given, `${cache}/${set.folder}`] : given;
}

async function mayRead(path: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "read", path })).state === "granted";
}

async function readNamedFile(
  set: NamedSet,
  file: NamedFile,
  dataDir?: string,
  signal?: AbortSignal,
): Promise<{ bytes: Uint8Array; where: string }> {
  signal?.throwIfAborted();
  if (set.ships) {
    const url = new URL(`./${set.folder}/${file.name}.gz`, import.meta.url);
    return { bytes: await readUrl(url, signal), where: url.href };
  }
  const folders = await foldersOf(set, dataDir);
  for (const folder of folders) {
    const found = await readNamedFileIn(folder, file, signal);
    if (found !== undefined) return found;
  }
  const problem = folders.length === 0
    ? "no data folder is given, and none may be read"
    : `${file.name}.gz is not in ${folders.join(", nor in ")}`;
  throw new Deno.errors.NotFound(
    cannotRead(
      set.name,
      `${problem}; run \`data fetch ${set.name}\`, or name the folder with --data-dir`,
    ),
  );
}

/**
 * The bytes of a named set's file in one folder, compressed or not; undefined where it is not there.
 * @throws where the file is there and cannot be read.
 */
export async function readNamedFileIn(
  folder: string,
  file: NamedFile,
  signal?: AbortSignal,
): Promise<{ bytes: Uint8Array; where: string } | undefined> {
  for (const where of [`${folder}/${file.name}.gz`, `${folder}/${file.name}`]) {
    try {
      return { bytes: await Deno.readFile(where, signal === undefined ? {} : { signal }), where };
    } catch (error) {
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!absent) throw error;
    }
  }
  return undefined;
}

async function readUrl(url: URL, signal?: AbortSignal): Promise<Uint8Array> {
  if (url.protocol === "file:") {
    return Deno.readFile(url, signal === undefined ? {} : { signal });
  }
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error(cannotRead(url.href, `HTTP status ${response.status}`));
  return new Uint8Array(await response.arrayBuffer());
}

/** A named set and where it is on this machine. */
export interface DatasetInfo {
  /** What is known about the set. */
  readonly set: NamedSet;
  /** `"ships"`, the folder that holds all its files, or undefined: yet to be fetched. */
  readonly location: string | undefined;
}

/**
 * The named sets, and where each is found; the files are looked for and not read. Folders that may
 * not be read are passed over.
 */
export async function listDatasets(
  { dataDir }: Pick<LoadOptions, "dataDir"> = {},
): Promise<DatasetInfo[]> {
  return await Promise.all(NAMED_SETS.map(async (set) => ({
    set,
    location: set.ships ? "ships" : await findFolder(set, dataDir),
  })));
}

async function findFolder(set: NamedSet, dataDir?: string): Promise<string | undefined> {
  const files = set.parts.flatMap((part) => [part.images, part.classes]);
  for (const folder of await foldersOf(set, dataDir)) {
    const found = await Promise.all(
      files.map(async ({ name }) =>
        await isFile(`${folder}/${name}.gz`) || await isFile(`${folder}/${name}`)
      ),
    );
    if (found.every(Boolean)) return folder;
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  if (!await mayRead(path)) return false;
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
