/**
 * What a partition looks like, without any labels, and warnings with a remedy where it looks wrong.
 */
import type { FitResult } from "../estimator.ts";
import {
  type ClusterIndices,
  clusterIndices,
  comparedRows,
  silhouetteOf,
} from "./cluster_indices.ts";
import { adjustedRandIndex } from "./metrics.ts";

/** A cluster with a larger share of the rows counts as a collapse. */
const COLLAPSE_SHARE = 0.9;
/** Effective clusters below this share of K are worth a warning. */
const FEW_CLUSTERS = 0.6;
/** Agreement (ARI) with the partition that clustering began with, below which it went far from it. */
const FAR_FROM_START = 0.7;
/** Codes whose standard deviation is smaller have hardly any structure. */
const SMALL_CODE = 1e-3;

/** Figures of a partition and its codes; none of them needs labels. */
export interface Diagnostics extends ClusterIndices {
  /** Rows of each cluster, [K]. */
  readonly sizes: readonly number[];
  /** Clusters without rows. */
  readonly emptyClusters: number;
  /** exp of the entropy of the clusters' shares: K where all are equal, 1 where one has all rows. */
  readonly effectiveClusters: number;
  /** Share of the rows in the largest cluster. */
  readonly largestShare: number;
  /** Standard deviation of the codes about their mean, over all columns. */
  readonly codeDeviation: number;
  /** Values of the codes that are not finite. */
  readonly nonFinite: number;
  /** See {@linkcode silhouetteOf}, of the rows that the seed draws where there are many. */
  readonly silhouette: number | null;
  /** Rows of which all pairs were compared. */
  readonly comparedRows: number;
  /** ARI of the labels and of the partition that clustering began with; null where there was none. */
  readonly startAgreement: number | null;
  /** Why training ended. */
  readonly stopReason: string;
}

/**
 * Looks at what a fit has returned.
 * @param clusters K, as asked for. @param seed Of the sample.
 */
export function diagnose(
  { labels, embedding, embeddingSize, start, partitions, stopReason }: Pick<
    FitResult,
    "labels" | "embedding" | "embeddingSize" | "start" | "partitions" | "stopReason"
  >,
  clusters: number,
  seed = 0,
): Diagnostics {
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of labels) sizes[label]++;
  const shares = sizes.filter((size) => size > 0).map((size) => size / labels.length);
  const entropy = shares.reduce((sum, share) => sum - share * Math.log(share), 0);
  const { deviation, nonFinite } = spreadOf(embedding, embeddingSize);
  const compared = comparedRows(labels.length, embeddingSize, seed);
  return {
    sizes,
    emptyClusters: clusters - shares.length,
    effectiveClusters: Math.exp(entropy),
    largestShare: Math.max(...shares),
    codeDeviation: deviation,
    nonFinite,
    silhouette: silhouetteOf(embedding, embeddingSize, labels, compared),
    comparedRows: compared.length,
    ...clusterIndices(embedding, embeddingSize, labels, clusters),
    startAgreement: start === undefined ? null : adjustedRandIndex(partitions[start], labels),
    stopReason,
  };
}

/**
 * What is wrong and what may help; empty where nothing is.
 * @param areCodes Whether a network made the codes; rows as they are may differ as little as they like.
 */
export function warningsOf(diagnostics: Diagnostics, areCodes = true): string[] {
  const {
    sizes: { length: k },
    emptyClusters,
    effectiveClusters,
    largestShare,
    codeDeviation,
    nonFinite,
    silhouette,
    startAgreement,
  } = diagnostics;
  const effective = effectiveClusters.toFixed(1);
  const warnings: string[] = [];
  if (nonFinite > 0) {
    warnings.push(
      `${nonFinite} values of the codes are not finite: lower the learning rate, and where columns ` +
        "differ in range, standardise them (--scale standard)",
    );
  }
  if (k > 1 && largestShare > COLLAPSE_SHARE) {
    warnings.push(
      `the clusters have collapsed: one holds ${(100 * largestShare).toFixed(1)} % of the rows; ` +
        "pre-train longer, lower the weight of the clustering loss, or try another seed",
    );
  } else if (emptyClusters > 0) {
    warnings.push(
      `${emptyClusters} of ${k} clusters are empty: ask for fewer, or try another seed`,
    );
  } else if (effectiveClusters < FEW_CLUSTERS * k) {
    warnings.push(
      `the clusters are very unequal, as if there were ${effective} of ${k}: if that is not what ` +
        "the data are like, try another seed or another number of clusters",
    );
  }
  if (areCodes && codeDeviation < SMALL_CODE) {
    warnings.push(
      `the codes hardly differ (standard deviation ${codeDeviation.toExponential(1)}): pre-train ` +
        "longer, or scale the data",
    );
  }
  if (silhouette !== null && silhouette < 0) {
    warnings.push(
      `the clusters overlap (silhouette ${silhouette.toFixed(2)}): rows lie nearer to other ` +
        "clusters than to their own; pre-train longer, or ask for fewer clusters",
    );
  }
  if (startAgreement !== null && startAgreement < FAR_FROM_START) {
    warnings.push(
      `the clusters are far from those that clustering began with (agreement, ARI, ` +
        `${
          startAgreement.toFixed(2)
        }): pre-train longer, lower the learning rate or take fewer steps; ` +
        "or take that partition",
    );
  }
  return warnings;
}

/** Deviation about the columns' means, in two passes of float64. */
function spreadOf(codes: Float32Array, p: number): { deviation: number; nonFinite: number } {
  const means = new Float64Array(p);
  const n = codes.length / p;
  let nonFinite = 0;
  for (let i = 0; i < codes.length; i++) {
    if (Number.isFinite(codes[i])) means[i % p] += codes[i] / n;
    else nonFinite++;
  }
  let squares = 0;
  for (let i = 0; i < codes.length; i++) {
    if (Number.isFinite(codes[i])) squares += (codes[i] - means[i % p]) ** 2;
  }
  return { deviation: Math.sqrt(squares / codes.length), nonFinite };
}
