/** A trained model out of a run's folder, and rows for it: what `predict` and `embed` share. */
import type { Command } from "commander";
import type { Estimator } from "../models/estimator.ts";
import type { StoredCheckpoint } from "../storage/checkpoint.ts";
import { ROW_FORMATS } from "../datasets/formats.ts";
import { restoreModel } from "../storage/model.ts";
import {
  addStreamOption,
  addTableOptions,
  type AnyDataset,
  type DataValues,
  definedOf,
  loadOrOpen,
  requestOf,
} from "./data_options.ts";
import { addDeviceOptions, close, type DeviceValues, open } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { integerOption } from "./method_options.ts";
import { checkFile, writeOutput } from "./paths.ts";
import { readOwnCheckpoint } from "./run_checkpoint.ts";
import { RowProgress } from "./progress.ts";
import { RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";
import { shellWord, writeData, writeError } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** What {@linkcode addModelOptions} gives. */
export interface ModelValues extends DeviceValues, Omit<DataValues, "data"> {
  /** Folder of the run. */
  readonly run: string;
  /** Name of a set, or path of a file. */
  readonly data: string;
  /** File to write; absent: stdout. */
  readonly output?: string;
}

/** Adds the options by which a run, its rows and the output are named. */
export function addModelOptions(command: Command, formats: string): void {
  command
    .requiredOption("--run <dir>", "folder of the run")
    .requiredOption(
      "--data <name|path>",
      `raw rows, as the training data were (the run knows their scaling): a named set, ${ROW_FORMATS}; ` +
        "- is stdin",
    )
    .option("-o, --output <file>", `${formats}, by its extension (default: CSV on stdout)`)
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)");
  addTableOptions(command, "column of a table to leave out");
  command
    .option("--limit <n>", "take the first rows only", integerOption("--limit", 1));
  addStreamOption(command);
  addDeviceOptions(command);
}

/**
 * Loads model and rows, and hands both over.
 * @throws {Failure} where the run has no checkpoint or no centroids yet.
 */
export async function withModel<T>(
  values: ModelValues,
  use: (model: Estimator, rows: AnyDataset) => Promise<T>,
): Promise<T> {
  if (values.output !== undefined) await checkFile("-o", values.output, values.data);
  return await withEstimator(
    values,
    async (model, { record }) => {
      const rows = await loadRows(values, record);
      if (rows.data instanceof Float32Array) return await use(model, rows);
      const progress = new RowProgress(rows.n);
      rows.data.onRead = (count) => progress.read(count);
      try {
        return await use(model, rows);
      } finally {
        progress.end();
        rows.data.close();
      }
    },
  );
}

/** A run as its folder holds it. */
export interface StoredRun extends Awaited<ReturnType<typeof RunFolder.open>>, StoredCheckpoint {}

/**
 * Loads the model of a run and hands it over.
 * @throws {Failure} where the run has no checkpoint yet.
 */
export async function withEstimator<T>(
  values: DeviceValues & Pick<ModelValues, "run">,
  use: (model: Estimator, run: StoredRun) => Promise<T>,
): Promise<T> {
  const { folder, record } = await RunFolder.open(values.run);
  const stored = await readOwnCheckpoint(folder, record);
  if (stored === undefined) {
    throw usageError(`${folder.path} has no checkpoint yet; train it first`);
  }
  if (record.status !== "finished") {
    writeError(
      `note: the run is not finished; finish it by ${PROGRAM} train --resume ${
        shellWord(folder.path)
      }\n`,
    );
  }
  const backend = await open(values);
  try {
    const estimator = await restoreModel(stored, folder.checkpoint, backend);
    const result = await use(estimator, { folder, record, ...stored });
    await estimator.dispose();
    return result;
  } finally {
    await close(backend);
  }
}

/**
 * The rows in the columns and on the scale of the training data, whatever their own would be, and read as
 * those were where nothing else is said.
 */
async function loadRows(values: ModelValues, { data }: RunRecord): Promise<AnyDataset> {
  const { header, separator, decimal, encoding, missing } = data.request;
  const reading = definedOf({ header, separator, decimal, encoding, missing });
  return await loadOrOpen(requestOf(values), { ...data, reading });
}

/** Writes to the file, or to stdout where there is none. */
export async function output(
  file: string | undefined,
  content: string | Uint8Array,
): Promise<void> {
  if (file === undefined) return writeData(content as string);
  await writeOutput(
    file,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
}

/** What rows' labels or codes are written as. */
export type RowFormat = "csv" | "npy" | "parquet";

/** The format that a file's extension asks for; CSV where there is none. @throws {Failure} for another. */
export function formatOf(file = ".csv"): RowFormat {
  const [, extension] = /\.(csv|txt|npy|parquet)$/i.exec(file) ?? [];
  const format = extension?.toLowerCase().replace("txt", "csv");
  if (format !== undefined) return format as RowFormat;
  throw usageError(`-o takes a file named *.csv, *.npy or *.parquet, got ${file}`);
}
