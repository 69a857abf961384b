/** k-means on the data themselves, with the contract of the other methods. */
import type { Backend } from "../engine/backend/backend.ts";
import { type Snapshot, State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { defineMethod, type Method } from "./method.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { kmeans, meanVarianceOf, nearestCentroids } from "./shallow/kmeans.ts";
import {
  type Found,
  type HostRows,
  ShallowEstimator,
  type ShallowModel,
} from "./shallow/shallow_estimator.ts";
import type { Training } from "./training/trainer.ts";

/** Options of {@linkcode KMeans}. */
export interface KMeansEstimatorOptions {
  /** K */
  readonly clusters: number;
  /** Restarts; the one of lowest inertia is kept. */
  readonly nInit: number;
  /** Most Lloyd iterations of a restart. */
  readonly maxIterations: number;
  /** Relative to the mean variance of the columns. */
  readonly tolerance: number;
  /** Of the k-means++ seeding, 32 bits. */
  readonly seed: number;
}

const OPTIONS: Specs<KMeansEstimatorOptions> = {
  clusters: { type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  nInit: {
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts; the one of lowest inertia is kept",
    source: "scikit-learn",
  },
  maxIterations: {
    type: "integer",
    default: 300,
    min: 1,
    description: "most iterations of a restart",
    source: "scikit-learn",
  },
  tolerance: {
    type: "number",
    default: 1e-4,
    min: 0,
    description: "stop when the centres move by less than this times the columns' mean variance",
    source: "scikit-learn",
  },
  seed: {
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
};

/** Lloyd's k-means from greedy k-means++ seeds. `transform` is the identity. */
export class KMeans extends ShallowEstimator<KMeansEstimatorOptions, ShallowModel> {
  /** Its name in the registry. */
  override readonly name = "kmeans";
  /** In messages. */
  protected override readonly title = "k-means";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults: 10 clusters, 10 restarts.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<KMeansEstimatorOptions> = {}) {
    super(resolveOptions("kmeans", OPTIONS, options));
  }

  /** All restarts, side by side. */
  protected override async find(training: Training, { data, n, d }: HostRows): Promise<Found> {
    const { backend, state, context: { signal } } = training;
    const centroids = state.variable("centroids", [this.options.clusters, d]);
    const labels = state.variable("labels", [n], { dtype: "u32" });
    training.restore();
    const { iterations, converged } = await training.once("k-means", async () => {
      using table = Table.upload(backend, "samples", data, n, d);
      const settings = { ...this.options, signal };
      const found = await kmeans(backend, table, meanVarianceOf(data, d), settings);
      centroids.write(found.centroids);
      labels.write(found.labels);
      const { iterations, converged, inertia } = found;
      training.log({ phase: "kmeans", step: iterations, inertia });
      return { iterations, converged };
    });
    return {
      iterations,
      stopReason: converged ? "the centres stopped moving" : `${iterations} iterations`,
      labels: await labels.read() as Uint32Array,
    };
  }

  /** The centroids. */
  protected override modelOf(variables: ReadonlyMap<string, Snapshot>): ShallowModel {
    const saved = variables.get("centroids");
    if (!saved) throw new RangeError("checkpoint: it holds no centroids");
    return { centers: Float32Array.from(saved.data), columns: saved.shape[1] };
  }

  /** The nearest centroid of each row. */
  protected override async assign(
    backend: Backend,
    { centers, columns }: ShallowModel,
    { data, n, d }: HostRows,
  ): Promise<Uint32Array> {
    using table = Table.upload(backend, "samples", data, n, d);
    using memory = new State(backend);
    const shape = [centers.length / columns, columns];
    const centroids = memory.variable("centroids", shape, { data: centers });
    return await nearestCentroids(backend, table, centroids);
  }
}

/** k-means' row in the registry. */
export const KMEANS_METHOD: Method = defineMethod<KMeansEstimatorOptions>({
  name: "kmeans",
  summary: "k-means on the data as they are: Lloyd's algorithm, greedy k-means++",
  citation: "Lloyd 1982; Arthur and Vassilvitskii, SODA 2007",
  options: OPTIONS,
  profiles: { default: { description: "scikit-learn's defaults, 10 restarts", values: {} } },
  losses: {},
  create: (options) => new KMeans(options),
});
