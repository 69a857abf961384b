/** k-means on the data themselves, with the contract of the other methods. */
import type { Backend } from "../engine/backend/backend.ts";
import { negate, scale } from "../engine/ops/affine.ts";
import { sub } from "../engine/ops/binary.ts";
import { squaredDistances } from "../engine/ops/distances.ts";
import { type Snapshot, State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { NO_CLUSTERS, type RowOutputs } from "./estimator.ts";
import { defineMethod, type Method } from "./method.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { type Frame, frameOf, intoFrame, outOfFrame } from "./shallow/frame.ts";
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

/** Centroids, and the frame in which rows are compared with them. */
export interface KMeansModel extends ShallowModel {
  /** [K, d] in the frame. */
  readonly framed: Float32Array;
  /** Of the rows that they were found in. */
  readonly frame: Frame;
}

/**
 * Lloyd's k-means from greedy k-means++ seeds, on rows about their mean. `transform` is the identity.
 */
export class KMeans extends ShallowEstimator<KMeansEstimatorOptions, KMeansModel> {
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
    const offset = state.variable("offset", [d]);
    const unit = state.variable("unit", [1]);
    const labels = state.variable("labels", [n], { dtype: "u32" });
    training.restore();
    const { iterations, converged } = await training.once("k-means", async () => {
      const frame = frameOf(data, d);
      const framed = intoFrame(data, frame);
      using table = Table.upload(backend, "samples", framed, n, d);
      const settings = { ...this.options, signal };
      const found = await kmeans(backend, table, meanVarianceOf(framed, d), settings);
      centroids.write(found.centroids);
      offset.write(frame.offset);
      unit.write(Float32Array.of(frame.unit));
      labels.write(found.labels);
      const { iterations, converged } = found;
      training.log({ phase: "kmeans", step: iterations, inertia: found.inertia * frame.unit ** 2 });
      return { iterations, converged };
    });
    return {
      iterations,
      stopReason: converged ? "the centres stopped moving" : `${iterations} iterations`,
      labels: await labels.read() as Uint32Array,
    };
  }

  /** The centroids. */
  protected override modelOf(variables: ReadonlyMap<string, Snapshot>): KMeansModel {
    const saved = (name: string) => {
      const variable = variables.get(name);
      if (!variable) throw new RangeError(`checkpoint: it holds no ${name}`);
      return Float32Array.from(variable.data);
    };
    const framed = saved("centroids");
    const frame = { offset: saved("offset"), unit: saved("unit")[0] };
    if (!(frame.unit > 0)) throw new RangeError(NO_CLUSTERS);
    const columns = frame.offset.length;
    return { framed, frame, centers: outOfFrame(framed, frame), columns };
  }

  /** Less the squared distances in the frame. */
  protected override outputs(
    { framed, frame: { offset, unit }, columns }: KMeansModel,
    x: Tensor,
    memory: State,
  ): Promise<RowOutputs> {
    const shape = [framed.length / columns, columns];
    const centroids = memory.variable("centroids", shape, { data: framed });
    const origin = memory.variable("offset", [columns], { data: offset });
    const rows = scale(sub(x, origin), 1 / unit);
    return Promise.resolve({ code: x, affinity: negate(squaredDistances(rows, centroids)) });
  }

  /** The nearest centroid of each row. */
  protected override async assign(
    backend: Backend,
    { framed, frame, columns }: KMeansModel,
    { data, n, d }: HostRows,
  ): Promise<Uint32Array> {
    using table = Table.upload(backend, "samples", intoFrame(data, frame), n, d);
    using memory = new State(backend);
    const shape = [framed.length / columns, columns];
    const centroids = memory.variable("centroids", shape, { data: framed });
    return await nearestCentroids(backend, table, centroids);
  }
}

/** k-means' row in the registry. */
export const KMEANS_METHOD: Method = defineMethod<KMeansEstimatorOptions>({
  name: "kmeans",
  summary: "k-means on the data as they are: Lloyd's algorithm, greedy k-means++",
  citation: "Lloyd 1982; Arthur and Vassilvitskii, SODA 2007",
  needsAllRows: true,
  clustersRows: true,
  options: OPTIONS,
  profiles: { default: { description: "scikit-learn's defaults, 10 restarts", values: {} } },
  losses: {},
  create: (options) => new KMeans(options),
});
