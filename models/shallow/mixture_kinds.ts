/** Kinds of Gaussians: full covariances, a variance a column, one variance for all. */
import { mul, sub } from "../../engine/ops/binary.ts";
import { squaredDistances } from "../../engine/ops/distances.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { sum } from "../../engine/ops/sum.ts";
import { square } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { DivergedError } from "../estimator.ts";
import { FullComponents } from "./full_components.ts";
import {
  Components,
  type CovarianceType,
  type Maximization,
  type Mixture,
} from "./mixture_components.ts";

/**
 * Makes components of a kind.
 * @param rows Of the blocks that moments are taken of. 0: of none, and all is made of ops that have
 *   gradients.
 */
export function makeComponents(
  kind: CovarianceType,
  state: State,
  k: number,
  d: number,
  rows: number,
): Components {
  if (kind === "full") return new FullComponents(state, k, d, rows);
  return kind === "diag"
    ? new DiagonalComponents(state, k, d)
    : new IsotropicComponents(state, k, d);
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

/** A variance a column: Σ_j ((x_j − μ_j)/σ_j)². */
class DiagonalComponents extends Components {
  /** 1/σ, [K, d]. */
  private readonly inverse: Variable;

  constructor(state: State, k: number, d: number) {
    super(state, k, d, [[k, d]]);
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

  protected override secondMoments(x: Tensor, gamma: Tensor): Tensor[] {
    return [sum(weighted(gamma, square(differences(x, this.means))), 0, 1)];
  }

  protected override covariances(
    weights: Float64Array,
    _means: Float64Array,
    shifts: Float64Array,
    [seconds]: readonly ArrayLike<number>[],
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
    super(state, k, d, [[1]]);
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

  protected override secondMoments(x: Tensor, gamma: Tensor): Tensor[] {
    return [reshape(sum(mul(gamma, squaredDistances(x, this.means))), [1])];
  }

  /** σ² = Σ_ik γ_ik ‖x_i − μ_k‖² / (N d), or what it is fixed at. */
  protected override covariances(
    weights: Float64Array,
    _means: Float64Array,
    shifts: Float64Array,
    [seconds]: readonly ArrayLike<number>[],
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
