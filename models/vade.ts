/**
 * VaDE: Variational Deep Embedding (Jiang, Zheng, Tan, Tang, Zhou; IJCAI 2017, arXiv 1611.05148), a
 * variational autoencoder whose prior is a mixture of Gaussians.
 *
 * An autoencoder is pre-trained; its code becomes the mean of q(z|x), and a mixture of diagonal
 * Gaussians, fitted to the code by EM, the prior. Then network and mixture are trained together on the
 * evidence lower bound. The label is the component that is most likely to have made the mean.
 */
import { Dense, glorotUniform, Parameters } from "../engine/module.ts";
import { binaryCrossEntropyWithLogits } from "../engine/ops/activation.ts";
import { add, minimum, mul, sub } from "../engine/ops/binary.ts";
import { constant } from "../engine/ops/constant.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { matmulTransposeB } from "../engine/ops/matmul.ts";
import { randomNormal } from "../engine/ops/noise.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { logSoftmax } from "../engine/ops/softmax.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { exp, log, reciprocal, square, tanh } from "../engine/ops/unary.ts";
import { Adam, minimizeTogether, type Optimizer } from "../engine/optim.ts";
import { STREAM } from "../engine/random.ts";
import type { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { BatchPrograms } from "./training/batches.ts";
import { blockOf } from "./training/centroid_estimator.ts";
import { CENTROIDS, DeepEstimator, type Fitting } from "./training/deep_estimator.ts";
import type { FitResult, Samples } from "./estimator.ts";
import {
  type ComparedLosses,
  FeatureDiagnostics,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import type { Method } from "./method.ts";
import { assignToMixture, fitMixture } from "./shallow/mixture.ts";
import { differences } from "./shallow/mixture_components.ts";
import { resolveOptions } from "./options.ts";
import { augmentationFor, Pretraining } from "./training/pretraining.ts";
import { score } from "./evaluation/scoring.ts";
import type { PhaseEnd } from "./training/trainer.ts";
import {
  type OutputLikelihood,
  VADE_OPTIONS,
  VADE_PROFILES,
  type VaDEOptions,
} from "./vade_options.ts";
import { Encoding, labelsOf } from "./training/whole_pass.ts";

/** σ² of a component is this and more, so that none shrinks to a point. */
const VARIANCE_FLOOR = 1e-4;
/** A component's log variance counts as this at most: e²⁰ is far from overflow, and from any use. */
const LARGEST_LOG_VARIANCE = 20;
/** |log σ̃²| of a code stays below this, smoothly. */
const LOG_VARIANCE_BOUND = 10;

/** σ̃² starts near this share of the components' mean variance: samples stay with their component. */
const FIRST_VARIANCE_SHARE = 0.1;

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

/** q(z|x): a Gaussian with diagonal covariance for each row. */
export interface Posterior {
  /** μ̃, [n, p]. */
  readonly mean: Tensor;
  /** log σ̃², [n, p]. */
  readonly logVariance: Tensor;
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

/** Codes as distributions: an encoder whose code layer gives the mean, and a layer beside it. */
export class VariationalEncoder {
  /** Of the layer that gives log σ̃². */
  readonly parameters: Parameters;
  private readonly head: Dense;

  /**
   * Makes the layer, its weights by Glorot.
   * @param state Owns its parameters. @param net Its encoder is used. @param seed Of the weights.
   */
  constructor(state: State, private readonly net: Autoencoder, seed: number) {
    const { encoder: { inputs, units } } = net.layerPairs.at(-1)!;
    this.head = new Dense(inputs, units, { initializer: glorotUniform });
    this.parameters = new Parameters(state, { "log variance": this.head }, seed);
  }

  /** Makes variances [p] those that rows without features have, and others have nearly. */
  startAt(variances: Float64Array): void {
    const bound = LOG_VARIANCE_BOUND;
    const bias = Float32Array.from(variances, (variance) => {
      const share = Math.log(variance) / bound;
      return bound * Math.atanh(Math.min(Math.max(share, -0.99), 0.99));
    });
    this.head.variables.bias.write(bias);
  }

  /** q(z|x) of x [n, d]; log σ̃² = 10·tanh(h/10), so that no outlier makes it overflow. */
  posterior(x: Tensor): Posterior {
    const layers = this.net.layerPairs.map(({ encoder }) => encoder);
    const features = layers.slice(0, -1).reduce((value, layer) => layer.apply(value), x);
    const bound = LOG_VARIANCE_BOUND;
    return {
      mean: layers.at(-1)!.apply(features),
      logVariance: scale(tanh(scale(this.head.apply(features), 1 / bound)), bound),
    };
  }
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
export class VaDE extends DeepEstimator<VaDEOptions> {
  /** The mixture but for its centroids. */
  private mixture!: { readonly logits: Variable; readonly logVariances: Variable };
  /** 1 where the decoder's output are logits, else 0: u32 [1]. */
  private isBernoulli!: Variable;

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode VADE} for all of them.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<VaDEOptions> = {}) {
    super(resolveOptions("vade", VADE_OPTIONS, {}, { ...options }) as unknown as VaDEOptions);
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
  override async inverseTransform(codes: Float32Array): Promise<Float32Array> {
    const output = await super.inverseTransform(codes);
    return (await this.isBernoulli.read())[0] === 1 ? output.map(probability) : output;
  }

  /** log γ and a number that is the same for all components. */
  protected override affinity(codes: Tensor, centroids: Tensor): Tensor {
    return logJoint(codes, { ...this.mixture, centroids });
  }

  /** Pre-trains, fits the mixture to the code, trains both. */
  protected override async train(fitting: Fitting): Promise<FitResult> {
    const { training, net, rows, samples } = fitting;
    const { options } = this;
    const { clusters, latent, nInit, seed } = options;
    const likelihood = likelihoodOf(samples, options.likelihood);
    const { state, backend, context: { signal } } = training;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = new Pretraining(training, net, augmentation, options);
    const centroids = state.variable(CENTROIDS, [clusters, latent]);
    const prior = { ...this.mixture, centroids };
    const pretrained = state.variable("pre-trained labels", [samples.n], { dtype: "u32" });
    const phase = new JointTraining(fitting, prior, { ...options, likelihood });
    training.restore();
    this.isBernoulli.write(Uint32Array.of(likelihood === "bernoulli" ? 1 : 0));

    await pretraining.run(rows);
    using encoding = await Encoding.create(rows, (x) => net.encode(x), latent);
    await training.once("Gaussian mixture of the pre-trained code", async () => {
      await encoding.run();
      const codes = Float32Array.from(await encoding.codes.read());
      const settings = { ...CODE_MIXTURE, clusters, seed, signal };
      const found = await fitMixture(backend, codes, latent, nInit, settings);
      const { mixture, standardization: { shift, scale } } = found;
      centroids.write(
        Float32Array.from(mixture.means, (mean, i) => shift[i % latent] + scale * mean),
      );
      prior.logVariances.write(
        Float32Array.from(
          mixture.covariances,
          (variance) => Math.log(Math.max(scale ** 2 * variance - VARIANCE_FLOOR, VARIANCE_FLOOR)),
        ),
      );
      phase.start(mixture.covariances.map((variance) => scale ** 2 * variance));
      // The weights start equal, as in the authors' code: logits of 0.
      pretrained.write(
        await assignToMixture(backend, codes, latent, found.standardization, "diag", mixture),
      );
      return null;
    });
    const assign = async () => {
      await encoding.run();
      return await labelsOf(encoding.codes, centroids, (z, means) => this.affinity(z, means));
    };
    const end = await phase.run(assign);
    const labels = await assign();
    const [before, codes, centres] = await backend.read(
      [pretrained, encoding.codes, centroids].map(({ region }) => region),
    );
    const clusterCenters = Float32Array.from(centres);
    const drawn = await net.draw(clusterCenters);
    const empty = clusters - new Set(labels).size;
    const advice = empty > 0
      ? `; ${empty} of ${clusters} clusters are empty: a larger reconstructionWeight may keep them`
      : "";
    return {
      labels,
      clusterCenters,
      embedding: Float32Array.from(codes),
      embeddingSize: latent,
      prototypes: likelihood === "bernoulli" ? drawn.map(probability) : drawn,
      nIter: end.steps,
      stopReason: end.stopReason + advice,
      history: training.history,
      partitions: { "Gaussian mixture of the pre-trained code": before as Uint32Array },
    };
  }
}

/** 1/(1 + e^−l) of a logit. */
function probability(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** The clustering phase: its variables, its step, its looks at the clusters. */
class JointTraining {
  private readonly encoder: VariationalEncoder;
  private readonly step: Variable;
  private readonly losses: Variable;
  private readonly optimizers: readonly Optimizer[];

  constructor(
    private readonly fitting: Fitting,
    private readonly prior: { readonly [name in keyof MixturePrior]: Variable },
    private readonly options: VaDEOptions & { readonly likelihood: OutputLikelihood },
  ) {
    const { net, training: { state } } = fitting;
    const { seed, steps, decay, adamEpsilon, learningRate, mixtureLearningRate } = options;
    this.encoder = new VariationalEncoder(state, net, seed);
    this.step = state.variable("clustering step", [1], { dtype: "u32" });
    this.losses = state.variable("clustering losses", [2]);
    const decaySteps = decay ? Math.max(steps, 1) : 0;
    const shared = { step: this.step, epsilon: adamEpsilon, decaySteps };
    const { logits, centroids, logVariances } = prior;
    const blocks = { logits, centroids, "log variances": logVariances };
    this.optimizers = [
      ...Object.entries({ network: net.parameters, "log variance": this.encoder.parameters })
        .map(([name, block]) =>
          new Adam(state, `${name} adam`, block, { ...shared, learningRate })
        ),
      ...Object.entries(blocks).map(([name, variable]) =>
        new Adam(state, `mixture ${name} adam`, blockOf(variable), {
          ...shared,
          learningRate: mixtureLearningRate,
        })
      ),
    ];
  }

  /** Takes the variances of the first mixture, [K, p]. */
  start(variances: Float64Array): void {
    const { clusters, latent } = this.options;
    const first = new Float64Array(latent);
    variances.forEach((variance, i) =>
      first[i % latent] += FIRST_VARIANCE_SHARE * variance / clusters
    );
    this.encoder.startAt(first);
  }

  /** Runs to the end. @param assign Labels of all rows by the state as it is. */
  async run(assign: () => Promise<Uint32Array>): Promise<PhaseEnd> {
    const { training, rows, truth } = this.fitting;
    const { batchSize, seed, steps, checkInterval, clusters } = this.options;
    const batches = { batchSize, order: "shuffled", seed, step: this.step } as const;
    const { backend } = training;
    using programs = await BatchPrograms.trace(backend, rows, batches, "clustering", (x) => {
      this.traceStep(x);
      return {};
    });
    const { net } = this.fitting;
    const { likelihood } = this.options;
    using features = await FeatureDiagnostics.trace(
      this.fitting,
      this.options,
      (sample) => comparedLosses(net, this.encoder, this.prior, sample, likelihood),
    );
    return await training.run({
      name: "clustering",
      steps,
      interval: checkInterval,
      losses: this.losses,
      terms: ["reconstruction", "divergence"],
      programAt: (step) => programs.at(step),
      check: async () => {
        const labels = await assign();
        const sizes = new Uint32Array(clusters);
        for (const label of labels) sizes[label]++;
        const largest = Math.max(...sizes) / labels.length;
        const clustersInUse = sizes.filter((size) => size > 0).length;
        const row = {
          clustersInUse,
          largest,
          ...truth ? score(truth, labels) : {},
          ...await features?.measure(labels),
        };
        if (clustersInUse > 1 || clusters === 1) return { row };
        return { row, stop: "collapsed: all rows are in one cluster" };
      },
    });
  }

  /** Inside `trace`: one step on the batch x [n, d]. */
  private traceStep(x: Tensor): void {
    const { fitting: { net }, encoder, prior, options, step } = this;
    const stream = { seed: options.seed, stream: STREAM.latent };
    const noise = randomNormal(step, [x.shape[0], options.latent], stream);
    const losses = vadeLosses(net, encoder, prior, x, noise, options);
    minimizeTogether(losses.total, this.optimizers);
    accumulate(this.losses, 0, losses.reconstruction);
    accumulate(this.losses, 1, losses.divergence);
    advance(step);
  }
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
export const VADE: Method = {
  name: "vade",
  summary: "Variational deep embedding: a variational autoencoder with a Gaussian mixture as prior",
  citation: "Jiang et al., Variational Deep Embedding, arXiv 1611.05148",
  options: VADE_OPTIONS,
  profiles: VADE_PROFILES,
  losses: {
    "gaussian output": (scene) => auditedLoss(scene, "gaussian"),
    "bernoulli output": (scene) => auditedLoss(scene, "bernoulli"),
  },
  labelsAreNearest: false,
  create: (options) => new VaDE(options as unknown as VaDEOptions),
};
