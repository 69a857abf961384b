/**
 * K Gaussians on the device, by the kind of their covariances: log densities of rows, and the moments
 * of rows that belong to them in part. Second moments are about the present means, so that few digits
 * are lost when they are moved to the next ones.
 */
import { add, mul, sub } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { dense } from "../../engine/ops/dense.ts";
import { squaredDistances } from "../../engine/ops/distances.ts";
import { matmulTransposeA } from "../../engine/ops/matmul.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { sum } from "../../engine/ops/sum.ts";
import { scale } from "../../engine/ops/affine.ts";
import { square } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { cholesky, invertLower } from "./cholesky.ts";
import { DivergedError } from "../estimator.ts";

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
  /** Moments about them, of the rows since {@linkcode clear}. */
  private readonly moments: { readonly [name in "counts" | "firsts" | "seconds"]: Variable };
  /** log π_k − ½ log det Σ_k − d/2 log 2π, less {@linkcode level}: [K]. */
  private readonly constants: Variable;
  /** What every log density lacks on the device, where it would cost digits. */
  private level = 0;
  /** μ as the device has them, rounded. */
  private origins: Float32Array;

  /**
   * Allocates parameters and moments.
   * @param state Owns them. @param k Components. @param d Columns. @param seconds Elements of the
   *   second moments' shape.
   */
  constructor(
    state: State,
    protected readonly k: number,
    protected readonly d: number,
    seconds: readonly number[],
  ) {
    const variable = (name: string, shape: readonly number[]) =>
      state.variable(`mixture ${name}`, shape, { saved: false });
    this.means = variable("means", [k, d]);
    this.origins = new Float32Array(k * d);
    this.constants = variable("constants", [k]);
    this.moments = {
      counts: variable("counts", [k]),
      firsts: variable("first moments", [k, d]),
      seconds: variable("second moments", seconds),
    };
  }

  /** (x − μ_k)ᵀ Σ_k⁻¹ (x − μ_k): x [n, d] -> [n, K]. */
  protected abstract distances(x: Tensor): Tensor;

  /** Σ_i γ_ik of squares about μ_k: x [n, d], γ [n, K] -> the second moments' shape. */
  protected abstract secondMoments(x: Tensor, gamma: Tensor): Tensor;

  /** Brings Σ to the device. Returns log det Σ_k, [K]. */
  protected abstract writeCovariances(mixture: Mixture): number[];

  /**
   * Σ of moments.
   * @param weights Σ_i γ_ik, [K], above 0. @param means The new ones. @param shifts New means less
   *   old ones, [K, d]. @param seconds About the old means.
   */
  protected abstract covariances(
    weights: Float64Array,
    means: Float64Array,
    shifts: Float64Array,
    seconds: ArrayLike<number>,
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
    for (const variable of Object.values(this.moments)) {
      variable.write(new Float32Array(variable.size));
    }
  }

  /** Inside `trace`: adds rows x [n, d] that belong to components by the share γ [n, K]. */
  accumulate(x: Tensor, gamma: Tensor): void {
    const { counts, firsts, seconds } = this.moments;
    assign(counts, add(counts, sum(gamma, 0, 1)));
    assign(firsts, add(firsts, matmulTransposeA(gamma, x)));
    assign(seconds, add(seconds, this.secondMoments(x, gamma)));
  }

  /** The parameters that the moments make most likely: the M-step. */
  async maximize(settings: Maximization): Promise<Mixture> {
    const { k, d, means: { backend } } = this;
    const { counts, firsts, seconds } = this.moments;
    const [rowsOf, sums, squares] = await backend.read(
      [counts, firsts, seconds].map(({ region }) => region),
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

/** Makes components of a kind. */
export function makeComponents(
  kind: CovarianceType,
  state: State,
  k: number,
  d: number,
): Components {
  const Kind = { full: FullComponents, diag: DiagonalComponents, isotropic: IsotropicComponents };
  return new Kind[kind](state, k, d);
}

/** x_i − μ_k: [n, d], [K, d] -> [n, K, d]. */
export function differences(x: Tensor, means: Tensor): Tensor {
  const [n, d] = x.shape;
  return sub(reshape(x, [n, 1, d]), means);
}

/** γ_ik·v_ik: [n, K], [n, K, d] -> [n, K, d]. */
function weighted(gamma: Tensor, values: Tensor): Tensor {
  return mul(reshape(gamma, [...gamma.shape, 1]), values);
}

/** Any covariances, by the inverses of their Cholesky factors L: ‖L⁻¹(x − μ)‖². */
class FullComponents extends Components {
  /** L_k⁻ᵀ side by side, [d, K·d]. */
  private readonly whitening: Variable;
  /** −L_k⁻¹ μ_k, [K·d]. */
  private readonly bias: Variable;

  constructor(state: State, k: number, d: number) {
    super(state, k, d, [k * d, d]);
    this.whitening = state.variable("mixture whitening", [d, k * d], { saved: false });
    this.bias = state.variable("mixture bias", [k * d], { saved: false });
  }

  protected override writeCovariances({ means, covariances }: Mixture): number[] {
    const { k, d } = this;
    const whitening = new Float32Array(this.whitening.size);
    const bias = new Float32Array(this.bias.size);
    const determinants = Array.from({ length: k }, (_, c) => {
      const factor = cholesky(covariances.subarray(c * d * d, (c + 1) * d * d), d);
      if (!factor) {
        throw new DivergedError(
          `the covariance of component ${c} is not positive definite; raise regCovar or check ` +
            `the data`,
        );
      }
      const inverse = invertLower(factor, d);
      let logDeterminant = 0;
      for (let i = 0; i < d; i++) {
        logDeterminant += 2 * Math.log(factor[i * d + i]);
        let moved = 0;
        for (let j = 0; j <= i; j++) moved -= inverse[i * d + j] * means[c * d + j];
        bias[c * d + i] = moved;
      }
      // The large array is written along its rows.
      for (let j = 0; j < d; j++) {
        const place = j * k * d + c * d;
        for (let i = j; i < d; i++) whitening[place + i] = inverse[i * d + j];
      }
      return logDeterminant;
    });
    this.whitening.write(whitening);
    this.bias.write(bias);
    return determinants;
  }

  protected override distances(x: Tensor): Tensor {
    const white = dense(x, this.whitening, this.bias);
    return sum(square(reshape(white, [x.shape[0], this.k, this.d])), 2, 3);
  }

  /** Σ_i γ_ik (x_i − μ_k) x_iᵀ for all k in one product. */
  protected override secondMoments(x: Tensor, gamma: Tensor): Tensor {
    const { k, d } = this;
    const rows = reshape(weighted(gamma, differences(x, this.means)), [x.shape[0], k * d]);
    return matmulTransposeA(rows, x);
  }

  /** Σ_i γ (x − μ) xᵀ − N δ (μ + δ)ᵀ is Σ_i γ (x − μ − δ)(x − μ − δ)ᵀ for a mean moved by δ. */
  protected override covariances(
    weights: Float64Array,
    means: Float64Array,
    shifts: Float64Array,
    seconds: ArrayLike<number>,
    { regCovar }: Maximization,
  ): Float64Array {
    const { k, d } = this;
    const found = new Float64Array(k * d * d);
    for (let c = 0; c < k; c++) {
      const at = (i: number, j: number) =>
        seconds[(c * d + i) * d + j] / weights[c] - shifts[c * d + i] * means[c * d + j];
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          const value = 0.5 * (at(i, j) + at(j, i));
          found[(c * d + i) * d + j] = found[(c * d + j) * d + i] = value;
        }
        found[(c * d + i) * d + i] += regCovar;
      }
    }
    return found;
  }
}

/** A variance a column: Σ_j ((x_j − μ_j)/σ_j)². */
class DiagonalComponents extends Components {
  /** 1/σ, [K, d]. */
  private readonly inverse: Variable;

  constructor(state: State, k: number, d: number) {
    super(state, k, d, [k, d]);
    this.inverse = state.variable("mixture inverse deviations", [k, d], { saved: false });
  }

  protected override writeCovariances({ covariances }: Mixture): number[] {
    const { k, d } = this;
    checkVariances(covariances);
    this.inverse.write(Float32Array.from(covariances, (variance) => 1 / Math.sqrt(variance)));
    return Array.from(
      { length: k },
      (_, c) => covariances.subarray(c * d, (c + 1) * d).reduce((a, v) => a + Math.log(v), 0),
    );
  }

  protected override distances(x: Tensor): Tensor {
    return sum(square(mul(differences(x, this.means), this.inverse)), 2, 3);
  }

  protected override secondMoments(x: Tensor, gamma: Tensor): Tensor {
    return sum(weighted(gamma, square(differences(x, this.means))), 0, 1);
  }

  protected override covariances(
    weights: Float64Array,
    _means: Float64Array,
    shifts: Float64Array,
    seconds: ArrayLike<number>,
    { regCovar }: Maximization,
  ): Float64Array {
    return shifts.map((shift, i) =>
      Math.max(seconds[i] / weights[Math.floor(i / this.d)] - shift ** 2, 0) + regCovar
    );
  }
}

/** One variance that all share: ‖x − μ‖²/σ². */
class IsotropicComponents extends Components {
  /** 1/σ², [1]. */
  private readonly precision: Variable;

  constructor(state: State, k: number, d: number) {
    super(state, k, d, [1]);
    this.precision = state.variable("mixture precision", [1], { saved: false });
  }

  protected override writeCovariances({ covariances }: Mixture): number[] {
    const { k, d } = this;
    checkVariances(covariances);
    this.precision.write(Float32Array.of(1 / covariances[0]));
    return new Array(k).fill(d * Math.log(covariances[0]));
  }

  protected override distances(x: Tensor): Tensor {
    return mul(squaredDistances(x, this.means), this.precision);
  }

  protected override secondMoments(x: Tensor, gamma: Tensor): Tensor {
    return reshape(sum(mul(gamma, squaredDistances(x, this.means))), [1]);
  }

  /** σ² = Σ_ik γ_ik ‖x_i − μ_k‖² / (N d), or what it is fixed at. */
  protected override covariances(
    weights: Float64Array,
    _means: Float64Array,
    shifts: Float64Array,
    seconds: ArrayLike<number>,
    { regCovar, sigma2 }: Maximization,
  ): Float64Array {
    if (sigma2 > 0) return Float64Array.of(sigma2);
    let total = 0;
    let squares = seconds[0];
    weights.forEach((weight) => total += weight);
    shifts.forEach((shift, i) => squares -= weights[Math.floor(i / this.d)] * shift ** 2);
    return Float64Array.of(Math.max(squares / (total * this.d), 0) + regCovar);
  }
}

/** @throws {DivergedError} where a variance is not above 0. */
function checkVariances(variances: Float64Array): void {
  const bad = variances.findIndex((variance) => !(variance > 0));
  if (bad < 0) return;
  throw new DivergedError(
    `variance ${bad} of ${variances.length} became ${
      variances[bad]
    }; raise regCovar or check the ` +
      `data`,
  );
}
