/** `predict`: labels of rows by a trained model. */
import type { Command } from "commander";
import { encodeNpy } from "../datasets/npy.ts";
import { encodeParquet } from "../export/tables.ts";
import { METHODS } from "../models/registry.ts";
import { usageError } from "./errors.ts";
import { labelsCsv, shareColumn } from "./tables.ts";
import { addModelOptions, formatOf, type ModelValues, output, withModel } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  addModelOptions(command, "a CSV or Parquet of row and label, or NPY");
  command.option(
    "--probabilities",
    "soft assignments too: columns confidence, p0, p1, …; as NPY these alone, [n, K]",
  );
  command.addHelpText(
    "after",
    `${softDetails()}\nExample:\n  ${PROGRAM} predict --run runs/dynae-optdigits-seed0 --data optdigits -o labels.csv\n`,
  );
  command.action(async (values: PredictValues) => {
    const format = formatOf(values.output);
    const content = await withModel(values, async (model, rows) => {
      if (values.probabilities) checkSoft(model.name);
      const shares = values.probabilities ? await model.predictProba(rows) : undefined;
      if (format === "npy" && shares) return encodeNpy(shares, [rows.n, shares.length / rows.n]);
      const labels = await model.predict(rows);
      if (format === "npy") return encodeNpy(labels, [rows.n]);
      const more = shares === undefined ? [] : sharesOf(labels, shares);
      if (format === "csv") {
        const columns = more.map(({ name, values }) => shareColumn(name, (i) => values[i]));
        return labelsCsv(labels, rows, columns);
      }
      const row = rows.rowNumbers ?? Uint32Array.from(labels, (_, i) => i);
      const ids = rows.ids === undefined ? [] : [{ name: "id", values: rows.ids }];
      const known = [{ name: "row", values: row }, ...ids, { name: "label", values: labels }];
      return await encodeParquet([...known, ...more]);
    });
    await output(values.output, content);
  });
}

/** What --probabilities gives, model by model. */
function softDetails(): string {
  const lines = Object.values(METHODS).map((
    { name, softAssignment = "none: its labels are hard" },
  ) => `  ${name.padEnd(10)}  ${softAssignment}`);
  return `\nSoft assignments by model:\n${lines.join("\n")}\n`;
}

/** Columns of soft assignments [n, K]: that of the label, and each cluster's. */
function sharesOf(labels: Uint32Array, shares: Float32Array) {
  const k = shares.length / labels.length;
  const column = (name: string, clusterOf: (label: number) => number) => ({
    name,
    values: Float32Array.from(labels, (label, i) => shares[i * k + clusterOf(label)]),
  });
  return [
    column("confidence", (label) => label),
    ...Array.from({ length: k }, (_, c) => column(`p${c}`, () => c)),
  ];
}

interface PredictValues extends ModelValues {
  readonly probabilities?: boolean;
}

/** @throws {Failure} for a method whose assignments are hard. */
function checkSoft(name: string): void {
  if (METHODS[name].softAssignment !== undefined) return;
  const soft = Object.values(METHODS).filter(({ softAssignment }) => softAssignment !== undefined);
  throw usageError(
    `--probabilities: ${name} has no soft assignments, each row belongs to one cluster; these have: ` +
      soft.map(({ name }) => name).join(", "),
  );
}
