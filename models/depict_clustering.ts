/** DEPICT's clustering: the softmax head, its predictions and their targets, and a stage of training. */
import { Dense, glorotUniform, Parameters } from "../engine/network/module.ts";
import { add, div, maximum } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { constant } from "../engine/ops/constant.ts";
import { matmulTransposeA } from "../engine/ops/matmul.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { gather, scatterRows } from "../engine/ops/rows.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { meanSquaredError, squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { scale } from "../engine/ops/affine.ts";
import { Adam } from "../engine/network/optim.ts";
import { type Program, trace } from "../engine/planner/program.ts";
import type { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { SMALLEST_NORMAL } from "../kernels/kernel.ts";
import type { DEPICTOptions } from "./depict_options.ts";
import { bothPaths } from "./depict_pretraining.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import { crossEntropy } from "./losses.ts";
import type { ConvolutionalAutoencoder } from "./networks/convolutional_autoencoder.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Batch, type Losses, Phase } from "./training/phase.ts";
import type { Rows } from "./training/rows.ts";
import { targetDistribution } from "./training/self_training.ts";
import type { Check, PhaseEnd } from "./training/trainer.ts";
import { labelsOf, partOf, partsOfAssignments } from "./training/whole_pass.ts";

/** The cross-entropy with the targets, and with the classes; the image's loss: all on the clean path. */
export function comparedLosses(
  net: ConvolutionalAutoencoder,
  head: Head,
  targets: Variable,
  { x, numbers, oneHot }: SampledRows,
): ComparedLosses {
  const images = net.images(x);
  const { z } = net.encodeLayers(images);
  const logits = head.logits(z);
  return {
    pseudo: crossEntropy(gather(Table.of(targets), numbers), logits),
    supervised: crossEntropy(oneHot, logits),
    reconstruction: meanSquaredError(net.decodeLayers(z).images, images),
  };
}

/** The softmax layer on the code. */
export class Head {
  /** Weight and bias, in an arena of their own. */
  readonly parameters: Parameters;
  private readonly layer: Dense;

  /** Allocates and draws the weights. @param state Owns them. */
  constructor(
    state: State,
    { latent, clusters, seed }: Pick<DEPICTOptions, "latent" | "clusters" | "seed">,
  ) {
    this.layer = new Dense(latent, clusters, { initializer: glorotUniform });
    this.parameters = new Parameters(state, { head: this.layer }, seed);
  }

  /** Logits of codes: [n, p] -> [n, K]. */
  logits(codes: Tensor): Tensor {
    return this.layer.apply(codes);
  }

  /** Begins with the centroids [K, p] row-major, each of norm 1, as the weights of its cluster. */
  start(centroids: Float32Array): void {
    const { inputs: p, units: k, variables: { weight, bias } } = this.layer;
    const columns = new Float32Array(p * k);
    for (let j = 0; j < k; j++) {
      const centroid = centroids.subarray(j * p, (j + 1) * p);
      const norm = Math.max(Math.hypot(...centroid), SMALLEST_NORMAL);
      centroid.forEach((value, a) => columns[a * k + j] = value / norm);
    }
    weight.write(columns);
    bias.write(new Float32Array(k));
  }
}

/** What the clean path says of every row, and what the noisy one shall say. */
export class Predictions {
  /** p of each row when it was last met, [N, K]. */
  readonly values: Variable;
  /** q, [N, K]. */
  readonly targets: Variable;

  /** @param state Owns the variables. @param rows N. @param clusters K. @param centroids [K, p]. */
  constructor(state: State, rows: number, clusters: number, readonly centroids: Variable) {
    this.values = state.variable("predictions", [rows, clusters]);
    this.targets = state.variable("targets", [rows, clusters]);
  }

  /** Begins with labels [N] as targets. */
  start(labels: Uint32Array): void {
    const [rows, clusters] = this.targets.shape;
    const targets = new Float32Array(rows * clusters);
    labels.forEach((label, i) => targets[i * clusters + label] = 1);
    this.targets.write(targets);
  }

  /** Predicts every row from its code [N, p] by `softmax`, [n, p] -> [n, K]. */
  async predict(codes: Variable, softmax: (codes: Tensor) => Tensor): Promise<void> {
    using program = await trace(codes.backend, () => {
      for (const { first, count } of this.parts) {
        assign(partOf(this.values, first, count), softmax(partOf(codes, first, count)));
      }
      return {};
    }, "predictions");
    program.run();
  }

  /**
   * A program that makes the targets q_ik = (p_ik²/Σ_i p_ik) / Σ_l (p_il²/Σ_i p_il) of all rows'
   * predictions p, as the authors' code does (the paper prints p_ik/√(Σ_i p_ik)), and the mean of their
   * squared changes.
   */
  async traceRefresh(): Promise<Program<{ change: Tensor }>> {
    const { values, targets } = this;
    return await trace(values.backend, () => {
      const frequencies = maximum(sum(values, 0, 1), constant(SMALLEST_NORMAL));
      const changes = this.parts.map(({ first, count }) => {
        const before = partOf(targets, first, count);
        const after = targetDistribution(partOf(values, first, count), frequencies);
        const change = squaredError(after, before);
        assign(before, after);
        return change;
      });
      return { change: scale(changes.reduce(add), 1 / values.size) };
    }, "targets");
  }

  /** The largest prediction of each row, u32 [N]. */
  labels(): Promise<Uint32Array> {
    return labelsOf(this.values, this.centroids, (values) => values);
  }

  /**
   * Each cluster's mean code becomes its centroid.
   * @param codes [N, p]. @param shares How much of it each row is, [N, K]: by default the predictions.
   */
  async moveCentroids(codes: Variable, shares: Variable = this.values): Promise<void> {
    using program = await trace(codes.backend, () => {
      const weights = maximum(sum(shares, 0, 1), constant(SMALLEST_NORMAL));
      const sums = matmulTransposeA(shares, codes);
      assign(this.centroids, div(sums, reshape(weights, [weights.size, 1])));
      return {};
    }, "centroids");
    program.run();
  }

  private get parts(): { first: number; count: number }[] {
    return partsOfAssignments(this.values.shape[0], this.values.shape[1]);
  }
}

/** A stage of clustering: network and head learn targets, and the clean path's predictions are kept. */
export class Stage {
  private readonly phase: Phase<"clustering" | "image" | "hidden">;

  /**
   * Makes the variables.
   * @param name In the log. @param fitting What is trained, with the head. @param predictions Where
   *   the targets are, and the predictions go. @param options See there.
   */
  constructor(
    name: string,
    private readonly fitting: Fitting<ConvolutionalAutoencoder>,
    private readonly head: Head,
    private readonly predictions: Predictions,
    private readonly options: DEPICTOptions,
  ) {
    const { training, net } = fitting;
    const { learningRate, adamEpsilon: epsilon, batchSize, batchOrder, seed } = options;
    const terms = ["clustering", "image", "hidden"] as const;
    const settings = { name, terms, batchSize, batchOrder, seed };
    const blocks = { network: net.parameters, head: head.parameters };
    this.phase = new Phase(training, settings, (step) => [[
      "total",
      Object.entries(blocks).map(([block, parameters]) =>
        new Adam(training.state, `${name}, ${block} adam`, parameters, {
          learningRate,
          epsilon,
          step,
        })
      ),
    ]]);
  }

  /**
   * Runs the stage to its end.
   * @param rows What it trains on: all rows, or some. @param check Looks at the state after every epoch.
   */
  run(rows: Rows, steps: number, check: (step: number) => Promise<Check>): Promise<PhaseEnd> {
    const losses = (batch: Batch) => this.losses(batch);
    return this.phase.run(rows, { steps, interval: "epoch", losses, check });
  }

  /** Inside `trace`: the losses of a batch, whose predictions by the clean path are kept. */
  private losses({ x, numbers, step }: Batch): Losses<"clustering" | "image" | "hidden"> {
    const { fitting: { net }, head, predictions } = this;
    const { clean, noisy, losses } = bothPaths(net, x, step, this.options);
    scatterRows(predictions.values, numbers, softmax(head.logits(clean.z)));
    const q = gather(Table.of(predictions.targets), numbers);
    const clustering = crossEntropy(q, head.logits(noisy.z));
    const { image, hidden } = losses;
    return { clustering, image, hidden, total: add(clustering, losses.total) };
  }
}
