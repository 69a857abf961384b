/**
 * DynAE: Deep Clustering with a Dynamic Autoencoder (Mrabah, Khan, Ksantini, Lachiri;
 * arXiv 1901.07752, Neural Networks 130, 2020).
 *
 * An autoencoder is pre-trained on augmented images. Then, sample by sample, the loss moves from
 * reconstruction to construction: a confident ("unconflicted") sample is pulled to its centroid, in
 * the code and as the centroid's image; a conflicted one is reconstructed. When the number of
 * conflicted samples stops falling, the centroids are computed again and the thresholds drop.
 */
import { add } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { confidence, selectTarget, softAssign } from "../engine/ops/assignment.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import { Sgd } from "../engine/optim.ts";
import { trace } from "../engine/program.ts";
import { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { type Augmentation, BatchPrograms } from "./training/batches.ts";
import { Critic } from "./networks/critic.ts";
import { CENTROIDS, DeepEstimator, type Fitting } from "./training/deep_estimator.ts";
import type { FitResult, LogRow } from "./estimator.ts";
import {
  type ComparedLosses,
  FeatureDiagnostics,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import { momentsOf, nearestRows } from "./shallow/kmeans.ts";
import {
  DYNAE_OPTIONS,
  DYNAE_PROFILES,
  type DynAEOptions,
  type ThresholdSchedule,
} from "./dynae_options.ts";
import { type OptionValue, resolveOptions } from "./options.ts";
import { augmentationFor, Pretraining, pretrainingLosses } from "./training/pretraining.ts";
import type { Method } from "./method.ts";
import { scoreBySubset } from "./evaluation/scoring.ts";
import { Assignment, Encoding } from "./training/whole_pass.ts";

/** Restarts of k-means where it only scores a code, as in the authors' notebook. */
const SCORING_RESTARTS = 20;

/**
 * A code is not stretched further than this: the largest stable step of SGD falls with the square of
 * the factor, and a code that would need more has hardly been trained.
 */
const MOST_CODE_FACTOR = 4;

/** Thresholds and counts: the host's part of the clustering phase. */
interface Schedule {
  /** κ/K */
  kappa: number;
  beta1: number;
  beta2: number;
  /** ∇κ/K, by which the thresholds drop next. */
  drop: number;
  /** Conflicted samples at the last check; N before the first. */
  conflicted: number;
  /** Computations of the centroids so far. */
  updates: number;
}

/**
 * The thresholds after a drop, and what the next drop will be; kappa and drop as shares of K. From
 * (β1, β2) = (.30, .15) the code's go to (.21, .06), (.12, −.03), where every sample is unconflicted,
 * and the paper's to (.21, .06), (.183, .033), (.175, .025), never so far.
 */
export function dropThresholds(
  { kappa, beta1, beta2, drop }: Pick<Schedule, "kappa" | "beta1" | "beta2" | "drop">,
  schedule: ThresholdSchedule,
): { kappa: number; beta1: number; beta2: number; drop: number } {
  if (schedule === "paper") {
    const step = 0.3 * kappa;
    return { kappa: step, beta1: beta1 - step, beta2: beta2 - step, drop: 0.3 * step };
  }
  // The code drops by ∇κ as it was, then sets ∇κ from κ before κ itself.
  return { kappa: 0.3 * kappa, beta1: beta1 - drop, beta2: beta2 - drop, drop: 0.3 * kappa };
}

/** What a batch is compared with: constants of the gradient. */
export interface DynamicTargets {
  /** t: the centroid where unconflicted, else f of the sample itself; [n, p]. */
  readonly code: Tensor;
  /** r: the centroid's image where unconflicted, else the sample itself; [n, d]. */
  readonly image: Tensor;
}

/**
 * DynAE's targets (eq. 6 to 8) of samples x with codes f(x).
 * @param x [n, d]. @param codes [n, p]. @param centroids C [K, p]. @param images G = g(C) of the
 *   last update, [K, d]. @param thresholds [2] = (β1, β2).
 */
export function dynamicTargets(
  x: Tensor,
  codes: Tensor,
  { centroids, images, thresholds }: {
    readonly centroids: Tensor;
    readonly images: Tensor;
    readonly thresholds: Tensor;
  },
): DynamicTargets {
  const { labels, mask } = confidence(softAssign(codes, centroids), thresholds);
  return {
    code: stopGradient(selectTarget(centroids, labels, mask, codes)),
    image: stopGradient(selectTarget(images, labels, mask, x)),
  };
}

/** The dynamic loss and its terms: scalars. */
export interface DynamicLosses {
  /** A = mean (f(x̃) − t)² */
  readonly code: Tensor;
  /** B = mean (g(f(x̃)) − r)² */
  readonly image: Tensor;
  /** A + γ·B */
  readonly total: Tensor;
}

/**
 * DynAE's loss on a batch (eq. 9 to 12, in the form of the code: means over batch and features).
 * @param z f(x̃), [n, p]. @param targets Of the same samples. @param gamma γ.
 */
export function dynamicLosses(
  net: Pick<Autoencoder, "decode">,
  z: Tensor,
  targets: DynamicTargets,
  gamma: number,
): DynamicLosses {
  const code = meanSquaredError(z, targets.code);
  const image = meanSquaredError(net.decode(z), targets.image);
  return { code, image, total: add(code, scale(image, gamma)) };
}

/** Deep clustering with a dynamic autoencoder; scikit-learn's contract. */
export class DynAE extends DeepEstimator<DynAEOptions> {
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode DYNAE} for all of them.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DynAEOptions> = {}) {
    super(
      resolveOptions(
        "dynae",
        DYNAE_OPTIONS,
        {},
        options as Record<string, OptionValue>,
      ) as unknown as DynAEOptions,
    );
  }

  /** Pre-trains, then clusters; k-means on the code before and after goes into `partitions`. */
  protected override async train(fitting: Fitting): Promise<FitResult> {
    const { training, net, rows, samples, truth } = fitting;
    const { options } = this;
    const { state } = training;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = new Pretraining(training, net, augmentation, options);
    const pretrainedLabels = state.variable("pre-trained labels", [samples.n], { dtype: "u32" });
    const clustering = new Clustering(fitting, augmentation, options);
    training.restore();
    const { clusters, seed } = options;
    const { signal } = training.context;
    const scoring = { clusters, nInit: SCORING_RESTARTS, seed, signal };

    await pretraining.run(rows);
    using encoding = await Encoding.create(rows, (x) => net.encode(x), options.latent);
    await training.once("k-means on the pre-trained code", async () => {
      await encoding.run();
      pretrainedLabels.write((await encoding.cluster({ ...scoring, run: 0 })).labels);
      return null;
    });
    const end = await clustering.run(encoding, truth);
    await encoding.run();
    const again = await encoding.cluster({ ...scoring, run: 1 });
    const [labels, pretrained, codes, centres, images] = await training.backend.read(
      [clustering.labels, pretrainedLabels, encoding.codes, clustering.centroids, clustering.images]
        .map((variable) => variable.region),
    );
    return {
      labels: labels as Uint32Array,
      clusterCenters: Float32Array.from(centres),
      embedding: Float32Array.from(codes),
      embeddingSize: options.latent,
      prototypes: Float32Array.from(images),
      nIter: end.steps,
      stopReason: end.stopReason,
      history: training.history,
      partitions: {
        "k-means on the pre-trained code": pretrained as Uint32Array,
        "k-means on the final code": again.labels,
      },
    };
  }
}

/** The clustering phase: its variables, its step, its check. */
export class Clustering {
  /** C, [K, p]. */
  readonly centroids: Variable;
  /** G, [K, d]: the centroids' images at their last update. */
  readonly images: Variable;
  /** Labels at the last check, u32 [N]. */
  readonly labels: Variable;
  /** (β1, β2) */
  readonly thresholds: Variable;
  /** Sums of the losses A and B since the last row of the log, [2]. */
  readonly losses: Variable;
  /** Counts the steps, u32 [1]. */
  readonly step: Variable;
  private readonly optimizer: Sgd;

  /** @param fitting What is trained. @param augmentation Of its images. @param options See there. */
  constructor(
    private readonly fitting: Fitting,
    private readonly augmentation: Augmentation | undefined,
    private readonly options: DynAEOptions,
  ) {
    const { training: { state }, samples, net } = fitting;
    const { clusters, latent, learningRate, momentum } = options;
    this.centroids = state.variable(CENTROIDS, [clusters, latent]);
    this.images = state.variable("centroid images", [clusters, samples.d]);
    this.labels = state.variable("labels", [samples.n], { dtype: "u32" });
    this.thresholds = state.variable("thresholds", [2]);
    this.step = state.variable("clustering step", [1], { dtype: "u32" });
    this.losses = state.variable("clustering losses", [2]);
    this.optimizer = new Sgd(state, "clustering sgd", net.parameters, { learningRate, momentum });
  }

  /** The host's part of the state. */
  private get schedule(): Schedule {
    const { host } = this.fitting.training;
    const { kappa } = this.options;
    host.dynae ??= {
      kappa,
      beta1: kappa,
      beta2: kappa / 2,
      drop: 0.3 * kappa,
      conflicted: this.fitting.samples.n,
      updates: 0,
    };
    return host.dynae as unknown as Schedule;
  }

  /** Runs the phase to its end. */
  async run(
    encoding: Encoding,
    truth: ArrayLike<number> | undefined,
  ): Promise<{ steps: number; stopReason: string }> {
    const { training, rows, samples } = this.fitting;
    const { batchSize, seed, steps, checkInterval } = this.options;
    const { backend } = training;
    await training.once("code scale", () => this.standardizeCode(encoding));
    await training.once("centroids", async () => {
      await encoding.run();
      await this.updateCentroids(encoding);
      this.writeThresholds();
      return null;
    });
    using assignment = await Assignment.create(
      encoding.codes,
      this.centroids,
      this.thresholds,
      this.labels,
    );
    // The authors' clustering batches are sequential and unshuffled, the last partial one included.
    const batches = { batchSize, order: "sequential", seed, step: this.step } as const;
    using programs = await BatchPrograms.trace(backend, rows, batches, "clustering", (x) => {
      this.traceStep(x);
      return {};
    });
    using features = await FeatureDiagnostics.trace(
      this.fitting,
      this.options,
      (sample) => this.comparedLosses(sample),
    );
    let share: number | undefined;
    return await training.run({
      name: "clustering",
      steps,
      interval: checkInterval,
      losses: this.losses,
      terms: ["code", "image"],
      programAt: (step) => programs.at(step),
      conflicted: () => share,
      check: async (step) => {
        await encoding.run();
        const { labels, mask, unconflicted } = await assignment.run();
        const conflicted = samples.n - unconflicted;
        share = conflicted / samples.n;
        const { kappa, beta1, beta2, conflicted: before } = this.schedule;
        const row: LogRow = {
          kappa: kappa * this.options.clusters,
          beta1,
          beta2,
          tau: share,
          conflicted,
          unconflicted,
          ...truth ? scoreBySubset(truth, labels, mask) : {},
          ...await features?.measure(labels),
        };
        if (share < this.options.tol) {
          return { row, stop: `${conflicted} conflicted samples, below tol ${this.options.tol}` };
        }
        const update = conflicted >= before && step < steps;
        if (update) {
          await this.updateCentroids(encoding);
          Object.assign(this.schedule, dropThresholds(this.schedule, this.options.schedule));
          this.writeThresholds();
        }
        this.schedule.conflicted = conflicted;
        return { row: { ...row, update } };
      },
    });
  }

  /** Inside `trace`: one step on the batch x [n, d]. */
  traceStep(x: Tensor): void {
    const { net } = this.fitting;
    const augmented = this.augmentation?.apply(x, this.step) ?? x;
    const z = net.encode(augmented);
    const source = this.options.targets === "clean" ? x : augmented;
    const codes = source === augmented ? z : net.encode(source);
    const losses = dynamicLosses(net, z, dynamicTargets(source, codes, this), this.gamma);
    this.optimizer.minimize(losses.total);
    accumulate(this.losses, 0, losses.code);
    accumulate(this.losses, 1, losses.image);
    advance(this.step);
  }

  /** γ: the option, or what its 0 stands for. */
  get gamma(): number {
    const { gamma, latent } = this.options;
    return gamma || (this.augmentation ? 100 : this.fitting.samples.d / latent);
  }

  /** The unconflicted samples' distance to their centroids, and to those of their classes. */
  private comparedLosses({ x, clusters }: SampledRows): ComparedLosses {
    const { net } = this.fitting;
    const z = net.encode(x);
    const { labels, mask } = confidence(softAssign(z, this.centroids), this.thresholds);
    const towards = (labels: Tensor) =>
      meanSquaredError(z, stopGradient(selectTarget(this.centroids, labels, mask, z)));
    return {
      pseudo: towards(labels),
      supervised: towards(clusters),
      reconstruction: meanSquaredError(net.decode(z), x),
    };
  }

  /** Centres the pre-trained code and gives it the standard deviation that is asked for. */
  private async standardizeCode(encoding: Encoding): Promise<null> {
    const { training, net } = this.fitting;
    const { codeScale, latent } = this.options;
    await encoding.run();
    const { means, variances } = momentsOf(await encoding.codes.read(), latent);
    const deviation = Math.sqrt(variances.reduce((a, b) => a + b) / latent);
    const factor = codeScale > 0 ? Math.min(codeScale / deviation, MOST_CODE_FACTOR) : 1;
    if (factor !== 1) await net.standardizeCode(means, factor);
    training.log({ phase: "clustering", step: 0, codeDeviation: deviation, codeFactor: factor });
    return null;
  }

  private writeThresholds(): void {
    const { beta1, beta2 } = this.schedule;
    this.thresholds.write(Float32Array.of(beta1, beta2));
  }

  /** C: the code nearest to each k-means centre; G = g(C). The codes must be up to date. */
  private async updateCentroids(encoding: Encoding): Promise<void> {
    const { training: { backend, context: { signal } }, net } = this.fitting;
    const { schedule } = this;
    // Runs 0 and 1 are those that score codes.
    const run = 2 + schedule.updates;
    const found = await encoding.cluster({ ...this.options, run, signal });
    this.centroids.write(found.centroids);
    const rows = await nearestRows(backend, encoding.table, this.centroids);
    using memory = new State(backend);
    const nearest = memory.variable("nearest", [rows.length], { dtype: "u32", data: rows });
    using program = await trace(backend, () => {
      assign(this.centroids, gather(encoding.table, nearest));
      return {};
    }, "centroids");
    program.run();
    this.images.write(await net.draw(Float32Array.from(await this.centroids.read())));
    schedule.updates++;
  }
}

/** The parts of a scene that its losses need: thresholds between the extremes of q, for both kinds. */
function dynamicScene(scene: AuditScene) {
  const images = scene.drawn("images", [AUDIT_CLUSTERS, AUDIT_SIZES.inputs], 0, 1);
  return { ...scene, images, thresholds: scene.given("thresholds", [0.26, 0.005]) };
}

/** The losses of pre-training with a critic that learns. */
function adversarialScene(scene: AuditScene) {
  const { net, x, state, seed } = scene;
  const critic = new Critic(state, AUDIT_SIZES, seed);
  scene.unsettle(critic.parameters.variables);
  const draw = (high: number, stream: number) =>
    scene.drawn(`coefficients ${stream}`, [AUDIT_ROWS], 0, high);
  const options = {
    critic: "trained",
    interpolationMax: 0.5,
    mixCoefficient: 0,
    pretrainError: "mean",
  } as const;
  const losses = () => {
    const z = net.encode(x);
    return pretrainingLosses(net, critic, x, z, net.decode(z), draw, options);
  };
  return { critic, losses };
}

/** DynAE's losses, for the gradient audit. */
const LOSSES: Method["losses"] = {
  "pre-training, autoencoder": (scene) => {
    const { losses } = adversarialScene(scene);
    const loss = () => {
      const { reconstruction, interpolation } = losses();
      return add(reconstruction, scale(interpolation!, 0.5));
    };
    return { targets: scene.net.parameters.variables, loss };
  },
  "pre-training, critic": (scene) => {
    const { critic, losses } = adversarialScene(scene);
    return { targets: critic.parameters.variables, loss: () => losses().critic! };
  },
  "clustering, clean targets": async (scene) => {
    const { net, x, augmented } = scene;
    const parts = dynamicScene(scene);
    const targets = () => ({ ...dynamicTargets(x, net.encode(x), parts) });
    const frozen = await scene.freeze(targets);
    const loss = (given: DynamicTargets) =>
      dynamicLosses(net, net.encode(augmented), given, 10).total;
    return {
      targets: net.parameters.variables,
      loss: () => loss(targets()),
      frozen: () => loss(frozen),
    };
  },
  "clustering, augmented targets": async (scene) => {
    const { net, augmented } = scene;
    const parts = dynamicScene(scene);
    const targets = (z: Tensor) => ({ ...dynamicTargets(augmented, z, parts) });
    const frozen = await scene.freeze(() => targets(net.encode(augmented)));
    const loss = (given?: DynamicTargets) => {
      const z = net.encode(augmented);
      return dynamicLosses(net, z, given ?? targets(z), 10).total;
    };
    return { targets: net.parameters.variables, loss: () => loss(), frozen: () => loss(frozen) };
  },
};

/** DynAE's row in the registry. */
export const DYNAE: Method = {
  name: "dynae",
  summary: "Dynamic autoencoder: reconstruction gives way to construction, sample by sample",
  citation: "Mrabah et al., Deep Clustering with a Dynamic Autoencoder, arXiv 1901.07752",
  options: DYNAE_OPTIONS,
  profiles: DYNAE_PROFILES,
  losses: LOSSES,
  create: (options) => new DynAE(options as unknown as DynAEOptions),
};
