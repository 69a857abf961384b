/**
 * What the methods share that train a network and its clusters together: an autoencoder is
 * pre-trained, a first partition of its code is found, and a phase of the method's own goes on from it.
 */
import type { BatchOrder } from "../../engine/ops/random.ts";
import type { Optimizer } from "../../engine/network/optim.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import type {
  ComparedLosses,
  FeatureDiagnosticsOptions,
  SampledRows,
} from "../evaluation/feature_diagnostics.ts";
import type { ArchitectureOptions, Autoencoder } from "../networks/autoencoder.ts";
import type { Augmentation } from "./batches.ts";
import { DeepEstimator, type Fitting, type Trained } from "./deep_estimator.ts";
import { FirstPartition } from "./first_partition.ts";
import { type Batch, type Losses, Phase } from "./phase.ts";
import { augmentationFor, Pretraining } from "./pretraining.ts";
import type { PretrainingOptions } from "./pretraining_options.ts";
import { type Report, reporterOf } from "./reporting.ts";
import type { Start } from "./start.ts";
import type { Check, PhaseEnd } from "./trainer.ts";
import type { Encoding } from "./whole_pass.ts";

/** Options of every method of this kind. */
export interface JointOptions
  extends ArchitectureOptions, PretrainingOptions, FeatureDiagnosticsOptions {
  /** Most steps of the clustering phase. */
  readonly steps: number;
  /** Steps between two looks at the clusters. */
  readonly checkInterval: number;
}

/** The clustering phase of a method; its variables are made before a checkpoint is restored. */
export interface Clustering<Term extends string> {
  /** The losses that are logged. */
  readonly terms: readonly Term[];
  /** How its batches go through the rows. */
  readonly batchOrder: BatchOrder;
  /** Steps between two checks; `checkInterval` by default. */
  readonly interval?: number;
  /** What the first partition is called, in the log and among the results. */
  readonly start: string;
  /** What finds it; absent where the method has a way of its own. */
  readonly first?: Start<Autoencoder>;
  /** What descends the loss; `step` counts the steps of the phase. */
  optimizers(step: Variable): readonly Optimizer[];
  /**
   * Once and again, before the first step of a fit or of its resumption: what comes before the phase, and
   * what checks need.
   */
  prepare?(encoding: Encoding, resources: DisposableStack, report?: Report): Promise<void>;
  /**
   * Once, before the first step: finds the first clusters, and puts them in place.
   * @param encoding Of the code as it is. @param pretraining Absent where nothing was pre-trained.
   * @returns Labels of the first partition [N], where there is one.
   */
  begin(encoding: Encoding, pretraining?: Pretraining): Promise<Uint32Array | undefined>;
  /** Inside `trace`: the losses of a batch. */
  losses(batch: Batch): Losses<Term>;
  /** Inside `trace`: what follows the update of a step. */
  afterUpdate?(batch: Batch): void;
  /** Looks at the state before step `step`. @param report Absent where no classes are known. */
  check(step: number, report?: Report): Promise<Check>;
  /** Inside `trace`: what feature randomness and drift are measured by. */
  compared(sample: SampledRows): ComparedLosses;
  /** What the phase leaves otherwise than by default. */
  finish?(end: PhaseEnd): Promise<Partial<Trained>>;
}

/** Base of the methods: subclasses say how to cluster; `Term` are the losses that they log. */
export abstract class JointEstimator<O extends JointOptions, Term extends string>
  extends DeepEstimator<O> {
  /** Makes the phase. @param augmentation Of images. */
  protected abstract clustering(
    fitting: Fitting,
    augmentation?: Augmentation,
  ): Clustering<Term>;

  /** Pre-trains, finds a first partition, clusters; the labels are those of the final codes. */
  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, samples, encoding, resources } = fitting;
    const { options } = this;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = this.isPretrained
      ? new Pretraining(training, net, augmentation, options)
      : undefined;
    const first = pretraining && new FirstPartition(fitting);
    const clustering = this.clustering(fitting, augmentation);
    const phase = phaseOf(training, clustering, options);
    training.restore();

    await pretraining?.run(rows);
    await training.once(clustering.start, async () => {
      await encoding.run();
      const labels = await clustering.begin(encoding, pretraining);
      if (labels) await first?.keep(labels);
      return null;
    });
    const report = await reporterOf(fitting, options, (sample) => clustering.compared(sample));
    await clustering.prepare?.(encoding, resources, report);
    const { interval = options.checkInterval } = clustering;
    const end = await phase.run(rows, {
      steps: options.steps,
      interval,
      losses: (batch) => clustering.losses(batch),
      afterUpdate: (batch) => clustering.afterUpdate?.(batch),
      check: (step) => clustering.check(step, report),
    });
    const { partitions, ...changes } = await clustering.finish?.(end) ?? {};
    if (!first) return { end, ...partitions && { partitions }, ...changes };
    const begun = await first.result(clustering.start, await clustering.first?.partitions());
    return { end, ...begun, partitions: { ...begun.partitions, ...partitions }, ...changes };
  }
}

/** The phase that a method's clustering is trained in. */
export function phaseOf<Term extends string>(
  training: Fitting["training"],
  clustering: Pick<Clustering<Term>, "terms" | "batchOrder" | "optimizers">,
  { batchSize, seed }: Pick<JointOptions, "batchSize" | "seed">,
): Phase<Term> {
  const { terms, batchOrder } = clustering;
  const settings = { name: "clustering", terms, batchSize, batchOrder, seed };
  return new Phase(training, settings, (step) => [["total", clustering.optimizers(step)]]);
}
