/** DEPICT's options and profiles. */
import type { OptionSpec, Profile } from "./options.ts";
import { ARCHITECTURE_OPTIONS } from "./networks/autoencoder.ts";
import { PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";

/** Options of DEPICT. */
export interface DEPICTOptions {
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
  /** Restarts of k-means. */
  readonly nInit: number;
  /** Most steps on the labels of k-means. */
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
  /** Steps of pre-training between two rows of the log. */
  readonly logInterval: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Specs of other methods' options, by name, with what is different here. */
function shared(name: string, changes: Partial<OptionSpec> = {}): OptionSpec {
  const spec = [...ARCHITECTURE_OPTIONS, ...PRETRAINING_OPTIONS].find((spec) =>
    spec.name === name
  )!;
  return { ...spec, ...changes };
}

const PAPER = "DEPICT's code";

/** Their descriptions, with the defaults of the thrifty profile. */
export const DEPICT_OPTIONS: readonly OptionSpec[] = [
  shared("clusters"),
  {
    name: "channels",
    type: "integer",
    default: 50,
    min: 1,
    description: "channels of either convolution",
    source: PAPER,
  },
  shared("latent", {
    default: 0,
    min: 0,
    description: "size of the code; 0: as many as clusters",
    source: PAPER,
  }),
  {
    name: "dropout",
    type: "number",
    default: 0.1,
    min: 0,
    max: 0.99,
    description: "share of the noisy path's input and first activations that is dropped",
    source: PAPER,
  },
  {
    name: "hiddenWeight",
    type: "number",
    default: 0.1,
    min: 0,
    description: "weight of the hidden layers' reconstruction",
    source: PAPER,
  },
  shared("pretrainSteps", {
    default: 4000,
    description: "steps of the autoencoder alone",
    source: "thrifty; the paper: up to 4,000 epochs, stopped on held-out rows",
  }),
  shared("pretrainLearningRate", {
    default: 1e-3,
    description: "Adam's learning rate for the autoencoder alone",
    source: "thrifty; the paper: 1e-4",
  }),
  shared("pretrainDecay", {
    description: "let that rate decay to 0 along a cosine",
    source: "thrifty; the paper keeps it constant",
  }),
  {
    name: "nInit",
    type: "integer",
    default: 40,
    min: 1,
    description: "restarts of k-means for the first labels",
    source: PAPER,
  },
  {
    name: "labelSteps",
    type: "integer",
    default: 500,
    min: 0,
    description: "most steps on the labels of k-means",
    source: "thrifty; the paper: 4,000 epochs",
  },
  {
    name: "patience",
    type: "integer",
    default: 5,
    min: 1,
    description: "epochs without better agreement with those labels, after which they are left",
    source: PAPER,
  },
  {
    name: "steps",
    type: "integer",
    default: 2000,
    min: 0,
    description: "most steps of self-training",
    source: "thrifty; the paper: 4,000 epochs",
  },
  {
    name: "learningRate",
    type: "number",
    default: 5e-4,
    min: 0,
    description: "Adam's learning rate for clustering",
    source: "thrifty, chosen on optdigits; DEPICT's code: 1e-4",
  },
  shared("adamEpsilon", { source: "Kingma and Ba" }),
  {
    name: "tol",
    type: "number",
    default: 1e-7,
    min: 0,
    description: "stop when the mean squared change of the targets in an epoch is below this",
    source: PAPER,
  },
  shared("batchSize", { default: 100, source: PAPER }),
  shared("logInterval"),
  shared("seed"),
];

/** Named sets of values. */
export const DEPICT_PROFILES: Readonly<Record<string, Profile>> = {
  default: { description: "thrifty: a minute or two on two cores for small images", values: {} },
  official: {
    description: "the paper's rates, and 400, 100 and 400 epochs of MNIST in place of its limits",
    values: {
      pretrainSteps: 280_000,
      pretrainLearningRate: 1e-4,
      pretrainDecay: false,
      labelSteps: 70_000,
      steps: 280_000,
      learningRate: 1e-4,
    },
  },
};
