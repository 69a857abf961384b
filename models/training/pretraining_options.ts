/** Options of pre-training, which all methods on an autoencoder share. */
import type { BatchOrder } from "../../engine/ops/random.ts";
import type { MethodPretraining } from "../method.ts";
import type { Specs } from "../options.ts";

/** Whether the critic learns, stays at its random start as in DynAE's released code, or is absent. */
export type CriticMode = "trained" | "fixed" | "off";

/** What becomes of the network's input, whose clean form is the target. */
export type Corruption = "none" | "mask" | "gaussian";

/** Adam, or gradient descent with momentum. */
export type PretrainingOptimizer = "adam" | "sgd";

/** The squared error's mean or sum over features, whole or halved; always a mean over the batch. */
export type ErrorForm = "mean" | "halfMean" | "sum" | "halfSum";

/** Options of pre-training. */
export interface PretrainingOptions {
  /** Steps, a batch each. */
  readonly pretrainSteps: number;
  /** Steps of each layer pair before those; 0 trains all layers together at once. */
  readonly stackedSteps: number;
  /** Share of the values that are dropped before and within a layer pair. */
  readonly stackedDropout: number;
  /** The autoencoder's optimiser; the critic's is always Adam. */
  readonly pretrainOptimizer: PretrainingOptimizer;
  /** The optimiser's learning rate. */
  readonly pretrainLearningRate: number;
  /** μ of SGD. */
  readonly pretrainMomentum: number;
  /** ε of Adam, for autoencoder and critic. */
  readonly adamEpsilon: number;
  /** Whether the rate decays: Adam's to 0 along a cosine, SGD's by tens. */
  readonly pretrainDecay: boolean;
  /** Steps after which SGD's rate falls to a tenth, again and again; 0: 40 % of a phase. */
  readonly pretrainDropSteps: number;
  /** Form of the reconstruction error. */
  readonly pretrainError: ErrorForm;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** How the rows of a batch are chosen. */
  readonly batchOrder: BatchOrder;
  /** Degrees; 0 with `shift` 0 turns augmentation off. */
  readonly rotation: number;
  /** Largest shift of the augmentation, as a share of the image's side. */
  readonly shift: number;
  /** What becomes of the network's input, after augmentation. */
  readonly corruption: Corruption;
  /** Share of the values that are masked, or standard deviation of what is added. */
  readonly corruptionRate: number;
  /** What becomes of the critic; `off` leaves reconstruction alone. */
  readonly critic: CriticMode;
  /** Adam's learning rate for a trained critic. */
  readonly criticLearningRate: number;
  /** Weight of the interpolation loss. */
  readonly lambda: number;
  /** Interpolation coefficients are uniform in [0, this]. */
  readonly interpolationMax: number;
  /** γ, the share of the data in what teaches the critic a 0; 0: uniform in [0, 1] for each row. */
  readonly mixCoefficient: number;
  /** Steps between two rows of the log. */
  readonly logInterval: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Their descriptions, with the defaults of the thrifty profile. */
export const PRETRAINING_OPTIONS: Specs<Omit<PretrainingOptions, "seed">> = {
  pretrainSteps: {
    type: "integer",
    default: 5000,
    min: 0,
    description: "steps of pre-training",
    source: "thrifty; the paper and its code take 130,000",
  },
  stackedSteps: {
    type: "integer",
    default: 0,
    min: 0,
    description: "steps of each layer pair alone, before those of all layers; 0: none",
    source: "DEC's code: 50,000",
  },
  stackedDropout: {
    type: "number",
    default: 0.2,
    min: 0,
    max: 0.99,
    description: "share of the values dropped while layer pairs are trained",
    source: "DEC's code",
  },
  pretrainOptimizer: {
    type: "choice",
    choices: ["adam", "sgd"],
    default: "adam",
    description: "optimiser of pre-training",
    source: "DynAE; DEC and IDEC: sgd",
  },
  pretrainLearningRate: {
    type: "number",
    default: 2e-3,
    min: 0,
    description: "learning rate of pre-training",
    source: "thrifty; the paper takes 1e-4",
  },
  pretrainMomentum: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "momentum of SGD in pre-training",
    source: "DEC's code",
  },
  adamEpsilon: {
    type: "number",
    default: 1e-8,
    min: 1e-30,
    description: "Adam's epsilon",
    source: "Kingma and Ba; DynAE's code",
  },
  pretrainDecay: {
    type: "boolean",
    default: true,
    description: "let that rate decay: Adam's to 0 along a cosine, SGD's by tens",
    source: "thrifty; the paper keeps it constant",
  },
  pretrainDropSteps: {
    type: "integer",
    default: 0,
    min: 0,
    description: "steps after which SGD's rate is divided by 10 again; 0: 40 % of a phase's",
    source: "DEC's code: 20,000 of 50,000",
  },
  pretrainError: {
    type: "choice",
    choices: ["mean", "halfMean", "sum", "halfSum"],
    default: "mean",
    description: "squared error: its mean or sum over features, whole or halved; a mean over rows",
    source: "DynAE; DEC's fork of Caffe: halfMean, Caffe itself: halfSum, DCN: sum",
  },
  batchSize: {
    type: "integer",
    default: 256,
    min: 1,
    description: "rows of a batch",
    source: "DynAE, section 4",
  },
  batchOrder: {
    type: "choice",
    choices: ["sequential", "shuffled", "sequentialShuffledWithin"],
    default: "shuffled",
    description: "how pre-training picks the rows of a batch",
    source: "thrifty; DynAE's code: sequentialShuffledWithin",
  },
  rotation: {
    type: "number",
    default: 15,
    min: 0,
    max: 180,
    description: "largest angle of the augmentation, degrees; images only",
    source: "thrifty, chosen on optdigits; DynAE: 10",
  },
  shift: {
    type: "number",
    default: 0.1,
    min: 0,
    max: 1,
    description: "largest shift of the augmentation, as a share of the side; images only",
    source: "DynAE's code; the paper prints ±1 pixel",
  },
  corruption: {
    type: "choice",
    choices: ["none", "mask", "gaussian"],
    default: "none",
    description: "corrupt the input of pre-training, whose clean form is the target",
  },
  corruptionRate: {
    type: "number",
    default: 0.2,
    min: 0,
    max: 1,
    description: "share of the values masked, or standard deviation of the noise",
    source: "as the dropout of DEC's code; none is published for this network",
  },
  critic: {
    type: "choice",
    choices: ["trained", "fixed", "off"],
    default: "off",
    description: "the critic of the interpolation loss in pre-training; fixed: never trained",
    source: "thrifty; the paper trains it, its code in effect keeps it fixed",
  },
  criticLearningRate: {
    type: "number",
    default: 1e-4,
    min: 0,
    description: "Adam's learning rate of the critic",
    source: "DynAE, section 4",
  },
  lambda: {
    type: "number",
    default: 0.5,
    min: 0,
    description: "weight of the interpolation loss",
    source: "ACAI; DynAE, section 4",
  },
  interpolationMax: {
    type: "number",
    default: 0.5,
    min: 0,
    max: 1,
    description: "interpolation coefficients are uniform from 0 to this",
    source: "ACAI; DynAE takes 1",
  },
  mixCoefficient: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    description: "share of the data in the critic's mixtures; 0: uniform from 0 to 1, row by row",
    source: "DynAE, section 4; ACAI: 0.2",
  },
  logInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps of pre-training between two rows of the log",
  },
};

/** Of the methods that pre-train an autoencoder of dense layers. */
export const DENSE_PRETRAINING: MethodPretraining<
  Pick<PretrainingOptions, "pretrainSteps" | "stackedSteps">
> = {
  network: "dense",
  isUsed: ({ pretrainSteps, stackedSteps }) => pretrainSteps + stackedSteps > 0,
};
