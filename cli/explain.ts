/** `explain`: each cluster of a run by its size, typical and doubtful rows, and columns. */
import type { Command } from "commander";
import { type ClusterReport, reportOf } from "../report/clusters.ts";
import { integerOption } from "./method_options.ts";
import { RunFolder } from "./run_folder.ts";
import { loadAgain, readRunRows } from "./run_rows.ts";
import {
  formatCount,
  formatTable,
  onOneLine,
  writeError,
  writeJson,
  writeOut,
} from "./terminal.ts";
import { PROGRAM } from "./version.ts";

interface ExplainValues {
  readonly count: number;
  readonly json?: boolean;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .argument("<run>", "folder of a finished run")
    .option("--count <n>", "rows and columns of each cluster", integerOption("--count", 1), 5)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Of every cluster: its size; its exemplars, the rows nearest to the mean of its codes; the rows whose
cluster is least sure, by confidence or margin as in labels.csv; and of tables, the columns whose mean
differs most from that of all other rows, in standard deviations of the column. Rows are named by the
id column, or else counted from 0.

Example:
  ${PROGRAM} explain runs/dynae-optdigits-seed0
`,
    );
  command.action(explain);
}

async function explain(path: string, { count, json }: ExplainValues): Promise<void> {
  const { folder, record } = await RunFolder.open(path);
  const rows = await readRunRows(folder, record);
  const isTable = record.data.schema.columns !== undefined;
  const data = isTable ? await loadAgain(record, "columns") : undefined;
  try {
    const clusters = await reportOf(rows, record.results!.clusterSizes, data, count);
    const { model } = record.configuration;
    if (json) return writeJson({ folder: folder.path, model, certainty: rows.certainty, clusters });
    writeOut(clusters.map((cluster) => `${textOf(cluster, rows.certainty)}\n`).join("\n"));
    if (!isTable) writeError("\nColumns are those of tables; the rows of this run are images.\n");
  } finally {
    if (data !== undefined && !(data.data instanceof Float32Array)) data.data.close();
  }
}

/** A cluster in lines. */
function textOf(
  { cluster, size, share, classes, exemplars, leastSure, columns }: ClusterReport,
  certainty: string | undefined,
): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const head = [`cluster ${cluster}: ${formatCount(size)} rows, ${percent(share)}`];
  if (classes?.length) {
    const shares = classes.map(({ name, share }) => `${name} (${percent(share)})`);
    head.push(`classes ${onOneLine(shares.join(", "))}`);
  }
  const lines = [head.join("; ")];
  if (size > 0) lines.push(`  exemplars: ${onOneLine(exemplars.join(", "))}`);
  if (leastSure?.length) {
    const rows = leastSure.map(({ row, value }) => `${row} (${value.toFixed(3)})`).join(", ");
    lines.push(`  least sure, by ${certainty}: ${onOneLine(rows)}`);
  }
  if (columns?.length) {
    const table = formatTable(
      ["column", "mean", "elsewhere", "difference"],
      columns.map(({ name, mean, others, difference }) => [
        name,
        String(Number(mean.toPrecision(6))),
        String(Number(others.toPrecision(6))),
        `${difference < 0 ? "" : "+"}${difference.toFixed(2)}`,
      ]),
    );
    lines.push(...table.split("\n").map((line) => `  ${line}`));
  }
  return lines.join("\n");
}
