/**
 * Feature randomness and feature drift, as authors of DynAE define them (Mrabah, Bouguessa, Ksantini,
 * "Adversarial deep embedded clustering: on a better trade-off between feature randomness and feature
 * drift", arXiv 1909.11832): how well the encoder's gradient of a clustering loss on pseudo-labels
 * agrees with that of the same loss on true classes, and with that of reconstruction. DynAE's code has
 * a form of its own beside. A diagnosis: it needs the classes, and changes nothing.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import { gradients } from "../../engine/gradient/gradient.ts";
import type { ParameterBlock } from "../../engine/network/module.ts";
import { add, div, mul } from "../../engine/ops/binary.ts";
import { sum } from "../../engine/ops/sum.ts";
import { sqrt } from "../../engine/ops/unary.ts";
import { type Program, trace } from "../../engine/planner/program.ts";
import { RandomStream, STREAM } from "../../engine/random.ts";
import { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { matchClusters } from "./metrics.ts";
import type { Specs } from "../options.ts";

/** Most rows of the fixed sample on which gradients are compared. */
const SAMPLE_ROWS = 512;

/** The option of the methods that train an encoder and clusters together. */
export interface FeatureDiagnosticsOptions {
  /** Whether checks log feature randomness and drift, where classes are known. */
  readonly featureDiagnostics: boolean;
}

/** Its description. */
export const FEATURE_DIAGNOSTICS: Specs<FeatureDiagnosticsOptions> = {
  featureDiagnostics: {
    type: "boolean",
    default: false,
    description: "log feature randomness and drift at checks, where classes are known",
    source: "arXiv 1909.11832",
  },
};

/** What is diagnosed. */
export interface Diagnosed {
  /** What is trained on. */
  readonly rows: {
    /** Where the rows are. */
    readonly backend: Backend;
    /** N */
    readonly total: number;
    /** Whether some of them only are on the device. */
    readonly isWindowed: boolean;
    /** Inside `trace`: rows [b, d] by their numbers, u32 [b]. */
    batch(numbers: Tensor): Tensor;
  };
  /** True classes, [N]. */
  readonly truth: ArrayLike<number>;
  /** The losses are differentiated by its encoder's parameters. */
  readonly net: { readonly encoderParameters: ParameterBlock; readonly passRows?: number };
}

/** The rows of the sample, with the clusters that stand for their classes. */
export interface SampledRows {
  /** [b, d] */
  readonly x: Tensor;
  /** Their numbers among all rows, u32 [b]. */
  readonly numbers: Tensor;
  /** u32 [b], in [0, K). */
  readonly clusters: Tensor;
  /** The same as assignments that are certain, [b, K]. */
  readonly oneHot: Tensor;
}

/** The losses that are compared: scalars, on the same rows. */
export interface ComparedLosses {
  /** What clusters, on the labels or targets that the method gives itself. */
  readonly pseudo: Tensor;
  /** The same loss on the clusters that stand for the true classes. */
  readonly supervised: Tensor;
  /** What reconstructs the rows. */
  readonly reconstruction: Tensor;
  /** Of a method whose authors' code defines both otherwise: the pairs whose gradients it compares. */
  readonly own?: {
    readonly randomness: readonly [Tensor, Tensor];
    readonly drift: readonly [Tensor, Tensor];
  };
}

/** Cosines in [−1, 1]; null where a gradient is zero. */
export type FeatureCosines = {
  /** cos(∇ pseudo-supervised, ∇ supervised): near 1, the pseudo-labels teach what classes would. */
  readonly featureRandomness: number | null;
  /** cos(∇ pseudo-supervised, ∇ reconstruction): below 0, clustering undoes what that learns. */
  readonly featureDrift: number | null;
  /** The former, in the form of the method's authors. */
  readonly ownFeatureRandomness?: number | null;
  /** The latter, in that form. */
  readonly ownFeatureDrift?: number | null;
};

/**
 * The cosine of the angle between two gradients by the same variables, over all of these together: a
 * scalar. @param a A tensor for each variable. @param b Tensors of the same shapes.
 */
export function gradientCosine(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  const dot = (x: readonly Tensor[], y: readonly Tensor[]) =>
    x.map((gradient, i) => sum(mul(gradient, y[i]))).reduce(add);
  // The product of the squared lengths would leave float32's range sooner than that of the lengths.
  return div(dot(a, b), mul(sqrt(dot(a, a)), sqrt(dot(b, b))));
}

/** Compares the gradients of a method's losses on a fixed sample of the rows. */
export class FeatureDiagnostics {
  private constructor(
    private readonly state: State,
    private readonly program: Program<Record<string, Tensor>>,
    private readonly sample: Uint32Array,
    private readonly clusters: Variable,
    private readonly oneHot: Variable,
    private readonly truth: ArrayLike<number>,
  ) {}

  /**
   * Draws the sample and traces the losses.
   * @param options K is `clusters`; the sample is drawn by the seed.
   * @param build Traces the losses of the sample.
   * @returns undefined where it is not asked for, and where rows are read from a source as they are
   *   needed.
   */
  static async trace(
    { rows, truth, net }: Diagnosed,
    { featureDiagnostics, clusters: k, seed }: FeatureDiagnosticsOptions & {
      readonly clusters: number;
      readonly seed: number;
    },
    build: (sample: SampledRows) => ComparedLosses,
  ): Promise<FeatureDiagnostics | undefined> {
    if (!featureDiagnostics || rows.isWindowed) return undefined;
    const random = new RandomStream(seed, STREAM.sample, 1);
    const count = Math.min(SAMPLE_ROWS, rows.total, net.passRows ?? Infinity);
    const sample = Uint32Array.from({ length: count }, () => random.below(rows.total));
    const state = new State(rows.backend);
    const hidden = { dtype: "u32", saved: false } as const;
    const numbers = state.variable("sample", [count], { ...hidden, data: sample });
    const clusters = state.variable("clusters of the classes", [count], hidden);
    const oneHot = state.variable("the same, one-hot", [count, k], { saved: false });
    const { variables } = net.encoderParameters;
    const program = await trace(state.backend, () => {
      const sampled = { x: rows.batch(numbers), numbers, clusters, oneHot };
      const { pseudo, supervised, reconstruction, own } = build(sampled);
      const pairs: Record<string, readonly [Tensor, Tensor]> = {
        featureRandomness: [pseudo, supervised],
        featureDrift: [pseudo, reconstruction],
        ...own && { ownFeatureRandomness: own.randomness, ownFeatureDrift: own.drift },
      };
      const compared = new Set(Object.values(pairs).flat());
      const known = new Map([...compared].map((loss) => [loss, gradients(loss, variables)]));
      return Object.fromEntries(
        Object.entries(pairs).map((
          [name, [a, b]],
        ) => [name, gradientCosine(known.get(a)!, known.get(b)!)]),
      );
    }, "feature diagnostics");
    return new FeatureDiagnostics(state, program, sample, clusters, oneHot, truth);
  }

  /**
   * The cosines now.
   * @param labels [n] of the method: each class stands for the cluster that it is matched with, or,
   *   where there are fewer clusters, for the first one.
   */
  async measure(labels: ArrayLike<number>): Promise<FeatureCosines> {
    const clusterOf = new Map([...matchClusters(this.truth, labels)].map(([c, k]) => [k, c]));
    const clusters = this.sample.map((row) => clusterOf.get(this.truth[row]) ?? 0);
    const [, k] = this.oneHot.shape;
    const oneHot = new Float32Array(this.oneHot.size);
    clusters.forEach((cluster, i) => oneHot[i * k + cluster] = 1);
    this.clusters.write(clusters);
    this.oneHot.write(oneHot);
    this.program.run();
    // Rounding may lead a little past ±1.
    const cosine = (value: number) =>
      Number.isFinite(value) ? Math.min(Math.max(value, -1), 1) : null;
    const found = Object.entries(await this.program.read());
    return Object.fromEntries(
      found.map(([name, [value]]) => [name, cosine(value)]),
    ) as FeatureCosines;
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
