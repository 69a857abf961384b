/** k-means on the data themselves, with the contract of the other methods. */
import type { Backend } from "../engine/backend.ts";
import { openDevice } from "../engine/device.ts";
import { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import {
  type Checkpoint,
  checkSamples,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Samples,
  valuesOf,
} from "./estimator.ts";
import { kmeans, meanVarianceOf, nearestCentroids } from "./shallow/kmeans.ts";
import { type OptionSpec, resolveOptions } from "./options.ts";
import type { Method } from "./method.ts";

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

const OPTIONS: readonly OptionSpec[] = [
  { name: "clusters", type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  {
    name: "nInit",
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts; the one of lowest inertia is kept",
    source: "scikit-learn",
  },
  {
    name: "maxIterations",
    type: "integer",
    default: 300,
    min: 1,
    description: "most iterations of a restart",
    source: "scikit-learn",
  },
  {
    name: "tolerance",
    type: "number",
    default: 1e-4,
    min: 0,
    description: "stop when the centres move by less than this times the columns' mean variance",
    source: "scikit-learn",
  },
  {
    name: "seed",
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
];

/** Lloyd's k-means from greedy k-means++ seeds. `transform` is the identity. */
export class KMeans implements Estimator {
  /** Its name in the registry. */
  readonly name = "kmeans";
  /** Complete and checked. */
  readonly options: KMeansEstimatorOptions;
  private centroids?: { readonly data: Float32Array; readonly columns: number };
  private device?: { readonly backend: Backend; readonly owned: boolean };

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults: 10 clusters, 10 restarts.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<KMeansEstimatorOptions> = {}) {
    this.options = resolveOptions("kmeans", OPTIONS, {}, {
      ...options,
    }) as unknown as KMeansEstimatorOptions;
  }

  /**
   * Clusters the rows; `context.save` gets the centroids once, in the end.
   * @throws {RangeError} for samples that do not fit the options.
   * @throws {TypeError} for samples from a source.
   * @throws {InterruptedError} where `context.signal` is aborted.
   */
  async fit(samples: Samples, context: FitContext = {}): Promise<FitResult> {
    const { n, d } = samples;
    checkSamples(samples, this.options.clusters);
    const data = valuesOf(samples, "k-means");
    const { signal } = context;
    if (signal?.aborted) throw new InterruptedError("interrupted before k-means began");
    await this.open(context.backend, context);
    const { backend } = this.device!;
    using table = Table.upload(backend, "samples", data, n, d);
    const settings = { ...this.options, signal };
    const found = await kmeans(backend, table, meanVarianceOf(data, d), settings)
      .catch((error) => {
        throw signal?.aborted && error === signal.reason
          ? new InterruptedError("interrupted; k-means starts anew")
          : error;
      });
    this.centroids = { data: found.centroids, columns: d };
    const row = { phase: "kmeans", step: found.iterations, inertia: found.inertia };
    context.onEvent?.({ type: "log", row });
    const shape = [this.options.clusters, d];
    await context.save?.({
      variables: new Map([["centroids", { shape, data: found.centroids }]]),
      host: { history: [row] },
    });
    return {
      labels: found.labels,
      clusterCenters: found.centroids,
      embedding: data.slice(),
      embeddingSize: d,
      prototypes: found.centroids,
      nIter: found.iterations,
      stopReason: found.converged ? "the centres stopped moving" : `${found.iterations} iterations`,
      history: [row],
      partitions: {},
    };
  }

  /** `fit`, and its labels [n]. */
  async fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array> {
    return (await this.fit(samples, context)).labels;
  }

  /**
   * Labels of new rows, [n]: each that of the nearest centroid.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  async predict(samples: Samples): Promise<Uint32Array> {
    const { data: values, columns } = this.needCentroids();
    checkSamples(samples, undefined, columns);
    const { backend } = this.device!;
    const data = valuesOf(samples, "k-means");
    using table = Table.upload(backend, "samples", data, samples.n, samples.d);
    using memory = new State(backend);
    const shape = [values.length / columns, columns];
    const centroids = memory.variable("centroids", shape, { data: values });
    return await nearestCentroids(backend, table, centroids);
  }

  /**
   * A copy of the rows, [n, d]: k-means clusters the data as they are.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  // deno-lint-ignore require-await
  async transform(samples: Samples): Promise<Float32Array> {
    const { columns } = this.needCentroids();
    checkSamples(samples, undefined, columns);
    return valuesOf(samples, "k-means").slice();
  }

  /** The centroids, to be loaded. @throws {TypeError} before fit. */
  // deno-lint-ignore require-await
  async checkpoint(): Promise<Checkpoint> {
    const { data, columns } = this.needCentroids();
    const centroids = { shape: [data.length / columns, columns], data };
    return { variables: new Map([["centroids", centroids]]), host: {} };
  }

  /**
   * Loads the centroids, so that predict works.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint holds no centroids.
   */
  async load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    const saved = checkpoint.variables.get("centroids");
    if (!saved) throw new RangeError("checkpoint: it holds no centroids");
    await this.open(backend, {});
    this.centroids = { data: saved.data as Float32Array, columns: saved.shape[1] };
  }

  /** Forgets the centroids, and closes the device where the model opened it. */
  async dispose(): Promise<void> {
    const { device } = this;
    this.device = undefined;
    this.centroids = undefined;
    if (device?.owned) await device.backend.dispose();
  }

  /** Takes the given backend, or opens the device that is asked for, in place of an earlier one. */
  private async open(backend: Backend | undefined, { device }: FitContext): Promise<void> {
    await this.dispose();
    this.device = { backend: backend ?? await openDevice(device), owned: backend === undefined };
  }

  /** The centroids [K, columns]. @throws {TypeError} before fit. */
  private needCentroids(): { readonly data: Float32Array; readonly columns: number } {
    if (!this.centroids) {
      throw new TypeError("this model is not fitted yet; call fit or load first");
    }
    return this.centroids;
  }
}

/** k-means' row in the registry. */
export const KMEANS: Method = {
  name: "kmeans",
  summary: "k-means on the data as they are: Lloyd's algorithm, greedy k-means++",
  citation: "Lloyd 1982; Arthur and Vassilvitskii, SODA 2007",
  options: OPTIONS,
  profiles: { default: { description: "scikit-learn's defaults, 10 restarts", values: {} } },
  losses: {},
  create: (options) => new KMeans(options as unknown as KMeansEstimatorOptions),
};
