/** `embed`: the codes of rows by a trained model. */
import type { Command } from "commander";
import { encodeNpy } from "../datasets/npy.ts";
import { codesCsv } from "./tables.ts";
import { addModelOptions, isNpy, type ModelValues, output, withModel } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  addModelOptions(command, "NPY, or a CSV with a column for each number of the code");
  command.addHelpText(
    "after",
    `\nExample:\n  ${PROGRAM} embed --run runs/dynae-optdigits-seed0 --data optdigits -o codes.npy\n`,
  );
  command.action(async (values: ModelValues) => {
    const binary = isNpy(values.output);
    const { codes, n } = await withModel(values, async (model, rows) => ({
      codes: await model.transform(rows),
      n: rows.n,
    }));
    const columns = codes.length / n;
    await output(values.output, binary ? encodeNpy(codes, [n, columns]) : codesCsv(codes, columns));
  });
}
