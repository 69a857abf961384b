/**
 * What DEC, IDEC, DCN and DKM share: an autoencoder is pre-trained, k-means finds centroids in its
 * code, and then a phase of the method's own trains the network and the centroids together.
 */
import type { ParameterBlock } from "../../engine/module.ts";
import { Adam, type Optimizer, Sgd } from "../../engine/optim.ts";
import type { State } from "../../engine/state.ts";
import { Variable } from "../../engine/tensor.ts";
import {
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
} from "../evaluation/feature_diagnostics.ts";
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "../networks/autoencoder.ts";
import { DeepEstimator, type Fitting } from "./deep_estimator.ts";
import type { FitResult } from "../estimator.ts";
import type { OptionSpec } from "../options.ts";
import { augmentationFor, Pretraining } from "./pretraining.ts";
import { PRETRAINING_OPTIONS, type PretrainingOptions } from "./pretraining_options.ts";
import type { PhaseEnd } from "./trainer.ts";
import { Encoding, labelsOf } from "./whole_pass.ts";

/** Options of the methods on an autoencoder with centroids. */
export interface CentroidOptions
  extends ArchitectureOptions, PretrainingOptions, FeatureDiagnosticsOptions {
  /** What the values of the data are multiplied by before anything sees them. */
  readonly inputScale: number;
  /** Most steps of the clustering phase. */
  readonly steps: number;
  /** Of the clustering phase. */
  readonly optimizer: "adam" | "sgd";
  /** Of the clustering phase. */
  readonly learningRate: number;
  /** Of the clustering phase, where its optimiser is SGD. */
  readonly momentum: number;
  /** Restarts of k-means, where the centroids start from it. */
  readonly nInit: number;
}

const SPECS: readonly OptionSpec[] = [
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  {
    name: "inputScale",
    type: "number",
    default: 1,
    min: 0,
    description: "what the data are multiplied by; DEC's pixels/255 × 5.1 are its pixels × 0.02",
  },
  {
    name: "steps",
    type: "integer",
    default: 3000,
    min: 0,
    description: "most steps of the clustering phase",
    source: "thrifty",
  },
  {
    name: "optimizer",
    type: "choice",
    choices: ["adam", "sgd"],
    default: "adam",
    description: "optimiser of the clustering phase",
    source: "thrifty",
  },
  {
    name: "learningRate",
    type: "number",
    default: 1e-3,
    min: 0,
    description: "learning rate of the clustering phase",
    source: "thrifty",
  },
  {
    name: "momentum",
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "momentum of the clustering phase's SGD",
    source: "DEC's code",
  },
  {
    name: "nInit",
    type: "integer",
    default: 20,
    min: 1,
    description: "restarts of k-means for the first centroids",
    source: "DEC's code",
  },
  FEATURE_DIAGNOSTICS,
];

/** The shared options. @param changes By name: what a method says otherwise. */
export function centroidOptions(
  changes: Readonly<Record<string, Partial<OptionSpec>>> = {},
): OptionSpec[] {
  return SPECS.map((spec) => ({ ...spec, ...changes[spec.name] }));
}

/** What pre-training leaves besides a network. */
export interface PretrainingEnd {
  /** Its steps, u32 [1]; 0 where the network is another run's. */
  readonly step: Variable;
  /** What updated the network. */
  readonly optimizer: Optimizer;
}

/** The clustering phase of a method; its variables are made before a checkpoint is restored. */
export interface ClusteringPhase {
  /** U, [K, p], of the name that every deep method gives it. */
  readonly centroids: Variable;
  /**
   * Called once, before the first step.
   * @param labels Of k-means on the pre-trained code, whose centroids are in place; absent where
   *   nothing was pre-trained. @param pretraining Absent likewise.
   */
  start(labels?: Uint32Array, pretraining?: PretrainingEnd): void | Promise<void>;
  /** Runs to its end. @param truth For scores in the log alone. */
  run(encoding: Encoding, truth: ArrayLike<number> | undefined): Promise<PhaseEnd>;
}

/** Base of the methods: subclasses say how to cluster. */
export abstract class CentroidEstimator<O extends CentroidOptions> extends DeepEstimator<O> {
  /** Makes the phase. */
  protected abstract clustering(fitting: Fitting): ClusteringPhase;

  /** Whether a pre-trained network and k-means come before the phase. */
  protected get isPretrained(): boolean {
    return true;
  }

  /** Pre-trains, finds centroids, clusters; the labels are those of the final codes. */
  protected override async train(fitting: Fitting): Promise<FitResult> {
    const { training, net, rows, samples, truth } = fitting;
    const { options } = this;
    const { state, context: { signal } } = training;
    const { latent, inputScale } = options;
    if (!this.isPretrained && training.context.pretrained) {
      throw new RangeError(
        "pretrained: nothing is pre-trained at this start, so another run's network has no place",
      );
    }
    const pretraining = this.isPretrained
      ? new Pretraining(training, net, augmentationFor(training, samples, options), options)
      : undefined;
    const pretrainedLabels = state.variable("pre-trained labels", [samples.n], { dtype: "u32" });
    const phase = this.clustering(fitting);
    const { centroids } = phase;
    training.restore();

    await pretraining?.run(rows);
    using encoding = await Encoding.create(rows, (x) => net.encode(x), latent);
    if (pretraining) {
      await training.once("k-means on the pre-trained code", async () => {
        await encoding.run();
        const { clusters, nInit, seed } = options;
        const found = await encoding.cluster({ clusters, nInit, seed, run: 0, signal });
        pretrainedLabels.write(found.labels);
        centroids.write(found.centroids);
        await phase.start(found.labels, pretraining);
        return null;
      });
    } else {
      await training.once("random centroids", async () => {
        await phase.start();
        return null;
      });
    }
    const end = await phase.run(encoding, truth);
    await encoding.run();
    const labels = await labelsOf(encoding.codes, centroids);
    const [pretrained, codes, centres] = await training.backend.read(
      [pretrainedLabels, encoding.codes, centroids].map((variable) => variable.region),
    );
    const clusterCenters = Float32Array.from(centres);
    const drawn = this.keepsDecoder ? await net.draw(clusterCenters) : undefined;
    return {
      labels,
      clusterCenters,
      embedding: Float32Array.from(codes),
      embeddingSize: latent,
      ...drawn && { prototypes: drawn.map((value) => value / inputScale) },
      nIter: end.steps,
      stopReason: end.stopReason,
      history: training.history,
      partitions: pretraining
        ? { "k-means on the pre-trained code": pretrained as Uint32Array }
        : {},
    };
  }
}

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
