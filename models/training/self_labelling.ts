/**
 * Self-labelling: a classifier learns a partition from its sure rows and labels the others. Unsure rows
 * wait; one becomes sure where the classifier is confident of it as it is, by the rule by which DynAE
 * calls a row unconflicted (arXiv 1901.07752, eq. 6), and is then learnt from augmented copies, as
 * the others are (SCAN's third step, arXiv 2005.12320; FixMatch, arXiv 2001.07685).
 */
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
import type { Specs } from "../options.ts";
import type { Augmentation } from "./batches.ts";
import type { Fitting, Network } from "./deep_estimator.ts";
import { type Batch, type Losses, Phase } from "./phase.ts";
import { augmentationFor } from "./pretraining.ts";
import { Encoding, Labelling } from "./whole_pass.ts";

/** Options of whoever labels a partition's rows again. */
export interface SelfLabellingOptions {
  /** Steps of the classifier; 0 leaves the partition as it is found. */
  readonly selfLabelSteps: number;
  /** Probability above which the classifier's label of an unsure row is learnt. */
  readonly selfLabelThreshold: number;
}

/** Their descriptions. */
export const SELF_LABELLING_OPTIONS: Specs<SelfLabellingOptions> = {
  selfLabelSteps: {
    type: "integer",
    default: 0,
    min: 0,
    description:
      "steps of a classifier that learns the first clusters' sure rows and labels all; 0: none",
    source: "after SCAN, arXiv 2005.12320",
  },
  selfLabelThreshold: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "probability above which that classifier believes its own label of an unsure row",
    source: "FixMatch, arXiv 2001.07685: 0.95",
  },
};

/** What the classifier depends on. */
export interface ClassifierOptions extends SelfLabellingOptions {
  /** K */
  readonly clusters: number;
  /** Its hidden layers' widths. */
  readonly hidden: readonly number[];
  /** Degrees; of images. */
  readonly rotation: number;
  /** Largest shift of images, as a share of the side. */
  readonly shift: number;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** Steps between two rows of the log. */
  readonly logInterval: number;
  /** 32 bits. */
  readonly seed: number;
}

/** Adam's rate, which falls to 0 along a cosine. */
const LEARNING_RATE = 1e-3;
/** ε of the smoothed targets, (1 − ε)·1[k = y] + ε/K. */
const SMOOTHING = 0.05;
/** Share of the steps before unsure rows are taken in. */
const WAIT = 0.25;
/** A threshold that no probability exceeds, and a difference that any two have. */
const NEVER = 2;
const ANY = -1;

/** The classifier and its phase; made before a checkpoint is restored. */
export class SelfLabelling {
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

  /** Makes the variables. @param fitting Whose rows. @param options See there. */
  constructor(
    private readonly fitting: Pick<Fitting<Network>, "training" | "samples" | "rows">,
    private readonly options: ClassifierOptions,
  ) {
    const { training, samples } = fitting;
    const { state } = training;
    const { clusters, hidden, batchSize, seed, selfLabelSteps } = options;
    this.classifier = new Mlp([samples.d, ...hidden, clusters]);
    const parameters = new Parameters(state, { classifier: this.classifier }, seed);
    this.targets = state.variable("sure targets", [samples.n, clusters]);
    this.unsure = state.variable("unsure rows", [samples.n, 1]);
    this.thresholds = state.variable("taking in", [2], { saved: false });
    this.vertices = state.variable("smoothed clusters", [clusters, clusters], {
      data: Float32Array.from(
        { length: clusters ** 2 },
        (_, i) => SMOOTHING / clusters + (i % (clusters + 1) === 0 ? 1 - SMOOTHING : 0),
      ),
      saved: false,
    });
    this.augmentation = augmentationFor(training, samples, options, STREAM.labelledTransforms);
    const terms = ["crossEntropy", "learnt"] as const;
    const batches = { batchSize, batchOrder: "shuffled", seed } as const;
    const settings = { name: "self-labelling", terms, ...batches } as const;
    this.phase = new Phase(training, settings, (step) => {
      const adam = { step, learningRate: LEARNING_RATE, decaySteps: Math.max(selfLabelSteps, 1) };
      return [["total", [new Adam(state, "classifier adam", parameters, adam)]]];
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

  /** Trains, and labels every row by the most probable cluster: [N]. */
  async run(): Promise<Uint32Array> {
    const { fitting: { rows }, classifier, options } = this;
    const { selfLabelSteps: steps, logInterval: interval, selfLabelThreshold, clusters } = options;
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
    using logits = await Encoding.create(rows, (x) => classifier.apply(x), clusters);
    await logits.run();
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
