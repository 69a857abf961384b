/** `generate`: images that a trained model draws around its centroids and between them. */
import type { Command } from "commander";
import { CENTROIDS } from "../models/training/deep_estimator.ts";
import { interpolateCodes, sampleCodes } from "../models/networks/generator.ts";
import { countOf, imageGrid, rangeOf } from "../report/image_grid.ts";
import { addDeviceOptions, type DeviceValues } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { integerOption } from "./method_options.ts";
import { writeError } from "./terminal.ts";
import type { OutputName } from "./run_folder.ts";
import { readRunRows } from "./run_rows.ts";
import { withEstimator } from "./trained_model.ts";
import { PROGRAM } from "./version.ts";

interface GenerateValues extends DeviceValues {
  readonly run: string;
  readonly samples: number;
  readonly interpolations: number;
  readonly seed: number;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .requiredOption("--run <dir>", "folder of a finished run on images")
    .option("--samples <n>", "images around each centroid", integerOption("--samples", 1), 10)
    .option(
      "--interpolations <n>",
      "images from each centroid to the next, both included",
      integerOption("--interpolations", 2),
      10,
    )
    .option("--seed <n>", "seed of the samples", integerOption("--seed", 0), 0);
  addDeviceOptions(command);
  command.addHelpText(
    "after",
    `
Writes samples.png and interpolations.png into the folder, a row for each cluster. Samples are
decoded from the Gaussian of the cluster's codes, moved to its centroid.

Example:
  ${PROGRAM} generate --run runs/ae-cm-optdigits-seed0
`,
  );
  command.action(generate);
}

async function generate(values: GenerateValues): Promise<void> {
  await withEstimator(values, async (model, { folder, record, checkpoint }) => {
    const { height, width, channels = 1 } = record.data;
    if (height === undefined || width === undefined) {
      throw usageError(`${folder.path} was trained on rows that are no images`);
    }
    if (record.status !== "finished") {
      throw usageError(`${folder.path} is not finished; finish it by --resume`);
    }
    if (!model.inverseTransform) {
      throw usageError(`${record.configuration.model} cannot draw from codes`);
    }
    const { data, shape: [clusters] } = checkpoint.variables.get(CENTROIDS)!;
    const centroids = Float32Array.from(data);
    const { codes, codeSize, labels } = await readRunRows(folder, record);
    const size = data.length / clusters;
    if (codeSize !== size) {
      throw new SyntaxError(
        `Cannot read ${folder.file("embedding.npy")}: its codes have ${codeSize} values, ` +
          `expected ${size} by the checkpoint`,
      );
    }
    const range = rangeOf(await model.inverseTransform(centroids));
    const { samples, interpolations, seed } = values;
    const pictures: [name: OutputName, codes: Float32Array][] = [
      [
        "samples.png",
        sampleCodes(
          { codes: Float32Array.from(codes), labels, centroids, clusters },
          samples,
          seed,
        ),
      ],
      ["interpolations.png", interpolateCodes(centroids, clusters, interpolations)],
    ];
    for (const [name, drawn] of pictures) {
      const images = await model.inverseTransform(drawn);
      const image = { height, width, channels };
      const columns = countOf(images, image) / clusters;
      await folder.write(name, await imageGrid(images, { ...image, columns, range }));
      writeError(`${folder.file(name)}: ${clusters} rows of ${columns} images\n`);
    }
  });
}
