/** `embed`: the codes of rows by a trained model. */
import type { Command } from "commander";
import { encodeNpy } from "../datasets/npy.ts";
import { encodeParquet } from "../export/tables.ts";
import { codesCsv } from "./tables.ts";
import {
  addModelOptions,
  formatOf,
  type ModelValues,
  output,
  type RowFormat,
  withModel,
} from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  addModelOptions(command, "NPY, or a CSV or Parquet with a column for each number of the code");
  command.addHelpText(
    "after",
    `\nExample:\n  ${PROGRAM} embed --run runs/dynae-optdigits-seed0 --data optdigits -o codes.npy\n`,
  );
  command.action(async (values: ModelValues) => {
    const format = formatOf(values.output);
    const { codes, n } = await withModel(values, async (model, rows) => ({
      codes: await model.transform(rows),
      n: rows.n,
    }));
    await output(values.output, await encode(format, codes, codes.length / n));
  });
}

/** A file of codes [n, columns]. */
async function encode(
  format: RowFormat,
  codes: Float32Array,
  columns: number,
): Promise<string | Uint8Array> {
  if (format === "csv") return codesCsv(codes, columns);
  if (format === "npy") return encodeNpy(codes, [codes.length / columns, columns]);
  return await encodeParquet(Array.from({ length: columns }, (_, j) => ({
    name: `z${j}`,
    values: codes.filter((_, i) => i % columns === j),
  })));
}
