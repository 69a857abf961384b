/** The options by which commands read data. */
import { type Command, Option } from "commander";
import type { Dataset } from "../datasets/dataset.ts";
import { loadDataset } from "../datasets/load.ts";
import { openDataset, type StreamedDataset, type StreamOptions } from "../datasets/row_file.ts";
import { findNamedSet, NAMED_SETS } from "../datasets/named.ts";
import { usageError } from "./errors.ts";
import { integerOption, parseNumber } from "./method_options.ts";
import type { DataRequest } from "./run_folder.ts";
import { nearest } from "./suggest.ts";

/** What {@linkcode addDataOptions} gives. */
export interface DataValues {
  /** Name of a set, or path of a file. */
  readonly data?: string;
  /** Path of the classes. */
  readonly classes?: string;
  /** Column of a table that holds classes. */
  readonly classColumn?: DataRequest["classColumn"];
  /** Where named sets lie. */
  readonly dataDir?: string;
  /** How values are scaled. */
  readonly scale?: DataRequest["scale"];
  /** The first rows only. */
  readonly limit?: number;
  /** Whether rows are read from the file as they are needed. */
  readonly stream?: boolean;
}

/** Adds `--data-dir` and the options of tables and scaling. */
export function addDataOptions(command: Command): void {
  command
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)");
  addClassColumnOption(command, "column of a table that holds classes, counted from 0");
  command
    .option(
      "--scale <none|unit|standard|x>",
      "how to scale the values; x: divide by it",
      parseScale,
    )
    .option("--limit <n>", "take the first rows only", integerOption("--limit", 1));
  addStreamOption(command);
}

/** Adds the group of a command that trains: `--data`, its classes, and {@linkcode addDataOptions}. */
export function addTrainingData(command: Command, classes: string): void {
  command
    .optionsGroup("Data:")
    .option("--data <name|path>", "a named set, or a file: IDX, NPY, CSV (default: optdigits)");
  addClassesOption(command, classes);
  addDataOptions(command);
}

/** Adds `--classes`, and `--labels`, which is scikit-learn's word for them. */
export function addClassesOption(command: Command, description: string): void {
  command.option("--classes <path>", description);
  addSynonym(command, new Option("--labels <path>"), "classes");
}

/** Adds `--class-column`, and `--label-column` for it. */
export function addClassColumnOption(command: Command, description: string): void {
  command.option("--class-column <first|last|n>", description, parseColumn);
  const synonym = new Option("--label-column <first|last|n>").argParser(parseColumn);
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
  command.option("--stream", "read rows from an unpacked IDX or NPY file as they are needed");
}

/** Which column of a table. @throws {Failure} for another text. */
export function parseColumn(text: string): "first" | "last" | number {
  if (text === "first" || text === "last") return text;
  return integerOption("--class-column", 0)(text);
}

function parseScale(text: string): "none" | "unit" | "standard" | number {
  if (text === "none" || text === "unit" || text === "standard") return text;
  return parseNumber("--scale", text, "none, unit, standard or a divisor");
}

/** What to load, with absolute paths, so that it can be loaded from any folder later. */
export function requestOf(values: DataValues): DataRequest {
  const { data = "optdigits", classes, classColumn, dataDir, scale, limit, stream } = values;
  const given = {
    classes: classes && absolute(classes),
    classColumn,
    dataDir: dataDir && absolute(dataDir),
    scale,
    limit,
    stream,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { data: findNamedSet(data) ? data : absolute(data), ...Object.fromEntries(known) };
}

function absolute(path: string): string {
  const isAbsolute = /^([/\\]|[A-Za-z]:[/\\])/.test(path);
  return isAbsolute ? path : `${Deno.cwd()}/${path.replace(/^(\.[/\\])+/, "")}`;
}

/** A data set whose rows are in memory, or in their file. */
export type AnyDataset = Dataset | StreamedDataset;

/**
 * Loads what was asked for, or opens it where its rows are to stay in their file.
 * @throws {Failure} for what is neither a file nor a set, and looks like the name of one, and for
 * options that do not go with `--stream`.
 */
export async function loadOrOpen(request: DataRequest): Promise<AnyDataset> {
  const { data, classColumn, dataDir: _, stream, ...options } = request;
  if (!stream) return await load(request);
  if (findNamedSet(data)) {
    throw usageError(`--stream reads a file, and ${data} is a named set, which fits in memory`);
  }
  if (classColumn !== undefined) {
    throw usageError("--stream reads IDX and NPY files, which have no --class-column");
  }
  if (options.scale === "standard") {
    throw usageError("--scale standard needs all rows in memory; give a divisor, or no --stream");
  }
  return await openDataset(data, options as StreamOptions);
}

/**
 * Loads what was asked for.
 * @throws {Failure} for what is neither a file nor a set, and looks like the name of one.
 */
export async function load(request: DataRequest): Promise<Dataset> {
  const { data, classColumn, stream: _, ...options } = request;
  const table = classColumn === undefined ? {} : { table: { classColumn } };
  try {
    return await loadDataset(data, { ...options, ...table });
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

/** The number of classes, where it is known. */
export function classCountOf({ name, source, classes }: AnyDataset): number | undefined {
  const set = findNamedSet(name);
  if (set !== undefined && set.source === source) return set.classCount;
  return classes && new Set(classes).size;
}
