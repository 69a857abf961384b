/**
 * Self-training on sharpened soft assignments, the clustering phase of DEC (Xie, Girshick, Farhadi;
 * arXiv 1511.06335) and IDEC: every so many steps a target distribution is made of the whole data set,
 * and until the next time the network and the centroids are trained towards it.
 */
import type { ParameterBlock } from "../../engine/module.ts";
import { softAssign } from "../../engine/ops/assignment.ts";
import { div, maximum, mul, sub } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { constant } from "../../engine/ops/constant.ts";
import { accumulate, advance } from "../../engine/ops/counter.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { gather } from "../../engine/ops/rows.ts";
import { meanSquaredError } from "../../engine/ops/squared_error.ts";
import { sum } from "../../engine/ops/sum.ts";
import { scale } from "../../engine/ops/affine.ts";
import { log, square } from "../../engine/ops/unary.ts";
import { minimizeTogether, type Optimizer } from "../../engine/optim.ts";
import { type Program, trace } from "../../engine/program.ts";
import { Table } from "../../engine/table.ts";
import type { Tensor, Variable } from "../../engine/tensor.ts";
import { SMALLEST_NORMAL } from "../../kernels/kernel.ts";
import type { AuditScene } from "../audit_scene.ts";
import { BatchPrograms } from "./batches.ts";
import {
  blockOf,
  type CentroidOptions,
  type ClusteringPhase,
  optimizersOf,
} from "./centroid_estimator.ts";
import { CENTROIDS, type Fitting } from "./deep_estimator.ts";
import {
  type ComparedLosses,
  FeatureDiagnostics,
  type SampledRows,
} from "../evaluation/feature_diagnostics.ts";
import type { Autoencoder } from "../networks/autoencoder.ts";
import type { OptionSpec } from "../options.ts";
import { score } from "../evaluation/scoring.ts";
import type { PhaseEnd } from "./trainer.ts";
import { Assignment, type Encoding, partOf, partsOfAssignments } from "./whole_pass.ts";

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
 * KL(p‖q) = Σ_k p_ik·log(p_ik/q_ik), the mean over rows (DEC, eq. 2; DEC's code divides by the batch).
 * @param p [n, k]; a p of 0 counts as 0. @param q [n, k], > 0.
 */
export function klDivergence(p: Tensor, q: Tensor): Tensor {
  const logRatio = sub(log(maximum(p, constant(SMALLEST_NORMAL))), log(q));
  return scale(sum(mul(p, logRatio)), 1 / p.shape[0]);
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
  /** Steps between two refreshes of the targets. */
  readonly checkInterval: number;
}

/** Their descriptions. */
export const SELF_TRAINING_OPTIONS: readonly OptionSpec[] = [
  {
    name: "checkInterval",
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two refreshes of the target distribution",
    source: "IDEC and DEC-keras for MNIST; DEC: 160",
  },
  {
    name: "tol",
    type: "number",
    default: 1e-3,
    min: 0,
    max: 1,
    description: "stop when the share of labels changed between two refreshes is below this",
    source: "DEC, IDEC",
  },
];

/** What self-training minimises. */
export interface SelfTrainingObjective {
  /** What it trains, besides the centroids. */
  readonly parameters: ParameterBlock;
  /** Names of the terms, for the log. */
  readonly terms: readonly string[];
  /**
   * Inside `trace`: the loss of a batch and its terms, in the order of their names.
   * @param x [n, d]. @param centroids U [K, p]. @param p Targets of the same rows, [n, K].
   */
  losses(x: Tensor, centroids: Tensor, p: Tensor): { terms: readonly Tensor[]; total: Tensor };
}

/** The phase: its variables, its step, its refresh. */
export class SelfTraining implements ClusteringPhase {
  /** U, [K, p]. */
  readonly centroids: Variable;
  /** p of the last refresh, [N, K]. */
  private readonly targets: Variable;
  /** Labels at the last refresh, u32 [N]. */
  private readonly labels: Variable;
  private readonly thresholds: Variable;
  private readonly losses: Variable;
  private readonly step: Variable;
  private readonly optimizers: readonly Optimizer[];

  /**
   * Makes the variables.
   * @param fitting What is trained. @param options See there. @param objective Of a batch.
   */
  constructor(
    private readonly fitting: Fitting,
    private readonly options: SelfTrainingOptions,
    private readonly objective: SelfTrainingObjective,
  ) {
    const { training: { state }, samples: { n } } = fitting;
    const { clusters, latent } = options;
    this.centroids = state.variable(CENTROIDS, [clusters, latent]);
    this.targets = state.variable("targets", [n, clusters]);
    this.labels = state.variable("labels", [n], { dtype: "u32" });
    this.thresholds = state.variable("thresholds", [2], { saved: false });
    this.step = state.variable("clustering step", [1], { dtype: "u32" });
    this.losses = state.variable("clustering losses", [objective.terms.length]);
    const blocks = { network: objective.parameters, centroids: blockOf(this.centroids) };
    this.optimizers = optimizersOf(state, blocks, options, this.step);
  }

  /** Takes the partition that the first refresh is compared with. */
  start(labels: Uint32Array): void {
    this.labels.write(labels);
  }

  /** Trains until few labels change between two refreshes, or all steps are made. */
  async run(encoding: Encoding, truth: ArrayLike<number> | undefined): Promise<PhaseEnd> {
    const { training, rows, samples } = this.fitting;
    const { batchSize, seed, steps, checkInterval, tol } = this.options;
    const { backend } = training;
    const { codes } = encoding;
    using refresh = await traceRefresh(codes, this.centroids, this.targets);
    using assignment = await Assignment.create(codes, this.centroids, this.thresholds, this.labels);
    // DEC's batches go through the rows in order, a last partial one included.
    const batches = { batchSize, order: "sequential", seed, step: this.step } as const;
    using programs = await BatchPrograms.trace(
      backend,
      rows,
      batches,
      "clustering",
      (x, numbers) => {
        this.traceStep(x, numbers);
        return {};
      },
    );
    using features = await FeatureDiagnostics.trace(
      this.fitting,
      this.options,
      (sample) => comparedSelfTraining(this.fitting.net, this.centroids, this.targets, sample),
    );
    return await training.run({
      name: "clustering",
      steps,
      interval: checkInterval,
      losses: this.losses,
      terms: this.objective.terms,
      programAt: (step) => programs.at(step),
      check: async (step) => {
        await encoding.run();
        refresh.run();
        const reading = this.labels.read();
        const [before, { labels }] = await Promise.all([reading, assignment.run()]);
        const changed = labels.reduce((n, label, i) => label === before[i] ? n : n + 1, 0);
        const row = {
          changed,
          ...truth ? score(truth, labels) : {},
          ...await features?.measure(labels),
        };
        if (step === 0 || changed / samples.n >= tol) return { row };
        return { row, stop: `${changed} changed labels, a share below tol ${tol}` };
      },
    });
  }

  /** Inside `trace`: one step on the batch x [n, d] of the rows `numbers`, u32 [n]. */
  private traceStep(x: Tensor, numbers: Tensor): void {
    const p = gather(Table.of(this.targets), numbers);
    const { terms, total } = this.objective.losses(x, this.centroids, p);
    minimizeTogether(total, this.optimizers);
    terms.forEach((term, i) => accumulate(this.losses, i, term));
    advance(this.step);
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
