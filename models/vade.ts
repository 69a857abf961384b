/**
 * VaDE: Variational Deep Embedding (Jiang, Zheng, Tan, Tang, Zhou; IJCAI 2017, arXiv 1611.05148), a
 * variational autoencoder whose prior is a mixture of Gaussians.
 *
 * An autoencoder is pre-trained; its code becomes the mean of q(z|x), and a mixture of diagonal
 * Gaussians, fitted to the code by EM, the prior. Then network and mixture are trained together on the
 * evidence lower bound. The label is the component that is most likely to have made the mean.
 */
import { binaryCrossEntropyWithLogits } from "../engine/ops/activation.ts";
import { add, minimum, mul, sub } from "../engine/ops/binary.ts";
import { constant } from "../engine/ops/constant.ts";
import { matmulTransposeB } from "../engine/ops/matmul.ts";
import { randomNormal } from "../engine/ops/noise.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { logSoftmax, softmax } from "../engine/ops/softmax.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { exp, log, reciprocal, sigmoid, square } from "../engine/ops/unary.ts";
import { Adam, type AdamOptions, type Optimizer } from "../engine/network/optim.ts";
import { STREAM } from "../engine/random.ts";
import type { State } from "../engine/state/state.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import type { RowOutputs, Samples } from "./estimator.ts";
import {
  type ComparedLosses,
  FEATURE_DIAGNOSTICS,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import { ARCHITECTURE_OPTIONS, type Autoencoder } from "./networks/autoencoder.ts";
import { type Posterior, VariationalEncoder } from "./networks/variational_encoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { assignToMixture, fitMixture } from "./shallow/mixture.ts";
import { differences } from "./shallow/mixture_components.ts";
import { blockOf } from "./training/centroid_options.ts";
import type { FittedNetwork, Fitting, Trained } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator, type JointOptions } from "./training/joint_estimator.ts";
import type { Batch } from "./training/phase.ts";
import { DENSE_PRETRAINING, PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";
import { STACKED_DENOISING } from "./training/pretraining_profiles.ts";
import type { Report } from "./training/reporting.ts";
import {
  SELF_LABELLING_OPTIONS,
  type SelfLabellingOptions,
} from "./training/self_labelling_options.ts";
import { Start } from "./training/start.ts";
import type { Check, PhaseEnd } from "./training/trainer.ts";
import type { Encoding } from "./training/whole_pass.ts";

/** The losses that are logged. */
export type VaDETerm = "reconstruction" | "divergence";

/** What the decoder's output means: logits of Bernoulli variables, or means of Gaussians. */
export type OutputLikelihood = "bernoulli" | "gaussian";

/** Options of {@linkcode VaDE}. */
export interface VaDEOptions extends JointOptions, SelfLabellingOptions {
  /** How the first mixture is found: by EM from k-means, or from the partition of the neighbour graph. */
  readonly partition: "mixture" | "graph";
  /** Adam's learning rate for the network, in the clustering phase. */
  readonly learningRate: number;
  /** Adam's learning rate for the mixture. */
  readonly mixtureLearningRate: number;
  /** How both rates decay: not at all, to 0 along a cosine, or by a factor every so many steps. */
  readonly decay: "none" | "cosine" | "falls";
  /** Steps between two falls of the rates. */
  readonly decayInterval: number;
  /** What a fall multiplies the rates by, down to a tenth of what they were. */
  readonly decayFactor: number;
  /** What the decoder's output means; auto: Bernoulli where all data are in [0, 1] and in memory. */
  readonly likelihood: OutputLikelihood | "auto";
  /** a: weight of the reconstruction, a sum over features. */
  readonly reconstructionWeight: number;
  /** Restarts of the mixture that the clustering phase starts from. */
  readonly nInit: number;
}

/** Every option: the defaults are the thrifty profile's. */
const OPTIONS: Specs<VaDEOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  steps: {
    type: "integer",
    default: 3000,
    min: 0,
    description: "steps of the clustering phase",
    source: "thrifty; VaDE: 3000 epochs on MNIST",
  },
  learningRate: {
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the network in the clustering phase",
    source: "VaDE's code",
  },
  mixtureLearningRate: {
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the mixture",
    source: "VaDE's code for MNIST; for HHAR 2e-5",
  },
  decay: {
    type: "choice",
    choices: ["none", "cosine", "falls"],
    default: "cosine",
    description: "of both rates: to 0 along a cosine, or by a factor every so many steps",
    source: "thrifty; VaDE's code: falls",
  },
  decayInterval: {
    type: "integer",
    default: 7000,
    min: 1,
    description: "steps between two falls of the rates",
    source: "VaDE's code: 10 epochs of 70,000 rows in batches of 100",
  },
  decayFactor: {
    type: "number",
    default: 0.9,
    min: 0.01,
    max: 0.99,
    description: "what a fall multiplies the rates by, down to a tenth of what they were",
    source: "VaDE's code for MNIST and HHAR; for Reuters 0.5",
  },
  likelihood: {
    type: "choice",
    choices: ["auto", "bernoulli", "gaussian"],
    default: "auto",
    description: "of the data given the code; auto: bernoulli for data in [0, 1], else gaussian",
    source: "VaDE: bernoulli for MNIST, else gaussian",
  },
  reconstructionWeight: {
    type: "number",
    default: 1,
    min: 0,
    description: "a, the reconstruction's weight; 1/(2 x noise variance) where it is gaussian",
    source: "VaDE's code; for HHAR 5",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two looks at the clusters",
  },
  ...SELF_LABELLING_OPTIONS,
  partition: {
    type: "choice",
    choices: ["mixture", "graph"],
    default: "mixture",
    description: "where EM on the code starts: k-means of its own, or a partition by neighbours",
    source: "VaDE: mixture",
  },
  nInit: {
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of the Gaussian mixture of the pre-trained code; the likeliest is kept",
    source: "VaDE's code: 1, and results that hinge on it",
  },
  ...FEATURE_DIAGNOSTICS,
};

/** σ² of a component is this and more, so that none shrinks to a point. */
const VARIANCE_FLOOR = 1e-4;
/** A component's log variance counts as this at most: e²⁰ is far from overflow, and from any use. */
const LARGEST_LOG_VARIANCE = 20;

/** σ̃² starts near this share of the components' mean variance: samples stay with their component. */
const FIRST_VARIANCE_SHARE = 0.1;

/** Falls leave this share of a rate: VaDE's code stops at 2e-4 of 2e-3. */
const LEAST_RATE_SHARE = 0.1;

/** EM on the code: scikit-learn's stopping, and variances not below 1e-3 of the code's. */
const CODE_MIXTURE = {
  covariance: "diag",
  prior: 1,
  sigma2: 0,
  regCovar: 1e-3,
  maxIterations: 100,
  tolerance: 1e-3,
} as const;

/** p(z): a mixture of Gaussians with diagonal covariances, by unconstrained parameters. */
export interface MixturePrior {
  /** π is their softmax, [K]. */
  readonly logits: Tensor;
  /** μ, [K, p]. */
  readonly centroids: Tensor;
  /** σ² is 1e-4 and e to these, [K, p]. */
  readonly logVariances: Tensor;
}

/** σ² of the components, [K, p]: a floor that leaves every gradient above 0. */
function variancesOf({ logVariances }: MixturePrior): Tensor {
  return affine(exp(minimum(logVariances, constant(LARGEST_LOG_VARIANCE))), 1, VARIANCE_FLOOR);
}

/** log π, [1, K]. */
function logWeights({ logits }: MixturePrior): Tensor {
  return logSoftmax(reshape(logits, [1, logits.size]));
}

/** Σ_j (z_ij − μ_cj)²/σ_cj²: codes [n, p], precisions 1/σ² [K, p] -> [n, K]. */
function mahalanobis(codes: Tensor, centroids: Tensor, precisions: Tensor): Tensor {
  return sum(mul(square(differences(codes, centroids)), precisions), 2, 3);
}

/**
 * log π_c N(z_i | μ_c, σ_c²) without the constant −p/2 log 2π: z [n, p] -> [n, K]. Its softmax is
 * γ (VaDE, eq. 16).
 */
export function logJoint(z: Tensor, prior: MixturePrior): Tensor {
  const variances = variancesOf(prior);
  const distances = mahalanobis(z, prior.centroids, reciprocal(variances));
  const spread = add(distances, sum(log(variances), 1, 2));
  return sub(logWeights(prior), scale(spread, 0.5));
}

/** −E[log π_c N(z | μ_c, σ_c²)] over z of each row's posterior, without constants: [n, K]. */
function expectedCosts({ mean, logVariance }: Posterior, prior: MixturePrior): Tensor {
  const variances = variancesOf(prior);
  const precisions = reciprocal(variances);
  const expected = add(
    mahalanobis(mean, prior.centroids, precisions),
    matmulTransposeB(exp(logVariance), precisions),
  );
  const cross = scale(add(expected, sum(log(variances), 1, 2)), 0.5);
  return sub(cross, logWeights(prior));
}

/** What of the divergence depends on the clusters, Σ_c γ_c·(cost_c + log γ_c), summed over rows. */
function clusterDivergence(z: Tensor, posterior: Posterior, prior: MixturePrior): Tensor {
  const logGamma = logSoftmax(logJoint(z, prior));
  return sum(mul(exp(logGamma), add(expectedCosts(posterior, prior), logGamma)));
}

/**
 * The divergence of q(z, c|x) from p(z, c), without constants, the mean over rows (VaDE, eq. 12):
 * Σ_c γ_c·(½Σ_j[log σ_cj² + (σ̃_j² + (μ̃_j − μ_cj)²)/σ_cj²] − log π_c + log γ_c)
 * − ½Σ_j(1 + log σ̃_j²).
 * @param z A sample of each row's posterior, [n, p], which makes γ; the gradient goes through it.
 */
export function divergence(z: Tensor, posterior: Posterior, prior: MixturePrior): Tensor {
  const clusters = clusterDivergence(z, posterior, prior);
  const entropy = scale(sum(affine(posterior.logVariance, 1, 1)), 0.5);
  return scale(sub(clusters, entropy), 1 / z.shape[0]);
}

/**
 * −log p(x|z) without constants, summed over features, the mean over rows: cross-entropies in nats,
 * or squared errors (Gaussians of variance ½, as in the authors' code).
 * @param output The decoder's, [n, d]: logits, or means. @param x [n, d].
 */
export function reconstructionCost(
  output: Tensor,
  x: Tensor,
  likelihood: OutputLikelihood,
): Tensor {
  const total = likelihood === "bernoulli"
    ? sum(binaryCrossEntropyWithLogits(output, x))
    : squaredError(output, x);
  return scale(total, 1 / x.shape[0]);
}

/** The losses of a batch: scalars. */
export interface VaDELosses {
  /** −log p(x|z), see {@linkcode reconstructionCost}. */
  readonly reconstruction: Tensor;
  /** See {@linkcode divergence}. */
  readonly divergence: Tensor;
  /** a·reconstruction + divergence: the negative evidence lower bound where a is 1. */
  readonly total: Tensor;
}

/** What the loss depends on besides tensors. */
export interface LossOptions {
  /** See {@linkcode reconstructionCost}. */
  readonly likelihood: OutputLikelihood;
  /** a */
  readonly reconstructionWeight: number;
}

/**
 * VaDE's loss with one sample z = μ̃ + σ̃ε of each posterior.
 * @param x [n, d]. @param noise ε, standard normal, [n, p].
 */
export function vadeLosses(
  net: Pick<Autoencoder, "decode">,
  encoder: Pick<VariationalEncoder, "posterior">,
  prior: MixturePrior,
  x: Tensor,
  noise: Tensor,
  { likelihood, reconstructionWeight }: LossOptions,
): VaDELosses {
  const posterior = encoder.posterior(x);
  const { mean, logVariance } = posterior;
  const z = add(mean, mul(exp(scale(logVariance, 0.5)), noise));
  const reconstruction = reconstructionCost(net.decode(z), x, likelihood);
  const kl = divergence(z, posterior, prior);
  const total = add(scale(reconstruction, reconstructionWeight), kl);
  return { reconstruction, divergence: kl, total };
}

/**
 * What of the divergence depends on the clusters, with γ as it is and with γ of the classes; and the
 * reconstruction. Codes are the posteriors' means, so that nothing is drawn.
 */
function comparedLosses(
  net: Pick<Autoencoder, "decode">,
  encoder: Pick<VariationalEncoder, "posterior">,
  prior: MixturePrior,
  { x, oneHot }: SampledRows,
  likelihood: OutputLikelihood,
): ComparedLosses {
  const posterior = encoder.posterior(x);
  return {
    pseudo: clusterDivergence(posterior.mean, posterior, prior),
    supervised: sum(mul(oneHot, expectedCosts(posterior, prior))),
    reconstruction: reconstructionCost(net.decode(posterior.mean), x, likelihood),
  };
}

/** Variational deep embedding; scikit-learn's contract. */
export class VaDE extends JointEstimator<VaDEOptions, VaDETerm> {
  /** Its name in the registry. */
  override readonly name = "vade";

  /** The mixture but for its centroids. */
  private mixture!: { readonly logits: Variable; readonly logVariances: Variable };
  /** 1 where the decoder's output are logits, else 0: u32 [1]. */
  private isBernoulli!: Variable;

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode VADE_METHOD} for all.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<VaDEOptions> = {}) {
    super(resolveOptions("vade", OPTIONS, options));
  }

  /** The mixture's weights and variances, which labels depend on, and the kind of output. */
  protected override prepare(state: State): void {
    const { clusters, latent } = this.options;
    this.mixture = {
      logits: state.variable("mixture logits", [clusters]),
      logVariances: state.variable("mixture log variances", [clusters, latent]),
    };
    this.isBernoulli = state.variable("output is bernoulli", [1], { dtype: "u32" });
  }

  /** Means of the decoder's distribution: probabilities where it is Bernoulli. */
  protected override async draw(
    net: Autoencoder,
    codes: Float32Array,
  ): Promise<Float32Array> {
    const output = await super.draw(net, codes);
    return (await this.isBernoulli.read())[0] === 1 ? output.map(probability) : output;
  }

  /** The reconstructions are what `draw` gives. */
  protected override async outputs(
    fitted: FittedNetwork<Autoencoder>,
    x: Tensor,
  ): Promise<RowOutputs> {
    const outputs = await super.outputs(fitted, x);
    if ((await this.isBernoulli.read())[0] !== 1) return outputs;
    return { ...outputs, reconstruction: sigmoid(outputs.reconstruction!) };
  }

  /** log γ and a number that is the same for all components. */
  protected override affinity(codes: Tensor, centroids: Tensor): Tensor {
    return logJoint(codes, { ...this.mixture, centroids });
  }

  /** γ of the codes (VaDE, eq. 16). */
  protected override softAssignment(codes: Tensor, centroids: Tensor): Tensor {
    return softmax(this.affinity(codes, centroids));
  }

  /** Network and mixture by the evidence lower bound. */
  protected override clustering(fitting: Fitting): Clustering<VaDETerm> {
    const likelihood = likelihoodOf(fitting.samples, this.options.likelihood);
    const prior = { ...this.mixture, centroids: fitting.centroids };
    return new EvidenceAscent(fitting, prior, this.isBernoulli, { ...this.options, likelihood });
  }
}

/** How Adam's rates decay. */
function decayOf({ decay, steps, decayInterval, decayFactor }: VaDEOptions): Partial<AdamOptions> {
  switch (decay) {
    case "none":
      return {};
    case "cosine":
      return { decaySteps: Math.max(steps, 1) };
    case "falls":
      return { decaySteps: decayInterval, decayFactor, leastShare: LEAST_RATE_SHARE };
  }
}

/** 1/(1 + e^−l) of a logit. */
function probability(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** The clustering phase: network and mixture on the evidence lower bound. */
class EvidenceAscent implements Clustering<VaDETerm> {
  readonly terms = ["reconstruction", "divergence"] as const;
  readonly batchOrder = "shuffled";
  readonly start: string;
  readonly first?: Start<Autoencoder>;
  private readonly encoder: VariationalEncoder;

  constructor(
    private readonly fitting: Fitting,
    private readonly prior: { readonly [name in keyof MixturePrior]: Variable },
    private readonly isBernoulli: Variable,
    private readonly options: VaDEOptions & { readonly likelihood: OutputLikelihood },
  ) {
    const { net, training: { state } } = fitting;
    const { partition } = options;
    if (partition === "graph") this.first = new Start(fitting, { ...options, partition });
    this.start = this.first?.name ?? "Gaussian mixture of the pre-trained code";
    this.encoder = new VariationalEncoder(state, net, options.seed);
  }

  optimizers(step: Variable): Optimizer[] {
    const { fitting: { training: { state }, net }, encoder, prior, options } = this;
    const { adamEpsilon: epsilon, learningRate, mixtureLearningRate } = options;
    const shared = { step, epsilon, ...decayOf(options) };
    const { logits, centroids, logVariances } = prior;
    const networks = { network: net.parameters, "log variance": encoder.parameters };
    const mixture = { logits, centroids, "log variances": logVariances };
    return [
      ...Object.entries(networks).map(([name, block]) =>
        new Adam(state, `${name} adam`, block, { ...shared, learningRate })
      ),
      ...Object.entries(mixture).map(([name, variable]) =>
        new Adam(state, `mixture ${name} adam`, blockOf(variable), {
          ...shared,
          learningRate: mixtureLearningRate,
        })
      ),
    ];
  }

  /** A mixture by EM on the code; its weights start equal, as in the authors' code: logits of 0. */
  async begin(encoding: Encoding): Promise<Uint32Array> {
    const { fitting, prior, options } = this;
    const { clusters, latent, nInit, seed } = options;
    const { context: { signal }, backend } = fitting.training;
    const { codes } = encoding;
    const from = await this.first?.find(encoding) ?? nInit;
    const values = Float32Array.from(await codes.read());
    const settings = { ...CODE_MIXTURE, clusters, seed, signal };
    const found = await fitMixture(backend, values, latent, from, settings);
    const { mixture, standardization } = found;
    const { shift, scale } = standardization;
    prior.centroids.write(
      Float32Array.from(mixture.means, (mean, i) => shift[i % latent] + scale * mean),
    );
    const variances = mixture.covariances.map((variance) => scale ** 2 * variance);
    prior.logVariances.write(
      Float32Array.from(
        variances,
        (variance) => Math.log(Math.max(variance - VARIANCE_FLOOR, VARIANCE_FLOOR)),
      ),
    );
    this.encoder.startAt(posteriorVariances(variances, clusters, latent));
    this.isBernoulli.write(Uint32Array.of(options.likelihood === "bernoulli" ? 1 : 0));
    return await assignToMixture(backend, values, latent, standardization, "diag", mixture);
  }

  losses({ x, step }: Batch): VaDELosses {
    const { fitting: { net }, encoder, prior, options } = this;
    const stream = { seed: options.seed, stream: STREAM.latent };
    const noise = randomNormal(step, [x.shape[0], options.latent], stream);
    return vadeLosses(net, encoder, prior, x, noise, options);
  }

  /** Ends where one cluster has taken all rows. */
  async check(_step: number, report?: Report): Promise<Check> {
    const { clusters } = this.options;
    const labels = await this.fitting.label();
    const sizes = new Uint32Array(clusters);
    for (const label of labels) sizes[label]++;
    const largest = Math.max(...sizes) / labels.length;
    const clustersInUse = sizes.filter((size) => size > 0).length;
    const row = { clustersInUse, largest, ...await report?.(labels) };
    if (clustersInUse > 1 || clusters === 1) return { row };
    return { row, stop: "collapsed: all rows are in one cluster" };
  }

  compared(sample: SampledRows): ComparedLosses {
    const { fitting: { net }, encoder, prior, options: { likelihood } } = this;
    return comparedLosses(net, encoder, prior, sample, likelihood);
  }

  /** Says what may keep clusters that are empty in the end. */
  async finish(end: PhaseEnd): Promise<Partial<Trained>> {
    const { clusters } = this.options;
    const labels = await this.fitting.label();
    const empty = clusters - new Set(labels).size;
    if (empty === 0) return { labels };
    const stopReason = `${end.stopReason}; ${empty} of ${clusters} clusters are empty: a larger ` +
      "reconstructionWeight may keep them";
    return { labels, end: { ...end, stopReason } };
  }
}

/** σ̃² that codes start with, [p]: a share of the mean of the components' variances [K, p]. */
function posteriorVariances(
  variances: Float64Array,
  clusters: number,
  latent: number,
): Float64Array {
  const first = new Float64Array(latent);
  variances.forEach((variance, i) =>
    first[i % latent] += FIRST_VARIANCE_SHARE * variance / clusters
  );
  return first;
}

/**
 * What the decoder's output means for these data.
 * @throws {RangeError} where it cannot be what is asked for, naming the first value outside [0, 1].
 */
function likelihoodOf({ data }: Samples, asked: VaDEOptions["likelihood"]): OutputLikelihood {
  // Rows from a source are taken as the caller says they are.
  if (!(data instanceof Float32Array)) return asked === "auto" ? "gaussian" : asked;
  const outside = asked === "gaussian" ? 0 : data.findIndex((value) => value < 0 || value > 1);
  if (outside < 0) return "bernoulli";
  if (asked !== "bernoulli") return "gaussian";
  throw new RangeError(
    `vade: the likelihood bernoulli needs values in [0, 1], value ${outside} is ${
      data[outside]
    }; ` +
      `scale the data or take the likelihood gaussian`,
  );
}

/** The whole loss, for the gradient audit. */
function auditedLoss(scene: AuditScene, likelihood: OutputLikelihood) {
  const { net, x, state, seed, centroids } = scene;
  const encoder = new VariationalEncoder(state, net, seed);
  scene.unsettle(encoder.parameters.variables);
  const shape = [AUDIT_CLUSTERS, AUDIT_SIZES.latent];
  const prior = {
    centroids,
    logits: scene.drawn("logits", [AUDIT_CLUSTERS], -1, 1),
    logVariances: scene.drawn("log variances", shape, -1, 1),
  };
  const noise = scene.drawn("noise", [AUDIT_ROWS, AUDIT_SIZES.latent], -1.5, 1.5);
  const options = { likelihood, reconstructionWeight: 0.7 };
  return {
    targets: [
      ...net.parameters.variables,
      ...encoder.parameters.variables,
      ...Object.values(prior),
    ],
    loss: () => vadeLosses(net, encoder, prior, x, noise, options).total,
  };
}

/** VaDE's row in the registry. */
export const VADE_METHOD: Method = defineMethod<VaDEOptions>({
  name: "vade",
  summary: "Variational deep embedding: a variational autoencoder with a Gaussian mixture as prior",
  citation: "Jiang et al., Variational Deep Embedding, arXiv 1611.05148",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description:
        "the authors' code for MNIST, from DEC's pre-training; codes' variances start small, bounded",
      values: {
        ...STACKED_DENOISING,
        batchSize: 100,
        adamEpsilon: 1e-4,
        likelihood: "bernoulli",
        nInit: 1,
        decay: "falls",
        // 3000 epochs of 70,000 rows.
        steps: 2_100_000,
        checkInterval: 700,
      },
    },
  },
  losses: {
    "gaussian output": (scene) => auditedLoss(scene, "gaussian"),
    "bernoulli output": (scene) => auditedLoss(scene, "bernoulli"),
  },
  labelsAreNearest: false,
  softAssignment: "the mixture's responsibilities for the code's mean",
  againstCollapse: "a larger reconstructionWeight",
  create: (options) => new VaDE(options),
});
