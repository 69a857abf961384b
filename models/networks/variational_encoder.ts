/** Codes as distributions: what makes an autoencoder variational. */
import { Dense, glorotUniform, Parameters } from "../../engine/network/module.ts";
import { scale } from "../../engine/ops/affine.ts";
import { tanh } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { Autoencoder } from "./autoencoder.ts";

/** |log σ̃²| of a code stays below this, smoothly. */
const LOG_VARIANCE_BOUND = 10;

/** q(z|x): a Gaussian with diagonal covariance for each row. */
export interface Posterior {
  /** μ̃, [n, p]. */
  readonly mean: Tensor;
  /** log σ̃², [n, p]. */
  readonly logVariance: Tensor;
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
