/**
 * What a partition looks like, without any labels, and warnings with a remedy where it looks wrong.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import type { FitResult } from "../estimator.ts";
import {
  type ClusterIndices,
  clusterIndices,
  comparedRows,
  sampledCuts,
  silhouetteOf,
} from "./cluster_indices.ts";
import { adjustedRandIndex } from "./metrics.ts";

/** A cluster with a larger share of the rows counts as a collapse. */
const COLLAPSE_SHARE = 0.9;
/** Effective clusters below this share of K are worth a warning. */
const FEW_CLUSTERS = 0.6;
/** Agreement (ARI) with the partition that clustering began with, below which it went far from it. */
const FAR_FROM_START = 0.7;
/** Silhouettes from here on are of clusters that the rows support (Kaufman and Rousseeuw 1990). */
const SOME_STRUCTURE = 0.25;
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
  /** Different codes, counted up to K. */
  readonly distinctCodes: number;
  /** See {@linkcode silhouetteOf}, of the rows that the seed draws where there are many. */
  readonly silhouette: number | null;
  /** Rows of which all pairs were compared. */
  readonly comparedRows: number;
  /** ARI of the labels and of the partition that clustering began with; null where there was none. */
  readonly startAgreement: number | null;
  /** Why training ended. */
  readonly stopReason: string;
}

/** Normalised cuts on the graph of neighbours in the code that clustering began with. */
export interface StartCuts {
  /** Of the partition that it began with. */
  readonly start: number;
  /** Of the labels in the end. */
  readonly end: number;
}

/**
 * Whether clustering has left a partition for a better one, by the neighbours of the code that it began
 * with: they favour the partition that was found in it, so that a lower cut in the end is an improvement.
 * One graph, of a sample where there are many rows (see `sampledCut`), serves both.
 * @param clusters K. @param seed Of the sample.
 * @returns null where nothing was found before clustering, and where there is no graph.
 */
export async function startCutsOf(
  backend: Backend,
  { labels, start, startCodes, partitions, embeddingSize }: Pick<
    FitResult,
    "labels" | "start" | "startCodes" | "partitions" | "embeddingSize"
  >,
  clusters: number,
  seed: number,
): Promise<StartCuts | null> {
  if (start === undefined || startCodes === undefined) return null;
  const both = [partitions[start], labels];
  const cuts = await sampledCuts(backend, startCodes, embeddingSize, both, clusters, seed);
  return cuts && { start: cuts[0], end: cuts[1] };
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
    distinctCodes: distinctOf(embedding, embeddingSize, clusters),
    silhouette: silhouetteOf(embedding, embeddingSize, labels, compared),
    comparedRows: compared.length,
    ...clusterIndices(embedding, embeddingSize, labels, clusters),
    startAgreement: start === undefined ? null : adjustedRandIndex(partitions[start], labels),
    stopReason,
  };
}

/** What warnings depend on besides the figures. */
export interface WarningFacts {
  /** Whether the rows were clustered as they are, without a code. */
  readonly clustersRows?: boolean;
  /** Whether a network was pre-trained. */
  readonly pretrains?: boolean;
  /** Names of the method's options. */
  readonly options?: readonly string[];
  /** See `MethodFacts`. */
  readonly againstCollapse?: string;
  /** See {@linkcode startCutsOf}; null or absent where they were not measured. */
  readonly startCuts?: StartCuts | null;
}

/**
 * What is wrong and what may help; empty where nothing is. Options are named as in code, those of one
 * word in backquotes.
 */
export function warningsOf(diagnostics: Diagnostics, facts: WarningFacts = {}): string[] {
  const { codeDeviation, distinctCodes, nonFinite, silhouette, startAgreement } = diagnostics;
  const { clustersRows = false, pretrains = false, options = [], againstCollapse } = facts;
  const { startCuts = null } = facts;
  const longer = pretrains ? ["more pretrainSteps"] : [];
  const slower = options.includes("learningRate") ? ["a lower learningRate"] : [];
  const warnings: string[] = [];
  if (nonFinite > 0) {
    warnings.push(
      `${nonFinite} values of the codes are not finite: ${
        slower.length > 0 ? "try a lower learningRate, and " : ""
      }where columns differ in range, standardise them (--scale standard)`,
    );
  }
  warnings.push(...sizeWarnings(diagnostics, { ...facts, clustersRows }, [
    ...longer,
    ...againstCollapse === undefined ? [] : [againstCollapse],
    "another seed",
  ]));
  if (!clustersRows && distinctCodes > 1 && codeDeviation < SMALL_CODE) {
    warnings.push(
      `the codes hardly differ (standard deviation ${codeDeviation.toExponential(1)}): try ` +
        oneOf([...longer, "other scaling of the data"]),
    );
  }
  if (silhouette !== null && silhouette < 0) {
    warnings.push(
      `the clusters overlap (silhouette ${silhouette.toFixed(2)}): rows lie nearer to other ` +
        `clusters than to their own; try ${oneOf([...longer, "fewer clusters"])}`,
    );
  }
  const isBetter = startCuts !== null && startCuts.end < startCuts.start;
  if (startAgreement !== null && startAgreement < FAR_FROM_START && !isBetter) {
    const cuts = startCuts === null ? "" : `, and part more neighbours in the code then ` +
      `(normalised cut ${startCuts.end.toFixed(2)}, at the start ${startCuts.start.toFixed(2)})`;
    warnings.push(
      `the clusters are far from those that clustering began with (agreement, ARI, ` +
        `${startAgreement.toFixed(2)})${cuts}: try ${
          oneOf([...longer, ...slower, ...options.includes("steps") ? ["fewer `steps`"] : []])
        }; or take that partition`,
    );
  }
  return warnings;
}

/** What is wrong with the sizes of clusters: one warning at most. */
function sizeWarnings(
  { sizes: { length: k }, distinctCodes, emptyClusters, largestShare, ...rest }: Diagnostics,
  { clustersRows }: WarningFacts,
  remedies: readonly string[],
): string[] {
  const { effectiveClusters, silhouette, startAgreement } = rest;
  if (distinctCodes < k) {
    const what = clustersRows ? "rows" : "codes of the rows";
    const remedy = clustersRows
      ? `ask for at most ${distinctCodes} clusters`
      : `try ${oneOf(remedies)}, or ask for fewer clusters`;
    return [
      distinctCodes === 1
        ? `all ${what} are equal: there is nothing to tell clusters apart by` +
          (clustersRows ? "" : `; try ${oneOf(remedies)}`)
        : `there are only ${distinctCodes} different ${what}, and ${k} clusters: ${remedy}`,
    ];
  }
  // Sizes may be what the data are like: then rows are nearer to their own cluster than to others, or,
  // of codes, which are drawn together, clustering has kept what it found.
  const isLikeData = emptyClusters === 0 &&
    (clustersRows
      ? silhouette !== null && silhouette >= SOME_STRUCTURE
      : startAgreement !== null && startAgreement >= FAR_FROM_START);
  const share = `one holds ${(100 * largestShare).toFixed(1)} % of the rows`;
  if (k > 1 && largestShare > COLLAPSE_SHARE && !isLikeData) {
    return [
      clustersRows
        ? `the clusters are very unequal, ${share}: if that is not what the data are like, try ` +
          "another seed or another number of clusters"
        : `the clusters have collapsed: ${share}; try ${oneOf(remedies)}`,
    ];
  }
  if (emptyClusters > 0) {
    return [`${emptyText(emptyClusters, k)}: ask for fewer, or try another seed`];
  }
  if (effectiveClusters >= FEW_CLUSTERS * k || isLikeData) return [];
  return [
    `the clusters are very unequal, as if there were ${effectiveClusters.toFixed(1)} of ${k}: if ` +
    "that is not what the data are like, try another seed or another number of clusters",
  ];
}

/** How many of K clusters have no row: at least one. */
export function emptyText(empty: number, k: number): string {
  return `${empty} of ${k} clusters ${empty === 1 ? "is" : "are"} empty`;
}

/** `a`, `a or b`, `a, b or c`. */
function oneOf(remedies: readonly string[]): string {
  const all = remedies.length === 0 ? ["another seed"] : remedies;
  return all.length === 1 ? all[0] : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}

/** Different rows of codes [n, p], counted up to `most`. */
function distinctOf(codes: Float32Array, p: number, most: number): number {
  const found: number[] = [];
  for (let at = 0; at < codes.length && found.length < most; at += p) {
    const isKnown = found.some((other) => {
      for (let j = 0; j < p; j++) if (codes[at + j] !== codes[other + j]) return false;
      return true;
    });
    if (!isKnown) found.push(at);
  }
  return found.length;
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
