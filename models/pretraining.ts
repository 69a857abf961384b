/**
 * Pre-training of an autoencoder: reconstruction, of augmented images where there are images, and
 * adversarially constrained interpolation where a critic is asked for.
 */
import { Adam } from "../engine/optim.ts";
import { add } from "../engine/ops/binary.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { interpolate, interpolateReversed } from "../engine/ops/interpolate.ts";
import { type BatchOrder, randomUniform } from "../engine/ops/random.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/unary.ts";
import { STREAM } from "../engine/random.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import type { Autoencoder } from "./autoencoder.ts";
import { Augmentation, BatchPrograms } from "./batches.ts";
import { Critic, criticLoss, interpolationLoss } from "./critic.ts";
import type { Samples } from "./estimator.ts";
import type { OptionSpec } from "./options.ts";
import type { Rows } from "./rows.ts";
import type { Phase, PhaseEnd, Training } from "./trainer.ts";

/** Whether the critic learns, stays at its random start as in DynAE's released code, or is absent. */
export type CriticMode = "trained" | "fixed" | "off";

/** Options of pre-training. */
export interface PretrainingOptions {
  /** Steps, a batch each. */
  readonly pretrainSteps: number;
  /** Adam's learning rate for the autoencoder. */
  readonly pretrainLearningRate: number;
  /** ε of Adam, for autoencoder and critic. */
  readonly adamEpsilon: number;
  /** Whether the rate decays to 0 along a cosine. */
  readonly pretrainDecay: boolean;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** How the rows of a batch are chosen. */
  readonly batchOrder: BatchOrder;
  /** Degrees; 0 with `shift` 0 turns augmentation off. */
  readonly rotation: number;
  /** Largest shift of the augmentation, as a share of the image's side. */
  readonly shift: number;
  /** What becomes of the critic; `off` leaves reconstruction alone. */
  readonly critic: CriticMode;
  /** Adam's learning rate for a trained critic. */
  readonly criticLearningRate: number;
  /** Weight of the interpolation loss. */
  readonly lambda: number;
  /** Interpolation coefficients are uniform in [0, this]. */
  readonly interpolationMax: number;
  /** Steps between two rows of the log. */
  readonly logInterval: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Their descriptions, with the defaults of the thrifty profile. */
export const PRETRAINING_OPTIONS: readonly OptionSpec[] = [
  {
    name: "pretrainSteps",
    type: "integer",
    default: 5000,
    min: 0,
    description: "steps of pre-training",
    source: "thrifty; the paper and its code take 130,000",
  },
  {
    name: "pretrainLearningRate",
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate in pre-training",
    source: "thrifty; the paper takes 1e-4",
  },
  {
    name: "adamEpsilon",
    type: "number",
    default: 1e-8,
    min: 0,
    description: "Adam's epsilon",
    source: "Kingma and Ba; DynAE's code: Keras' 1e-7",
  },
  {
    name: "pretrainDecay",
    type: "boolean",
    default: true,
    description: "let that rate decay to 0 along a cosine",
    source: "thrifty; the paper keeps it constant",
  },
  {
    name: "batchSize",
    type: "integer",
    default: 256,
    min: 1,
    description: "rows of a batch",
    source: "DynAE, section 4",
  },
  {
    name: "batchOrder",
    type: "choice",
    choices: ["sequential", "shuffled", "sequentialShuffledWithin"],
    default: "shuffled",
    description: "how pre-training picks the rows of a batch",
    source: "thrifty; DynAE's code: sequentialShuffledWithin",
  },
  {
    name: "rotation",
    type: "number",
    default: 15,
    min: 0,
    max: 180,
    description: "largest angle of the augmentation, degrees; images only",
    source: "thrifty, chosen on optdigits; DynAE: 10",
  },
  {
    name: "shift",
    type: "number",
    default: 0.1,
    min: 0,
    max: 1,
    description: "largest shift of the augmentation, as a share of the side; images only",
    source: "DynAE's code; the paper prints ±1 pixel",
  },
  {
    name: "logInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps of pre-training between two rows of the log",
  },
];

/** The augmentation that options and samples ask for; none for rows that are not images. */
export function augmentationFor(
  training: Training,
  { height, width }: Samples,
  { rotation, shift, seed }: Pick<PretrainingOptions, "rotation" | "shift" | "seed">,
): Augmentation | undefined {
  if (height === undefined || width === undefined || (rotation === 0 && shift === 0)) {
    return undefined;
  }
  return new Augmentation(training.state, { height, width, rotation, shift, seed });
}

/** The variables of pre-training: made before a checkpoint is restored. */
export class Pretraining {
  /** Sums of the losses since the last row of the log, [terms]. */
  readonly losses: Variable;
  /** Counts the steps, u32 [1]. */
  readonly step: Variable;
  private readonly optimizer: Adam;
  private readonly critic?: Critic;
  private readonly criticOptimizer?: Adam;
  private readonly terms: string[];

  /** @param training Owns the variables. @param net What is trained. @param options See there. */
  constructor(
    private readonly training: Training,
    private readonly net: Autoencoder,
    private readonly augmentation: Augmentation | undefined,
    private readonly options: PretrainingOptions,
  ) {
    const { state } = training;
    const { critic, seed, pretrainSteps, pretrainLearningRate, pretrainDecay } = options;
    this.step = state.variable("pretraining step", [1], { dtype: "u32" });
    const shared = {
      step: this.step,
      epsilon: options.adamEpsilon,
      decaySteps: pretrainDecay ? Math.max(pretrainSteps, 1) : 0,
    };
    this.terms = ["reconstruction", ...critic === "off" ? [] : ["interpolation"]];
    if (critic === "trained") this.terms.push("critic");
    this.losses = state.variable("pretraining losses", [this.terms.length]);
    this.optimizer = new Adam(state, "pretraining adam", net.parameters, {
      ...shared,
      learningRate: pretrainLearningRate,
    });
    if (critic !== "off") this.critic = new Critic(state, net.sizes, seed);
    if (critic === "trained") {
      this.criticOptimizer = new Adam(state, "critic adam", this.critic!.parameters, {
        ...shared,
        learningRate: options.criticLearningRate,
      });
    }
  }

  /** Runs the phase to its end, or takes the network of another run. */
  async run(rows: Rows): Promise<PhaseEnd> {
    const { training, net } = this;
    const { state, context: { pretrained, savePretrained } } = training;
    const names = net.parameters.variables.map(({ name }) => name);
    if (pretrained) {
      await training.once("pre-trained network of another run", () => {
        state.restore(pretrained.variables, names);
        return Promise.resolve(null);
      });
      return { steps: 0, stopReason: "the pre-trained network of another run" };
    }
    const end = await this.train(rows);
    await training.once("pre-trained network", async () => {
      await savePretrained?.({ variables: await state.snapshot(names), host: {} });
      return null;
    });
    return end;
  }

  private async train(rows: Rows): Promise<PhaseEnd> {
    const { pretrainSteps, batchSize, batchOrder: order, seed, logInterval } = this.options;
    using programs = await BatchPrograms.trace(
      this.training.backend,
      rows,
      { batchSize, order, seed, step: this.step },
      "pre-training",
      (x) => {
        this.traceStep(x);
        return {};
      },
    );
    const phase: Phase = {
      name: "pre-training",
      steps: pretrainSteps,
      interval: logInterval,
      losses: this.losses,
      terms: this.terms,
      programAt: (step) => programs.at(step),
    };
    return await this.training.run(phase);
  }

  /** Inside `trace`: one step on the batch x [n, d]. */
  traceStep(x: Tensor): void {
    const { lambda } = this.options;
    const input = this.augmentation?.apply(x, this.step) ?? x;
    const z = this.net.encode(input);
    const reconstructed = this.net.decode(z);
    const terms = pretrainingLosses(
      this.net,
      this.critic,
      input,
      z,
      reconstructed,
      (high, stream) =>
        randomUniform(this.step, [x.shape[0]], { seed: this.options.seed, stream, high }),
      this.options,
    );
    const loss = terms.interpolation
      ? add(terms.reconstruction, scale(terms.interpolation, lambda))
      : terms.reconstruction;
    this.optimizer.minimize(loss);
    if (this.criticOptimizer) this.criticOptimizer.minimize(terms.critic!);
    this.terms.forEach((term, i) =>
      accumulate(this.losses, i, terms[term as keyof PretrainingLosses]!)
    );
    advance(this.step);
  }
}

/** The terms of pre-training's losses: scalars. */
export interface PretrainingLosses {
  /** mean-MSE(x̃, g(f(x̃))) */
  readonly reconstruction: Tensor;
  /** mean c(g(z̃_α))² */
  readonly interpolation?: Tensor;
  /** The critic's own loss. */
  readonly critic?: Tensor;
}

/** mean-MSE(x, g(f(x))): x [n, d]. */
export function reconstructionLoss(net: Pick<Autoencoder, "encode" | "decode">, x: Tensor): Tensor {
  return meanSquaredError(net.decode(net.encode(x)), x);
}

/**
 * DynAE's pre-training losses (eq. 1 and 2; ACAI's, with both means over the batch), each critic
 * coefficient with its own sample.
 * @param x̃ Input and target, [n, d]. @param z f(x̃), [n, p]. @param draw Uniform coefficients [n] in
 *   [0, high) of a stream.
 */
export function pretrainingLosses(
  net: Pick<Autoencoder, "decode">,
  critic: Pick<Critic, "apply"> | undefined,
  input: Tensor,
  z: Tensor,
  reconstructed: Tensor,
  draw: (high: number, stream: number) => Tensor,
  { critic: mode, interpolationMax }: Pick<PretrainingOptions, "critic" | "interpolationMax">,
): PretrainingLosses {
  const reconstruction = meanSquaredError(reconstructed, input);
  if (!critic) return { reconstruction };
  const alpha = draw(interpolationMax, STREAM.interpolation);
  const judged = critic.apply(net.decode(interpolateReversed(z, alpha)));
  const interpolation = interpolationLoss(judged);
  if (mode === "fixed") return { reconstruction, interpolation };
  // Mixtures of data and reconstruction teach the critic what α = 0 looks like.
  const gamma = draw(1, STREAM.mix);
  const mixed = critic.apply(interpolate(input, stopGradient(reconstructed), gamma));
  return { reconstruction, interpolation, critic: criticLoss(judged, alpha, mixed) };
}
