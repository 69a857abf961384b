/** VaDE's losses (arXiv 1611.05148): the mixture that is the prior, and the evidence lower bound. */
import { binaryCrossEntropyWithLogits } from "../engine/ops/activation.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { add, minimum, mul, sub } from "../engine/ops/binary.ts";
import { constant } from "../engine/ops/constant.ts";
import { matmulTransposeB } from "../engine/ops/matmul.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { logSoftmax } from "../engine/ops/softmax.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { exp, log, reciprocal, square } from "../engine/ops/unary.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import type { Posterior, VariationalEncoder } from "./networks/variational_encoder.ts";
import { differences } from "./shallow/mixture_kinds.ts";
import type { OutputLikelihood } from "./vade_options.ts";

/** σ² of a component is this and more, so that none shrinks to a point. */
export const VARIANCE_FLOOR = 1e-4;
/** A component's log variance counts as this at most: e²⁰ is far from overflow, and from any use. */
const LARGEST_LOG_VARIANCE = 20;

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
export function comparedLosses(
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
