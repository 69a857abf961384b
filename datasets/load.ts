/** The one entry for data: a named set, or a file of any supported format. Needs Deno's files. */
import { cannotRead } from "./array.ts";
import type { TableOptions } from "./csv.ts";
import { classesBeside, notesBeside, notesOfClasses } from "./class_file.ts";
import { type Dataset, type DatasetOptions, makeDataset } from "./dataset.ts";
import { baseName, type Content, decodeRows, refuseColumns } from "./decode.ts";
import { readImageFolder } from "./image_folder.ts";
import type { ImageOptions } from "./image_rows.ts";
import {
  assembleNamedSet,
  findNamedSet,
  NAMED_SETS,
  type NamedFile,
  type NamedSet,
} from "./named.ts";
import type { Missing } from "./missing.ts";
import { isAbsent, readBytes, STANDARD_INPUT } from "./read_bytes.ts";
import type { Scale } from "./scaling.ts";
import type { TrainedOn } from "./schema.ts";

/** How to load data. */
export interface LoadOptions extends ImageOptions {
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
 * Loads a named set ({@linkcode NAMED_SETS}), a file: IDX, NPY, NPZ, Parquet, or a table of text, each
 * of them gzipped or not, told apart by content; or a folder of images. A name means the set; `./mnist`
 * means the file, and `-` is standard input.
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
  if (options.size !== undefined || options.colour !== undefined) {
    throw new TypeError(`The data set ${set.name} has its size; size and colour are for folders`);
  }
  const { missing, table = {} } = options;
  const asked = { ...table, missing: missing === "error" ? undefined : missing };
  const given = Object.entries(asked).find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined) {
    throw new TypeError(`The data set ${set.name} is no table, and whole; ${given} is for files`);
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
  const { missing, trained } = options;
  const { classColumn, ...others } = options.table ?? {};
  const isAccepted = (missing ?? trained?.reading?.missing ?? "error") !== "error";
  const table: TableOptions = {
    ...others,
    // Beside a file of classes, the column is that file's.
    ...(options.classes !== undefined || classColumn === undefined ? {} : { classColumn }),
    ...(isAccepted ? { missing: true } : {}),
    ...(trained?.schema.columns === undefined ? {} : { trained: trained.schema.columns }),
    ...(trained?.reading === undefined ? {} : { remembered: trained.reading }),
  };
  const content = await isFolder(path)
    ? await readFolder(path, table, options)
    : await readRows(path, table, options);
  const beside = await classesBeside(path, options, content.array.type === "text");
  const classes = beside ?? content.classes;
  return makeDataset(content.array, {
    name: path === STANDARD_INPUT ? "stdin" : baseName(path),
    source: path,
    ...(classes === undefined ? {} : { classes }),
    ...(content.ids === undefined ? {} : { ids: content.ids }),
    ...(content.kinds === undefined ? {} : { kinds: content.kinds }),
    notes: [
      ...content.notes ?? [],
      ...notesBeside(path, content, options),
      ...notesOfClasses(options.classes, beside),
    ],
    ...(missing === undefined ? {} : { missing }),
    ...scaleAndLimit(options),
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return path !== STANDARD_INPUT && (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** A folder of images, as the model was trained on where there is one. */
async function readFolder(
  path: string,
  table: TableOptions,
  { size, colour, trained, signal }: LoadOptions,
): Promise<Content> {
  refuseColumns(table, path);
  const { height, width, channels } = trained ?? {};
  const known: ImageOptions = height === undefined || width === undefined
    ? {}
    : { size: [height, width], colour: channels === 3 ? "rgb" : "grey" };
  return await readImageFolder(
    path,
    { ...known, ...size && { size }, ...colour && { colour } },
    signal,
  );
}

async function readRows(
  path: string,
  table: TableOptions,
  { size, colour, signal }: LoadOptions,
): Promise<Content> {
  const bytes = await readBytes(path, signal, () => {
    const names = NAMED_SETS.map((set) => set.name).join(", ");
    return `there is no such file, and no data set of that name (${names})`;
  });
  if (size !== undefined || colour !== undefined) {
    throw new TypeError(cannotRead(path, "a size and a colour are for folders of images"));
  }
  return await decodeRows(bytes, path, table);
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
      if (!isAbsent(error)) throw error;
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
