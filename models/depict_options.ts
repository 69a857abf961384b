/** DEPICT's options and profiles. */
import {
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
} from "./evaluation/feature_diagnostics.ts";
import type { Profile, Specs } from "./options.ts";
import { ARCHITECTURE_OPTIONS } from "./networks/autoencoder.ts";
import { PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";

/** Options of DEPICT. */
export interface DEPICTOptions extends FeatureDiagnosticsOptions {
  /** K */
  readonly clusters: number;
  /** Of either convolution. */
  readonly channels: number;
  /** p, size of the code; 0: as many as clusters. */
  readonly latent: number;
  /** Share of the input and of the first layer's activations that is dropped. */
  readonly dropout: number;
  /** Weight of the hidden layers' reconstruction. */
  readonly hiddenWeight: number;
  /** Steps of the autoencoder alone. */
  readonly pretrainSteps: number;
  /** Adam's, of the autoencoder alone. */
  readonly pretrainLearningRate: number;
  /** Whether that rate decays to 0 along a cosine. */
  readonly pretrainDecay: boolean;
  /** Share of the rows that pre-training and the first labels are stopped by, not trained on. */
  readonly validationShare: number;
  /** Epochs without a lower loss of those rows, after which pre-training ends. */
  readonly pretrainPatience: number;
  /** Where the first labels are from: k-means, agglomeration by path integrals, or the neighbour graph. */
  readonly init: "kmeans" | "ac-pic" | "graph";
  /** Restarts of k-means. */
  readonly nInit: number;
  /** Most steps on the first labels. */
  readonly labelSteps: number;
  /** Epochs without a better agreement with them, after which they are left. */
  readonly patience: number;
  /** Most steps of self-training. */
  readonly steps: number;
  /** Adam's, of clustering. */
  readonly learningRate: number;
  /** Adam's ε. */
  readonly adamEpsilon: number;
  /** Self-training stops when the mean squared change of the targets is below. */
  readonly tol: number;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** How clustering goes through the rows; pre-training shuffles them. */
  readonly batchOrder: "sequential" | "shuffled";
  /** Steps of pre-training between two rows of the log. */
  readonly logInterval: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

const PAPER = "DEPICT's code";

/** Their descriptions, with the defaults of the thrifty profile. */
export const DEPICT_OPTIONS: Specs<DEPICTOptions> = {
  clusters: ARCHITECTURE_OPTIONS.clusters,
  channels: {
    type: "integer",
    default: 50,
    min: 1,
    description: "channels of either convolution",
    source: PAPER,
  },
  latent: {
    ...ARCHITECTURE_OPTIONS.latent,
    default: 0,
    min: 0,
    description: "size of the code; 0: as many as clusters",
    source: PAPER,
  },
  dropout: {
    type: "number",
    default: 0.1,
    min: 0,
    max: 0.99,
    description: "share of the noisy path's input and first activations that is dropped",
    source: PAPER,
  },
  hiddenWeight: {
    type: "number",
    default: 0.1,
    min: 0,
    description: "weight of the hidden layers' reconstruction",
    source: PAPER,
  },
  pretrainSteps: {
    ...PRETRAINING_OPTIONS.pretrainSteps,
    default: 4000,
    description: "steps of the autoencoder alone",
    source: "thrifty; DEPICT's code: up to 4,000 epochs, stopped by held-out rows",
  },
  pretrainLearningRate: {
    ...PRETRAINING_OPTIONS.pretrainLearningRate,
    default: 1e-3,
    description: "Adam's learning rate for the autoencoder alone",
    source: "thrifty; the paper: 1e-4",
  },
  pretrainDecay: {
    ...PRETRAINING_OPTIONS.pretrainDecay,
    description: "let that rate decay to 0 along a cosine",
    source: "thrifty; the paper keeps it constant",
  },
  validationShare: {
    type: "number",
    default: 0,
    min: 0,
    max: 0.9,
    description: "share of the rows held out, which say when to stop before self-training; 0: none",
    source: "thrifty; DEPICT's code: 0.1",
  },
  pretrainPatience: {
    type: "integer",
    default: 100,
    min: 1,
    description: "epochs without a lower loss of held-out rows, after which pre-training ends",
    source: PAPER,
  },
  init: {
    type: "choice",
    choices: ["kmeans", "ac-pic", "graph"],
    default: "kmeans",
    description: "where the first labels are from; ac-pic: agglomerative, by path integrals",
    source: "DEPICT's code, but for USPS and MNIST-test: ac-pic",
  },
  nInit: {
    type: "integer",
    default: 40,
    min: 1,
    description: "restarts of k-means, where the first labels are its",
    source: PAPER,
  },
  labelSteps: {
    type: "integer",
    default: 500,
    min: 0,
    description: "most steps on the first labels",
    source: "thrifty; DEPICT's code: 1,000 epochs",
  },
  patience: {
    type: "integer",
    default: 5,
    min: 1,
    description: "epochs without better agreement with those labels, after which they are left",
    source: PAPER,
  },
  steps: {
    type: "integer",
    default: 2000,
    min: 0,
    description: "most steps of self-training",
    source: "thrifty; the paper: 4,000 epochs",
  },
  learningRate: {
    type: "number",
    default: 5e-4,
    min: 0,
    description: "Adam's learning rate for clustering",
    source: "thrifty, chosen on optdigits; DEPICT's code: 1e-4",
  },
  adamEpsilon: { ...PRETRAINING_OPTIONS.adamEpsilon, source: "Kingma and Ba" },
  tol: {
    type: "number",
    default: 1e-7,
    min: 0,
    description: "stop when the mean squared change of the targets in an epoch is below this",
    source: PAPER,
  },
  batchSize: { ...PRETRAINING_OPTIONS.batchSize, default: 100, source: PAPER },
  batchOrder: {
    ...PRETRAINING_OPTIONS.batchOrder,
    choices: ["sequential", "shuffled"],
    default: "sequential",
    description: "how clustering picks the rows of a batch; pre-training shuffles them",
    source: "thrifty, so that every epoch predicts every row; DEPICT's code: shuffled",
  },
  logInterval: PRETRAINING_OPTIONS.logInterval,
  seed: ARCHITECTURE_OPTIONS.seed,
  ...FEATURE_DIAGNOSTICS,
};

/** DEPICT's code, but for the limits, which are steps here and epochs there. */
const PUBLISHED = {
  pretrainLearningRate: 1e-4,
  pretrainDecay: false,
  validationShare: 0.1,
  learningRate: 1e-4,
  batchOrder: "shuffled",
} as const;

/**
 * Named sets of values. The limits count batches of 100: 700 are an epoch of MNIST's 70,000 rows, 630 of
 * those not held out; of MNIST-test's 10,000 rows, 100 and 90.
 */
export const DEPICT_PROFILES: Readonly<Record<string, Profile<DEPICTOptions>>> = {
  default: { description: "thrifty: a minute or two on two cores for small images", values: {} },
  official: {
    description: "as published for MNIST's 70,000 rows: at most 4,000, 1,000 and 4,000 epochs",
    values: {
      ...PUBLISHED,
      pretrainSteps: 2_520_000,
      labelSteps: 630_000,
      steps: 2_800_000,
    },
  },
  "official-usps": {
    description: "as published for USPS and MNIST-test: labels of AC-PIC, epochs of 10,000 rows",
    values: {
      ...PUBLISHED,
      init: "ac-pic",
      pretrainSteps: 360_000,
      labelSteps: 90_000,
      steps: 400_000,
    },
  },
};
