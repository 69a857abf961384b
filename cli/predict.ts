/** `predict`: labels of rows by a trained model. */
import type { Command } from "commander";
import { encodeNpy } from "../datasets/npy.ts";
import { METHODS } from "../models/registry.ts";
import { usageError } from "./errors.ts";
import { labelsCsv, shareColumn } from "./tables.ts";
import { addModelOptions, isNpy, type ModelValues, output, withModel } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  addModelOptions(command, "a CSV of row and label, or NPY");
  command.option(
    "--probabilities",
    "soft assignments too: columns confidence, p0, p1, …; as NPY these alone, [n, K]",
  );
  command.addHelpText(
    "after",
    `\nExample:\n  ${PROGRAM} predict --run runs/dynae-optdigits-seed0 --data optdigits -o labels.csv\n`,
  );
  command.action(async (values: PredictValues) => {
    const binary = isNpy(values.output);
    const content = await withModel(values, async (model, rows) => {
      if (!values.probabilities) {
        const labels = await model.predict(rows);
        return binary ? encodeNpy(labels, [rows.n]) : labelsCsv(labels, rows);
      }
      checkSoft(model.name);
      const shares = await model.predictProba(rows);
      const k = shares.length / rows.n;
      if (binary) return encodeNpy(shares, [rows.n, k]);
      const labels = await model.predict(rows);
      return labelsCsv(labels, rows, [
        shareColumn("confidence", (i) => shares[i * k + labels[i]]),
        ...Array.from({ length: k }, (_, c) => shareColumn(`p${c}`, (i) => shares[i * k + c])),
      ]);
    });
    await output(values.output, content);
  });
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
