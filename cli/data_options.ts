/** The options by which commands read data. */
import { type Command, Option } from "commander";
import { notesOnUnknown } from "../datasets/classes.ts";
import type { Column } from "../datasets/columns.ts";
import type { Separator } from "../datasets/csv_scanner.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { ROW_FORMATS, STREAM_FORMATS } from "../datasets/formats.ts";
import type { ImageSize } from "../datasets/image_pixels.ts";
import { loadDataset } from "../datasets/load.ts";
import { STANDARD_INPUT } from "../datasets/read_bytes.ts";
import { openDataset, type StreamedDataset } from "../datasets/row_file.ts";
import type { Scale } from "../datasets/scaling.ts";
import type { TrainedOn } from "../datasets/schema.ts";
import { findNamedSet, NAMED_SETS } from "../datasets/named.ts";
import { usageError } from "./errors.ts";
import { integerOption, kebabCase, parseNumber } from "./method_options.ts";
import type { DataRequest } from "./run_record.ts";
import { nearest } from "./suggest.ts";
import { onOneLine, writeError } from "./terminal.ts";

/** What {@linkcode addDataOptions} gives. */
export type DataValues = Partial<DataRequest>;

/** Adds `--data-dir` and the options of tables and scaling. */
export function addDataOptions(command: Command): void {
  command
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)");
  addTableOptions(command, "column of classes: name, number from 0, first, last");
  command
    .addOption(
      new Option("--missing <how>", "what to do about missing values (default: error)")
        .choices(["error", "drop", "mean", "median"]),
    )
    .option("--one-hot <columns>", "columns of text, each category to be a column", parseColumns)
    .option(
      "--scale <how>",
      "none, unit, standard, a divisor, or auto: standard where columns differ in range",
      parseScale,
    )
    .option("--size <HxW>", "scale the images of a folder to it, or to n × n: 32x48, 32", parseSize)
    .addOption(
      new Option(
        "--colour <how>",
        "take images as grey or rgb (default: rgb where some has colour)",
      )
        .choices(["grey", "rgb"]),
    )
    .option("--limit <n>", "take the first rows only", integerOption("--limit", 1));
  addStreamOption(command);
}

/**
 * Adds the group of a command that trains: `--data`, its classes, and {@linkcode addDataOptions}.
 * @param sets What `--data` takes beside formats of files.
 */
export function addTrainingData(command: Command, classes: string, sets = "a named set,"): void {
  command
    .optionsGroup("Data:")
    .option(
      "--data <name|path>",
      `${sets} ${ROW_FORMATS}; - is stdin (default: optdigits)`,
    );
  addClassesOption(command, classes);
  addDataOptions(command);
}

/** Adds the options that say what the columns of a table are. */
export function addTableOptions(command: Command, classColumn: string): void {
  addClassColumnOption(command, classColumn);
  command
    .option("--id-column <column>", "column that names or counts the rows, left out", columnOf)
    .option("--columns <list>", "take these columns only: names or numbers, a,b,7", parseColumns)
    .option("--ignore <list>", "leave these columns out", parseColumns)
    .addOption(headerOption("--header <yes|no>", "whether the first line names columns"))
    .addOption(
      new Option("--decimal <mark>", "before a number's fraction (default: .)").choices([".", ","]),
    )
    .option("--separator <mark>", "between cells: , ; tab or space", parseSeparator)
    .option(
      "--encoding <name>",
      "of the text, utf-8, latin1, shift_jis, … (default: looked at)",
      parseEncoding,
    );
}

/** Adds `--classes`, and `--labels`, which is scikit-learn's word for them. */
export function addClassesOption(command: Command, description: string): void {
  command.option("--classes <path>", description);
  addSynonym(command, new Option("--labels <path>"), "classes");
}

/** Adds `--class-column`, and `--label-column` for it. */
export function addClassColumnOption(command: Command, description: string): void {
  command.option("--class-column <column>", description, parseColumn);
  const synonym = new Option("--label-column <column>").argParser(parseColumn);
  addSynonym(command, synonym, "classColumn");
}

/** Adds an option that help does not show, and whose value is that of the option named `meant`. */
function addSynonym(command: Command, synonym: Option, meant: string): void {
  command.addOption(synonym.hideHelp().conflicts(meant));
  const name = synonym.attributeName();
  command.hook("preAction", () => {
    const value: unknown = command.getOptionValue(name);
    if (value === undefined) return;
    command.setOptionValue(meant, value);
    command.setOptionValue(name, undefined);
  });
}

/** Adds `--stream`. */
export function addStreamOption(command: Command): void {
  command.option(
    "--stream",
    `read rows as they are needed, from an unpacked file: ${STREAM_FORMATS}`,
  );
}

/** Which column of a table holds classes. */
export function parseColumn(text: string): NonNullable<DataRequest["classColumn"]> {
  return text === "first" || text === "last" ? text : columnOf(text);
}

/** A column: digits are its number, all else its name. */
function columnOf(text: string): Column {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** An option that is given several times takes all of them. */
function parseColumns(text: string, before: readonly Column[] = []): Column[] {
  return [...before, ...text.split(",").map((part) => columnOf(part.trim()))];
}

function parseSize(text: string): ImageSize {
  const match = /^([1-9]\d*)(?:x([1-9]\d*))?$/.exec(text);
  if (match === null) {
    throw usageError(
      `--size takes height x width or a side, 32x48 or 32, got ${JSON.stringify(text)}`,
    );
  }
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

/** An option that says whether a file begins with names. */
export function headerOption(flags: string, description: string): Option {
  const option = new Option(flags, `${description} (default: looked at)`);
  return option.argParser((text) => {
    if (text === "yes" || text === "no") return text === "yes";
    throw usageError(`${option.long} takes yes or no, got ${JSON.stringify(text)}`);
  });
}

function parseSeparator(text: string): Separator {
  const separators: Record<string, Separator> = { tab: "\t", "\\t": "\t", space: " ", " ": " " };
  if (text === "," || text === ";" || text === "\t") return text;
  if (Object.hasOwn(separators, text)) return separators[text];
  throw usageError(`--separator takes , ; tab or space, got ${JSON.stringify(text)}`);
}

function parseEncoding(text: string): string {
  try {
    return new TextDecoder(text).encoding;
  } catch {
    throw usageError(
      `--encoding takes a name that browsers know, such as utf-8, latin1, windows-1250 or ` +
        `shift_jis, got ${JSON.stringify(text)}`,
    );
  }
}

function parseScale(text: string): Scale {
  if (text === "none" || text === "unit" || text === "standard" || text === "auto") return text;
  const wanted = "none, unit, standard, auto or a divisor above 0";
  const divisor = parseNumber("--scale", text, wanted);
  if (divisor > 0 && Number.isFinite(divisor)) return divisor;
  throw usageError(`--scale takes ${wanted}, got ${JSON.stringify(text)}`);
}

/** The parts of a request, in the order of the help. */
export const REQUEST = [
  "classes",
  "classColumn",
  "idColumn",
  "columns",
  "ignore",
  "oneHot",
  "header",
  "separator",
  "decimal",
  "encoding",
  "missing",
  "size",
  "colour",
  "dataDir",
  "scale",
  "limit",
  "stream",
] as const satisfies readonly (keyof DataRequest)[];

/** What to load, with absolute paths, so that it can be loaded from any folder later. */
export function requestOf(values: DataValues): DataRequest {
  const { data = "optdigits", classes, dataDir } = values;
  const paths = { classes: classes && absolute(classes), dataDir: dataDir && absolute(dataDir) };
  const all = { ...values, ...paths };
  const known = REQUEST.map((name) => [name, all[name]] as const)
    .filter(([, value]) => value !== undefined);
  const isPath = data !== STANDARD_INPUT && !findNamedSet(data);
  return { data: isPath ? absolute(data) : data, ...Object.fromEntries(known) };
}

/**
 * A request for each data set that `--data` names, separated by commas. A file's path may hold commas.
 * @throws {Failure} for a set that is named twice, and for classes in a file beside several sets.
 */
export function requestsOf(values: DataValues): DataRequest[] {
  const { data = "optdigits", classes } = values;
  const names = isFile(data) ? [data] : data.split(",");
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw usageError(`--data names ${twice} twice`);
  if (names.length > 1 && classes !== undefined) {
    throw usageError(`--classes is for one data set, and --data names ${names.length}`);
  }
  return names.map((data) => requestOf({ ...values, data }));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function absolute(path: string): string {
  const isAbsolute = /^([/\\]|[A-Za-z]:[/\\])/.test(path);
  return isAbsolute ? path : `${Deno.cwd()}/${path.replace(/^(\.[/\\])+/, "")}`;
}

/** A data set whose rows are in memory, or in their file. */
export type AnyDataset = Dataset | StreamedDataset;

/**
 * Loads what was asked for, or opens it where its rows are to stay in their file.
 * @param trained The data that a model was trained on, for rows to be like them.
 * @throws {Failure} for what is neither a file nor a set, and looks like the name of one, and for
 * options that do not go with `--stream`.
 */
export async function loadOrOpen(request: DataRequest, trained?: TrainedOn): Promise<AnyDataset> {
  const { data, classes, classColumn, header, separator, encoding, scale, limit, stream } = request;
  if (!stream) return scored(await load(request, trained), trained);
  if (findNamedSet(data)) {
    throw usageError(`--stream reads a file, and ${data} is a named set, which fits in memory`);
  }
  if (data === STANDARD_INPUT) {
    throw usageError("--stream reads a file, in any order, and - is standard input");
  }
  const table = definedOf({ classColumn, header, separator, encoding });
  const needsMemory = [
    "idColumn",
    "columns",
    "ignore",
    "oneHot",
    "decimal",
    "missing",
    "size",
    "colour",
  ] as const;
  const ofClasses = classes === undefined ? Object.keys(table) : [];
  const given = ofClasses[0] ?? needsMemory.find((name) => request[name] !== undefined);
  if (given !== undefined) {
    throw usageError(
      `--stream reads ${STREAM_FORMATS} files, which have no --${kebabCase(given)}`,
    );
  }
  const options = { classes, table, scale, limit, trained };
  return scored(noted(await openDataset(data, definedOf(options))), trained);
}

/** Says what there is to say of classes that are to score. @param trained Where they are to score nothing. */
function scored<T extends AnyDataset>(rows: T, trained: TrainedOn | undefined): T {
  const { name, classes, classNames } = rows;
  if (trained !== undefined || classes === undefined) return rows;
  const notes = notesOnUnknown({ classes, ...classNames && { classNames } });
  for (const note of notes) writeError(`note: ${onOneLine(`${name}: ${note}`)}\n`);
  return rows;
}

/** Says what there is to say of rows. */
function noted<T extends AnyDataset>(rows: T): T {
  for (const note of rows.notes) writeError(`note: ${onOneLine(`${rows.name}: ${note}`)}\n`);
  return rows;
}

/**
 * Loads what was asked for.
 * @param trained The data that a model was trained on, for rows to be like them.
 * @throws {Failure} for what is neither a file nor a set, and looks like the name of one.
 */
export async function load(request: DataRequest, trained?: TrainedOn): Promise<Dataset> {
  const { data, stream: _, classes, dataDir, scale, limit, missing, ...others } = request;
  const { size, colour, ...columns } = others;
  const table = Object.keys(columns).length === 0 ? undefined : definedOf(columns);
  const options = definedOf({
    classes,
    dataDir,
    scale,
    limit,
    missing,
    size,
    colour,
    table,
    trained,
  });
  try {
    return noted(await loadDataset(data, options));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !findNamedSet(data)) {
      const name = data.split(/[/\\]/).at(-1)!;
      const guess = nearest(name, NAMED_SETS.map((set) => set.name));
      if (guess !== undefined && !name.includes(".")) {
        throw usageError(`unknown data set ${JSON.stringify(name)} (did you mean ${guess}?)`);
      }
    }
    throw error;
  }
}

/** What of an object is defined. */
export function definedOf<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}

/** An object's fields, where they are defined. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The number of classes, where it is known. */
export function classCountOf({ name, source, classes }: AnyDataset): number | undefined {
  const set = findNamedSet(name);
  if (set !== undefined && set.source === source) return set.classCount;
  return classes && new Set(classes).size;
}
