/** `predict`: labels of rows by a trained model. */
import type { Command } from "commander";
import { encodeNpy } from "../datasets/npy.ts";
import { labelsCsv } from "./tables.ts";
import { addModelOptions, isNpy, type ModelValues, output, withModel } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  addModelOptions(command, "a CSV of row and label, or NPY");
  command.addHelpText(
    "after",
    `\nExample:\n  ${PROGRAM} predict --run runs/dynae-optdigits-seed0 --data optdigits -o labels.csv\n`,
  );
  command.action(async (values: ModelValues) => {
    const binary = isNpy(values.output);
    const { labels, rowNumbers } = await withModel(values, async (model, rows) => ({
      labels: await model.predict(rows),
      rowNumbers: rows.rowNumbers,
    }));
    const content = binary ? encodeNpy(labels, [labels.length]) : labelsCsv(labels, rowNumbers);
    await output(values.output, content);
  });
}
