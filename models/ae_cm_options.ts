/** AE-CM's options, with their defaults and where these come from. */
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "./networks/autoencoder.ts";
import { CLUSTERING_OPTIONS, type ClusteringOptions } from "./cm_options.ts";
import {
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
} from "./evaluation/feature_diagnostics.ts";
import type { Profile, Specs } from "./options.ts";
import { PRETRAINING_OPTIONS, type PretrainingOptions } from "./training/pretraining_options.ts";
import { START_OPTIONS, type StartOptions } from "./training/start.ts";

/** How the centroids are kept orthonormal: by a penalty's norm, or by construction. */
export type Orthonormality = "l1" | "frobenius" | "hard";

/** Options of {@linkcode AECM}. */
export interface AECMOptions
  extends
    ArchitectureOptions,
    PretrainingOptions,
    ClusteringOptions,
    FeatureDiagnosticsOptions,
    StartOptions {
  /** Where `init` is not `rand`: steps of the module alone on the pre-trained code. */
  readonly moduleSteps: number;
  /** β: weight of the data's reconstruction. */
  readonly beta: number;
  /** How U·Uᵀ = I is pursued. */
  readonly orthonormality: Orthonormality;
  /** λ: weight of the penalty. */
  readonly orthonormalityWeight: number;
  /** Whether the module has biases, c and b; without them they stay 0. */
  readonly moduleBiases: boolean;
  /** λ of AdamW: every step shrinks the parameters by this share of the rate. */
  readonly weightDecay: number;
  /** Restarts of k-means on the pre-trained code. */
  readonly nInit: number;
}

const CODE = "AE-CM's code";

/** Every option: the defaults are the thrifty profile's. */
export const AE_CM_OPTIONS: Specs<AECMOptions> = {
  ...ARCHITECTURE_OPTIONS,
  init: {
    type: "choice",
    choices: ["rand", "pre", "posterior"],
    default: "posterior",
    description: "random; or AE+KM, its centroids assigned by pseudo-inverse or as Gaussians'",
    source: `thrifty; ${CODE}: rand, or pre by pseudo-inverse`,
  },
  ...PRETRAINING_OPTIONS,
  moduleSteps: {
    type: "integer",
    default: 500,
    min: 0,
    description: "unless init is rand: steps of the module alone on the pre-trained code",
    source: `thrifty; ${CODE}: 100 epochs`,
  },
  steps: {
    type: "integer",
    default: 2000,
    min: 0,
    description: "steps of joint training before the averaging epoch",
    source: `thrifty, chosen on optdigits; ${CODE}: 1000 epochs`,
  },
  prior: {
    type: "number",
    default: 100,
    min: 0,
    description: "concentration of the Dirichlet prior; goes with the batch where sums are taken",
    source:
      "thrifty, chosen on optdigits; AE-CM: 1.7 to 230, by data set and batch; its PyTorch example: 1.1",
  },
  normalize: {
    type: "boolean",
    default: false,
    description: "take means over batch and features in place of sums; the prior stays as it is",
    source: `${CODE}; its PyTorch example: true`,
  },
  beta: {
    type: "number",
    default: 0.3,
    min: 0,
    description: "weight of the data's reconstruction",
    source: "thrifty, chosen on optdigits; AE-CM: 0.04 to 232; its PyTorch example, of means: 100",
  },
  orthonormality: {
    type: "choice",
    choices: ["l1", "frobenius", "hard"],
    default: "l1",
    description: "penalty on the centroids' U·Uᵀ − I, by its norm; hard: U is orthonormalised",
    source: `${CODE}; its PyTorch example: frobenius, squared`,
  },
  orthonormalityWeight: {
    type: "number",
    default: 1,
    min: 0,
    description: "weight of that penalty",
    source: `${CODE}; its PyTorch example: 0.1`,
  },
  moduleBiases: {
    type: "boolean",
    default: true,
    description: "biases in the module; without, init must not be posterior",
    source: `${CODE}; its PyTorch example: false`,
  },
  weightDecay: {
    type: "number",
    default: 0,
    min: 0,
    description: "weight decay of AdamW, as a share of the learning rate",
    source: `${CODE}; its PyTorch example: 0.01, PyTorch's default`,
  },
  ...CLUSTERING_OPTIONS,
  ...START_OPTIONS,
  nInit: {
    type: "integer",
    default: 20,
    min: 1,
    description: "restarts of k-means on the pre-trained code",
    source: CODE,
  },
  ...FEATURE_DIAGNOSTICS,
};

/** What AE-CM's table says for a data set of `rows` rows: 1000 epochs from random weights. */
function tuned(
  data: string,
  { rows, batchSize, ...values }: {
    readonly rows: number;
    readonly batchSize: number;
    readonly latent: number;
    readonly beta: number;
    readonly prior: number;
    readonly clusters?: number;
  },
): Profile<AECMOptions> {
  const batches = Math.floor(rows / batchSize);
  return {
    description: `AE-CM's values for ${data}, presumably tuned with labels`,
    values: {
      ...PUBLISHED,
      ...values,
      batchSize,
      moduleSteps: 100 * batches,
      steps: 1000 * batches,
      normalize: false,
    },
  };
}

const PUBLISHED: Partial<AECMOptions> = {
  init: "rand",
  hidden: [500, 500, 2000],
  initializer: "glorot",
  activation: "leakyRelu",
};

/** By name. */
export const AE_CM_PROFILES: Readonly<Record<string, Profile<AECMOptions>>> = {
  default: { description: "thrifty: minutes on two cores, from AE+KM", values: {} },
  torch: {
    description: "AE-CM's PyTorch example on the 60,000 training images of MNIST",
    values: {
      ...PUBLISHED,
      initializer: "fanIn",
      moduleBiases: false,
      weightDecay: 0.01,
      prior: 1.1,
      normalize: true,
      beta: 100,
      orthonormality: "frobenius",
      orthonormalityWeight: 0.1,
      batchSize: 256,
      steps: 234_000,
    },
  },
  mnist: tuned("MNIST", { rows: 70_000, latent: 10, beta: 5, prior: 230, batchSize: 500 }),
  "fashion-mnist": tuned("Fashion-MNIST", {
    rows: 70_000,
    latent: 10,
    beta: 47,
    prior: 13,
    batchSize: 175,
  }),
  usps: tuned("USPS", { rows: 9298, latent: 30, beta: 0.04, prior: 3, batchSize: 45 }),
  pendigits: tuned("Pendigits", { rows: 10_992, latent: 70, beta: 0.5, prior: 13, batchSize: 80 }),
  cifar10: tuned("CIFAR-10", { rows: 60_000, latent: 10, beta: 1, prior: 64, batchSize: 256 }),
  reuters10k: tuned("Reuters-10K", {
    rows: 10_000,
    latent: 75,
    beta: 2.3,
    prior: 1.7,
    batchSize: 250,
    clusters: 4,
  }),
  "20news": tuned("20 newsgroups", {
    rows: 18_846,
    latent: 100,
    beta: 232,
    prior: 10,
    batchSize: 300,
    clusters: 20,
  }),
  "10x73k": tuned("10x73k", {
    rows: 73_233,
    latent: 10,
    beta: 15,
    prior: 7,
    batchSize: 40,
    clusters: 8,
  }),
};
