/** `evaluate`: ACC, NMI and ARI of labels. */
import type { Command } from "commander";
import { decodeClasses, decodeRows, loadDataset } from "../datasets/load.ts";
import { findNamedSet } from "../datasets/named.ts";
import { score } from "../models/evaluation/scoring.ts";
import { EXIT, Failure } from "./errors.ts";
import { formatScores } from "./tables.ts";
import { writeOut } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

interface EvaluateValues {
  readonly labels: string;
  readonly truth: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .requiredOption("--labels <file>", "labels: a run's labels.csv, one a line, IDX or NPY")
    .requiredOption("--truth <file|name>", "true classes: such a file, or a named data set")
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `\nExample:\n  ${PROGRAM} evaluate --labels runs/dynae-optdigits-seed0/labels.csv` +
        " --truth optdigits\n",
    );
  command.action(async ({ labels, truth, dataDir, json }: EvaluateValues) => {
    const predicted = await readLabels(labels);
    const classes = await readTruth(truth, dataDir);
    if (predicted.length !== classes.length) {
      throw new Failure(
        `${labels} holds ${predicted.length} labels, ${truth} ${classes.length}; expected as many`,
        EXIT.failed,
      );
    }
    const scores = score(classes, predicted);
    if (json) writeOut(`${JSON.stringify(scores)}\n`);
    else writeOut(`${formatScores([[labels, scores]])}\n`);
  });
}

async function readTruth(truth: string, dataDir?: string): Promise<Uint32Array> {
  if (!findNamedSet(truth)) return await readLabels(truth);
  const options = dataDir === undefined ? {} : { dataDir };
  return (await loadDataset(truth, options)).classes!;
}

/** Labels of a file; of a `row,label` table, its last column. */
export async function readLabels(path: string): Promise<Uint32Array> {
  const bytes = await Deno.readFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(`Cannot read ${path}: there is no such file`);
  });
  const start = new TextDecoder().decode(bytes.subarray(0, 10));
  if (!/^row,label\r?\n/.test(start)) return (await decodeClasses(bytes, path)).classes;
  const { classes } = await decodeRows(bytes, path, { header: true, classColumn: "last" });
  return classes!.classes;
}
