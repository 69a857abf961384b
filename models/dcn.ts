/**
 * DCN: Towards K-means-friendly Spaces: Simultaneous Deep Learning and Clustering (Yang, Fu,
 * Sidiropoulos, Hong; ICML 2017, arXiv 1610.04794).
 *
 * An autoencoder is pulled towards its samples' centroids while it reconstructs. After the step of
 * each batch its samples are assigned anew, and the centroids go on as the means of what they were
 * given. The network is the one that all methods here share, not the code's with tied weights.
 */
import { argmax } from "../engine/ops/assignment.ts";
import { add } from "../engine/ops/binary.ts";
import { callKernel } from "../engine/ops/call.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { gather, scatterRows } from "../engine/ops/rows.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import type { Optimizer } from "../engine/network/optim.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { runningMeans } from "../kernels/running_means.ts";
import { AUDIT_ROWS, AUDIT_SIZES } from "./audit_scene.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import {
  CENTROID_OPTIONS,
  type CentroidOptions,
  optimizersOf,
} from "./training/centroid_options.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import type { Batch } from "./training/phase.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";
import type { Report } from "./training/reporting.ts";
import { Start } from "./training/start.ts";
import type { Check } from "./training/trainer.ts";
import { type Encoding, nearness } from "./training/whole_pass.ts";

/** The losses that are logged. */
export type DCNTerm = "reconstruction" | "clustering";

/** Options of {@linkcode DCN}. */
export interface DCNOptions extends CentroidOptions {
  /** λ: weight of the clustering term, of which half is taken. */
  readonly clusteringWeight: number;
  /** Samples that each centroid counts as the mean of at the start. */
  readonly initialCount: number;
  /** Keeps the centroids where k-means found them, as the authors' code does in effect. */
  readonly freezeCentroids: boolean;
}

const OPTIONS: Specs<DCNOptions> = {
  ...CENTROID_OPTIONS,
  clusteringWeight: {
    type: "number",
    default: 10,
    min: 0,
    description: "lambda: weight of half the squared distance to the own centroid",
    source: "thrifty, tried on optdigits; DCN's code in effect: 40 for MNIST's pixels",
  },
  initialCount: {
    type: "integer",
    default: 100,
    min: 0,
    description: "samples that each centroid counts as the mean of at the start",
    source: "DCN's code",
  },
  freezeCentroids: {
    type: "boolean",
    default: false,
    description: "keep the centroids of k-means; DCN's code does, by a division of integers",
    source: "DCN, eq. 8",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two rows of the log",
  },
};

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
export class DCN extends JointEstimator<DCNOptions, DCNTerm> {
  /** Its name in the registry. */
  override readonly name = "dcn";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DCN_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DCNOptions> = {}) {
    super(resolveOptions("dcn", OPTIONS, options));
  }

  /** Network, assignments and centroids in turns. */
  protected override clustering(fitting: Fitting): Clustering<DCNTerm> {
    return new Alternation(fitting, this.options);
  }
}

/** DCN's phase: a step of the network, then assignments and centroids of its batch. */
export class Alternation implements Clustering<DCNTerm> {
  readonly terms = ["reconstruction", "clustering"] as const;
  readonly batchOrder = "sequential";
  readonly start: string;
  readonly first: Start<Autoencoder>;
  /** s: the cluster of every sample, u32 [N, 1]. */
  private readonly assignments: Variable;
  /** c: samples that each centroid is the mean of, u32 [K]. */
  private readonly counts: Variable;

  /** Makes the variables. @param fitting What is trained. @param options See there. */
  constructor(private readonly fitting: Fitting, private readonly options: DCNOptions) {
    const { training: { state }, samples: { n } } = fitting;
    const { clusters, initialCount } = options;
    this.first = new Start(fitting, options);
    this.start = this.first.name;
    this.assignments = state.variable("assignments", [n, 1], { dtype: "u32" });
    const data = new Uint32Array(clusters).fill(initialCount);
    this.counts = state.variable("centroid counts", [clusters], { dtype: "u32", data });
  }

  /** Updates the network. */
  optimizers(step: Variable): Optimizer[] {
    const { training: { state }, net } = this.fitting;
    return optimizersOf(state, { network: net.parameters }, this.options, step);
  }

  /** M and s of the first partition. */
  async begin(encoding: Encoding): Promise<Uint32Array> {
    const labels = await this.first.find(encoding);
    this.assignments.write(labels);
    return labels;
  }

  /** With M and s fixed. */
  losses({ x, numbers }: Batch): DCNLosses {
    const own = gather(Table.of(this.fitting.centroids), this.assigned(numbers));
    return dcnLosses(this.fitting.net, x, own, this.options.clusteringWeight);
  }

  /** s, then M, by the codes of the network as it is now. */
  afterUpdate({ x, numbers }: Batch): void {
    const { net, centroids } = this.fitting;
    const z = net.encode(x);
    const labels = argmax(nearness(z, centroids));
    scatterRows(this.assignments, numbers, reshape(labels, [x.shape[0], 1]));
    if (!this.options.freezeCentroids) updateCentroids(z, labels, this.counts, centroids);
  }

  /** Scores s. */
  async check(_step: number, report?: Report): Promise<Check> {
    return { row: report ? await report(await this.assignments.read() as Uint32Array) : {} };
  }

  /** The distance to the assigned centroid, and to that of the class. */
  compared({ x, numbers, clusters }: SampledRows): ComparedLosses {
    const { net, centroids } = this.fitting;
    const towards = (labels: Tensor) => {
      const own = gather(Table.of(centroids), labels);
      return dcnLosses(net, x, own, this.options.clusteringWeight);
    };
    const { clustering: pseudo, reconstruction } = towards(this.assigned(numbers));
    return { pseudo, supervised: towards(clusters).clustering, reconstruction };
  }

  /** Inside `trace`: s of rows, u32 [n]. */
  private assigned(numbers: Tensor): Tensor {
    return reshape(gather(Table.of(this.assignments), numbers), numbers.shape);
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
export const DCN_METHOD: Method = defineMethod<DCNOptions>({
  name: "dcn",
  summary: "Deep clustering network: k-means in the code of an autoencoder, in turns",
  citation: "Yang et al., Towards K-means-friendly Spaces, arXiv 1610.04794",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description: "losses and weights of the authors' code for MNIST's pixels, on the network " +
        "shared here, whose rates are a hundredth",
      // The code's rates, 0.01 and then 0.05 with reconstruction weighed by 0.05 and clustering by 1,
      // are for errors summed over pixels, and for layers with batch normalisation and tied weights:
      // without these, every unit is dead after a few steps. Its momentum is Nesterov's.
      values: {
        hidden: [500, 500, 2000],
        initializer: "normal",
        batchSize: 128,
        pretrainOptimizer: "sgd",
        pretrainLearningRate: 1e-4,
        pretrainDecay: false,
        pretrainError: "sum",
        pretrainSteps: 0,
        stackedSteps: 27_300,
        stackedDropout: 0,
        rotation: 0,
        shift: 0,
        nInit: 10,
        clusteringWeight: 40,
        optimizer: "sgd",
        learningRate: 2.5e-5,
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
  againstCollapse: "a lower clusteringWeight",
  create: (options) => new DCN(options),
});
