/** What is computed for the report of one run. */
import type { Dataset } from "../datasets/dataset.ts";
import type { StreamedDataset } from "../datasets/row_file.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { sampleOf } from "../models/evaluation/cluster_indices.ts";
import { reportOf, telling } from "./clusters.ts";
import { mapOf } from "./map.ts";
import { picturesOf, pngUrl, sheetOf, shownValues } from "./pictures.ts";
import { rowValuesOf } from "./row_values.ts";
import type { ReportedRun, RunDetails } from "./run.ts";

/** Rows and columns of each cluster. */
const COUNT = 6;
/** Most rows of a map, and most values of their images, so that a page stays small. */
const MAP_ROWS = 6000;
const IMAGE_VALUES = 1.5e6;
/** Rows that a map has, however large their images are. */
const LEAST_ROWS = 500;

/** What there is to compute by. */
export interface DetailSources {
  /** The rows that it was trained on; absent: images and columns are left out. */
  readonly data: Dataset | StreamedDataset | undefined;
  /** The centroids as the decoder draws them: a PNG. */
  readonly centroids: Uint8Array | undefined;
  /** Computes the map. */
  readonly backend: Backend;
}

/** Clusters, images and the map of a run. */
export async function detailsOf(
  { rows, clusterSizes, seed }: Pick<ReportedRun, "rows" | "clusterSizes" | "seed">,
  { data, centroids, backend }: DetailSources,
): Promise<RunDetails> {
  const table = data?.schema.columns === undefined ? undefined : data;
  const clusters = await reportOf(rows, clusterSizes, table, COUNT);
  const { exemplars, doubtful } = telling(rows, clusterSizes.length, COUNT);
  const values = data && shownValues(data);
  const most = Math.max(LEAST_ROWS, Math.floor(IMAGE_VALUES / (values ?? 1)));
  const sampled = sampleOf(rows.labels.length, Math.min(MAP_ROWS, most), seed);
  const map = await mapOf(backend, rows, sampled, seed);
  const shown = table && map && await rowValuesOf(table, map.rows, clusters, COUNT);
  return {
    clusters,
    exemplars,
    ...doubtful && { doubtful },
    ...map && { map },
    ...shown && { values: shown },
    ...centroids && { centroids: pngUrl(centroids) },
    ...data && values !== undefined && {
      pictures: await picturesOf(data, [exemplars, doubtful ?? []].flat(2)),
      ...map && { sheet: await sheetOf(data, map.rows) },
    },
  };
}
