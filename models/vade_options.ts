/** VaDE's options, with their defaults and where these come from. */
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "./networks/autoencoder.ts";
import { DEC_PRETRAINING } from "./dec.ts";
import {
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
} from "./evaluation/feature_diagnostics.ts";
import type { OptionSpec, Profile } from "./options.ts";
import { PRETRAINING_OPTIONS, type PretrainingOptions } from "./training/pretraining_options.ts";

/** What the decoder's output means: logits of Bernoulli variables, or means of Gaussians. */
export type OutputLikelihood = "bernoulli" | "gaussian";

/** Options of {@linkcode VaDE}. */
export interface VaDEOptions
  extends ArchitectureOptions, PretrainingOptions, FeatureDiagnosticsOptions {
  /** Steps of the clustering phase. */
  readonly steps: number;
  /** Adam's learning rate for the network, in the clustering phase. */
  readonly learningRate: number;
  /** Adam's learning rate for the mixture. */
  readonly mixtureLearningRate: number;
  /** Whether both rates fall to 0 along a cosine. */
  readonly decay: boolean;
  /** What the decoder's output means; auto: Bernoulli where all data are in [0, 1] and in memory. */
  readonly likelihood: OutputLikelihood | "auto";
  /** a: weight of the reconstruction, a sum over features. */
  readonly reconstructionWeight: number;
  /** Steps between two looks at the clusters. */
  readonly checkInterval: number;
  /** Restarts of the mixture that the clustering phase starts from. */
  readonly nInit: number;
}

/** Every option: the defaults are the thrifty profile's. */
export const VADE_OPTIONS: readonly OptionSpec[] = [
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  {
    name: "steps",
    type: "integer",
    default: 3000,
    min: 0,
    description: "steps of the clustering phase",
    source: "thrifty; VaDE: 3000 epochs on MNIST",
  },
  {
    name: "learningRate",
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the network in the clustering phase",
    source: "VaDE's code",
  },
  {
    name: "mixtureLearningRate",
    type: "number",
    default: 2e-3,
    min: 0,
    description: "Adam's learning rate for the mixture",
    source: "VaDE's code for MNIST; for HHAR 2e-5",
  },
  {
    name: "decay",
    type: "boolean",
    default: true,
    description: "let both rates decay to 0 along a cosine",
    source: "thrifty; VaDE's code: to 0.9 every 10 epochs, not below 2e-4",
  },
  {
    name: "likelihood",
    type: "choice",
    choices: ["auto", "bernoulli", "gaussian"],
    default: "auto",
    description: "of the data given the code; auto: bernoulli for data in [0, 1], else gaussian",
    source: "VaDE: bernoulli for MNIST, else gaussian",
  },
  {
    name: "reconstructionWeight",
    type: "number",
    default: 1,
    min: 0,
    description: "a, the reconstruction's weight; 1/(2 x noise variance) where it is gaussian",
    source: "VaDE's code; for HHAR 5",
  },
  {
    name: "checkInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two looks at the clusters",
  },
  {
    name: "nInit",
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of the Gaussian mixture of the pre-trained code; the likeliest is kept",
    source: "VaDE's code: 1, and results that hinge on it",
  },
  FEATURE_DIAGNOSTICS,
];

/** By name. */
export const VADE_PROFILES: Readonly<Record<string, Profile>> = {
  default: { description: "thrifty: minutes on two cores", values: {} },
  official: {
    description: "the authors' code for MNIST, but for the rates' decay, from DEC's pre-training",
    values: {
      ...DEC_PRETRAINING,
      batchSize: 100,
      adamEpsilon: 1e-4,
      likelihood: "bernoulli",
      // 3000 epochs of 70,000 rows.
      steps: 2_100_000,
      checkInterval: 700,
    },
  },
};
