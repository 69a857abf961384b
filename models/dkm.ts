/**
 * DKM: Deep k-Means: Jointly clustering with k-Means and learning representations (Moradi Fard,
 * Thonet, Gaussier; Pattern Recognition Letters 138, 2020, arXiv 1806.10069).
 *
 * The choice of the nearest centroid is relaxed to a softmax of −α times the squared distances, so
 * that network and centroids descend one differentiable loss. Annealed, α grows from almost none and
 * nothing is pre-trained (DKM^a); else a pre-trained start is trained with a large α (DKM^p).
 */
import { add, mul } from "../engine/ops/binary.ts";
import { advance } from "../engine/ops/counter.ts";
import { squaredDistances } from "../engine/ops/distances.ts";
import { gather } from "../engine/ops/rows.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { negate, scale } from "../engine/ops/affine.ts";
import { Adam, type Optimizer } from "../engine/network/optim.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import type { AuditScene } from "./audit_scene.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import {
  blockOf,
  CENTROID_OPTIONS,
  type CentroidOptions,
  optimizersOf,
} from "./training/centroid_options.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import type { Batch } from "./training/phase.ts";
import type { Pretraining } from "./training/pretraining.ts";
import { errorDivisor } from "./training/pretraining_phase.ts";
import type { Report } from "./training/reporting.ts";
import { Start } from "./training/start.ts";
import type { Check } from "./training/trainer.ts";
import type { Encoding } from "./training/whole_pass.ts";

/** The losses that are logged. */
export type DKMTerm = "reconstruction" | "clustering";

/** Options of {@linkcode DKM}. */
export interface DKMOptions extends CentroidOptions {
  /** Where training starts: random with α annealed, or pre-trained with α fixed. */
  readonly start: "annealed" | "pretrained";
  /** λ: weight of the clustering term. */
  readonly clusteringWeight: number;
  /** α of a pre-trained start, or the first one that is annealed. */
  readonly alpha: number;
  /** Whether Adam goes on with its moments of pre-training. */
  readonly keepMoments: boolean;
  /** Values that α takes one after another where it is annealed, for as many steps each. */
  readonly alphas: number;
}

const OPTIONS: Specs<DKMOptions> = {
  ...CENTROID_OPTIONS,
  latent: {
    ...CENTROID_OPTIONS.latent,
    default: 0,
    min: 0,
    description: "size of the code; 0: the number of clusters",
    source: "DKM, section 4",
  },
  steps: {
    ...CENTROID_OPTIONS.steps,
    default: 2000,
    description: "steps of the clustering phase",
    source: "thrifty: optdigits' 90 epochs; DKM: 100 from a pre-trained start, 200 annealed",
  },
  learningRate: { ...CENTROID_OPTIONS.learningRate, source: "DKM, section 4" },
  nInit: { ...CENTROID_OPTIONS.nInit, source: "as the other methods; DKM's code: 10" },
  start: {
    type: "choice",
    choices: ["annealed", "pretrained"],
    default: "pretrained",
    description: "random weights and alpha annealed, or a pre-trained network and alpha fixed",
    source: "thrifty; DKM has both",
  },
  clusteringWeight: {
    type: "number",
    default: 1,
    min: 0,
    description: "lambda: weight of the clustering term",
    source: "DKM for MNIST and USPS from a pre-trained start; annealed 0.1",
  },
  alpha: {
    type: "number",
    default: 1000,
    min: 0,
    description: "inverse temperature: the fixed one, or the first of those annealed",
    source: "DKM, section 3; annealed 0.1",
  },
  alphas: {
    type: "integer",
    default: 40,
    min: 1,
    description: "values of alpha that share the steps where it is annealed",
    source: "DKM's code",
  },
  keepMoments: {
    type: "boolean",
    default: false,
    description: "let Adam go on with the moments of the run's own pre-training",
    source: "thrifty; DKM's code has one optimiser for both",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two rows of the log, where alpha is fixed",
  },
};

/** Which value of α a step goes by, all of them about as long, and the one of the last step. */
function alphasOf({ start, steps, alpha, alphas, checkInterval }: DKMOptions) {
  const isAnnealed = start === "annealed";
  const values = annealedAlphas(alpha, isAnnealed ? alphas : 1);
  const interval = isAnnealed ? Math.max(Math.floor(steps / alphas), 1) : checkInterval;
  const at = (step: number) =>
    values[Math.min(Math.floor(step * values.length / Math.max(steps, 1)), values.length - 1)];
  return { interval, at, last: at(Math.max(steps - 1, 0)) };
}

/** α_1 = first, α_{n+1} = 2^(1/ln(n+1)²)·α_n (DKM, section 3): `count` values. */
export function annealedAlphas(first: number, count: number): number[] {
  const alphas = [first];
  for (let n = 1; n < count; n++) alphas.push(alphas[n - 1] * 2 ** (1 / Math.log(n + 1) ** 2));
  return alphas;
}

/** DKM's loss and its terms: scalars. */
export interface DKMLosses {
  /** mean_i ‖x_i − g(f(x_i))‖² */
  readonly reconstruction: Tensor;
  /** mean_i Σ_k G_ik·‖f(x_i) − μ_k‖² */
  readonly clustering: Tensor;
  /** reconstruction + λ·clustering */
  readonly total: Tensor;
}

/**
 * mean_i Σ_k G_ik·‖z_i − μ_k‖², G_ik = softmax_k(−α·‖z_i − μ_k‖²) (DKM, eq. 3); differentiated through
 * G too.
 * @param z [n, p]. @param centroids U [K, p]. @param alpha α, [1].
 */
export function softKMeansLoss(z: Tensor, centroids: Tensor, alpha: Tensor): Tensor {
  const distances = squaredDistances(z, centroids);
  const shares = softmax(mul(distances, negate(alpha)));
  return scale(sum(mul(shares, distances)), 1 / z.shape[0]);
}

/**
 * DKM's loss on a batch (eq. 2): sums over features, means over the batch.
 * @param x [n, d]. @param centroids U [K, p]. @param alpha α, [1]. @param weight λ.
 */
export function dkmLosses(
  net: Pick<Autoencoder, "encode" | "decode">,
  x: Tensor,
  centroids: Tensor,
  alpha: Tensor,
  weight: number,
): DKMLosses {
  const z = net.encode(x);
  const reconstruction = scale(squaredError(net.decode(z), x), 1 / x.shape[0]);
  const clustering = softKMeansLoss(z, centroids, alpha);
  return { reconstruction, clustering, total: add(reconstruction, scale(clustering, weight)) };
}

/** Deep k-means; scikit-learn's contract. */
export class DKM extends JointEstimator<DKMOptions, DKMTerm> {
  /** Its name in the registry. */
  override readonly name = "dkm";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DKM_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DKMOptions> = {}) {
    const resolved = resolveOptions("dkm", OPTIONS, options);
    super({ ...resolved, latent: resolved.latent || resolved.clusters });
  }

  /** Annealed, nothing is. */
  protected override get isPretrained(): boolean {
    return this.options.start === "pretrained";
  }

  /** G at the last α (DKM, eq. 3). */
  protected override softAssignment(codes: Tensor, centroids: Tensor): Tensor {
    return softmax(scale(squaredDistances(codes, centroids), -alphasOf(this.options).last));
  }

  /** Network and centroids by one loss. */
  protected override clustering(fitting: Fitting): Clustering<DKMTerm> {
    return new SoftKMeans(fitting, this.options);
  }
}

/** DKM's phase: one loss at temperatures that may change. */
export class SoftKMeans implements Clustering<DKMTerm> {
  readonly terms = ["reconstruction", "clustering"] as const;
  readonly batchOrder = "shuffled";
  readonly start: string;
  readonly first?: Start<Autoencoder>;
  readonly interval: number;
  private readonly alphaAt: (step: number) => number;
  /** α of the present steps, [1]. */
  private readonly alpha: Variable;
  /** What Adam counts where it goes on: its steps of pre-training too. */
  private readonly updates?: Variable;
  private network!: Optimizer;

  /** Makes the variables. @param fitting What is trained. @param options See there. */
  constructor(private readonly fitting: Fitting, private readonly options: DKMOptions) {
    const { training: { state } } = fitting;
    const { start, keepMoments } = options;
    if (start !== "annealed") this.first = new Start(fitting, options);
    this.start = this.first?.name ?? "random centroids";
    const { interval, at } = alphasOf(options);
    this.interval = interval;
    this.alphaAt = at;
    this.alpha = state.variable("alpha", [1]);
    if (keepMoments) this.updates = state.variable("clustering updates", [1], { dtype: "u32" });
  }

  /** Updates network and centroids. */
  optimizers(step: Variable): Optimizer[] {
    const { training: { state }, net, centroids } = this.fitting;
    const blocks = { network: net.parameters, centroids: blockOf(centroids) };
    const optimizers = optimizersOf(state, blocks, this.options, this.updates ?? step);
    [this.network] = optimizers;
    return optimizers;
  }

  /** Centroids of the first partition, or, where nothing was pre-trained, from U[−1, 1]. */
  async begin(encoding: Encoding, pretraining?: Pretraining): Promise<Uint32Array | undefined> {
    if (pretraining && this.first) {
      const labels = await this.first.find(encoding);
      if (this.updates) await this.takeMoments(pretraining, this.updates);
      return labels;
    }
    const random = new RandomStream(this.options.seed, STREAM.centroids);
    const { centroids } = this.fitting;
    centroids.write(Float32Array.from({ length: centroids.size }, () => random.uniform(-1, 1)));
  }

  /** There are none where the network is another run's. */
  private async takeMoments({ optimizer, phase }: Pretraining, updates: Variable): Promise<void> {
    const { fitting: { training: { backend }, samples }, network, options } = this;
    const steps = await phase.step.read() as Uint32Array;
    if (steps[0] === 0 || !(optimizer instanceof Adam && network instanceof Adam)) return;
    // DKM's own error is a sum over features.
    const factor = errorDivisor(options.pretrainError, samples.d);
    using program = await trace(backend, () => {
      network.continueFrom(optimizer, factor);
      return {};
    }, "moments of pre-training");
    program.run();
    updates.write(steps);
  }

  /** Inside `trace`: those of a batch, at the present α. */
  losses({ x }: Batch): DKMLosses {
    const { fitting: { net, centroids }, alpha, options: { clusteringWeight } } = this;
    return dkmLosses(net, x, centroids, alpha, clusteringWeight);
  }

  /** Inside `trace`: counts what Adam counts. */
  afterUpdate(): void {
    if (this.updates) advance(this.updates);
  }

  /** Sets α for the steps that follow. */
  async check(step: number, report?: Report): Promise<Check> {
    const { fitting } = this;
    const alpha = this.alphaAt(step);
    this.alpha.write(Float32Array.of(alpha));
    return { row: { alpha, ...report && await report(await fitting.label()) } };
  }

  /** The relaxed distance to the centroids, and the distance to that of the class. */
  compared({ x, clusters }: SampledRows): ComparedLosses {
    const { net, centroids } = this.fitting;
    const z = net.encode(x);
    const own = gather(Table.of(centroids), clusters);
    return {
      pseudo: softKMeansLoss(z, centroids, this.alpha),
      supervised: scale(squaredError(z, own), 1 / x.shape[0]),
      reconstruction: scale(squaredError(net.decode(z), x), 1 / x.shape[0]),
    };
  }
}

/** The loss at a temperature, for the gradient audit. */
function audited(alpha: number) {
  return (scene: AuditScene) => {
    const { net, x, centroids } = scene;
    const temperature = scene.given("alpha", [alpha]);
    return {
      targets: [...net.parameters.variables, centroids],
      loss: () => dkmLosses(net, x, centroids, temperature, 0.5).total,
    };
  };
}

/** From a random start. */
const ANNEALED: Partial<DKMOptions> = {
  start: "annealed",
  initializer: "glorot",
  alpha: 0.1,
  clusteringWeight: 0.1,
};

/** The published network. */
const PUBLISHED: Partial<DKMOptions> = {
  hidden: [500, 500, 2000],
  initializer: "glorot",
  learningRate: 1e-3,
  nInit: 10,
};

/** DKM's row in the registry. */
export const DKM_METHOD: Method = defineMethod<DKMOptions>({
  name: "dkm",
  summary: "Deep k-means: the nearest centroid relaxed to a softmax, network and centroids at once",
  citation: "Moradi Fard et al., Deep k-Means, arXiv 1806.10069",
  options: OPTIONS,
  pretraining: { network: "dense", isUsed: ({ start }) => start === "pretrained" },
  profiles: {
    default: { description: "thrifty, from a pre-trained network (DKM^p)", values: {} },
    annealed: {
      description: "thrifty, from random weights with alpha annealed (DKM^a)",
      // Eight by eight pixels have small squared errors: a weight of 0.1 empties most clusters there.
      values: { ...ANNEALED, clusteringWeight: 5e-4, steps: 4000 },
    },
    official: {
      description: "DKM^p as published for MNIST: 50 epochs of pre-training, then 100",
      values: {
        ...PUBLISHED,
        keepMoments: true,
        pretrainSteps: 13_700,
        pretrainLearningRate: 1e-3,
        pretrainDecay: false,
        rotation: 0,
        shift: 0,
        steps: 27_400,
      },
    },
    "official-annealed": {
      description: "DKM^a as published for MNIST: 40 values of alpha, 5 epochs each",
      values: { ...PUBLISHED, ...ANNEALED, steps: 54_800 },
    },
  },
  losses: { "α 0.1": audited(0.1), "α 30": audited(30) },
  softAssignment: "the softmax of squared distances to the centroids, by the last alpha",
  againstCollapse: "a lower clusteringWeight",
  create: (options) => new DKM(options),
});
