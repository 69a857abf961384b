/**
 * DKM: Deep k-Means: Jointly clustering with k-Means and learning representations (Moradi Fard,
 * Thonet, Gaussier; Pattern Recognition Letters 138, 2020, arXiv 1806.10069).
 *
 * The choice of the nearest centroid is relaxed to a softmax of −α times the squared distances, so
 * that network and centroids descend one differentiable loss. Annealed, α grows from almost none and
 * nothing is pre-trained (DKM^a); else a pre-trained start is trained with a large α (DKM^p).
 */
import { add, mul } from "../engine/ops/binary.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { squaredDistances } from "../engine/ops/distances.ts";
import { gather } from "../engine/ops/rows.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { negate, scale } from "../engine/ops/affine.ts";
import { Adam, minimizeTogether, type Optimizer } from "../engine/optim.ts";
import { trace } from "../engine/program.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import { Table } from "../engine/table.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import type { AuditScene } from "./audit_scene.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { BatchPrograms } from "./training/batches.ts";
import {
  blockOf,
  CentroidEstimator,
  type CentroidOptions,
  centroidOptions,
  type ClusteringPhase,
  optimizersOf,
  type PretrainingEnd,
} from "./training/centroid_estimator.ts";
import { CENTROIDS, type Fitting } from "./training/deep_estimator.ts";
import {
  type ComparedLosses,
  FeatureDiagnostics,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import type { Method } from "./method.ts";
import { type OptionSpec, type OptionValues, resolveOptions } from "./options.ts";
import { score } from "./evaluation/scoring.ts";
import type { PhaseEnd } from "./training/trainer.ts";
import { type Encoding, labelsOf } from "./training/whole_pass.ts";

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
  /** Steps between two rows of the log, where α is fixed. */
  readonly checkInterval: number;
}

const OPTIONS: readonly OptionSpec[] = [
  ...centroidOptions({
    latent: {
      default: 0,
      min: 0,
      description: "size of the code; 0: the number of clusters",
      source: "DKM, section 4",
    },
    steps: {
      default: 2000,
      description: "steps of the clustering phase",
      source: "thrifty: optdigits' 90 epochs; DKM: 100 from a pre-trained start, 200 annealed",
    },
    learningRate: { source: "DKM, section 4" },
    nInit: { source: "as the other methods; DKM's code: 10" },
  }),
  {
    name: "start",
    type: "choice",
    choices: ["annealed", "pretrained"],
    default: "pretrained",
    description: "random weights and alpha annealed, or a pre-trained network and alpha fixed",
    source: "thrifty; DKM has both",
  },
  {
    name: "clusteringWeight",
    type: "number",
    default: 1,
    min: 0,
    description: "lambda: weight of the clustering term",
    source: "DKM for MNIST and USPS from a pre-trained start; annealed 0.1",
  },
  {
    name: "alpha",
    type: "number",
    default: 1000,
    min: 0,
    description: "inverse temperature: the fixed one, or the first of those annealed",
    source: "DKM, section 3; annealed 0.1",
  },
  {
    name: "alphas",
    type: "integer",
    default: 40,
    min: 1,
    description: "values of alpha that share the steps where it is annealed",
    source: "DKM's code",
  },
  {
    name: "keepMoments",
    type: "boolean",
    default: false,
    description: "let Adam go on with the moments of the run's own pre-training",
    source: "thrifty; DKM's code has one optimiser for both",
  },
  {
    name: "checkInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two rows of the log, where alpha is fixed",
  },
];

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
export class DKM extends CentroidEstimator<DKMOptions> {
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DKM_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DKMOptions> = {}) {
    const resolved = resolveOptions("dkm", OPTIONS, {}, { ...options }) as unknown as DKMOptions;
    super({ ...resolved, latent: resolved.latent || resolved.clusters });
  }

  /** Annealed, nothing is. */
  protected override get isPretrained(): boolean {
    return this.options.start === "pretrained";
  }

  /** Network and centroids by one loss. */
  protected override clustering(fitting: Fitting): ClusteringPhase {
    return new SoftKMeans(fitting, this.options);
  }
}

/** DKM's phase: its variables, its step, its temperatures. */
export class SoftKMeans implements ClusteringPhase {
  /** U, [K, p]. */
  readonly centroids: Variable;
  /** α of the present steps, [1]. */
  private readonly alpha: Variable;
  private readonly losses: Variable;
  private readonly step: Variable;
  /** What Adam counts: where it goes on, with its steps of pre-training. */
  private readonly updates: Variable;
  private readonly optimizers: readonly Optimizer[];

  /** Makes the variables. @param fitting What is trained. @param options See there. */
  constructor(private readonly fitting: Fitting, private readonly options: DKMOptions) {
    const { training: { state }, net } = fitting;
    const { clusters, latent } = options;
    this.centroids = state.variable(CENTROIDS, [clusters, latent]);
    this.alpha = state.variable("alpha", [1]);
    this.step = state.variable("clustering step", [1], { dtype: "u32" });
    this.updates = options.keepMoments
      ? state.variable("clustering updates", [1], { dtype: "u32" })
      : this.step;
    this.losses = state.variable("clustering losses", [2]);
    const blocks = { network: net.parameters, centroids: blockOf(this.centroids) };
    this.optimizers = optimizersOf(state, blocks, options, this.updates);
  }

  /** Draws the centroids from U[−1, 1], unless k-means has found some. */
  async start(labels?: Uint32Array, pretraining?: PretrainingEnd): Promise<void> {
    if (labels) {
      if (pretraining && this.options.keepMoments) await this.takeMoments(pretraining);
      return;
    }
    const random = new RandomStream(this.options.seed, STREAM.centroids);
    const { size } = this.centroids;
    this.centroids.write(Float32Array.from({ length: size }, () => random.uniform(-1, 1)));
  }

  /** There are none where the network is another run's. */
  private async takeMoments({ optimizer, step }: PretrainingEnd): Promise<void> {
    const { training: { backend }, samples } = this.fitting;
    const [network] = this.optimizers;
    const steps = await step.read() as Uint32Array;
    if (steps[0] === 0 || !(optimizer instanceof Adam && network instanceof Adam)) return;
    // Pre-training's error is a mean over features, or half their sum; DKM's is their sum.
    const factor = this.options.pretrainError === "mean" ? samples.d : 2;
    using program = await trace(backend, () => {
      network.continueFrom(optimizer, factor);
      return {};
    }, "moments of pre-training");
    program.run();
    this.updates.write(steps);
  }

  /** Runs all steps. */
  async run(encoding: Encoding, truth: ArrayLike<number> | undefined): Promise<PhaseEnd> {
    const { training, rows } = this.fitting;
    const { batchSize, seed, steps, checkInterval, start } = this.options;
    const alphas = this.temperatures();
    const interval = start === "annealed"
      ? Math.max(Math.ceil(steps / alphas.length), 1)
      : checkInterval;
    const batches = { batchSize, order: "shuffled", seed, step: this.step } as const;
    using programs = await BatchPrograms.trace(
      training.backend,
      rows,
      batches,
      "clustering",
      (x) => {
        this.traceStep(x);
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
      interval,
      losses: this.losses,
      terms: ["reconstruction", "clustering"],
      programAt: (step) => programs.at(step),
      check: async (step) => {
        const alpha = alphas[Math.min(Math.floor(step / interval), alphas.length - 1)];
        this.alpha.write(Float32Array.of(alpha));
        if (!truth) return { row: { alpha } };
        await encoding.run();
        const labels = await labelsOf(encoding.codes, this.centroids);
        return { row: { alpha, ...score(truth, labels), ...await features?.measure(labels) } };
      },
    });
  }

  /** The relaxed distance to the centroids, and the distance to that of the class. */
  private comparedLosses({ x, clusters }: SampledRows): ComparedLosses {
    const { net } = this.fitting;
    const z = net.encode(x);
    const own = gather(Table.of(this.centroids), clusters);
    return {
      pseudo: softKMeansLoss(z, this.centroids, this.alpha),
      supervised: scale(squaredError(z, own), 1 / x.shape[0]),
      reconstruction: scale(squaredError(net.decode(z), x), 1 / x.shape[0]),
    };
  }

  /** The values of α, in their order. */
  private temperatures(): number[] {
    const { start, alpha, alphas } = this.options;
    return annealedAlphas(alpha, start === "annealed" ? alphas : 1);
  }

  /** Inside `trace`: one step on the batch x [n, d]. */
  private traceStep(x: Tensor): void {
    const { net } = this.fitting;
    const { clusteringWeight } = this.options;
    const { total, reconstruction, clustering } = dkmLosses(
      net,
      x,
      this.centroids,
      this.alpha,
      clusteringWeight,
    );
    minimizeTogether(total, this.optimizers);
    accumulate(this.losses, 0, reconstruction);
    accumulate(this.losses, 1, clustering);
    advance(this.step);
    if (this.updates !== this.step) advance(this.updates);
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
const ANNEALED: OptionValues = {
  start: "annealed",
  initializer: "glorot",
  alpha: 0.1,
  clusteringWeight: 0.1,
};

/** The published network. */
const PUBLISHED: OptionValues = {
  hidden: [500, 500, 2000],
  initializer: "glorot",
  learningRate: 1e-3,
  nInit: 10,
};

/** DKM's row in the registry. */
export const DKM_METHOD: Method = {
  name: "dkm",
  summary: "Deep k-means: the nearest centroid relaxed to a softmax, network and centroids at once",
  citation: "Moradi Fard et al., Deep k-Means, arXiv 1806.10069",
  options: OPTIONS,
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
  pretrains: ({ start }) => start === "pretrained",
  create: (options) => new DKM(options as unknown as DKMOptions),
};
