/**
 * Self-training on sharpened soft assignments, the clustering phase of DEC (Xie, Girshick, Farhadi;
 * arXiv 1511.06335) and IDEC: every so many steps a target distribution is made of the whole data set,
 * and until the next time the network and the centroids are trained towards it.
 */
import type { ParameterBlock } from "../../engine/network/module.ts";
import { softAssign } from "../../engine/ops/assignment.ts";
import { div } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { gather } from "../../engine/ops/rows.ts";
import { meanSquaredError } from "../../engine/ops/squared_error.ts";
import { sum } from "../../engine/ops/sum.ts";
import { square } from "../../engine/ops/unary.ts";
import type { Optimizer } from "../../engine/network/optim.ts";
import { type Program, trace } from "../../engine/planner/program.ts";
import { Table } from "../../engine/state/table.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import type { AuditScene } from "../audit_scene.ts";
import type { ComparedLosses, SampledRows } from "../evaluation/feature_diagnostics.ts";
import { klDivergence } from "../losses.ts";
import type { Autoencoder } from "../networks/autoencoder.ts";
import type { Specs } from "../options.ts";
import { blockOf, type CentroidOptions, optimizersOf } from "./centroid_options.ts";
import type { Fitting } from "./deep_estimator.ts";
import type { Clustering } from "./joint_estimator.ts";
import type { Batch, Losses } from "./phase.ts";
import type { Report } from "./reporting.ts";
import { Start } from "./start.ts";
import type { Check } from "./trainer.ts";
import { type Encoding, partOf, partsOfAssignments } from "./whole_pass.ts";

/**
 * p_ik = (q_ik²/s_k) / Σ_l (q_il²/s_l) (DEC, eq. 3).
 * @param q Soft assignments, [n, k]. @param frequencies s_k = Σ_i q_ik over the whole data set, [k].
 * @returns [n, k]; rows sum to one.
 */
export function targetDistribution(q: Tensor, frequencies: Tensor): Tensor {
  const weights = div(square(q), frequencies);
  return div(weights, reshape(sum(weights, 1, 2), [q.shape[0], 1]));
}

/**
 * KL(p‖q) with the targets, and with the classes as targets; and the mean squared error. DEC gives the
 * decoder up, so that its drift is measured by the decoder that pre-training left.
 * @param centroids U [K, p]. @param targets p of all rows, [N, K].
 */
export function comparedSelfTraining(
  net: Pick<Autoencoder, "encode" | "decode">,
  centroids: Tensor,
  targets: Variable,
  { x, numbers, oneHot }: SampledRows,
): ComparedLosses {
  const z = net.encode(x);
  const q = softAssign(z, centroids);
  return {
    pseudo: klDivergence(gather(Table.of(targets), numbers), q),
    supervised: klDivergence(oneHot, q),
    reconstruction: meanSquaredError(net.decode(z), x),
  };
}

/** Options of self-training. */
export interface SelfTrainingOptions extends CentroidOptions {
  /** Stops when the share of labels that changed since the last refresh is below. */
  readonly tol: number;
}

/** Their descriptions. */
export const SELF_TRAINING_OPTIONS: Specs<Pick<SelfTrainingOptions, "checkInterval" | "tol">> = {
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two refreshes of the target distribution",
    source: "IDEC and DEC-keras for MNIST; DEC: 160",
  },
  tol: {
    type: "number",
    default: 1e-3,
    min: 0,
    max: 1,
    description: "stop when the share of labels changed between two refreshes is below this",
    source: "DEC, IDEC",
  },
};

/** What self-training minimises. */
export interface SelfTrainingObjective<Term extends string> {
  /** What it trains, besides the centroids. */
  readonly parameters: ParameterBlock;
  /** The losses that are logged. */
  readonly terms: readonly Term[];
  /**
   * Inside `trace`: the losses of a batch.
   * @param x [n, d]. @param centroids U [K, p]. @param p Targets of the same rows, [n, K].
   */
  losses(x: Tensor, centroids: Tensor, p: Tensor): Losses<Term>;
}

/** The clustering phase: targets of the whole data set, refreshed every so many steps. */
export class SelfTraining<Term extends string> implements Clustering<Term> {
  /** The objective's. */
  readonly terms: readonly Term[];
  /** DEC's batches go through the rows in order, a last partial one included. */
  readonly batchOrder = "sequential";
  /** Its centroids begin at the means of a partition. */
  readonly start: string;
  readonly first: Start<Autoencoder>;
  /** p of the last refresh, [N, K]. */
  private readonly targets: Variable;
  /** Labels at the last refresh, u32 [N]. */
  private readonly labels: Variable;
  private refresh!: Program;

  /**
   * Makes the variables.
   * @param fitting What is trained. @param options See there. @param objective Of a batch.
   */
  constructor(
    private readonly fitting: Fitting,
    private readonly options: SelfTrainingOptions,
    private readonly objective: SelfTrainingObjective<Term>,
  ) {
    const { training: { state }, samples: { n } } = fitting;
    this.terms = objective.terms;
    this.first = new Start(fitting, options);
    this.start = this.first.name;
    this.targets = state.variable("targets", [n, options.clusters]);
    this.labels = state.variable("labels", [n], { dtype: "u32" });
  }

  /** Updates network and centroids. */
  optimizers(step: Variable): Optimizer[] {
    const { fitting: { training, centroids }, objective: { parameters: network } } = this;
    return optimizersOf(
      training.state,
      { network, centroids: blockOf(centroids) },
      this.options,
      step,
    );
  }

  /** Centroids of the first partition, with which the first refresh is compared. */
  async begin(encoding: Encoding): Promise<Uint32Array> {
    const labels = await this.first.find(encoding);
    this.labels.write(labels);
    return labels;
  }

  /** Traces the refresh. */
  async prepare({ codes }: Encoding, resources: DisposableStack): Promise<void> {
    this.refresh = resources.use(await traceRefresh(codes, this.fitting.centroids, this.targets));
  }

  /** Makes the targets anew; ends where few labels have changed. */
  async check(step: number, report?: Report): Promise<Check> {
    const { fitting: { samples: { n } }, options: { tol } } = this;
    const before = await this.labels.read();
    const labels = await this.fitting.label();
    this.refresh.run();
    this.labels.write(labels);
    const changed = labels.reduce((n, label, i) => label === before[i] ? n : n + 1, 0);
    const row = { changed, ...await report?.(labels) };
    if (step === 0 || changed / n >= tol) return { row };
    return { row, stop: `${changed} changed labels, a share below tol ${tol}` };
  }

  /** Inside `trace`: the objective's losses, by the batch's targets. */
  losses({ x, numbers }: Batch): Losses<Term> {
    const p = gather(Table.of(this.targets), numbers);
    return this.objective.losses(x, this.fitting.centroids, p);
  }

  /** See {@linkcode comparedSelfTraining}. */
  compared(sample: SampledRows): ComparedLosses {
    return comparedSelfTraining(this.fitting.net, this.fitting.centroids, this.targets, sample);
  }
}

/** A program that makes the targets [N, K] of all codes [N, p] by the centroids [K, p]. */
export async function traceRefresh(
  codes: Variable,
  centroids: Variable,
  targets: Variable,
): Promise<Program> {
  const parts = partsOfAssignments(targets.shape[0], targets.shape[1]);
  return await trace(codes.backend, () => {
    for (const { first, count } of parts) {
      const q = softAssign(partOf(codes, first, count), centroids);
      assign(partOf(targets, first, count), q);
    }
    const frequencies = sum(targets, 0, 1);
    for (const { first, count } of parts) {
      const part = partOf(targets, first, count);
      assign(part, targetDistribution(part, frequencies));
    }
    return {};
  }, "targets");
}

/** For the gradient audit: targets of a batch as if it were the whole data set, held fixed. */
export async function auditedTargets(scene: AuditScene): Promise<Variable> {
  const { net, x, centroids } = scene;
  const { p } = await scene.freeze(() => {
    const q = softAssign(net.encode(x), centroids);
    return { p: targetDistribution(q, sum(q, 0, 1)) };
  });
  return p;
}
