/** Centroids that are constructed: inputs over outputs. */
import { imageGrid, rangeOf } from "../../report/image_grid.ts";
import { loadAgain, readRunRows } from "../run_rows.ts";
import { RunFolder } from "../run_folder.ts";
import { writeError } from "../terminal.ts";
import { withEstimator } from "../trained_model.ts";
import { framedImage } from "./chart.ts";
import { isFirstSeed } from "./first_seed.ts";
import type { FinishedRun, PaperTable } from "./paper_table.ts";

/** Images of each cluster. */
const IMAGES = 2;

/** See {@linkcode PaperTable}. */
export const CENTROIDS_TABLE: PaperTable = {
  summary: "what DynAE's autoencoder makes of images in the end: inputs over outputs",
  notes: [
    `Pictures of seed 0: of each cluster the first ${IMAGES} images, and below them what the ` +
    "autoencoder makes of these. The start is k-means, as published.",
  ],
  data: "usps,mnist-test",
  seeds: 1,
  headings: ["model"],
  rows: () => [
    { name: "dynae", cells: ["dynae"], model: "dynae", options: { partition: "kmeans" } },
  ],
  async pictures(runs, note): Promise<Record<string, string>> {
    const pictures: Record<string, string> = {};
    for (const run of runs.filter(isFirstSeed)) {
      const picture = await inputsOverOutputs(run);
      if (picture === undefined) continue;
      const title =
        `${run.dataTitle}: inputs (above) and outputs (below), ${IMAGES} images of each ` +
        "cluster in turn, seed 0";
      pictures[`${run.data}-inputs-outputs.svg`] = framedImage(picture, { title, note });
    }
    return pictures;
  },
};

/** A PNG of some images and their reconstructions; undefined, with a note, for rows that are no images. */
async function inputsOverOutputs({ path, record }: FinishedRun): Promise<Uint8Array | undefined> {
  const found = await loadAgain(record, "pictures");
  if (!(found?.data instanceof Float32Array)) return undefined;
  const { data, d, height, width, channels = 1 } = found;
  if (height === undefined || width === undefined) {
    return void writeError(`note: the rows of ${found.name} are no images; none are drawn\n`);
  }
  const { folder } = await RunFolder.open(path);
  const { labels } = await readRunRows(folder, record);
  const rows = firstRows(labels, IMAGES);
  const inputs = new Float32Array(rows.length * d);
  rows.forEach((row, i) => inputs.set(data.subarray(row * d, (row + 1) * d), i * d));
  const outputs = await withEstimator({ run: path, device: "cpu" }, async (model) => {
    const codes = await model.transform({ data: inputs, n: rows.length, d });
    return await model.inverseTransform!(codes);
  });
  const images = new Float32Array(2 * inputs.length);
  images.set(inputs);
  images.set(outputs, inputs.length);
  const range = rangeOf(inputs);
  return await imageGrid(images, { height, width, channels, columns: rows.length, range });
}

/** The first rows of every cluster, cluster by cluster. */
export function firstRows(labels: ArrayLike<number>, count: number): number[] {
  const byCluster = Map.groupBy(Array.from(labels, (_, row) => row), (row) => labels[row]);
  return [...byCluster].sort(([a], [b]) => a - b).flatMap(([, rows]) => rows.slice(0, count));
}
