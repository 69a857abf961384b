/**
 * DCN: Towards K-means-friendly Spaces: Simultaneous Deep Learning and Clustering (Yang, Fu,
 * Sidiropoulos, Hong; ICML 2017, arXiv 1610.04794).
 *
 * An autoencoder is pulled towards its samples' centroids while it reconstructs. After the step of
 * each batch its samples are assigned anew, and the centroids go on as the means of what they were
 * given. The network is the one that all methods here share, not the code's with tied weights.
 */
import { confidence, softAssign } from "../engine/ops/assignment.ts";
import { add } from "../engine/ops/binary.ts";
import { callKernel } from "../engine/ops/call.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { gather, scatterRows } from "../engine/ops/rows.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import { minimizeTogether, type Optimizer } from "../engine/optim.ts";
import { Table } from "../engine/table.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { runningMeans } from "../kernels/running_means.ts";
import { AUDIT_ROWS, AUDIT_SIZES } from "./audit_scene.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { BatchPrograms } from "./training/batches.ts";
import {
  CentroidEstimator,
  type CentroidOptions,
  centroidOptions,
  type ClusteringPhase,
  optimizersOf,
} from "./training/centroid_estimator.ts";
import { CENTROIDS, type Fitting } from "./training/deep_estimator.ts";
import {
  type ComparedLosses,
  FeatureDiagnostics,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import type { Method } from "./method.ts";
import { type OptionSpec, resolveOptions } from "./options.ts";
import { score } from "./evaluation/scoring.ts";
import type { PhaseEnd } from "./training/trainer.ts";
import type { Encoding } from "./training/whole_pass.ts";

/** Options of {@linkcode DCN}. */
export interface DCNOptions extends CentroidOptions {
  /** λ: weight of the clustering term, of which half is taken. */
  readonly clusteringWeight: number;
  /** Samples that each centroid counts as the mean of at the start. */
  readonly initialCount: number;
  /** Keeps the centroids where k-means found them, as the authors' code does in effect. */
  readonly freezeCentroids: boolean;
  /** Steps between two rows of the log. */
  readonly checkInterval: number;
}

const OPTIONS: readonly OptionSpec[] = [
  ...centroidOptions(),
  {
    name: "clusteringWeight",
    type: "number",
    default: 10,
    min: 0,
    description: "lambda: weight of half the squared distance to the own centroid",
    source: "thrifty, tried on optdigits; DCN's code in effect: 40 for MNIST's pixels",
  },
  {
    name: "initialCount",
    type: "integer",
    default: 100,
    min: 0,
    description: "samples that each centroid counts as the mean of at the start",
    source: "DCN's code",
  },
  {
    name: "freezeCentroids",
    type: "boolean",
    default: false,
    description: "keep the centroids of k-means; DCN's code does, by a division of integers",
    source: "DCN, eq. 8",
  },
  {
    name: "checkInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two rows of the log",
  },
];

/** DCN's loss and its terms: scalars. */
export interface DCNLosses {
  /** mean_i ‖x_i − g(f(x_i))‖² */
  readonly reconstruction: Tensor;
  /** mean_i ‖f(x_i) − M·s_i‖² */
  readonly clustering: Tensor;
  /** reconstruction + λ/2·clustering */
  readonly total: Tensor;
}

/**
 * DCN's loss on a batch (eq. 6): sums over features, means over the batch.
 * @param x [n, d]. @param own M·s_i, the sample's own centroid, a constant, [n, p].
 * @param weight λ.
 */
export function dcnLosses(
  net: Pick<Autoencoder, "encode" | "decode">,
  x: Tensor,
  own: Tensor,
  weight: number,
): DCNLosses {
  const n = x.shape[0];
  const z = net.encode(x);
  const reconstruction = scale(squaredError(net.decode(z), x), 1 / n);
  const clustering = scale(squaredError(z, own), 1 / n);
  return { reconstruction, clustering, total: add(reconstruction, scale(clustering, weight / 2)) };
}

/** Deep clustering network; scikit-learn's contract. */
export class DCN extends CentroidEstimator<DCNOptions> {
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DCN_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DCNOptions> = {}) {
    super(resolveOptions("dcn", OPTIONS, {}, { ...options }) as unknown as DCNOptions);
  }

  /** Network, assignments and centroids in turns. */
  protected override clustering(fitting: Fitting): ClusteringPhase {
    return new Alternation(fitting, this.options);
  }
}

/** DCN's phase: its variables and its step. */
export class Alternation implements ClusteringPhase {
  /** M, [K, p]. */
  readonly centroids: Variable;
  /** s: the cluster of every sample, u32 [N, 1]. */
  private readonly assignments: Variable;
  /** c: samples that each centroid is the mean of, u32 [K]. */
  private readonly counts: Variable;
  private readonly thresholds: Variable;
  private readonly losses: Variable;
  private readonly step: Variable;
  private readonly optimizers: readonly Optimizer[];

  /** Makes the variables. @param fitting What is trained. @param options See there. */
  constructor(private readonly fitting: Fitting, private readonly options: DCNOptions) {
    const { training: { state }, samples: { n }, net } = fitting;
    const { clusters, latent, initialCount } = options;
    this.centroids = state.variable(CENTROIDS, [clusters, latent]);
    this.assignments = state.variable("assignments", [n, 1], { dtype: "u32" });
    const data = new Uint32Array(clusters).fill(initialCount);
    this.counts = state.variable("centroid counts", [clusters], { dtype: "u32", data });
    this.thresholds = state.variable("thresholds", [2], { saved: false });
    this.step = state.variable("clustering step", [1], { dtype: "u32" });
    this.losses = state.variable("clustering losses", [2]);
    this.optimizers = optimizersOf(state, { network: net.parameters }, options, this.step);
  }

  /** Takes the first assignments. */
  start(labels: Uint32Array): void {
    this.assignments.write(labels);
  }

  /** Runs all steps. */
  async run(_encoding: Encoding, truth: ArrayLike<number> | undefined): Promise<PhaseEnd> {
    const { training, rows } = this.fitting;
    const { batchSize, seed, steps, checkInterval } = this.options;
    const batches = { batchSize, order: "sequential", seed, step: this.step } as const;
    using programs = await BatchPrograms.trace(
      training.backend,
      rows,
      batches,
      "clustering",
      (x, numbers) => {
        this.traceStep(x, numbers);
        return {};
      },
    );
    using features = await FeatureDiagnostics.trace(
      this.fitting,
      this.options,
      (sample) => this.comparedLosses(sample),
    );
    return await training.run({
      name: "clustering",
      steps,
      interval: checkInterval,
      losses: this.losses,
      terms: ["reconstruction", "clustering"],
      programAt: (step) => programs.at(step),
      check: async () => {
        if (!truth) return { row: {} };
        const labels = await this.assignments.read();
        return { row: { ...score(truth, labels), ...await features?.measure(labels) } };
      },
    });
  }

  /** The distance to the assigned centroid, and to that of the class. */
  private comparedLosses({ x, numbers, clusters }: SampledRows): ComparedLosses {
    const assigned = reshape(gather(Table.of(this.assignments), numbers), [x.shape[0]]);
    const towards = (labels: Tensor) => {
      const own = gather(Table.of(this.centroids), labels);
      return dcnLosses(this.fitting.net, x, own, this.options.clusteringWeight);
    };
    const { clustering: pseudo, reconstruction } = towards(assigned);
    return { pseudo, supervised: towards(clusters).clustering, reconstruction };
  }

  /** Inside `trace`: one step on the batch x [n, d] of the rows `numbers`, u32 [n]. */
  private traceStep(x: Tensor, numbers: Tensor): void {
    const { net } = this.fitting;
    const { clusteringWeight, freezeCentroids } = this.options;
    const n = x.shape[0];
    const before = reshape(gather(Table.of(this.assignments), numbers), [n]);
    const own = gather(Table.of(this.centroids), before);
    const { total, reconstruction, clustering } = dcnLosses(net, x, own, clusteringWeight);
    minimizeTogether(total, this.optimizers);
    // The codes of the network as it is now.
    const z = net.encode(x);
    const { labels } = confidence(softAssign(z, this.centroids), this.thresholds);
    scatterRows(this.assignments, numbers, reshape(labels, [n, 1]));
    if (!freezeCentroids) updateCentroids(z, labels, this.counts, this.centroids);
    accumulate(this.losses, 0, reconstruction);
    accumulate(this.losses, 1, clustering);
    advance(this.step);
  }
}

/**
 * Inside `trace`: for the samples in order, c_k ← c_k + 1 and μ_k ← μ_k − (μ_k − z_i)/c_k with k the
 * sample's label (DCN, eq. 8).
 * @param z [n, p]. @param labels u32 [n]. @param counts c, u32 [K]. @param centroids [K, p].
 */
export function updateCentroids(
  z: Tensor,
  labels: Tensor,
  counts: Variable,
  centroids: Variable,
): void {
  const [n, p] = z.shape;
  const params = { n, p, k: centroids.shape[0] };
  callKernel(runningMeans, params, [z, labels, counts, centroids]);
}

/** DCN's row in the registry. */
export const DCN_METHOD: Method = {
  name: "dcn",
  summary: "Deep clustering network: k-means in the code of an autoencoder, in turns",
  citation: "Yang et al., Towards K-means-friendly Spaces, arXiv 1610.04794",
  options: OPTIONS,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description:
        "rates and weights of the authors' code for MNIST's pixels, on the network shared here",
      // The code weighs reconstruction by 0.05 and clustering by 1, at a rate of 0.05.
      values: {
        hidden: [500, 500, 2000],
        initializer: "normal",
        batchSize: 128,
        pretrainOptimizer: "sgd",
        pretrainLearningRate: 0.01,
        pretrainDecay: false,
        pretrainError: "halfSum",
        pretrainSteps: 0,
        stackedSteps: 27_300,
        stackedDropout: 0,
        rotation: 0,
        shift: 0,
        nInit: 10,
        clusteringWeight: 40,
        optimizer: "sgd",
        learningRate: 0.0025,
        steps: 27_300,
        freezeCentroids: true,
      },
    },
  },
  losses: {
    clustering: (scene) => {
      const { net, x } = scene;
      const own = scene.drawn("own centroids", [AUDIT_ROWS, AUDIT_SIZES.latent], -0.5, 0.5);
      return {
        targets: net.parameters.variables,
        loss: () => dcnLosses(net, x, own, 3).total,
      };
    },
  },
  create: (options) => new DCN(options as unknown as DCNOptions),
};
