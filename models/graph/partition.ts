/**
 * A partition by the graph of nearest neighbours: k-means and mixtures on the rows themselves and on
 * UMAP's layouts of them (N2D: McConville, Santos-Rodríguez, Piechocki and Craddock, ICPR 2020), each
 * settled by the majority of neighbours, of which the one with the lowest normalised cut is taken.
 * No labels are needed to choose.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import { DivergedError } from "../estimator.ts";
import { Table } from "../../engine/state/table.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import { kmeans, meanVarianceOf } from "../shallow/kmeans.ts";
import { assignToMixture, ExpectationMaximization, standardizationOf } from "../shallow/mixture.ts";
import { fuzzyGraph } from "./fuzzy_graph.ts";
import { layoutOf, spectralStart } from "./layout.ts";
import { majorityOf } from "./majority.ts";
import { nearestNeighbours } from "./nearest_neighbours.ts";
import { neighbourhoods, normalizedCut } from "./normalized_cut.ts";

/** Options of {@linkcode graphPartition}. */
export interface GraphPartitionOptions {
  /** K */
  readonly clusters: number;
  /** Neighbours, the row itself counted, of each layout. Default 10, 20 and 30. */
  readonly neighbourCounts?: readonly number[];
  /** 32 bits. Default 0. */
  readonly seed?: number;
  /** Aborting rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told how many epochs of all layouts, which take most of the time, are done. */
  readonly onEpochs?: (done: number, epochs: number) => void;
}

/** A partition that may be chosen. */
export interface PartitionCandidate {
  /** How it was made: "k-means", "mixture", "k-means on the layout of 20 neighbours"… */
  readonly name: string;
  /** Its normalised cut on the graph of 15 neighbours. */
  readonly cut: number;
  /** [n], in [0, K). */
  readonly labels: Uint32Array;
}

/** What {@linkcode graphPartition} found. */
export interface GraphPartition extends PartitionCandidate {
  /** All candidates, in the order in which they were made. */
  readonly candidates: readonly PartitionCandidate[];
}

/** Other rows by whose edges a cut is measured: 15 neighbours, the row itself counted. */
export const CUT_DEGREE = 14;
/** Most rounds in which rows take the label of most of those neighbours. */
const MAJORITY_ROUNDS = 10;
/** Of the mixtures: added to variances, as a share of the mean variance, and when EM ends. */
const EM = { prior: 1, sigma2: 0, regCovar: 1e-4, maxIterations: 100, tolerance: 1e-3 };

/**
 * Partitions rows into K clusters. Of fewer rows than neighbours are asked for, all are neighbours.
 * @param codes [n, p], on the device.
 * @throws {RangeError} where K is not between 1 and n, n is below 3, a number of neighbours is below 2,
 *   or a value is not finite.
 */
export async function graphPartition(
  backend: Backend,
  codes: Variable,
  options: GraphPartitionOptions,
): Promise<GraphPartition> {
  const { clusters, neighbourCounts = [10, 20, 30], seed = 0, signal, onEpochs } = options;
  const [n, p] = codes.shape;
  if (n < 3) throw new RangeError(`graph partition: it needs at least 3 rows, got ${n}`);
  const most = Math.max(...neighbourCounts.map((k) => k - 1), CUT_DEGREE);
  const points = Table.of(codes);
  const neighbours = await nearestNeighbours(backend, points, Math.min(most, n - 1), signal);
  const degree = Math.min(CUT_DEGREE, n - 1);
  const graph = neighbourhoods(neighbours, degree);
  const candidates: PartitionCandidate[] = [];
  const addOf = async (data: Float32Array, width: number, where: string) => {
    const settings = { clusters, seed, signal };
    for (const [name, found] of await partitionsOf(backend, data, width, settings)) {
      // Noise at the borders, of which k-means has more than others, would decide by itself. Clusters
      // of fewer rows than neighbours lose the vote: their partition stays as it was found.
      const settled = majorityOf(neighbours, degree, found, clusters, MAJORITY_ROUNDS);
      const candidate = [found, settled]
        .map((labels) => ({
          name: name + where,
          cut: normalizedCut(graph, labels, clusters),
          labels,
        }))
        .reduce((a, b) => b.cut < a.cut ? b : a);
      candidates.push(candidate);
    }
  };
  await addOf(Float32Array.from(await codes.read()), p, "");
  const start = spectralStart(graph, 2, seed);
  for (const [i, k] of neighbourCounts.entries()) {
    const edges = await fuzzyGraph(backend, neighbours, Math.min(k, n), signal);
    const layout = await layoutOf(backend, edges, {
      seed,
      start,
      signal,
      ...onEpochs && {
        onEpochs: (done: number, epochs: number) =>
          onEpochs(i * epochs + done, neighbourCounts.length * epochs),
      },
    });
    await addOf(layout, 2, ` on the layout of ${k} neighbours`);
  }
  const best = candidates.reduce((best, candidate) => candidate.cut < best.cut ? candidate : best);
  return { ...best, candidates };
}

/** k-means, and a mixture that starts from it, if its covariances stay regular. */
async function partitionsOf(
  backend: Backend,
  data: Float32Array,
  width: number,
  options: { clusters: number; seed: number; signal: AbortSignal | undefined },
): Promise<[name: string, labels: Uint32Array][]> {
  using table = Table.upload(backend, "rows to partition", data, data.length / width, width);
  const { labels } = await kmeans(backend, table, meanVarianceOf(data, width), options);
  const standardization = standardizationOf(data, width);
  const settings = { ...EM, ...options, covariance: "full" } as const;
  const args = [backend, data, width, standardization] as const;
  using em = await ExpectationMaximization.create(...args, settings);
  try {
    const { mixture } = await em.fromPartition(labels);
    const assigned = await assignToMixture(...args, "full", mixture);
    return [["k-means", labels], ["mixture", assigned]];
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    return [["k-means", labels]];
  }
}
