/**
 * Pre-training of an autoencoder: reconstruction, of augmented images where there are images and from
 * corrupted input where that is asked for; adversarially constrained interpolation with a critic; and
 * before that, layer by layer.
 */
import type { ParameterBlock } from "../../engine/network/module.ts";
import { Adam, type Optimizer } from "../../engine/network/optim.ts";
import { add } from "../../engine/ops/binary.ts";
import { broadcastTo } from "../../engine/ops/sum.ts";
import { constant } from "../../engine/ops/constant.ts";
import { interpolate, interpolateReversed } from "../../engine/ops/interpolate.ts";
import { maskNoise, randomNormal } from "../../engine/ops/noise.ts";
import { randomUniform } from "../../engine/ops/random.ts";
import { stopGradient } from "../../engine/ops/reshape.ts";
import { scale } from "../../engine/ops/affine.ts";
import { STREAM } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { Autoencoder } from "../networks/autoencoder.ts";
import { Augmentation, type AugmentationOptions } from "./batches.ts";
import type { Batch, Losses, Phase } from "./phase.ts";
import { Critic, criticLoss, interpolationLoss } from "../networks/critic.ts";
import type { Samples } from "../estimator.ts";
import type { CriticMode, PretrainingOptions } from "./pretraining_options.ts";
import { PretrainingPhase, reconstructionError } from "./pretraining_phase.ts";
import type { Rows } from "./rows.ts";
import { StackedPretraining } from "./stacked.ts";
import type { PhaseEnd, Training } from "./trainer.ts";

/** What is logged, by what becomes of the critic. */
const LOGGED_TERMS: Readonly<Record<CriticMode, readonly string[]>> = {
  off: ["reconstruction"],
  fixed: ["reconstruction", "interpolation"],
  trained: ["reconstruction", "interpolation", "critic"],
};

/**
 * The augmentation that options and samples ask for; none for rows that are not images.
 * @param stream Of its draws.
 */
export function augmentationFor(
  training: Training,
  { height, width, channels = 1 }: Samples,
  { rotation, shift, stretch = 0, seed }:
    & Pick<PretrainingOptions, "rotation" | "shift" | "seed">
    & Pick<AugmentationOptions, "stretch">,
  stream: number = STREAM.transforms,
): Augmentation | undefined {
  const isStill = rotation === 0 && shift === 0 && stretch === 0;
  if (height === undefined || width === undefined || isStill) {
    return undefined;
  }
  const ranges = { rotation, shift, stretch, seed, stream };
  return new Augmentation(training.state, { height, width, channels, ...ranges });
}

/** x [n, d] as the network sees it: with values masked, with normal noise, or as it is. */
export function corrupt(
  x: Tensor,
  step: Tensor,
  { corruption, corruptionRate, seed }: Pick<
    PretrainingOptions,
    "corruption" | "corruptionRate" | "seed"
  >,
): Tensor {
  const stream = { seed, stream: STREAM.corruption };
  switch (corruption) {
    case "none":
      return x;
    case "mask":
      return maskNoise(x, corruptionRate, step, stream);
    case "gaussian":
      return add(x, scale(randomNormal(step, x.shape, stream), corruptionRate));
  }
}

/** The variables of pre-training: made before a checkpoint is restored. */
export class Pretraining {
  private readonly joint: PretrainingPhase;
  private readonly critic?: Critic;
  private readonly stacked?: StackedPretraining;

  /** Makes the variables. @param training Owns them. @param net What is trained. @param options See there. */
  constructor(
    private readonly training: Training,
    private readonly net: Autoencoder,
    private readonly augmentation: Augmentation | undefined,
    private readonly options: PretrainingOptions,
  ) {
    const { state } = training;
    const { critic: mode, seed, pretrainSteps, criticLearningRate, stackedSteps } = options;
    const critic = mode === "off" ? undefined : new Critic(state, net.sizes, seed);
    if (critic) this.critic = critic;
    this.joint = new PretrainingPhase(training, {
      name: "pre-training",
      prefix: "pretraining",
      steps: pretrainSteps,
      parameters: { pretraining: net.parameters },
      terms: LOGGED_TERMS[mode],
      others(shared) {
        if (mode !== "trained" || !critic) return [];
        const settings = { ...shared, learningRate: criticLearningRate };
        return [["critic", [new Adam(state, "critic adam", critic.parameters, settings)]]];
      },
    }, options);
    if (stackedSteps > 0) {
      this.stacked = new StackedPretraining(training, net, augmentation, options);
    }
  }

  /** The phase that trains all layers. */
  get phase(): Phase {
    return this.joint.phase;
  }

  /** What updates the network. */
  get optimizer(): Optimizer {
    return this.joint.optimizer;
  }

  /** Runs the phase to its end, or takes the network of another run. */
  async run(rows: Rows): Promise<PhaseEnd> {
    return await pretrainUnlessGiven(this.training, this.net.parameters, async () => {
      await this.stacked?.run(rows);
      return await this.joint.run(rows, (batch) => this.losses(batch));
    });
  }

  /** Inside `trace`: the losses of a batch. */
  losses({ x, step }: Batch): Losses<string> {
    const { net, options, critic } = this;
    const { seed, lambda } = options;
    const input = this.augmentation?.apply(x, step) ?? x;
    const z = net.encode(corrupt(input, step, options));
    const draw = (high: number, stream: number) =>
      randomUniform(step, [x.shape[0]], { seed, stream, high });
    const terms = pretrainingLosses(net, critic, input, z, net.decode(z), draw, options);
    const { reconstruction, interpolation } = terms;
    const total = interpolation
      ? add(reconstruction, scale(interpolation, lambda))
      : reconstruction;
    return { ...terms, total };
  }
}

/**
 * Runs `pretrain` and hands what it made of the parameters to other runs; or takes them from another
 * run, where the training is given one's.
 */
export async function pretrainUnlessGiven(
  training: Training,
  { variables }: ParameterBlock,
  pretrain: () => Promise<PhaseEnd>,
): Promise<PhaseEnd> {
  const { state, context: { pretrained, savePretrained } } = training;
  const names = variables.map(({ name }) => name);
  if (pretrained) {
    await training.once("pre-trained network of another run", () => {
      state.restore(pretrained.variables, names);
      return Promise.resolve(null);
    });
    return { steps: 0, stopReason: "the pre-trained network of another run" };
  }
  const end = await pretrain();
  await training.once("pre-trained network", async () => {
    await savePretrained?.({ variables: await state.snapshot(names), host: {} });
    return null;
  });
  return end;
}

/** The terms of pre-training's losses: scalars. */
export interface PretrainingLosses {
  /** The error of g(f(x)) against x. */
  readonly reconstruction: Tensor;
  /** mean c(g(z̃_α))² */
  readonly interpolation?: Tensor;
  /** The critic's own loss. */
  readonly critic?: Tensor;
}

/** mean-MSE(x, g(f(x))): x [n, d]. */
export function reconstructionLoss(net: Pick<Autoencoder, "encode" | "decode">, x: Tensor): Tensor {
  return reconstructionError(net.decode(net.encode(x)), x, "mean");
}

/**
 * DynAE's pre-training losses (eq. 1 and 2; ACAI's, with both means over the batch), each critic
 * coefficient with its own sample.
 * @param target x̃, [n, d]. @param z f of x̃, corrupted or not, [n, p]. @param reconstructed g(z).
 * @param draw Uniform coefficients [n] in [0, high) of a stream.
 */
export function pretrainingLosses(
  net: Pick<Autoencoder, "decode">,
  critic: Pick<Critic, "apply"> | undefined,
  target: Tensor,
  z: Tensor,
  reconstructed: Tensor,
  draw: (high: number, stream: number) => Tensor,
  options: Pick<
    PretrainingOptions,
    "critic" | "interpolationMax" | "mixCoefficient" | "pretrainError"
  >,
): PretrainingLosses {
  const { critic: mode, interpolationMax, mixCoefficient, pretrainError } = options;
  const reconstruction = reconstructionError(reconstructed, target, pretrainError);
  if (!critic) return { reconstruction };
  const alpha = draw(interpolationMax, STREAM.interpolation);
  const judged = critic.apply(net.decode(interpolateReversed(z, alpha)));
  const interpolation = interpolationLoss(judged);
  if (mode === "fixed") return { reconstruction, interpolation };
  // Mixtures of data and reconstruction teach the critic what α = 0 looks like.
  const gamma = mixCoefficient === 0
    ? draw(1, STREAM.mix)
    : broadcastTo(constant(mixCoefficient), alpha.shape);
  const mixed = critic.apply(interpolate(target, stopGradient(reconstructed), gamma));
  return { reconstruction, interpolation, critic: criticLoss(judged, alpha, mixed) };
}
