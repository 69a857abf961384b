/**
 * Feature randomness and feature drift, as authors of DynAE define them (Mrabah, Bouguessa, Ksantini,
 * "Adversarial deep embedded clustering: on a better trade-off between feature randomness and feature
 * drift", arXiv 1909.11832): how well the gradient of a loss on pseudo-labels agrees with that on true
 * classes, and that of clustering with that of reconstruction. A diagnosis: it needs the classes, and
 * changes nothing.
 */
import { gradients } from "../../engine/gradient.ts";
import { add, div, mul } from "../../engine/ops/binary.ts";
import { gather } from "../../engine/ops/rows.ts";
import { sum } from "../../engine/ops/sum.ts";
import { sqrt } from "../../engine/ops/unary.ts";
import { type Program, trace } from "../../engine/program.ts";
import { RandomStream, STREAM } from "../../engine/random.ts";
import { State } from "../../engine/state.ts";
import type { Tensor, Variable } from "../../engine/tensor.ts";
import { matchClusters } from "./metrics.ts";
import type { Rows } from "../training/rows.ts";

/** Rows of the fixed sample on which gradients are compared. */
const SAMPLE_ROWS = 512;

/** The losses that are compared: scalars, on the same rows. */
export interface ComparedLosses {
  /** On the labels that the method assigns itself. */
  readonly pseudo: Tensor;
  /** The same loss on the clusters that stand for the true classes. */
  readonly supervised: Tensor;
  /** What clusters. */
  readonly clustering: Tensor;
  /** What reconstructs the rows. */
  readonly reconstruction: Tensor;
}

/** Cosines in [−1, 1]; null where a gradient is zero. */
export type FeatureCosines = {
  /** cos(∇ pseudo-supervised, ∇ supervised): near 1, the pseudo-labels teach what classes would. */
  readonly featureRandomness: number | null;
  /** cos(∇ clustering, ∇ reconstruction): below 0, clustering undoes what reconstruction learns. */
  readonly featureDrift: number | null;
};

/** The cosine of the angle between two losses' gradients by the same variables: a scalar. */
export function gradientCosine(a: Tensor, b: Tensor, variables: readonly Variable[]): Tensor {
  const [first, second] = [gradients(a, variables), gradients(b, variables)];
  const dot = (x: readonly Tensor[], y: readonly Tensor[]) =>
    x.map((gradient, i) => sum(mul(gradient, y[i]))).reduce(add);
  return div(dot(first, second), sqrt(mul(dot(first, first), dot(second, second))));
}

/** Compares the gradients of a method's losses on a fixed sample of the rows. */
export class FeatureDiagnostics {
  private constructor(
    private readonly state: State,
    private readonly program: Program<{ randomness: Tensor; drift: Tensor }>,
    private readonly sample: Uint32Array,
    private readonly clusters: Variable,
    private readonly truth: ArrayLike<number>,
  ) {}

  /**
   * @param rows Resident ones. @param truth [n] @param variables By which losses are differentiated.
   * @param build Traces the losses of rows x [b, d], whose classes stand as clusters u32 [b].
   */
  static async trace(
    rows: Rows,
    truth: ArrayLike<number>,
    variables: readonly Variable[],
    seed: number,
    build: (x: Tensor, clusters: Tensor) => ComparedLosses,
  ): Promise<FeatureDiagnostics> {
    const random = new RandomStream(seed, STREAM.sample, 1);
    const count = Math.min(SAMPLE_ROWS, rows.total);
    const sample = Uint32Array.from({ length: count }, () => random.below(rows.total));
    const state = new State(rows.table.chunks[0].rows.backend);
    const hidden = { dtype: "u32", saved: false } as const;
    const numbers = state.variable("sample", [count], { ...hidden, data: sample });
    const clusters = state.variable("clusters of the classes", [count], hidden);
    const program = await trace(state.backend, () => {
      const losses = build(gather(rows.table, numbers), clusters);
      return {
        randomness: gradientCosine(losses.pseudo, losses.supervised, variables),
        drift: gradientCosine(losses.clustering, losses.reconstruction, variables),
      };
    }, "feature diagnostics");
    return new FeatureDiagnostics(state, program, sample, clusters, truth);
  }

  /**
   * The cosines now.
   * @param labels [n] of the method: each class stands for the cluster that it is matched with, or,
   *   where there are fewer clusters, for the first one.
   */
  async measure(labels: ArrayLike<number>): Promise<FeatureCosines> {
    const clusterOf = new Map([...matchClusters(this.truth, labels)].map(([c, k]) => [k, c]));
    this.clusters.write(this.sample.map((row) => clusterOf.get(this.truth[row]) ?? 0));
    this.program.run();
    const { randomness, drift } = await this.program.read();
    const finite = (value: number) => Number.isFinite(value) ? value : null;
    return { featureRandomness: finite(randomness[0]), featureDrift: finite(drift[0]) };
  }

  /** Frees program and sample. */
  dispose(): void {
    this.program.dispose();
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
