/** Where clustering starts: a partition of the pre-trained code, which every method can share. */
import type { Variable } from "../../engine/tensor/tensor.ts";
import { graphPartition } from "../graph/partition.ts";
import { sureRows } from "../graph/sure_rows.ts";
import type { Specs } from "../options.ts";
import { assignToMixture, fitMixture } from "../shallow/mixture.ts";
import type { Fitting, Network } from "./deep_estimator.ts";
import { SelfLabelling } from "./self_labelling.ts";
import {
  type ClassifierOptions,
  SELF_LABELLING_OPTIONS,
  type SelfLabellingOptions,
} from "./self_labelling_options.ts";
import type { Encoding } from "./whole_pass.ts";

/** k-means, a Gaussian mixture, or the partition of lowest normalised cut of the neighbour graph. */
export type PartitionName = "kmeans" | "mixture" | "graph";

/** The options of the methods that start from a partition. */
export interface StartOptions extends SelfLabellingOptions {
  /** How the first partition is found in the pre-trained code. */
  readonly partition: PartitionName;
}

/** Their descriptions. */
export const START_OPTIONS: Specs<StartOptions> = {
  partition: {
    type: "choice",
    choices: ["kmeans", "mixture", "graph"],
    default: "kmeans",
    description: "how the first clusters are found; graph: by the code's neighbours, as N2D",
    source: "the papers; mixture and graph: arXiv 1908.05968",
  },
  ...SELF_LABELLING_OPTIONS,
};

/** What the partitions are called, in the log and among the results. */
export const PARTITIONS: Readonly<Record<PartitionName, string>> = {
  kmeans: "k-means on the pre-trained code",
  mixture: "mixture on the pre-trained code",
  graph: "graph partition of the pre-trained code",
};

/** What finding a partition depends on. */
export interface PartitionSettings extends Pick<StartOptions, "partition"> {
  /** K */
  readonly clusters: number;
  /** Restarts of k-means or mixture. */
  readonly nInit: number;
  /** 32 bits. */
  readonly seed: number;
}

/** EM on the code: scikit-learn's stopping, and variances not below 1e-3 of the code's. */
const MIXTURE = {
  covariance: "full",
  prior: 1,
  sigma2: 0,
  regCovar: 1e-3,
  maxIterations: 100,
  tolerance: 1e-3,
} as const;

/**
 * The first partition of a method: found in the pre-trained code, and labelled again by a classifier
 * where that is asked for. Its variables are made before a checkpoint is restored.
 */
export class Start<N extends Network = Network> {
  /** What the partition that clustering begins with is called. */
  readonly name: string;
  private readonly selfLabelling?: SelfLabelling;
  /** As it was found, u32 [N]. */
  private readonly found?: Variable;

  /** Makes the variables. @param fitting Whose rows. @param options See there. */
  constructor(
    private readonly fitting: Pick<Fitting<N>, "training" | "samples" | "rows" | "centroids">,
    private readonly options: PartitionSettings & ClassifierOptions,
  ) {
    const { training: { state }, samples: { n } } = fitting;
    const name = PARTITIONS[options.partition];
    this.name = options.selfLabelSteps > 0 ? `the same, self-labelled` : name;
    if (options.selfLabelSteps === 0) return;
    this.selfLabelling = new SelfLabelling(fitting, options);
    this.found = state.variable("found labels", [n], { dtype: "u32" });
  }

  /** Finds it in the codes of the last pass; the means of its clusters become the centroids. @returns [N]. */
  async find(encoding: Encoding): Promise<Uint32Array> {
    const { fitting, options, found, selfLabelling } = this;
    if (!found || !selfLabelling) return await startPartition(fitting, encoding, options);
    const { training: { backend, context: { signal } } } = fitting;
    await fitting.training.once(PARTITIONS[options.partition], async () => {
      const labels = await startPartition(fitting, encoding, options);
      found.write(labels);
      selfLabelling.write(labels, await sureRows(backend, encoding.table, labels, signal));
      return null;
    });
    const labels = await selfLabelling.run();
    await moveToMeans(fitting.centroids, encoding.codes, labels);
    return labels;
  }

  /** What was found before it was labelled again, by its name; nothing where it was not. */
  async partitions(): Promise<Record<string, Uint32Array>> {
    const { found, options } = this;
    return found ? { [PARTITIONS[options.partition]]: await found.read() as Uint32Array } : {};
  }
}

/**
 * Finds the partition of the codes of the last pass; the means of its clusters become the centroids.
 * The log gets the candidates of a graph's partition with their cuts.
 * @returns Its labels, [N].
 */
export async function startPartition<N extends Network>(
  { training, centroids }: Pick<Fitting<N>, "training" | "centroids">,
  encoding: Encoding,
  { partition, clusters, nInit, seed }: PartitionSettings,
): Promise<Uint32Array> {
  const { backend, context: { signal } } = training;
  const shared = { clusters, seed, ...signal && { signal } };
  // One or two rows have no graph.
  if (partition === "kmeans" || partition === "graph" && encoding.codes.shape[0] < 3) {
    const found = await encoding.cluster({ ...shared, nInit, run: 0 });
    centroids.write(found.centroids);
    return found.labels;
  }
  if (partition === "graph") {
    const { codes } = encoding;
    const { labels, name, cut, candidates } = await graphPartition(backend, codes, {
      ...shared,
      onEpochs: training.progressOf("layouts of the neighbour graph"),
    });
    await moveToMeans(centroids, codes, labels);
    for (const { name, cut } of candidates) {
      training.log({ phase: "start", step: 0, candidate: name, cut });
    }
    training.log({ phase: "start", step: 0, chosen: name, cut });
    return labels;
  }
  const { codes } = encoding;
  const [, p] = codes.shape;
  const values = Float32Array.from(await codes.read());
  const found = await fitMixture(backend, values, p, nInit, { ...MIXTURE, ...shared });
  const { standardization, mixture } = found;
  const labels = await assignToMixture(backend, values, p, standardization, "full", mixture);
  await moveToMeans(centroids, codes, labels);
  return labels;
}

/**
 * The mean code of each cluster becomes its centroid; that of an empty one stays where it is.
 * @param centroids [K, p]. @param codes [N, p]. @param labels [N].
 */
export async function moveToMeans(
  centroids: Variable,
  codes: Variable,
  labels: Uint32Array,
): Promise<void> {
  const [k, p] = centroids.shape;
  const [values, before] = await centroids.backend.read([codes.region, centroids.region]);
  const sums = new Float64Array(k * p);
  const counts = new Uint32Array(k);
  labels.forEach((label, i) => {
    counts[label]++;
    for (let c = 0; c < p; c++) sums[label * p + c] += values[i * p + c];
  });
  centroids.write(Float32Array.from(sums, (sum, i) => {
    const count = counts[Math.floor(i / p)];
    return count > 0 ? sum / count : before[i];
  }));
}
