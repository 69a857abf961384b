/** DEPICT's pre-training: the convolutional autoencoder alone, from a noisy path through the encoder. */
import { accumulate, advance } from "../engine/ops/counter.ts";
import { add } from "../engine/ops/binary.ts";
import { dropout } from "../engine/ops/noise.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import { STREAM } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import type { DEPICTOptions } from "./depict_options.ts";
import type {
  ConvolutionalAutoencoder,
  Decoded,
  Encoded,
} from "./networks/convolutional_autoencoder.ts";
import { BatchPrograms } from "./training/batches.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type BestWeights, EarlyStopping, type Split } from "./training/held_out.ts";
import type { Batch } from "./training/phase.ts";
import { PretrainingPhase } from "./training/pretraining_phase.ts";
import type { Rows } from "./training/rows.ts";
import type { PhaseEnd } from "./training/trainer.ts";

/** The reconstruction's terms: scalars. */
export interface ReconstructionLosses {
  /** mean (x̂ − x)², over batch and pixels in [−1, 1] */
  readonly image: Tensor;
  /** λ·Σ_l mean (d_l − h_l)² */
  readonly hidden: Tensor;
  /** Their sum. */
  readonly total: Tensor;
}

/**
 * The reconstruction loss in the form of the authors' code: means over batch and features, and the
 * clean activations are targets with a gradient.
 * @param images x in [−1, 1]. @param clean Of x. @param decoded Of the noisy code. @param weight λ.
 */
export function reconstructionLosses(
  images: Tensor,
  clean: Pick<Encoded, "h1" | "h2">,
  decoded: Decoded,
  weight: number,
): ReconstructionLosses {
  const image = meanSquaredError(decoded.images, images);
  const layers = add(
    meanSquaredError(decoded.d1, clean.h1),
    meanSquaredError(decoded.d2, clean.h2),
  );
  const hidden = scale(layers, weight);
  return { image, hidden, total: add(image, hidden) };
}

/**
 * The autoencoder's part of a step: both paths of a batch x [n, d], and the loss of what they say of
 * each other.
 */
export function bothPaths(
  net: ConvolutionalAutoencoder,
  x: Tensor,
  step: Tensor,
  { dropout: rate, hiddenWeight, seed }: DEPICTOptions,
): { clean: Encoded; noisy: Encoded; losses: ReconstructionLosses } {
  const images = net.images(x);
  const clean = net.encodeLayers(images);
  const streams = [STREAM.inputDropout, STREAM.hiddenDropout];
  const noisy = net.encodeLayers(
    images,
    (x, layer) => dropout(x, rate, step, { seed, stream: streams[layer] }),
  );
  const losses = reconstructionLosses(images, clean, net.decodeLayers(noisy.z), hiddenWeight);
  return { clean, noisy, losses };
}

/** What pre-training stops by, where rows are held out. */
export interface Validation {
  /** The rows. */
  readonly split: Split;
  /** Where the weights go of which the held-out rows' loss was the least. */
  readonly best: BestWeights;
}

/** Pre-training: the autoencoder alone. */
export class Reconstruction {
  private readonly phase: PretrainingPhase<"image" | "hidden">;

  /**
   * Makes the variables.
   * @param fitting What is trained. @param options See there. @param validation Of held-out rows, where
   *   there are any.
   */
  constructor(
    private readonly fitting: Fitting<ConvolutionalAutoencoder>,
    private readonly options: DEPICTOptions,
    private readonly validation?: Validation,
  ) {
    const { training, net } = fitting;
    this.phase = new PretrainingPhase(training, {
      name: "pre-training",
      prefix: "pretraining",
      steps: options.pretrainSteps,
      parameters: { pretraining: net.parameters },
      terms: ["image", "hidden"],
    }, {
      ...options,
      pretrainOptimizer: "adam",
      pretrainMomentum: 0,
      pretrainDropSteps: 0,
      batchOrder: "shuffled",
    });
  }

  /** Trains for all steps, or until the held-out rows say that it is enough. */
  run(): Promise<PhaseEnd> {
    const { fitting: { rows }, phase, validation } = this;
    return validation
      ? this.runValidated(validation)
      : phase.run(rows, (batch) => this.losses(batch));
  }

  /** Inside `trace`: the losses of a batch. */
  private losses({ x, step }: Batch): ReconstructionLosses {
    return bothPaths(this.fitting.net, x, step, this.options).losses;
  }

  private async runValidated({ split, best }: Validation): Promise<PhaseEnd> {
    const { fitting: { training, net, rows }, phase, options } = this;
    const { pretrainPatience, hiddenWeight } = options;
    using trained = rows.select(split.training);
    using heldOut = rows.select(split.heldOut);
    using loss = await CleanLoss.create(net, heldOut, hiddenWeight);
    const stopping = new EarlyStopping(
      training,
      "pre-training",
      pretrainPatience,
      -Number.MAX_VALUE,
    );
    const end = await phase.run(trained, (batch) => this.losses(batch), async (step) => {
      if (step === 0) return { row: {} };
      const row = { heldOut: await loss.measure() };
      if (stopping.observe(-row.heldOut)) await best.keep();
      if (!stopping.isOver) return { row };
      return { row, stop: `${pretrainPatience} epochs without a lower loss of the held-out rows` };
    });
    await training.once("best pre-trained network", async () => {
      if (stopping.hasBest) await best.restore();
      return null;
    });
    return end;
  }
}

/** The reconstruction loss of some rows by the clean path alone. */
class CleanLoss {
  private constructor(
    private readonly state: State,
    private readonly programs: BatchPrograms,
    private readonly loss: Variable,
  ) {}

  /** Prepares passes over the rows. */
  static async create(
    net: ConvolutionalAutoencoder,
    rows: Rows,
    hiddenWeight: number,
  ): Promise<CleanLoss> {
    const { backend } = net.parameters.arena;
    const state = new State(backend);
    const loss = state.variable("loss of the clean path", [1], { saved: false });
    const step = state.variable("clean path step", [1], { dtype: "u32", saved: false });
    const batches = { batchSize: net.passRows, order: "sequential", seed: 0, step } as const;
    const label = "loss of the clean path";
    const programs = await BatchPrograms.trace(backend, rows, batches, label, (x) => {
      const images = net.images(x);
      const clean = net.encodeLayers(images);
      const decoded = net.decodeLayers(clean.z);
      const { total } = reconstructionLosses(images, clean, decoded, hiddenWeight);
      accumulate(loss, 0, scale(total, x.shape[0] / rows.total));
      advance(step);
      return {};
    });
    return new CleanLoss(state, programs, loss);
  }

  /** The loss by the weights as they are: the mean over the rows. */
  async measure(): Promise<number> {
    const { programs, loss } = this;
    loss.write(new Float32Array(1));
    for (let i = 0; i < programs.batches; i++) (await programs.at(i)).program.run();
    return (await loss.read())[0];
  }

  /** Frees programs and variables. */
  [Symbol.dispose](): void {
    this.programs.dispose();
    this.state.dispose();
  }
}
