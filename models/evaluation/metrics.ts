/**
 * External scores of a clustering: how well predicted clusters agree with true classes, whatever
 * the clusters are called. Labels are non-negative integers and need not be contiguous; the numbers
 * of clusters and classes may differ.
 */
import { hungarian } from "./hungarian.ts";

/** How often each class meets each cluster. */
export interface Contingency {
  /** [classes, clusters] row-major counts. */
  readonly counts: Float64Array;
  /** The distinct true labels in ascending order, the meaning of the rows. */
  readonly classes: readonly number[];
  /** The distinct predicted labels in ascending order, the meaning of the columns. */
  readonly clusters: readonly number[];
  /** [classes] row sums. */
  readonly classSizes: Float64Array;
  /** [clusters] column sums. */
  readonly clusterSizes: Float64Array;
  /** Samples. */
  readonly n: number;
}

/**
 * Counts the pairs of true and predicted labels.
 * @param truth [n] true classes.
 * @param predicted [n] clusters.
 * @throws {RangeError} for arrays that are empty or of different lengths, and for labels that are
 * not integers from 0 up.
 */
export function contingency(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): Contingency {
  const n = truth.length;
  if (n !== predicted.length) {
    throw new RangeError(`${n} true labels and ${predicted.length} predicted, expected as many`);
  }
  if (n === 0) throw new RangeError("there are no labels, expected at least one");
  const { distinct: classes, placeOf: rowOf } = numbering(truth, "true");
  const { distinct: clusters, placeOf: columnOf } = numbering(predicted, "predicted");
  const counts = new Float64Array(classes.length * clusters.length);
  const classSizes = new Float64Array(classes.length);
  const clusterSizes = new Float64Array(clusters.length);
  for (let i = 0; i < n; i++) {
    const row = rowOf(truth[i]);
    const column = columnOf(predicted[i]);
    counts[row * clusters.length + column]++;
    classSizes[row]++;
    clusterSizes[column]++;
  }
  return { counts, classes, clusters, classSizes, clusterSizes, n };
}

/** Labels up to this one are looked up in an array, which is many times as fast as a map. */
const LARGEST_LISTED = 2 ** 16;

/** The distinct labels in ascending order, and the place of each among them. */
function numbering(
  labels: ArrayLike<number>,
  which: string,
): { distinct: number[]; placeOf: (label: number) => number } {
  let largest = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (!Number.isSafeInteger(label) || label < 0) {
      throw new RangeError(`${which} label ${i} is ${label}, expected an integer from 0 up`);
    }
    if (label > largest) largest = label;
  }
  if (largest > LARGEST_LISTED) {
    const distinct = [...new Set(Array.from(labels))].sort((a, b) => a - b);
    const places = new Map(distinct.map((label, place) => [label, place]));
    return { distinct, placeOf: (label) => places.get(label)! };
  }
  const places = new Int32Array(largest + 1);
  for (let i = 0; i < labels.length; i++) places[labels[i]] = 1;
  const distinct: number[] = [];
  places.forEach((seen, label) => {
    if (seen) places[label] = distinct.push(label) - 1;
  });
  return { distinct, placeOf: (label) => places[label] };
}

/**
 * The one-to-one naming of clusters by classes that agrees with the most samples (Hungarian
 * method). Where there are more clusters than classes, the least useful ones get no name.
 * @returns The class of each named cluster, by predicted label.
 * @throws {RangeError} as {@linkcode contingency}
 */
export function matchClusters(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): Map<number, number> {
  const table = contingency(truth, predicted);
  const columns = bestColumns(table);
  const names = new Map<number, number>();
  columns.forEach((column, row) => {
    if (column >= 0) names.set(table.clusters[column], table.classes[row]);
  });
  return names;
}

function bestColumns({ counts, classes, clusters }: Contingency): Int32Array {
  return hungarian(counts.map((count) => -count), classes.length, clusters.length);
}

/**
 * Clustering accuracy (ACC): the share of samples whose cluster is named after their class, under
 * the best one-to-one naming. Y. Yang et al., Image clustering using local discriminant models and
 * global integration, IEEE TIP 19, 2010; the score of DEC and its successors.
 * @returns A share from above 0 to 1.
 * @throws {RangeError} as {@linkcode contingency}
 */
export function accuracy(truth: ArrayLike<number>, predicted: ArrayLike<number>): number {
  const table = contingency(truth, predicted);
  let matched = 0;
  bestColumns(table).forEach((column, row) => {
    if (column >= 0) matched += table.counts[row * table.clusters.length + column];
  });
  return matched / table.n;
}

/**
 * Normalized mutual information with the arithmetic mean: I(t; p) / ((H(t) + H(p)) / 2), in [0, 1].
 * Two partitions of a single group each agree: 1. Papers before 2019 mostly divide by the
 * geometric mean √(H(t) · H(p)), which is the same for balanced partitions and never smaller.
 * @throws {RangeError} as {@linkcode contingency}
 */
export function normalizedMutualInformation(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): number {
  const { counts, classes, clusters, classSizes, clusterSizes, n } = contingency(truth, predicted);
  if (classes.length === 1 && clusters.length === 1) return 1;
  // Each term is N_ij/n · ln(n · N_ij / (a_i · b_j)); the products are exact below 2⁵³.
  let information = 0;
  for (let row = 0; row < classes.length; row++) {
    for (let column = 0; column < clusters.length; column++) {
      const count = counts[row * clusters.length + column];
      if (count === 0) continue;
      const odds = (n * count) / (classSizes[row] * clusterSizes[column]);
      information += count / n * Math.log(odds);
    }
  }
  const mean = (entropy(classSizes, n) + entropy(clusterSizes, n)) / 2;
  // Independent partitions have information 0, which rounding may turn into ±1e-16.
  return information <= Number.EPSILON ? 0 : Math.min(information / mean, 1);
}

/** Entropy in nats of a partition into groups of these sizes. */
function entropy(sizes: Float64Array, n: number): number {
  return -sizes.reduce((sum, size) => sum + size / n * Math.log(size / n), 0);
}

/**
 * Adjusted Rand index: agreement on pairs, 1 for equal partitions and 0 on average for random ones
 * of the same sizes; it can be negative. L. Hubert, P. Arabie, Comparing partitions, Journal of
 * Classification 2, 1985, equation 5.
 * @throws {RangeError} as {@linkcode contingency}
 */
export function adjustedRandIndex(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): number {
  const { counts, classSizes, clusterSizes, n } = contingency(truth, predicted);
  const together = pairs(counts);
  const inClass = pairs(classSizes);
  const inCluster = pairs(clusterSizes);
  // All pairs agree: also where nothing can be adjusted, as for one group or all singletons.
  if (together === inClass && together === inCluster) return 1;
  const expected = inClass * inCluster / (n * (n - 1) / 2);
  return (together - expected) / ((inClass + inCluster) / 2 - expected);
}

/** Σ over groups of size·(size − 1)/2: the pairs within one group. */
function pairs(sizes: Float64Array): number {
  return sizes.reduce((sum, size) => sum + size * (size - 1) / 2, 0);
}
