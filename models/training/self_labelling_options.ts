/** How a partition is labelled again. */
import type { Specs } from "../options.ts";

/** Options of whoever labels a partition's rows again. */
export interface SelfLabellingOptions {
  /** Steps of each classifier; 0 leaves the partition as it is found. */
  readonly selfLabelSteps: number;
  /** Classifiers, of which each learns what the one before is sure of. */
  readonly selfLabelRounds: number;
  /** Largest entry of the linear maps beside the identity, which scale and shear; of images. */
  readonly selfLabelStretch: number;
  /** Probability above which the classifier's label of an unsure row is learnt. */
  readonly selfLabelThreshold: number;
}

/** Their descriptions. */
export const SELF_LABELLING_OPTIONS: Specs<SelfLabellingOptions> = {
  selfLabelSteps: {
    type: "integer",
    default: 0,
    min: 0,
    description:
      "steps of a classifier that learns the first clusters' sure rows and labels all; 0: none",
    source: "after SCAN, arXiv 2005.12320",
  },
  selfLabelRounds: {
    type: "integer",
    default: 1,
    min: 1,
    description: "how many such classifiers: each learns what the one before it is sure of",
    source: "ours",
  },
  selfLabelStretch: {
    type: "number",
    default: 0.1,
    min: 0,
    max: 0.5,
    description:
      "how far the copies it learns from are scaled and sheared, as a share; images only",
    source: "ours",
  },
  selfLabelThreshold: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "probability above which that classifier believes its own label of an unsure row",
    source: "FixMatch, arXiv 2001.07685: 0.95",
  },
};

/** What the classifier depends on. */
export interface ClassifierOptions extends SelfLabellingOptions {
  /** K */
  readonly clusters: number;
  /** Its hidden layers' widths. */
  readonly hidden: readonly number[];
  /** Degrees; of images. */
  readonly rotation: number;
  /** Largest shift of images, as a share of the side. */
  readonly shift: number;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** Steps between two rows of the log. */
  readonly logInterval: number;
  /** 32 bits. */
  readonly seed: number;
}
