/**
 * VaDE: Variational Deep Embedding (Jiang, Zheng, Tan, Tang, Zhou; IJCAI 2017, arXiv 1611.05148), a
 * variational autoencoder whose prior is a mixture of Gaussians.
 *
 * An autoencoder is pre-trained; its code becomes the mean of q(z|x), and a mixture of diagonal
 * Gaussians, fitted to the code by EM, the prior. Then network and mixture are trained together on the
 * evidence lower bound. The label is the component that is most likely to have made the mean.
 */
import { softmax } from "../engine/ops/softmax.ts";
import { sigmoid } from "../engine/ops/unary.ts";
import type { State } from "../engine/state/state.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import type { RowOutputs, Samples } from "./estimator.ts";
import { defineMethod, type Method } from "./method.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { VariationalEncoder } from "./networks/variational_encoder.ts";
import { resolveOptions } from "./options.ts";
import type { FittedNetwork, Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";
import { EvidenceAscent, type VaDETerm } from "./vade_ascent.ts";
import { logJoint, vadeLosses } from "./vade_losses.ts";
import {
  type OutputLikelihood,
  VADE_OPTIONS,
  VADE_PROFILES,
  type VaDEOptions,
} from "./vade_options.ts";

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
    super(resolveOptions("vade", VADE_OPTIONS, options));
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

/** 1/(1 + e^−l) of a logit. */
function probability(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
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
      "scale the data, or take `likelihood` gaussian",
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
  options: VADE_OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: VADE_PROFILES,
  losses: {
    "gaussian output": (scene) => auditedLoss(scene, "gaussian"),
    "bernoulli output": (scene) => auditedLoss(scene, "bernoulli"),
  },
  labelsAreNearest: false,
  softAssignment: "the mixture's responsibilities for the code's mean",
  againstCollapse: "a larger reconstructionWeight",
  create: (options) => new VaDE(options),
});
