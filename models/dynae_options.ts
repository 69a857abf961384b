/** DynAE's options, with their defaults and where these come from. */
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "./networks/autoencoder.ts";
import {
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
} from "./evaluation/feature_diagnostics.ts";
import type { OptionSpec, OptionValues, Profile } from "./options.ts";
import { PRETRAINING_OPTIONS, type PretrainingOptions } from "./training/pretraining_options.ts";

/** How the thresholds drop: as the authors' code does it, or as the paper's algorithm reads. */
export type ThresholdSchedule = "code" | "paper";

/** Options of {@linkcode DynAE}. */
export interface DynAEOptions
  extends ArchitectureOptions, PretrainingOptions, FeatureDiagnosticsOptions {
  /** Most steps of the clustering phase. */
  readonly steps: number;
  /** Of the clustering phase's SGD. */
  readonly learningRate: number;
  /** Of the clustering phase's SGD. */
  readonly momentum: number;
  /** Standard deviation that the pre-trained code is given (and mean 0); 0 keeps it as it is. */
  readonly codeScale: number;
  /**
   * γ: weight of the image term against the code term, both means over batch and features. 0 stands
   * for 100 where images are augmented (DynAE's notebook), else for d/p, which weighs the sums of
   * squares 1 : 1: on rows of few features 100 makes SGD diverge.
   */
  readonly gamma: number;
  /** How the thresholds drop. */
  readonly schedule: ThresholdSchedule;
  /** Where assignments and targets come from: clean samples, or the augmented ones. */
  readonly targets: "clean" | "augmented";
  /** κ/K at the start: the first threshold β1; β2 is half of it. */
  readonly kappa: number;
  /** Stops when the share of conflicted samples falls below. */
  readonly tol: number;
  /** Steps between two counts of conflicted samples. */
  readonly checkInterval: number;
  /** Restarts of k-means when the centroids are computed. */
  readonly nInit: number;
}

const CODE = "DynAE's code";

/** Every option: the defaults are the thrifty profile's. */
export const DYNAE_OPTIONS: readonly OptionSpec[] = [
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  {
    name: "steps",
    type: "integer",
    default: 3000,
    min: 0,
    description: "most steps of the clustering phase",
    source: "thrifty; the paper allows 100,000",
  },
  {
    name: "learningRate",
    type: "number",
    default: 1e-3,
    min: 0,
    description: "of the clustering phase's SGD",
    source: "DynAE, section 4",
  },
  {
    name: "momentum",
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "of the clustering phase's SGD",
    source: "DynAE, section 4",
  },
  {
    name: "codeScale",
    type: "number",
    default: 1,
    min: 0,
    description: "standard deviation that the pre-trained code is given; 0 keeps it as it is",
    source: "thrifty: long pre-training reaches about 1 by itself, and q depends on the scale",
  },
  {
    name: "gamma",
    type: "number",
    default: 0,
    min: 0,
    description:
      "image term's weight against the code term's, as means; 0: 100 for images, else d/p",
    source: "DynAE's notebook 100, its class default 1; the paper weighs sums 1 : 1",
  },
  {
    name: "schedule",
    type: "choice",
    choices: ["code", "paper"],
    default: "code",
    description: "how the thresholds drop",
    source: CODE,
  },
  {
    name: "targets",
    type: "choice",
    choices: ["clean", "augmented"],
    default: "clean",
    description: "whether assignments and targets come from clean or augmented samples",
    source: CODE,
  },
  {
    name: "kappa",
    type: "number",
    default: 0.3,
    min: 0,
    max: 1,
    description: "initial kappa as a share of the clusters: the first beta1; beta2 is half of it",
    source: "DynAE, section 4",
  },
  {
    name: "tol",
    type: "number",
    default: 0.01,
    min: 0,
    max: 1,
    description: "stop when the share of conflicted samples is below this",
    source: "DynAE, section 4",
  },
  {
    name: "checkInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two counts of conflicted samples",
    source: CODE,
  },
  {
    name: "nInit",
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of k-means for the centroids",
    source: CODE,
  },
  FEATURE_DIAGNOSTICS,
];

/** What the paper and its code share. */
const PUBLISHED: OptionValues = {
  hidden: [500, 500, 2000],
  pretrainSteps: 130_000,
  pretrainLearningRate: 1e-4,
  pretrainDecay: false,
  rotation: 10,
  batchOrder: "sequentialShuffledWithin",
  lambda: 0.5,
  interpolationMax: 1,
  codeScale: 0,
  steps: 100_000,
};

/** By name. */
export const DYNAE_PROFILES: Readonly<Record<string, Profile>> = {
  default: { description: "thrifty: minutes on two cores", values: {} },
  official: {
    description: "what the authors' code does, step for step, with its constants",
    values: {
      ...PUBLISHED,
      adamEpsilon: 1e-7,
      critic: "fixed",
      gamma: 1,
      schedule: "code",
      targets: "clean",
      checkInterval: 140,
    },
  },
  paper: {
    description: "as the paper's text reads: trained critic, check at every step, sums as 1 : 1",
    values: {
      ...PUBLISHED,
      critic: "trained",
      // ‖·‖² summed over 10 and 784 features, 1 : 1, in terms of means; the rate follows.
      gamma: 78.4,
      learningRate: 1e-2,
      schedule: "paper",
      targets: "augmented",
      checkInterval: 1,
    },
  },
};
