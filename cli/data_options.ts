/** The options by which commands read data. */
import type { Command } from "commander";
import type { Dataset } from "../datasets/dataset.ts";
import { loadDataset } from "../datasets/load.ts";
import { findNamedSet, NAMED_SETS } from "../datasets/named.ts";
import { usageError } from "./errors.ts";
import { integerOption, parseNumber } from "./method_options.ts";
import type { DataRequest } from "./run_folder.ts";
import { nearest } from "./suggest.ts";

/** What {@linkcode addDataOptions} gives. */
export interface DataValues {
  /** Name of a set, or path of a file. */
  readonly data?: string;
  /** Path of the labels. */
  readonly labels?: string;
  /** Column of a table that holds classes. */
  readonly labelColumn?: DataRequest["labelColumn"];
  /** Where named sets lie. */
  readonly dataDir?: string;
  /** How values are scaled. */
  readonly scale?: DataRequest["scale"];
  /** The first rows only. */
  readonly limit?: number;
}

/** Adds `--data-dir` and the options of tables and scaling. */
export function addDataOptions(command: Command): void {
  command
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)")
    .option(
      "--label-column <first|last|n>",
      "column of a table that holds classes, counted from 0",
      parseColumn,
    )
    .option(
      "--scale <none|unit|standard|x>",
      "how to scale the values; x: divide by it",
      parseScale,
    )
    .option("--limit <n>", "take the first rows only", integerOption("--limit", 1));
}

/** Which column of a table. @throws {Failure} for another text. */
export function parseColumn(text: string): "first" | "last" | number {
  if (text === "first" || text === "last") return text;
  return integerOption("--label-column", 0)(text);
}

function parseScale(text: string): "none" | "unit" | "standard" | number {
  if (text === "none" || text === "unit" || text === "standard") return text;
  return parseNumber("--scale", text, "none, unit, standard or a divisor");
}

/** What to load, with absolute paths, so that it can be loaded from any folder later. */
export function requestOf(values: DataValues): DataRequest {
  const { data = "optdigits", labels, labelColumn, dataDir, scale, limit } = values;
  const given = {
    labels: labels && absolute(labels),
    labelColumn,
    dataDir: dataDir && absolute(dataDir),
    scale,
    limit,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { data: findNamedSet(data) ? data : absolute(data), ...Object.fromEntries(known) };
}

function absolute(path: string): string {
  const isAbsolute = /^([/\\]|[A-Za-z]:[/\\])/.test(path);
  return isAbsolute ? path : `${Deno.cwd()}/${path.replace(/^(\.[/\\])+/, "")}`;
}

/**
 * Loads what was asked for.
 * @throws {Failure} for what is neither a file nor a set, and looks like the name of one.
 */
export async function load(request: DataRequest): Promise<Dataset> {
  const { data, labelColumn, ...options } = request;
  const table = labelColumn === undefined ? {} : { table: { labelColumn } };
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
export function classesOf({ name, source, labels }: Dataset): number | undefined {
  const set = findNamedSet(name);
  if (set !== undefined && set.source === source) return set.classes;
  return labels && new Set(labels).size;
}
