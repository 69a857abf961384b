/**
 * DEPICT: Deep Clustering via Joint Convolutional Autoencoder Embedding and Relative Entropy
 * Minimization (Dizaji, Herandi, Deng, Cai, Huang; ICCV 2017, arXiv 1704.06363).
 *
 * A convolutional autoencoder reconstructs images from a noisy path through the encoder, and the
 * clean path's hidden activations as well. A softmax on its code learns the labels of k-means, then
 * its own predictions on the clean path, sharpened and balanced, from the noisy one.
 *
 * Two rules are simpler than the published code's: nothing is held out (it keeps a tenth of the rows,
 * stratified by the true classes), so that pre-training has a fixed length and the agreement with the
 * labels of k-means is that of all rows; and the batches of both clustering stages are sequential, so
 * that every epoch predicts every row.
 */
import { Dense, glorotUniform, type ParameterBlock, Parameters } from "../engine/module.ts";
import { add, div, maximum, mul } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { constant } from "../engine/ops/constant.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { matmulTransposeA } from "../engine/ops/matmul.ts";
import { dropout } from "../engine/ops/noise.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { gather, scatterRows } from "../engine/ops/rows.ts";
import { logSoftmax, softmax } from "../engine/ops/softmax.ts";
import { meanSquaredError, squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { scale } from "../engine/ops/unary.ts";
import { Adam, minimizeTogether, type Optimizer } from "../engine/optim.ts";
import { type Program, trace } from "../engine/program.ts";
import { STREAM } from "../engine/random.ts";
import type { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { SMALLEST_NORMAL } from "../kernels/kernel.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, type AuditScene } from "./audit_scene.ts";
import { BatchPrograms } from "./training/batches.ts";
import {
  ConvolutionalAutoencoder,
  type Decoded,
  type Encoded,
} from "./networks/convolutional_autoencoder.ts";
import {
  CENTROIDS,
  type Fitting,
  NetworkEstimator,
  type SampleShape,
} from "./training/deep_estimator.ts";
import { DEPICT_OPTIONS, DEPICT_PROFILES, type DEPICTOptions } from "./depict_options.ts";
import type { Checkpoint, FitResult, LogRow } from "./estimator.ts";
import { normalizedMutualInformation } from "./evaluation/metrics.ts";
import type { Method } from "./method.ts";
import { resolveOptions } from "./options.ts";
import { pretrainUnlessGiven } from "./training/pretraining.ts";
import { PretrainingPhase } from "./training/pretraining_phase.ts";
import { score } from "./evaluation/scoring.ts";
import { targetDistribution } from "./training/self_training.ts";
import type { PhaseEnd } from "./training/trainer.ts";
import { Encoding, labelsOf, partOf, partsOfAssignments } from "./training/whole_pass.ts";

/** Name of the variable [height, width] by which `load` knows the images. */
const IMAGE_SIZE = "image size";

/** The reconstruction's terms: scalars. */
export interface ReconstructionLosses {
  /** mean (x̂ − x)², over batch and pixels in [−1, 1] */
  readonly image: Tensor;
  /** λ·Σ_l mean (d_l − h_l)² */
  readonly hidden: Tensor;
  /** Their sum. */
  readonly total: Tensor;
}

/**
 * The reconstruction loss in the form of the authors' code: means over batch and features, and the
 * clean activations are targets with a gradient.
 * @param images x in [−1, 1]. @param clean Of x. @param decoded Of the noisy code. @param weight λ.
 */
export function reconstructionLosses(
  images: Tensor,
  clean: Pick<Encoded, "h1" | "h2">,
  decoded: Decoded,
  weight: number,
): ReconstructionLosses {
  const image = meanSquaredError(decoded.images, images);
  const layers = add(
    meanSquaredError(decoded.d1, clean.h1),
    meanSquaredError(decoded.d2, clean.h2),
  );
  const hidden = scale(layers, weight);
  return { image, hidden, total: add(image, hidden) };
}

/**
 * −Σ_k q_ik·log p_ik, the mean over rows, with p = softmax of the logits.
 * @param q Targets, [n, K]. @param logits Of the noisy path, [n, K].
 */
export function crossEntropy(q: Tensor, logits: Tensor): Tensor {
  return scale(sum(mul(q, logSoftmax(logits))), -1 / q.shape[0]);
}

/** Deep embedded regularized clustering of images; labels are the largest p. */
export class DEPICT extends NetworkEstimator<DEPICTOptions, ConvolutionalAutoencoder> {
  private head?: Head;

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode DEPICT_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DEPICTOptions> = {}) {
    const resolved = resolveOptions("depict", DEPICT_OPTIONS, {}, { ...options });
    super(
      { ...resolved, latent: resolved.latent || resolved.clusters } as unknown as DEPICTOptions,
    );
  }

  /** The network for images, and the softmax layer on its code. */
  protected override network(
    state: State,
    { height, width }: SampleShape,
  ): ConvolutionalAutoencoder {
    if (height === undefined || width === undefined) {
      throw new RangeError(
        "depict: the samples must be images; give their height and width, whose product is d",
      );
    }
    const { channels, latent, seed } = this.options;
    const data = Uint32Array.of(height, width);
    state.variable(IMAGE_SIZE, [2], { dtype: "u32", data });
    this.head = new Head(state, this.options);
    return new ConvolutionalAutoencoder(state, { height, width, channels, latent }, seed);
  }

  /** The size of the images. */
  protected override shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined {
    const size = variables.get(IMAGE_SIZE);
    if (size === undefined) return undefined;
    const [height, width] = size.data;
    return { d: height * width, height, width };
  }

  /** p of codes [n, p]: [n, K]. */
  protected override affinity(codes: Tensor): Tensor {
    return softmax(this.head!.logits(codes));
  }

  /** Pre-trains; learns the labels of k-means on the code; then trains itself. */
  protected override async train(
    fitting: Fitting<ConvolutionalAutoencoder>,
  ): Promise<FitResult> {
    const { training, net, rows, samples, truth } = fitting;
    const { options } = this;
    const { state, backend, context: { signal, pretrained } } = training;
    const { clusters, latent, nInit, seed } = options;
    const head = this.head!;
    if (pretrained && pretrained.variables.get("encoder.0.weight")?.shape.length !== 4) {
      throw new RangeError(
        "depict: the pre-trained network must be a convolutional one, of another run of depict; " +
          "the one given is fully connected",
      );
    }
    const pretraining = new Reconstruction(fitting, options);
    const centroids = state.variable(CENTROIDS, [clusters, latent]);
    const pretrainedLabels = state.variable("pre-trained labels", [samples.n], { dtype: "u32" });
    const predictions = new Predictions(state, samples.n, clusters, centroids);
    const labelling = new Stage("labels of k-means", fitting, head, predictions, options);
    const selfTraining = new Stage("clustering", fitting, head, predictions, options);
    training.restore();

    await pretrainUnlessGiven(training, net.parameters, () => pretraining.run(fitting));
    using encoding = await Encoding.create(rows, (x) => net.encode(x), latent, net.passRows);
    await training.once("k-means on the pre-trained code", async () => {
      await encoding.run();
      const found = await encoding.cluster({ clusters, nInit, seed, run: 0, signal });
      head.start(found.centroids);
      predictions.start(found.labels);
      pretrainedLabels.write(found.labels);
      return null;
    });
    const first = await pretrainedLabels.read() as Uint32Array;
    const logScores = (labels: Uint32Array) => truth ? score(truth, labels) : {};
    const affinity = (codes: Tensor) => this.affinity(codes);
    const predictAll = async () => {
      signal?.throwIfAborted();
      await encoding.run();
      await predictions.predict(encoding.codes, affinity);
    };

    // What is best so far, and the epochs since.
    const agreement = training.host.depict ??= { best: -1, epochs: 0 };
    const progress = agreement as { best: number; epochs: number };
    await labelling.run(options.labelSteps, async (step) => {
      if (step === 0) return { row: {} };
      const labels = await predictions.labels();
      const nmi = normalizedMutualInformation(first, labels);
      progress.epochs = nmi > progress.best ? 0 : progress.epochs + 1;
      progress.best = Math.max(progress.best, nmi);
      const row = { agreement: nmi, ...logScores(labels) };
      if (progress.epochs < options.patience) return { row };
      return { row, stop: `${options.patience} epochs without better agreement` };
    });
    await training.once("first predictions", async () => {
      await predictAll();
      return null;
    });
    using refresh = await predictions.traceRefresh();
    const end = await selfTraining.run(options.steps, async (step) => {
      refresh.run();
      const { change: [change] } = await refresh.read();
      const row = logScores(await predictions.labels());
      if (step === 0) return { row };
      const known = { targetChange: change, ...row };
      if (change >= options.tol) return { row: known };
      return { row: known, stop: `targets changed by ${change}, below tol ${options.tol}` };
    });
    await training.once("centroids", async () => {
      await predictAll();
      await predictions.moveCentroids(encoding.codes);
      return null;
    });
    await encoding.run();
    const labels = await labelsOf(encoding.codes, centroids, affinity);
    const [codes, centres] = await backend.read([encoding.codes.region, centroids.region]);
    const clusterCenters = Float32Array.from(centres);
    return {
      labels,
      clusterCenters,
      embedding: Float32Array.from(codes),
      embeddingSize: latent,
      prototypes: await net.draw(clusterCenters),
      nIter: end.steps,
      stopReason: end.stopReason,
      history: training.history,
      partitions: { "k-means on the pre-trained code": first },
    };
  }
}

/** The softmax layer on the code. */
class Head {
  /** Weight and bias, in an arena of their own. */
  readonly parameters: Parameters;
  private readonly layer: Dense;

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
class Predictions {
  /** p of each row when it was last met, [N, K]. */
  readonly values: Variable;
  /** q, [N, K]. */
  readonly targets: Variable;

  constructor(state: State, rows: number, clusters: number, private readonly centroids: Variable) {
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

  /** Each cluster's mean code, of codes [N, p] weighted by the predictions, becomes its centroid. */
  async moveCentroids(codes: Variable): Promise<void> {
    using program = await trace(codes.backend, () => {
      const weights = maximum(sum(this.values, 0, 1), constant(SMALLEST_NORMAL));
      const sums = matmulTransposeA(this.values, codes);
      assign(this.centroids, div(sums, reshape(weights, [weights.size, 1])));
      return {};
    }, "centroids");
    program.run();
  }

  private get parts(): { first: number; count: number }[] {
    return partsOfAssignments(this.values.shape[0], this.values.shape[1]);
  }
}

/** The autoencoder's part of a step: both paths, and the loss of what they say of each other. */
function passes(
  net: ConvolutionalAutoencoder,
  x: Tensor,
  step: Tensor,
  { dropout: rate, hiddenWeight, seed }: DEPICTOptions,
): { clean: Encoded; noisy: Encoded; losses: ReconstructionLosses } {
  const images = net.images(x);
  const clean = net.encodeLayers(images);
  const streams = [STREAM.inputDropout, STREAM.hiddenDropout];
  const noisy = net.encodeLayers(
    images,
    (x, layer) => dropout(x, rate, step, { seed, stream: streams[layer] }),
  );
  const losses = reconstructionLosses(images, clean, net.decodeLayers(noisy.z), hiddenWeight);
  return { clean, noisy, losses };
}

/** Pre-training: the autoencoder alone. */
class Reconstruction {
  private readonly phase: PretrainingPhase;

  constructor(
    { training, net }: Fitting<ConvolutionalAutoencoder>,
    private readonly options: DEPICTOptions,
  ) {
    this.phase = new PretrainingPhase(training, {
      name: "pre-training",
      prefix: "pretraining",
      steps: options.pretrainSteps,
      parameters: { pretraining: net.parameters },
      terms: ["image", "hidden"],
    }, {
      ...options,
      pretrainOptimizer: "adam",
      pretrainMomentum: 0,
      pretrainDropSteps: 0,
      batchOrder: "shuffled",
    });
  }

  run({ net, rows }: Fitting<ConvolutionalAutoencoder>): Promise<PhaseEnd> {
    const { phase, options } = this;
    return phase.run(rows, (x) => {
      const { losses } = passes(net, x, phase.step, options);
      phase.minimize(losses.total);
      phase.finish([losses.image, losses.hidden]);
    });
  }
}

/** A stage of clustering: network and head learn targets, and the clean path's predictions are kept. */
class Stage {
  private readonly step: Variable;
  private readonly losses: Variable;
  private readonly optimizers: readonly Optimizer[];

  constructor(
    private readonly name: string,
    private readonly fitting: Fitting<ConvolutionalAutoencoder>,
    private readonly head: Head,
    private readonly predictions: Predictions,
    private readonly options: DEPICTOptions,
  ) {
    const { training: { state }, net } = fitting;
    const { learningRate, adamEpsilon: epsilon } = options;
    this.step = state.variable(`${name} step`, [1], { dtype: "u32" });
    this.losses = state.variable(`${name} losses`, [3]);
    const blocks: Record<string, ParameterBlock> = {
      network: net.parameters,
      head: head.parameters,
    };
    this.optimizers = Object.entries(blocks).map(([block, parameters]) =>
      new Adam(state, `${name}, ${block} adam`, parameters, {
        learningRate,
        epsilon,
        step: this.step,
      })
    );
  }

  /** @param check Looks at the predictions of the last epoch, after every epoch. */
  async run(
    steps: number,
    check: (step: number) => Promise<{ readonly row: LogRow; readonly stop?: string }>,
  ): Promise<PhaseEnd> {
    const { training, rows } = this.fitting;
    const { batchSize, seed } = this.options;
    const batches = { batchSize, order: "sequential", seed, step: this.step } as const;
    using programs = await BatchPrograms.trace(
      training.backend,
      rows,
      batches,
      this.name,
      (x, numbers) => {
        this.traceStep(x, numbers);
        return {};
      },
    );
    return await training.run({
      name: this.name,
      steps,
      interval: Math.ceil(rows.total / batchSize),
      losses: this.losses,
      terms: ["clustering", "image", "hidden"],
      programAt: (step) => programs.at(step),
      check,
    });
  }

  /** Inside `trace`: one step on the batch x [n, d] of the rows `numbers`, u32 [n]. */
  private traceStep(x: Tensor, numbers: Tensor): void {
    const { fitting: { net }, head, predictions } = this;
    const { clean, noisy, losses } = passes(net, x, this.step, this.options);
    scatterRows(predictions.values, numbers, softmax(head.logits(clean.z)));
    const q = gather(Table.of(predictions.targets), numbers);
    const clustering = crossEntropy(q, head.logits(noisy.z));
    minimizeTogether(add(clustering, losses.total), this.optimizers);
    [clustering, losses.image, losses.hidden].forEach((term, i) =>
      accumulate(this.losses, i, term)
    );
    advance(this.step);
  }
}

/** A network and a head for the audit, on images of both odd and even sides. */
function auditedNetwork(scene: AuditScene) {
  const { state, seed } = scene;
  const sizes = { height: 5, width: 4, channels: 2, latent: 3 };
  const net = new ConvolutionalAutoencoder(state, sizes, seed, "convolutional ");
  const head = new Head(state, { latent: 3, clusters: AUDIT_CLUSTERS, seed });
  const targets = [...net.parameters.variables, ...head.parameters.variables];
  scene.unsettle(targets);
  const x = scene.drawn("images", [AUDIT_ROWS, net.sizes.inputs], 0, 1);
  const losses = () => {
    const images = net.images(x);
    const noisy = net.encodeLayers(images, (x) => scale(x, 0.8));
    const clean = net.encodeLayers(images);
    return { noisy, ...reconstructionLosses(images, clean, net.decodeLayers(noisy.z), 0.1) };
  };
  return { net, head, targets, losses };
}

/** DEPICT's losses, for the gradient audit. */
const LOSSES: Method["losses"] = {
  reconstruction(scene) {
    const { net, losses } = auditedNetwork(scene);
    return { targets: net.parameters.variables, loss: () => losses().total };
  },
  clustering(scene) {
    const { head, targets, losses } = auditedNetwork(scene);
    const q = scene.drawn("targets", [AUDIT_ROWS, AUDIT_CLUSTERS], 0, 1);
    const loss = () => {
      const { noisy, total } = losses();
      return add(crossEntropy(q, head.logits(noisy.z)), total);
    };
    return { targets, loss };
  },
};

/** DEPICT's row in the registry. */
export const DEPICT_METHOD: Method = {
  name: "depict",
  summary: "Convolutional denoising autoencoder; a softmax trained on its sharpened predictions",
  citation: "Dizaji et al., Deep Clustering via Joint Convolutional Autoencoder Embedding and " +
    "Relative Entropy Minimization, ICCV 2017, arXiv 1704.06363",
  options: DEPICT_OPTIONS,
  profiles: DEPICT_PROFILES,
  losses: LOSSES,
  labelsAreNearest: false,
  needsImages: true,
  create: (options) => new DEPICT(options as unknown as DEPICTOptions),
};
