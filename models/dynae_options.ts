/** DynAE's options and profiles. */
import { FEATURE_DIAGNOSTICS } from "./evaluation/feature_diagnostics.ts";
import { ARCHITECTURE_OPTIONS } from "./networks/autoencoder.ts";
import type { Profile, Specs } from "./options.ts";
import type { JointOptions } from "./training/joint_estimator.ts";
import { PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";
import { START_OPTIONS, type StartOptions } from "./training/start.ts";

/** How the thresholds drop: as the authors' code does it, or as the paper's algorithm reads. */
export type ThresholdSchedule = "code" | "paper";

/** Options of {@linkcode DynAE}. */
export interface DynAEOptions extends JointOptions, StartOptions {
  /**
   * Unless the partition is k-means': steps in which every sample is pulled to the centroid of its cluster
   * in the partition, so that the encoder learns it, before q decides.
   */
  readonly constructionSteps: number;
  /** Of those steps' Adam, whose rate falls to 0 along a cosine. */
  readonly constructionLearningRate: number;
  /** Of the clustering phase's SGD. */
  readonly learningRate: number;
  /** Of the clustering phase's SGD. */
  readonly momentum: number;
  /** Standard deviation that the pre-trained code is given (and mean 0); 0 keeps it as it is. */
  readonly codeScale: number;
  /**
   * γ: weight of the image term against the code term, both means over batch and features; 0 leaves
   * the image term out. `sums` stands for d/p, which weighs the sums of squares 1 : 1; `auto` for 100
   * where images are augmented (DynAE's notebook), else for d/p: on rows of few features 100 makes SGD
   * diverge.
   */
  readonly gamma: number | "auto" | "sums";
  /** How the thresholds drop. */
  readonly schedule: ThresholdSchedule;
  /** Where assignments and targets come from: clean samples, or the augmented ones. */
  readonly targets: "clean" | "augmented";
  /** κ/K at the start: the first threshold β1; β2 is half of it. */
  readonly kappa: number;
  /** Stops when the share of conflicted samples falls below. */
  readonly tol: number;
  /** Restarts of k-means when the centroids are computed. */
  readonly nInit: number;
}

const CODE = "DynAE's code";

/** Every option: the defaults are the thrifty profile's. */
export const DYNAE_OPTIONS: Specs<DynAEOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  pretrainSteps: { ...PRETRAINING_OPTIONS.pretrainSteps, default: 10_000 },
  ...START_OPTIONS,
  partition: {
    ...START_OPTIONS.partition,
    default: "graph",
    source: "thrifty; the paper: kmeans",
  },
  constructionSteps: {
    type: "integer",
    default: 2100,
    min: 0,
    description: "unless the partition is kmeans: steps towards its clusters before q decides",
    unusedWhere: ["partition", "kmeans"],
    source: "thrifty",
  },
  constructionLearningRate: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "Adam's learning rate for those steps; it falls to 0 along a cosine",
    source: "thrifty; SGD's of the clustering phase leaves rows outside their clusters",
  },
  steps: {
    type: "integer",
    default: 3000,
    min: 0,
    description: "most steps of the clustering phase",
    source: "thrifty; the paper allows 100,000",
  },
  learningRate: {
    type: "number",
    default: 1e-4,
    min: 0,
    description: "of the clustering phase's SGD",
    source:
      "thrifty: 1e-3 (DynAE, section 4) is too large for few steps of pre-training and gamma 100",
  },
  momentum: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "of the clustering phase's SGD",
    source: "DynAE, section 4",
  },
  codeScale: {
    type: "number",
    default: 1,
    min: 0,
    description: "standard deviation that the pre-trained code is given; 0 keeps it as it is",
    source: "thrifty: long pre-training reaches about 1 by itself, and q depends on the scale",
  },
  gamma: {
    type: "namedNumber",
    names: ["auto", "sums"],
    default: "auto",
    min: 0,
    description:
      "image term's weight against the code term's, as means; sums is d/p, auto 100 for images or d/p",
    source: "DynAE's notebook 100, its class default 1; the paper weighs sums 1 : 1",
  },
  schedule: {
    type: "choice",
    choices: ["code", "paper"],
    default: "code",
    description: "how the thresholds drop",
    source: CODE,
  },
  targets: {
    type: "choice",
    choices: ["clean", "augmented"],
    default: "clean",
    description: "whether assignments and targets come from clean or augmented samples",
    source: CODE,
  },
  kappa: {
    type: "number",
    default: 0.3,
    min: 0,
    max: 1,
    description: "initial kappa as a share of the clusters: the first beta1; beta2 is half of it",
    source: "DynAE, section 4",
  },
  tol: {
    type: "number",
    default: 0.01,
    min: 0,
    max: 1,
    description: "stop when the share of conflicted samples is below this",
    source: "DynAE, section 4",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two counts of conflicted samples",
    source: CODE,
  },
  nInit: {
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of k-means for the centroids",
    source: CODE,
  },
  ...FEATURE_DIAGNOSTICS,
};

/** γ of the authors' notebook. */
export const NOTEBOOK_GAMMA = 100;

/** What the paper and its code share. */
const PUBLISHED: Partial<DynAEOptions> = {
  hidden: [500, 500, 2000],
  pretrainSteps: 130_000,
  pretrainLearningRate: 1e-4,
  pretrainDecay: false,
  rotation: 10,
  batchOrder: "sequentialShuffledWithin",
  lambda: 0.5,
  interpolationMax: 1,
  codeScale: 0,
  partition: "kmeans",
  learningRate: 1e-3,
  steps: 100_000,
};

/** What the authors' code does. TensorFlow's Adam has an ε of 1e-8, our default. */
const CODE_VALUES: Partial<DynAEOptions> = {
  ...PUBLISHED,
  critic: "fixed",
  schedule: "code",
  targets: "clean",
  checkInterval: 140,
};

/** By name. */
export const DYNAE_PROFILES: Readonly<Record<string, Profile<DynAEOptions>>> = {
  default: { description: "thrifty: minutes on two cores", values: {} },
  thorough: {
    description:
      "longer, and a classifier labels the first clusters again: for USPS, MNIST and such",
    values: {
      pretrainSteps: 20_000,
      selfLabelSteps: 8000,
      selfLabelRounds: 2,
      constructionSteps: 6000,
    },
  },
  official: {
    description: "what the authors' notebook does, step for step, with its constants: gamma 100",
    values: { ...CODE_VALUES, gamma: NOTEBOOK_GAMMA },
  },
  "official-class": {
    description: "the same with gamma 1, the default of the authors' class",
    values: { ...CODE_VALUES, gamma: 1 },
  },
  paper: {
    description: "as the paper's text reads: trained critic, check at every step, sums as 1 : 1",
    values: {
      ...PUBLISHED,
      critic: "trained",
      // ‖·‖² summed over features, 1 : 1, in terms of means; the rate follows, p times as large.
      gamma: "sums",
      learningRate: 1e-2,
      schedule: "paper",
      targets: "augmented",
      checkInterval: 1,
    },
  },
};
