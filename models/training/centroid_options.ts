/** Options and optimisers of the methods that move centroids: DEC, IDEC, DCN and DKM. */
import type { ParameterBlock } from "../../engine/network/module.ts";
import { Adam, type Optimizer, Sgd } from "../../engine/network/optim.ts";
import type { State } from "../../engine/state/state.ts";
import { Variable } from "../../engine/tensor/tensor.ts";
import { FEATURE_DIAGNOSTICS } from "../evaluation/feature_diagnostics.ts";
import { ARCHITECTURE_OPTIONS } from "../networks/autoencoder.ts";
import type { Specs } from "../options.ts";
import type { JointOptions } from "./joint_estimator.ts";
import { PRETRAINING_OPTIONS } from "./pretraining_options.ts";
import { START_OPTIONS, type StartOptions } from "./start.ts";

/** Options of the methods on an autoencoder with centroids. */
export interface CentroidOptions extends JointOptions, StartOptions {
  /** What the values of the data are multiplied by before anything sees them. */
  readonly inputScale: number;
  /** Of the clustering phase. */
  readonly optimizer: "adam" | "sgd";
  /** Of the clustering phase. */
  readonly learningRate: number;
  /** Of the clustering phase, where its optimiser is SGD. */
  readonly momentum: number;
  /** Restarts of k-means or mixture, where the centroids start from it. */
  readonly nInit: number;
}

/** Their descriptions, but for when they look at the clusters. */
export const CENTROID_OPTIONS: Specs<Omit<CentroidOptions, "checkInterval">> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  inputScale: {
    type: "number",
    default: 1,
    min: 1e-6,
    description: "what the data are multiplied by; DEC's pixels/255 × 5.1 are its pixels × 0.02",
  },
  steps: {
    type: "integer",
    default: 3000,
    min: 0,
    description: "most steps of the clustering phase",
    source: "thrifty",
  },
  optimizer: {
    type: "choice",
    choices: ["adam", "sgd"],
    default: "adam",
    description: "optimiser of the clustering phase",
    source: "thrifty",
  },
  learningRate: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "learning rate of the clustering phase",
    source: "thrifty",
  },
  momentum: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "momentum of the clustering phase's SGD",
    source: "DEC's code",
  },
  ...START_OPTIONS,
  nInit: {
    type: "integer",
    default: 20,
    min: 1,
    description: "restarts of k-means for the first centroids",
    source: "DEC's code",
  },
  ...FEATURE_DIAGNOSTICS,
};

/** One variable as all that an optimiser updates. */
export function blockOf(variable: Variable): ParameterBlock {
  const { backend, name, size, region } = variable;
  const arena = new Variable(backend, `${name}, flat`, [size], region);
  return { arena, variables: [variable], offsets: [0] };
}

/**
 * An optimiser for each block of parameters, all as the options say.
 * @param blocks By the name of the optimiser's variables. @param step The phase's counter.
 */
export function optimizersOf(
  state: State,
  blocks: Readonly<Record<string, ParameterBlock>>,
  { optimizer, learningRate, momentum, adamEpsilon: epsilon }: CentroidOptions,
  step: Variable,
): Optimizer[] {
  return Object.entries(blocks).map(([name, block]) =>
    optimizer === "adam"
      ? new Adam(state, `${name} adam`, block, { learningRate, epsilon, step })
      : new Sgd(state, `${name} sgd`, block, { learningRate, momentum })
  );
}
