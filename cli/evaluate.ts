/** `evaluate`: ACC, NMI and ARI of labels. */
import type { Command } from "commander";
import { CLASS_FORMATS } from "../datasets/formats.ts";
import { readClasses } from "../datasets/class_file.ts";
import { loadDataset } from "../datasets/load.ts";
import { type Classes, notesOnUnknown } from "../datasets/classes.ts";
import type { ClassFileOptions } from "../datasets/class_lines.ts";
import type { ColumnOptions } from "../datasets/columns.ts";
import { findNamedSet } from "../datasets/named.ts";
import { score } from "../models/evaluation/scoring.ts";
import { headerOption, parseColumn } from "./data_options.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { formatScores } from "./tables.ts";
import { onOneLine, writeError, writeOut } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

interface EvaluateValues {
  readonly labels: string;
  readonly truth: string;
  readonly labelsColumn?: ColumnOptions["classColumn"];
  readonly truthColumn?: ColumnOptions["classColumn"];
  readonly labelsHeader?: boolean;
  readonly truthHeader?: boolean;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .requiredOption(
      "--labels <file>",
      `labels: a run's labels.csv, or ${CLASS_FORMATS}; - is stdin`,
    )
    .requiredOption("--truth <file|name>", "true classes: such a file, or a named data set")
    .option("--labels-column <column>", "of a table of labels, by name or from 0", parseColumn)
    .option("--truth-column <column>", "of a table of classes, by name or from 0", parseColumn)
    .addOption(
      headerOption("--labels-header <yes|no>", "whether the labels' first line names columns"),
    )
    .addOption(headerOption("--truth-header <yes|no>", "whether that of the classes does"))
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `\nExample:\n  ${PROGRAM} evaluate --labels runs/dynae-optdigits-seed0/labels.csv` +
        " --truth optdigits\n",
    );
  command.action(async (values: EvaluateValues) => {
    const { labels, truth, json } = values;
    const predicted = await readLabels(labels, optionsOf("labels", values));
    const classes = findNamedSet(truth)
      ? await classesOfSet(truth, values)
      : await readLabels(truth, optionsOf("truth", values));
    const known = classesOfRows(predicted, classes, { labels, truth });
    const scores = score(known, predicted.classes);
    if (json) writeOut(`${JSON.stringify(scores)}\n`);
    else writeOut(`${formatScores([[labels, scores]])}\n`);
  });
}

/** How to read a file, and what messages call the options that say so. */
function optionsOf(file: "labels" | "truth", values: EvaluateValues): ClassFileOptions {
  const header = values[`${file}Header`];
  return {
    column: values[`${file}Column`],
    columnOption: `--${file}-column`,
    ...header !== undefined && { header },
    headerOption: `--${file}-header`,
  };
}

/** @throws {Failure} where a column is asked for of a named set. */
async function classesOfSet(
  set: string,
  { truthColumn, truthHeader, dataDir }: EvaluateValues,
): Promise<Classes> {
  const given = Object.entries({ "--truth-column": truthColumn, "--truth-header": truthHeader })
    .find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined) {
    throw usageError(`${given} is for a table, and ${set} is a named set`);
  }
  const options = dataDir === undefined ? {} : { dataDir };
  return { classes: (await loadDataset(set, options)).classes! };
}

/**
 * The true classes of the labelled rows: by the numbers of the rows where the labels have them, as
 * those of a run on some of the rows do, else line by line.
 */
function classesOfRows(
  { classes: { length }, rows }: Classes,
  { classes, rows: known }: Classes,
  { labels, truth }: Pick<EvaluateValues, "labels" | "truth">,
): Uint32Array {
  if (rows === undefined) {
    if (length === classes.length) return classes;
    throw new Failure(
      `${labels} holds ${length} labels, ${truth} ${classes.length}; expected as many`,
      EXIT.failed,
    );
  }
  const places = known && new Map(Array.from(known, (row, i) => [row, i]));
  const found = rows.map((row) => {
    const place = places ? places.get(row) : row;
    if (place !== undefined && place < classes.length) return classes[place];
    throw new Failure(
      `${labels} holds ${length} labels, ${truth} ${classes.length} classes, and none of row ${row}`,
      EXIT.failed,
    );
  });
  if (length < classes.length) {
    writeError(`note: ${labels} labels ${length} of the ${classes.length} rows of ${truth}\n`);
  }
  return found;
}

/** Labels of a file, a run's in the order of its rows, or of a column of a table. */
async function readLabels(path: string, options: ClassFileOptions): Promise<Classes> {
  const found = await readClasses(path, options);
  const { classes, classNames, notes = [] } = found;
  for (const note of [...notes, ...notesOnUnknown(found)]) {
    writeError(`note: ${onOneLine(`${path}: ${note}`)}\n`);
  }
  const noise = classNames?.indexOf("-1") ?? -1;
  const count = classes.filter((label) => label === noise).length;
  if (noise >= 0) {
    writeError(`note: ${path}: ${count} rows are labelled -1, noise, which counts as a cluster\n`);
  }
  return found;
}
