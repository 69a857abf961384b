/** The classifier of self-labelling: it learns the sure rows of a partition, and takes in others. */
import { Mlp, Parameters } from "../../engine/network/module.ts";
import { Adam } from "../../engine/network/optim.ts";
import { scale } from "../../engine/ops/affine.ts";
import { confidence, selectTarget } from "../../engine/ops/assignment.ts";
import { mul } from "../../engine/ops/binary.ts";
import { reshape, stopGradient } from "../../engine/ops/reshape.ts";
import { gather } from "../../engine/ops/rows.ts";
import { softmax } from "../../engine/ops/softmax.ts";
import { sum } from "../../engine/ops/sum.ts";
import { STREAM } from "../../engine/random.ts";
import { Table } from "../../engine/state/table.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import { crossEntropy } from "../losses.ts";
import type { Augmentation } from "./batches.ts";
import type { Fitting, Network } from "./deep_estimator.ts";
import { type Batch, type Losses, Phase } from "./phase.ts";
import { augmentationFor } from "./pretraining.ts";
import type { ClassifierOptions } from "./self_labelling_options.ts";
import { Encoding, Labelling } from "./whole_pass.ts";

/** Adam's rate, which falls to 0 along a cosine. */
const LEARNING_RATE = 1e-3;
/** ε of the smoothed targets, (1 − ε)·1[k = y] + ε/K. */
const SMOOTHING = 0.05;
/** Share of the steps before unsure rows are taken in. */
const WAIT = 0.25;
/** A threshold that no probability exceeds, and a difference that any two have. */
const NEVER = 2;
const ANY = -1;

/** An MLP and its phase; made before a checkpoint is restored. */
export class SureClassifier {
  private readonly classifier: Mlp;
  private readonly phase: Phase<"crossEntropy" | "learnt">;
  private readonly augmentation: Augmentation | undefined;
  /** Smoothed targets of the sure rows, 0 in the others', [N, K]. */
  private readonly targets: Variable;
  /** 1 where a row is unsure, [N, 1]. */
  private readonly unsure: Variable;
  /** (β1, β2) of the rule: β1 is {@linkcode NEVER} while unsure rows wait. */
  private readonly thresholds: Variable;
  /** The smoothed target of every cluster, [K, K]. */
  private readonly vertices: Variable;

  /** Makes the variables. @param fitting Whose rows. @param options See there. @param round From 1. */
  constructor(
    private readonly fitting: Pick<Fitting<Network>, "training" | "samples" | "rows">,
    private readonly options: ClassifierOptions,
    round: number,
  ) {
    const { training, samples } = fitting;
    const { state } = training;
    const { clusters, hidden, batchSize, seed, selfLabelSteps } = options;
    this.classifier = new Mlp([samples.d, ...hidden, clusters]);
    const named = (name: string) => round === 1 ? name : `${name} ${round}`;
    const parameters = new Parameters(state, { [named("classifier")]: this.classifier }, seed);
    this.targets = state.variable(named("sure targets"), [samples.n, clusters]);
    this.unsure = state.variable(named("unsure rows"), [samples.n, 1]);
    this.thresholds = state.variable(named("taking in"), [2], { saved: false });
    this.vertices = state.variable(named("smoothed clusters"), [clusters, clusters], {
      data: Float32Array.from(
        { length: clusters ** 2 },
        (_, i) => SMOOTHING / clusters + (i % (clusters + 1) === 0 ? 1 - SMOOTHING : 0),
      ),
      saved: false,
    });
    const { rotation, shift, selfLabelStretch: stretch } = options;
    const ranges = { rotation, shift, stretch, seed };
    this.augmentation = augmentationFor(training, samples, ranges, STREAM.labelledTransforms);
    const terms = ["crossEntropy", "learnt"] as const;
    const batches = { batchSize, batchOrder: "shuffled", seed } as const;
    const settings = { name: named("self-labelling"), terms, ...batches } as const;
    this.phase = new Phase(training, settings, (step) => {
      const adam = { step, learningRate: LEARNING_RATE, decaySteps: Math.max(selfLabelSteps, 1) };
      return [["total", [new Adam(state, named("classifier adam"), parameters, adam)]]];
    });
  }

  /** Gives it a partition. @param labels [N], in [0, K). @param sure 1 where a row's label is to be learnt. */
  write(labels: Uint32Array, sure: Uint8Array): void {
    const { clusters } = this.options;
    const targets = new Float32Array(labels.length * clusters);
    for (let i = 0; i < labels.length; i++) {
      if (!sure[i]) continue;
      targets.fill(SMOOTHING / clusters, i * clusters, (i + 1) * clusters);
      targets[i * clusters + labels[i]] += 1 - SMOOTHING;
    }
    this.targets.write(targets);
    this.unsure.write(Float32Array.from(sure, (isSure) => isSure ? 0 : 1));
  }

  /** Trains to its end. */
  async train(): Promise<void> {
    const { fitting: { rows }, options } = this;
    const { selfLabelSteps: steps, logInterval: interval, selfLabelThreshold } = options;
    const opening = Math.ceil(WAIT * steps);
    await this.phase.run(rows, {
      steps,
      interval,
      losses: (batch) => this.losses(batch),
      prepare: (step) => {
        const isOpen = step >= opening;
        this.thresholds.write(Float32Array.of(isOpen ? selfLabelThreshold : NEVER, ANY));
        return isOpen ? Infinity : opening - step;
      },
    });
  }

  /** Its logits of every row, [N, K]; whoever asks disposes of them. */
  async logits(): Promise<Encoding> {
    const { fitting: { rows }, classifier, options: { clusters } } = this;
    const logits = await Encoding.create(rows, (x) => classifier.apply(x), clusters);
    await logits.run();
    return logits;
  }

  /** The most probable cluster of every row, [N]. */
  async labels(logits: Encoding): Promise<Uint32Array> {
    using labelling = await Labelling.create(logits.codes, this.vertices, (logits) => logits);
    return await labelling.run();
  }

  /** Inside `trace`: cross-entropy with the targets of the rows that are sure, or taken in. */
  private losses({ x, numbers, step }: Batch): Losses<"crossEntropy" | "learnt"> {
    const { classifier, thresholds, vertices, augmentation } = this;
    const [n] = x.shape;
    const probabilities = softmax(classifier.apply(x));
    const { labels, mask } = confidence(probabilities, thresholds);
    const [known, unsure] = [this.targets, this.unsure].map((rows) =>
      gather(Table.of(rows), numbers)
    );
    const taken = mul(mask, reshape(unsure, [n]));
    const targets = stopGradient(selectTarget(vertices, labels, taken, known));
    const entropy = crossEntropy(targets, classifier.apply(augmentation?.apply(x, step) ?? x));
    return { crossEntropy: entropy, learnt: scale(sum(targets), 1 / n), total: entropy };
  }
}
