/** The supervised Clustering Module's options, with their defaults and where these come from. */
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "./networks/autoencoder.ts";
import type { ClusteringWeights } from "./networks/clustering_module.ts";
import { CM_OPTIONS } from "./cm_options.ts";
import type { Profile, Specs } from "./options.ts";
import { PRETRAINING_OPTIONS, type PretrainingOptions } from "./training/pretraining_options.ts";

/** Options of {@linkcode SupervisedCM}. */
export interface SupervisedCMOptions
  extends ArchitectureOptions, PretrainingOptions, ClusteringWeights {
  /** w: weight of the module's loss; 0 leaves cross-entropy alone. */
  readonly weight: number;
  /** m: what the centroids keep of themselves in a step. */
  readonly momentum: number;
  /** Class means as they move, or fixed unit vectors. */
  readonly centroids: "average" | "orthonormal";
  /** Whether the module's gradient passes through a batch's class means to the encoder. */
  readonly centroidGradient: boolean;
  /** Steps, a batch each. */
  readonly steps: number;
  /** Adam's. */
  readonly learningRate: number;
  /** Steps between two rows of the log. */
  readonly checkInterval: number;
}

const CHOSEN = "chosen here; none was read";

/** Every option: the defaults are the thrifty profile's. */
export const SUPERVISED_CM_OPTIONS: Specs<SupervisedCMOptions> = {
  ...ARCHITECTURE_OPTIONS,
  clusters: { ...ARCHITECTURE_OPTIONS.clusters, description: "number of classes, K" },
  ...PRETRAINING_OPTIONS,
  weight: {
    type: "number",
    default: 1,
    min: 0,
    description: "weight of the module's loss; 0 leaves cross-entropy alone",
    source: CHOSEN,
  },
  momentum: {
    type: "number",
    default: 0.95,
    min: 0,
    max: 1,
    description: "what the centroids keep of themselves in a step",
    source: CHOSEN,
  },
  centroids: {
    type: "choice",
    choices: ["average", "orthonormal"],
    default: "average",
    description: "moving averages of the labelled rows' class means, or fixed unit vectors",
    source: "SuperCM: averages",
  },
  centroidGradient: {
    type: "boolean",
    default: false,
    description: "let the module's gradient pass through a batch's class means",
    source: CHOSEN,
  },
  prior: { ...CM_OPTIONS.prior, default: 1.1, source: "CM's PyTorch example" },
  normalize: { ...CM_OPTIONS.normalize, default: true, source: "CM's PyTorch example" },
  steps: {
    type: "integer",
    default: 1500,
    min: 0,
    description: "steps after pre-training",
    source: "thrifty",
  },
  learningRate: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "Adam's learning rate after pre-training",
    source: CHOSEN,
  },
  checkInterval: {
    type: "integer",
    default: 250,
    min: 1,
    description: "steps between two rows of the log",
  },
};

/** By name. */
export const SUPERVISED_CM_PROFILES: Readonly<Record<string, Profile<SupervisedCMOptions>>> = {
  default: { description: "thrifty: about two minutes on two cores", values: {} },
  fresh: {
    description: "no pre-training: the encoder starts at random",
    values: { pretrainSteps: 0 },
  },
};
