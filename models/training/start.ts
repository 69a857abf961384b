/** Where clustering starts: a partition of the pre-trained code. */
import type { KMeansOptions } from "../shallow/kmeans.ts";
import type { Fitting, Network } from "./deep_estimator.ts";
import type { Encoding } from "./whole_pass.ts";

/** What the partition is called, in the log and among the results. */
export const KMEANS_START = "k-means on the pre-trained code";

/**
 * k-means on the codes of the last pass; its means become the centroids.
 * @returns Its labels, [N].
 */
export async function startByKMeans<N extends Network>(
  { training, centroids }: Fitting<N>,
  encoding: Encoding,
  { clusters, nInit, seed }: Required<Pick<KMeansOptions, "clusters" | "nInit" | "seed">>,
): Promise<Uint32Array> {
  const { signal } = training.context;
  const found = await encoding.cluster({ clusters, nInit, seed, run: 0, signal });
  centroids.write(found.centroids);
  return found.labels;
}
