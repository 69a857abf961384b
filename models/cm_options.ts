/** Options that methods with a Clustering Module share, and those of the module on the data. */
import { ARCHITECTURE_OPTIONS } from "./networks/autoencoder.ts";
import type { ClusteringWeights } from "./networks/clustering_module.ts";
import type { Profile, Specs } from "./options.ts";

/** Options of a Clustering Module's training. */
export interface ClusteringOptions extends ClusteringWeights {
  /**
   * Random weights, or k-means' centroids with assignments by their pseudo-inverse (`pre`), or by
   * Gaussians around them (`posterior`).
   */
  readonly init: "rand" | "pre" | "posterior";
  /** Steps, a batch each, the averaging epoch not counted. */
  readonly steps: number;
  /** Whether the parameters end as their mean over one more epoch. */
  readonly averaging: boolean;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** Adam's. */
  readonly learningRate: number;
  /** Adam's ε. */
  readonly epsilon: number;
  /** Steps between two looks at the clusters. */
  readonly checkInterval: number;
}

const CODE = "CM's code";

/** Those of training, with the defaults of the thrifty profiles. */
export const CLUSTERING_OPTIONS: Specs<
  Pick<ClusteringOptions, "averaging" | "learningRate" | "epsilon" | "checkInterval">
> = {
  averaging: {
    type: "boolean",
    default: true,
    description: "one more epoch, over whose steps the parameters are averaged",
    source: CODE,
  },
  learningRate: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "Adam's learning rate",
    source: CODE,
  },
  epsilon: {
    type: "number",
    default: 1e-3,
    min: 1e-30,
    description: "Adam's epsilon",
    source: CODE,
  },
  checkInterval: {
    type: "integer",
    default: 500,
    min: 1,
    description: "steps between two rows of the log",
  },
};

/** Options of the estimator `cm`. */
export interface CMOptions extends ClusteringOptions {
  /** K */
  readonly clusters: number;
  /** Draws of k-means++ seeds, of which that of least inertia is taken. */
  readonly nInit: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Every option: the defaults are the thrifty profile's. */
export const CM_OPTIONS: Specs<CMOptions> = {
  clusters: ARCHITECTURE_OPTIONS.clusters,
  init: {
    type: "choice",
    choices: ["rand", "pre", "posterior"],
    default: "posterior",
    description: "random; or k-means++ seeds, assigned by pseudo-inverse or as Gaussians' centres",
    source: "thrifty; CM's code: rand, or pre by pseudo-inverse",
  },
  nInit: {
    type: "integer",
    default: 1,
    min: 1,
    description: "draws of those seeds, of which the draw of least inertia is taken",
    source: CODE,
  },
  prior: {
    type: "number",
    default: 50,
    min: 0,
    description: "concentration of the Dirichlet prior; goes with the batch where sums are taken",
    source: "thrifty, chosen on optdigits; CM: 10 to 1000, by data set and batch",
  },
  normalize: {
    type: "boolean",
    default: false,
    description: "take means over batch and features in place of sums; the prior stays as it is",
    source: `${CODE}; its PyTorch example: true, with a prior of 1.1`,
  },
  steps: {
    type: "integer",
    default: 4000,
    min: 0,
    description: "steps before the averaging epoch",
    source: "thrifty, chosen on optdigits; CM: 150 epochs",
  },
  batchSize: {
    type: "integer",
    default: 256,
    min: 1,
    description: "rows of a batch",
    source: "CM's PyTorch example; CM: 32 to 600, by data set",
  },
  ...CLUSTERING_OPTIONS,
  learningRate: {
    ...CLUSTERING_OPTIONS.learningRate,
    default: 3e-3,
    source: `thrifty, chosen on optdigits; ${CODE}: 1e-3`,
  },
  seed: ARCHITECTURE_OPTIONS.seed,
};

/** What CM's table says for a data set of `rows` rows: 150 epochs from random weights. */
function tuned(
  data: string,
  { rows, batchSize, prior, clusters }: {
    readonly rows: number;
    readonly batchSize: number;
    readonly prior: number;
    readonly clusters?: number;
  },
): Profile<CMOptions> {
  const steps = 150 * Math.floor(rows / batchSize);
  const values: Partial<CMOptions> = { init: "rand", prior, batchSize, steps, learningRate: 1e-3 };
  return {
    description: `CM's values for ${data}, presumably tuned with labels`,
    values: clusters === undefined ? values : { ...values, clusters },
  };
}

/** By name. */
export const CM_PROFILES: Readonly<Record<string, Profile<CMOptions>>> = {
  default: { description: "thrifty: seconds on two cores", values: {} },
  torch: {
    description: "CM's PyTorch example, but with biases: means in place of sums",
    values: { init: "rand", normalize: true, prior: 1.1, learningRate: 1e-3 },
  },
  mnist: tuned("MNIST", { rows: 70_000, batchSize: 111, prior: 177 }),
  "fashion-mnist": tuned("Fashion-MNIST", { rows: 70_000, batchSize: 35, prior: 80 }),
  usps: tuned("USPS", { rows: 9298, batchSize: 150, prior: 40 }),
  pendigits: tuned("Pendigits", { rows: 10_992, batchSize: 80, prior: 13 }),
  cifar10: tuned("CIFAR-10", { rows: 60_000, batchSize: 350, prior: 164 }),
  reuters10k: tuned("Reuters-10K", { rows: 10_000, batchSize: 400, prior: 10, clusters: 4 }),
  "20news": tuned("20 newsgroups", { rows: 18_846, batchSize: 600, prior: 100, clusters: 20 }),
  "10x73k": tuned("10x73k", { rows: 73_233, batchSize: 500, prior: 1000, clusters: 8 }),
};
