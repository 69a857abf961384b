/**
 * The Clustering Module (Boubekki, Kampffmeyer, Brefeld, Jenssen, Joint optimization of an autoencoder
 * for clustering and embedding, Machine Learning 110, 2021; arXiv 2012.03740): k-means with soft
 * assignments as an autoencoder of one hidden layer, whose softmax code are the assignments and whose
 * decoder holds the centroids.
 */
import { add, mul, sub } from "../../engine/ops/binary.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { orthonormalize } from "../../engine/ops/orthonormalize.ts";
import { softmax } from "../../engine/ops/softmax.ts";
import { squaredError } from "../../engine/ops/squared_error.ts";
import { mean, sum } from "../../engine/ops/sum.ts";
import { affine, scale } from "../../engine/ops/affine.ts";
import { log, square } from "../../engine/ops/unary.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { Autoencoder } from "./autoencoder.ts";
import { pseudoInverse } from "./pseudo_inverse.ts";

/** Added to γ̄ before its logarithm, as in the authors' code. */
const SMALLEST_SHARE = 1e-10;

/** What a module makes of rows x [n, p]. */
export interface Clustered {
  /** γ: soft assignments, rows that sum to one; [n, K]. */
  readonly gamma: Tensor;
  /** U: the centroids μ_k as rows, [K, p]. */
  readonly centroids: Tensor;
  /** x̂ = γU, [n, p]. */
  readonly reconstruction: Tensor;
}

/** x̂ and its parts: γ [n, K], U [K, p]. */
export function clustered(gamma: Tensor, centroids: Tensor): Clustered {
  return { gamma, centroids, reconstruction: matmul(gamma, centroids) };
}

/** E1 = Σ_i ‖x_i − x̂_i‖²: reconstruction; x [n, p]. */
export function reconstructionTerm(x: Tensor, { reconstruction }: Clustered): Tensor {
  return squaredError(reconstruction, x);
}

/** E2 = Σ_k (Σ_i γ_ik(1 − γ_ik))·‖μ_k‖²: sparsity and regularisation. */
export function sparsityTerm({ gamma, centroids }: Clustered): Tensor {
  return sum(mul(sum(mul(gamma, affine(gamma, -1, 1)), 0, 1), squaredNorms(centroids)));
}

/**
 * E3 = −Σ_{k≠l} (Σ_i γ_ik γ_il)·μ_kᵀμ_l: sparsity and merging. Over all k and l the sum is
 * Σ_i ‖x̂_i‖², from which the diagonal is taken away.
 */
export function mergingTerm({ gamma, centroids, reconstruction }: Clustered): Tensor {
  const diagonal = sum(mul(sum(square(gamma), 0, 1), squaredNorms(centroids)));
  return sub(diagonal, sum(square(reconstruction)));
}

/**
 * E4 = (1 − α)·Σ_k log γ̄_k with γ̄ the mean of γ [n, K] over the batch: a symmetric Dirichlet prior of
 * concentration α, above 1 against empty clusters. (The authors sort log γ̄ to meet a vector α; one
 * number for all clusters needs no order.)
 */
export function priorTerm(gamma: Tensor, alpha: number): Tensor {
  return scale(sum(log(affine(mean(gamma, 0, 1), 1, SMALLEST_SHARE))), 1 - alpha);
}

/** How the terms are weighed. */
export interface ClusteringWeights {
  /** α of the prior. */
  readonly prior: number;
  /** Whether E1 to E3 are means over batch and features, or sums; E4 is neither. */
  readonly normalize: boolean;
}

/** The module's loss and its terms: scalars. */
export interface ClusteringLosses {
  /** E1, perhaps normalised, like the next two. */
  readonly reconstruction: Tensor;
  /** E2 */
  readonly sparsity: Tensor;
  /** E3 */
  readonly merging: Tensor;
  /** E4 */
  readonly prior: Tensor;
  /** E1 + E2 + E3 + E4; the first three make Σ_i Σ_k γ_ik·‖x_i − μ_k‖². */
  readonly total: Tensor;
}

/** The loss of the Clustering Module on a batch x [n, p]; nothing of it is detached. */
export function clusteringLosses(
  x: Tensor,
  parts: Clustered,
  { prior: alpha, normalize }: ClusteringWeights,
): ClusteringLosses {
  const factor = normalize ? 1 / x.size : 1;
  const reconstruction = scale(reconstructionTerm(x, parts), factor);
  const sparsity = scale(sparsityTerm(parts), factor);
  const merging = scale(mergingTerm(parts), factor);
  const prior = priorTerm(parts.gamma, alpha);
  const total = add(add(reconstruction, sparsity), add(merging, prior));
  return { reconstruction, sparsity, merging, prior, total };
}

/** ‖μ_k‖² of rows: [K, p] -> [K]. */
function squaredNorms(rows: Tensor): Tensor {
  return sum(square(rows), 1, 2);
}

/** The module with weights of its own: γ = softmax(xV + c), U = W + 1bᵀ. */
export class ClusteringModule {
  /**
   * A module on the weights of a network.
   * @param net An autoencoder without hidden layers, of K units: V, c, W and b.
   * @param vertices The assignments that are certain: the identity, [K, K].
   * @param isOrthonormal Whether the centroids are W + 1bᵀ orthonormalised, in place of itself.
   */
  constructor(
    readonly net: Autoencoder,
    readonly vertices: Tensor,
    private readonly isOrthonormal = false,
  ) {}

  /** γ of x [n, p]: [n, K]. */
  assign(x: Tensor): Tensor {
    return softmax(this.net.encode(x));
  }

  /** W + 1bᵀ, what the decoder makes of the certain assignments: [K, p]. */
  get freeCentroids(): Tensor {
    return this.net.decode(this.vertices);
  }

  /** U: the free centroids, orthonormalised where that is asked for; [K, p]. */
  get centroids(): Tensor {
    return this.isOrthonormal ? orthonormalize(this.freeCentroids) : this.freeCentroids;
  }

  /** γ, U and x̂ of x [n, p]. */
  apply(x: Tensor): Clustered {
    return clustered(this.assign(x), this.centroids);
  }

  /**
   * Starts at given centroids U [K, p], all finite: W = U and b = 0. With `inverse`, V = U⁺ and c = 0,
   * as in the authors' code; with a variance, γ_k ∝ exp(−‖x − μ_k‖²/(2σ²)), the posterior of equal
   * Gaussians: V = 2Uᵀ/(2σ²), c_k = −‖μ_k‖²/(2σ²), and the nearest centroid has the largest γ.
   */
  initialize(centroids: Float32Array, start: "inverse" | { readonly twiceVariance: number }): void {
    const { net: { layerPairs: [{ encoder, decoder }], sizes } } = this;
    const [k, p] = [sizes.latent, sizes.inputs];
    const bias = new Float32Array(k);
    let weight: ArrayLike<number>;
    if (start === "inverse") weight = pseudoInverse(centroids, k, p);
    else {
      weight = Float32Array.from({ length: p * k }, (_, i) => {
        return 2 * centroids[(i % k) * p + Math.floor(i / k)] / start.twiceVariance;
      });
      centroids.forEach((value, i) => bias[Math.floor(i / p)] -= value ** 2 / start.twiceVariance);
    }
    encoder.variables.weight.write(Float32Array.from(weight));
    encoder.variables.bias.write(bias);
    decoder.variables.weight.write(centroids);
    decoder.variables.bias.write(new Float32Array(p));
  }
}

/** The identity [size, size]: assignments that are certain. */
export function identityMatrix(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}
