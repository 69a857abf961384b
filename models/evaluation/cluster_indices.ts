/**
 * What tells partitions of the same rows apart without classes, to choose the number of clusters by:
 * sums of squares within and between clusters, silhouettes, and cuts of a graph of neighbours.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import { RandomStream, STREAM } from "../../engine/random.ts";
import { Table } from "../../engine/state/table.ts";
import { nearestNeighbours } from "../graph/nearest_neighbours.ts";
import { neighbourhoods, normalizedCut } from "../graph/normalized_cut.ts";
import { CUT_DEGREE } from "../graph/partition.ts";
import { frameOf, intoFrame } from "../shallow/frame.ts";

/** Indices that cost a few passes over the rows; null where a partition has none. */
export interface ClusterIndices {
  /** Σ_i ‖x_i − m(i)‖² by the means m of the clusters. Falls with every cluster more. */
  readonly inertia: number;
  /**
   * (B/(K − 1))/(W/(N − K)) of the sums of squares between and within clusters (Caliński and Harabasz,
   * Communications in Statistics 3, 1974): larger is better.
   */
  readonly calinskiHarabasz: number | null;
  /**
   * The mean over clusters of the largest (s_k + s_l)/‖m_k − m_l‖, s the mean distance to the own mean
   * (Davies and Bouldin, IEEE PAMI 1(2), 1979): smaller is better.
   */
  readonly daviesBouldin: number | null;
}

/**
 * The indices in float64, of the clusters that have rows.
 * @param rows [n, d] row-major. @param labels [n], in [0, K). @param clusters K.
 */
export function clusterIndices(
  rows: Float32Array,
  d: number,
  labels: Uint32Array,
  clusters: number,
): ClusterIndices {
  const n = labels.length;
  const sizes = new Uint32Array(clusters);
  const means = meansOf(rows, d, labels, sizes);
  const [squares, distances] = [new Float64Array(clusters), new Float64Array(clusters)];
  for (let i = 0; i < n; i++) {
    const label = labels[i];
    let squared = 0;
    for (let j = 0; j < d; j++) squared += (rows[i * d + j] - means[label * d + j]) ** 2;
    squares[label] += squared;
    distances[label] += Math.sqrt(squared);
  }
  const inertia = squares.reduce((a, b) => a + b, 0);
  const present = Array.from(sizes.keys()).filter((c) => sizes[c] > 0);
  if (present.length < 2) return { inertia, calinskiHarabasz: null, daviesBouldin: null };
  const center = new Float64Array(d);
  means.forEach((mean, i) => center[i % d] += mean * sizes[Math.floor(i / d)] / n);
  const apart = (a: number, b: number) => {
    let squared = 0;
    for (let j = 0; j < d; j++) squared += (means[a * d + j] - means[b * d + j]) ** 2;
    return Math.sqrt(squared);
  };
  let between = 0;
  for (const c of present) {
    for (let j = 0; j < d; j++) between += sizes[c] * (means[c * d + j] - center[j]) ** 2;
  }
  const spread = (c: number) => distances[c] / sizes[c];
  const worst = present.map((a) =>
    present.reduce((most, b) => {
      const distance = apart(a, b);
      return a === b || distance === 0 ? most : Math.max(most, (spread(a) + spread(b)) / distance);
    }, 0)
  );
  const k = present.length;
  const isDefined = inertia > 0 && n > k;
  return {
    inertia,
    calinskiHarabasz: isDefined ? between / (k - 1) / (inertia / (n - k)) : null,
    daviesBouldin: worst.reduce((a, b) => a + b) / k,
  };
}

/** The means [K, d] of clusters; `sizes` [K] gets their numbers of rows. */
export function meansOf(
  rows: ArrayLike<number>,
  d: number,
  labels: Uint32Array,
  sizes: Uint32Array,
): Float64Array {
  const means = new Float64Array(sizes.length * d);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    sizes[label]++;
    for (let j = 0; j < d; j++) means[label * d + j] += rows[i * d + j];
  }
  return means.map((sum, i) => sizes[Math.floor(i / d)] > 0 ? sum / sizes[Math.floor(i / d)] : 0);
}

/** Fewest rows of a sample of which all pairs are compared, and the most differences of values. */
const SAMPLE_ROWS = 1000;
const SAMPLE_WORK = 2 ** 28;

/**
 * The rows of which all pairs are compared: all, or a sample that the seed draws, of at least 1,000 and
 * of as many as keeps their squared number times d below 2²⁸.
 * @param n Rows. @param d Columns.
 */
export function comparedRows(n: number, d: number, seed: number): Uint32Array {
  return sampleOf(n, Math.max(SAMPLE_ROWS, Math.floor(Math.sqrt(SAMPLE_WORK / d))), seed);
}

/** The numbers of all of n rows in order, or of `most` that the seed draws. */
export function sampleOf(n: number, most: number, seed: number): Uint32Array {
  const rows = Uint32Array.from({ length: n }, (_, i) => i);
  if (n <= most) return rows;
  const random = new RandomStream(seed, STREAM.sample);
  for (let i = 0; i < most; i++) {
    const j = i + random.below(n - i);
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows.slice(0, most);
}

/**
 * Mean silhouette in [−1, 1] of some rows among themselves (Rousseeuw, Journal of Computational and
 * Applied Mathematics 20, 1987); null where fewer than two clusters occur among them. A row that is
 * alone in its cluster counts as 0.
 * @param values [n, d] row-major. @param labels [n]. @param rows Their numbers.
 */
export function silhouetteOf(
  values: Float32Array,
  d: number,
  labels: Uint32Array,
  rows: Uint32Array,
): number | null {
  const places = new Map(
    [...new Set(Array.from(rows, (row) => labels[row]))].map((c, i) => [c, i]),
  );
  const k = places.size;
  if (k < 2) return null;
  const own = Uint32Array.from(rows, (row) => places.get(labels[row])!);
  const sizes = new Uint32Array(k);
  for (const c of own) sizes[c]++;
  const totals = new Float64Array(rows.length * k);
  for (let i = 0; i < rows.length; i++) {
    const a = rows[i] * d;
    for (let j = 0; j < i; j++) {
      const b = rows[j] * d;
      let squared = 0;
      for (let c = 0; c < d; c++) squared += (values[a + c] - values[b + c]) ** 2;
      const distance = Math.sqrt(squared);
      totals[i * k + own[j]] += distance;
      totals[j * k + own[i]] += distance;
    }
  }
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    if (sizes[own[i]] === 1) continue;
    const within = totals[i * k + own[i]] / (sizes[own[i]] - 1);
    let nearest = Infinity;
    for (let c = 0; c < k; c++) {
      if (c !== own[i]) nearest = Math.min(nearest, totals[i * k + c] / sizes[c]);
    }
    const largest = Math.max(within, nearest);
    if (largest > 0) sum += (nearest - within) / largest;
  }
  return sum / rows.length;
}

/**
 * The normalised cut of a partition on the graph of each row's 14 nearest others, in [0, K] (see
 * {@linkcode normalizedCut}), of {@linkcode comparedRows}; null for fewer than three rows,
 * or values that are not finite.
 * @param values [n, d] row-major. @param labels [n], in [0, K). @param clusters K.
 */
export async function sampledCut(
  backend: Backend,
  values: Float32Array,
  d: number,
  labels: Uint32Array,
  clusters: number,
  seed: number,
): Promise<number | null> {
  return (await sampledCuts(backend, values, d, [labels], clusters, seed))?.[0] ?? null;
}

/**
 * The cuts of several partitions on one such graph, as {@linkcode sampledCut} measures them; null for
 * fewer than three rows, or values that are not finite.
 */
export async function sampledCuts(
  backend: Backend,
  values: Float32Array,
  d: number,
  partitions: readonly Uint32Array[],
  clusters: number,
  seed: number,
): Promise<number[] | null> {
  const rows = comparedRows(values.length / d, d, seed);
  const m = rows.length;
  if (m < 3) return null;
  const chosen = new Float32Array(m * d);
  rows.forEach((row, i) => chosen.set(values.subarray(row * d, (row + 1) * d), i * d));
  if (!chosen.every(Number.isFinite)) return null;
  const framed = intoFrame(chosen, frameOf(chosen, d));
  using table = Table.upload(backend, "compared rows", framed, m, d);
  const degree = Math.min(CUT_DEGREE, m - 1);
  const graph = neighbourhoods(await nearestNeighbours(backend, table, degree), degree);
  return partitions.map((labels) => normalizedCut(graph, rows.map((row) => labels[row]), clusters));
}
