/**
 * K Gaussians on the device, by the kind of their covariances: log densities of rows, and the moments
 * of rows that belong to them in part. Second moments are about the present means, so that few digits
 * are lost when they are moved to the next ones.
 */
import { add } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { matmulTransposeA } from "../../engine/ops/matmul.ts";
import { sum } from "../../engine/ops/sum.ts";
import { scale } from "../../engine/ops/affine.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";

/** `full`: any; `diag`: a variance a column; `isotropic`: one variance that all components share. */
export type CovarianceType = "full" | "diag" | "isotropic";

/** Parameters of K Gaussians and their weights. */
export interface Mixture {
  /** π, [K]. */
  readonly weights: Float64Array;
  /** μ, [K, d]. */
  readonly means: Float64Array;
  /** [K, d, d] if full, [K, d] if diag, [1] if isotropic. */
  readonly covariances: Float64Array;
}

/** How moments become parameters. */
export interface Maximization {
  /** α of a symmetric Dirichlet prior on the weights, at least 1. */
  readonly prior: number;
  /** Added to every variance. Where it is not 0, a step may lower the likelihood a little. */
  readonly regCovar: number;
  /** An isotropic variance that is not learned; 0: it is. */
  readonly sigma2: number;
}

/** Elements of the covariances of K Gaussians in d columns. */
export function covarianceSize(kind: CovarianceType, k: number, d: number): number {
  return kind === "full" ? k * d * d : kind === "diag" ? k * d : 1;
}

/** Gaussians of some kind of covariance. */
export abstract class Components {
  /** μ, [K, d]. */
  protected readonly means: Variable;
  /** Σ_i γ_ik and Σ_i γ_ik x_i of the rows since {@linkcode clear}. */
  private readonly counts: Variable;
  private readonly firsts: Variable;
  /** Second moments about the means, in the parts that the kind of the covariances has. */
  private readonly seconds: readonly Variable[];
  /** log π_k − ½ log det Σ_k − d/2 log 2π, less {@linkcode level}: [K]. */
  private readonly constants: Variable;
  /** What every log density lacks on the device, where it would cost digits. */
  private level = 0;
  /** μ as the device has them, rounded. */
  private origins: Float32Array;

  /**
   * Allocates parameters and moments.
   * @param state Owns them. @param k Components. @param d Columns. @param seconds Shapes of the
   *   second moments' parts.
   */
  constructor(
    state: State,
    protected readonly k: number,
    protected readonly d: number,
    seconds: readonly (readonly number[])[],
  ) {
    const variable = (name: string, shape: readonly number[]) =>
      state.variable(`mixture ${name}`, shape, { saved: false });
    this.means = variable("means", [k, d]);
    this.origins = new Float32Array(k * d);
    this.constants = variable("constants", [k]);
    this.counts = variable("counts", [k]);
    this.firsts = variable("first moments", [k, d]);
    this.seconds = seconds.map((shape, i) => variable(`second moments ${i}`, shape));
  }

  /** (x − μ_k)ᵀ Σ_k⁻¹ (x − μ_k): x [n, d] -> [n, K]. */
  protected abstract distances(x: Tensor): Tensor;

  /** Σ_i γ_ik of squares about μ_k: x [n, d], γ [n, K] -> the second moments' parts. */
  protected abstract secondMoments(x: Tensor, gamma: Tensor): readonly Tensor[];

  /** Brings Σ to the device. Returns log det Σ_k, [K]. */
  protected abstract writeCovariances(mixture: Mixture): number[];

  /**
   * Σ of moments.
   * @param weights Σ_i γ_ik, [K], above 0. @param means The new ones. @param shifts New means less
   *   old ones, [K, d]. @param seconds About the old means, in parts.
   */
  protected abstract covariances(
    weights: Float64Array,
    means: Float64Array,
    shifts: Float64Array,
    seconds: readonly ArrayLike<number>[],
    settings: Maximization,
  ): Float64Array;

  /** Brings parameters to the device. @throws {DivergedError} where a covariance has no inverse. */
  write(mixture: Mixture): void {
    const { k, d } = this;
    const determinants = this.writeCovariances(mixture);
    const constants = Array.from(
      mixture.weights,
      (weight, i) => Math.log(weight) - 0.5 * determinants[i] - 0.5 * d * Math.log(2 * Math.PI),
    );
    this.level = Math.max(...constants);
    this.constants.write(Float32Array.from({ length: k }, (_, i) => constants[i] - this.level));
    this.writeMeans(Float32Array.from(mixture.means));
  }

  /** Moments are about 0 from here on: there are no parameters yet. */
  writeOrigin(): void {
    this.writeMeans(new Float32Array(this.means.size));
  }

  /** Inside `trace`: log π_k N(x | μ_k, Σ_k) less the same number everywhere: [n, d] -> [n, K]. */
  logJoint(x: Tensor): Tensor {
    return add(scale(this.distances(x), -0.5), this.constants);
  }

  /** Mean of log Σ_k π_k N(x | μ_k, Σ_k) by what the device has of it, [n]. */
  meanLogLikelihood(logSums: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < logSums.length; i++) total += logSums[i];
    return total / logSums.length + this.level;
  }

  /** Begins new moments. */
  clear(): void {
    for (const variable of [this.counts, this.firsts, ...this.seconds]) {
      variable.write(new Float32Array(variable.size));
    }
  }

  /** Inside `trace`: adds rows x [n, d] that belong to components by the share γ [n, K]. */
  accumulate(x: Tensor, gamma: Tensor): void {
    const { counts, firsts, seconds } = this;
    assign(counts, add(counts, sum(gamma, 0, 1)));
    assign(firsts, add(firsts, matmulTransposeA(gamma, x)));
    this.secondMoments(x, gamma).forEach((part, i) => assign(seconds[i], add(seconds[i], part)));
  }

  /** The parameters that the moments make most likely: the M-step. */
  async maximize(settings: Maximization): Promise<Mixture> {
    const { k, d, means: { backend } } = this;
    const { counts, firsts, seconds } = this;
    const [rowsOf, sums, ...squares] = await backend.read(
      [counts, firsts, ...seconds].map(({ region }) => region),
    );
    // A component without rows keeps a finite mean and a weight above 0, as in scikit-learn.
    const rows = Float64Array.from(rowsOf, (count) => count + 10 * Number.EPSILON);
    const total = rows.reduce((a, b) => a + b) + k * (settings.prior - 1);
    const weights = rows.map((count) => (count + settings.prior - 1) / total);
    const means = Float64Array.from(sums, (value, i) => value / rows[Math.floor(i / d)]);
    const shifts = means.map((mean, i) => mean - this.origins[i]);
    return {
      weights,
      means,
      covariances: this.covariances(rows, means, shifts, squares, settings),
    };
  }

  private writeMeans(means: Float32Array): void {
    this.means.write(means);
    this.origins = means;
  }
}
