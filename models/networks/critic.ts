/**
 * The critic of adversarially constrained interpolation (ACAI, Berthelot et al., arXiv 1807.07543):
 * it estimates how far a decoded interpolation is from either end. DynAE's is an encoder whose p
 * outputs are averaged.
 */
import { Mlp, Parameters } from "../../engine/network/module.ts";
import { add } from "../../engine/ops/binary.ts";
import { meanSquaredError } from "../../engine/ops/squared_error.ts";
import { mean } from "../../engine/ops/sum.ts";
import { square } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { AutoencoderSizes } from "./autoencoder.ts";

/** c: [n, d] -> [n], one number a row. */
export class Critic {
  /** Weights and biases, in an arena of their own. */
  readonly parameters: Parameters;
  private readonly network: Mlp;

  /** @param state Owns the parameters. @param sizes Of the encoder. @param seed Of the weights. */
  constructor(state: State, { inputs, hidden, latent }: AutoencoderSizes, seed: number) {
    this.network = new Mlp([inputs, ...hidden, latent]);
    this.parameters = new Parameters(state, { critic: this.network }, seed);
  }

  /** c(x): [n, d] -> [n]. */
  apply(x: Tensor): Tensor {
    return mean(this.network.apply(x), 1, 2);
  }
}

/** mean c(x̂_α)²: the autoencoder's share, which asks that interpolations pass for data. */
export function interpolationLoss(critic: Tensor): Tensor {
  return mean(square(critic));
}

/**
 * mean (c(x̂_α) − α)² + mean c(x_mix)²: the critic's loss, per sample (ACAI, eq. 3).
 * @param interpolated c(x̂_α), [n]. @param alpha The true coefficients, [n]. @param mixed c of
 *   mixtures of data and reconstruction, [n], whose coefficient counts as 0.
 */
export function criticLoss(interpolated: Tensor, alpha: Tensor, mixed: Tensor): Tensor {
  return add(meanSquaredError(interpolated, alpha), mean(square(mixed)));
}
