/** VaDE's options and profiles. */
import { FEATURE_DIAGNOSTICS } from "./evaluation/feature_diagnostics.ts";
import { ARCHITECTURE_OPTIONS } from "./networks/autoencoder.ts";
import type { Profile, Specs } from "./options.ts";
import type { JointOptions } from "./training/joint_estimator.ts";
import { PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";
import { STACKED_DENOISING } from "./training/pretraining_profiles.ts";
import {
  SELF_LABELLING_OPTIONS,
  type SelfLabellingOptions,
} from "./training/self_labelling_options.ts";

/** What the decoder's output means: logits of Bernoulli variables, or means of Gaussians. */
export type OutputLikelihood = "bernoulli" | "gaussian";

/** Options of {@linkcode VaDE}. */
export interface VaDEOptions extends JointOptions, SelfLabellingOptions {
  /** How the first mixture is found: by EM from k-means, or from the partition of the neighbour graph. */
  readonly partition: "mixture" | "graph";
  /** Adam's learning rate for the network, in the clustering phase. */
  readonly learningRate: number;
  /** Adam's learning rate for the mixture. */
  readonly mixtureLearningRate: number;
  /** How both rates decay: not at all, to 0 along a cosine, or by a factor every so many steps. */
  readonly decay: "none" | "cosine" | "falls";
  /** Steps between two falls of the rates. */
  readonly decayInterval: number;
  /** What a fall multiplies the rates by, down to a tenth of what they were. */
  readonly decayFactor: number;
  /** What the decoder's output means; auto: Bernoulli where all data are in [0, 1] and in memory. */
  readonly likelihood: OutputLikelihood | "auto";
  /** a: weight of the reconstruction, a sum over features. */
  readonly reconstructionWeight: number;
  /** Restarts of the mixture that the clustering phase starts from. */
  readonly nInit: number;
}

/** Every option: the defaults are the thrifty profile's. */
export const VADE_OPTIONS: Specs<VaDEOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  steps: {
    type: "integer",
    default: 3000,
    min: 0,
    description: "steps of the clustering phase",
    source: "thrifty; VaDE: 3000 epochs on MNIST",
  },
  learningRate: {
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the network in the clustering phase",
    source: "VaDE's code",
  },
  mixtureLearningRate: {
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the mixture",
    source: "VaDE's code for MNIST; for HHAR 2e-5",
  },
  decay: {
    type: "choice",
    choices: ["none", "cosine", "falls"],
    default: "cosine",
    description: "of both rates: to 0 along a cosine, or by a factor every so many steps",
    source: "thrifty; VaDE's code: falls",
  },
  decayInterval: {
    type: "integer",
    default: 7000,
    min: 1,
    description: "steps between two falls of the rates",
    source: "VaDE's code: 10 epochs of 70,000 rows in batches of 100",
  },
  decayFactor: {
    type: "number",
    default: 0.9,
    min: 0.01,
    max: 0.99,
    description: "what a fall multiplies the rates by, down to a tenth of what they were",
    source: "VaDE's code for MNIST and HHAR; for Reuters 0.5",
  },
  likelihood: {
    type: "choice",
    choices: ["auto", "bernoulli", "gaussian"],
    default: "auto",
    description: "of the data given the code; auto: bernoulli for data in [0, 1], else gaussian",
    source: "VaDE: bernoulli for MNIST, else gaussian",
  },
  reconstructionWeight: {
    type: "number",
    default: 1,
    min: 0,
    description: "a, the reconstruction's weight; 1/(2 x noise variance) where it is gaussian",
    source: "VaDE's code; for HHAR 5",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two looks at the clusters",
  },
  ...SELF_LABELLING_OPTIONS,
  partition: {
    type: "choice",
    choices: ["mixture", "graph"],
    default: "mixture",
    description: "where EM on the code starts: k-means of its own, or a partition by neighbours",
    source: "VaDE: mixture",
  },
  nInit: {
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of the Gaussian mixture of the pre-trained code; the likeliest is kept",
    source: "VaDE's code: 1, and results that hinge on it",
  },
  ...FEATURE_DIAGNOSTICS,
};

/** By name. */
export const VADE_PROFILES: Readonly<Record<string, Profile<VaDEOptions>>> = {
  default: { description: "thrifty: minutes on two cores", values: {} },
  official: {
    description:
      "the authors' code for MNIST, from DEC's pre-training; codes' variances start small, bounded",
    values: {
      ...STACKED_DENOISING,
      batchSize: 100,
      adamEpsilon: 1e-4,
      likelihood: "bernoulli",
      nInit: 1,
      decay: "falls",
      // 3000 epochs of 70,000 rows.
      steps: 2_100_000,
      checkInterval: 700,
    },
  },
};
