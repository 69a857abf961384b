/**
 * DynAE: Deep Clustering with a Dynamic Autoencoder (Mrabah, Khan, Ksantini, Lachiri;
 * arXiv 1901.07752, Neural Networks 130, 2020).
 *
 * An autoencoder is pre-trained on augmented images. Then, sample by sample, the loss moves from
 * reconstruction to construction: a confident ("unconflicted") sample is pulled to its centroid, in
 * the code and as the centroid's image; a conflicted one is reconstructed. When the number of
 * conflicted samples stops falling, the centroids are computed again and the thresholds drop.
 */
import { confidence, selectTarget, softAssign } from "../engine/ops/assignment.ts";
import { add } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import { Adam, type Optimizer, Sgd } from "../engine/network/optim.ts";
import { trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import type { LogRow } from "./estimator.ts";
import {
  type ComparedLosses,
  FEATURE_DIAGNOSTICS,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import { ARCHITECTURE_OPTIONS, type Autoencoder } from "./networks/autoencoder.ts";
import { Critic } from "./networks/critic.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { momentsOf, nearestRows } from "./shallow/kmeans.ts";
import type { Augmentation } from "./training/batches.ts";
import type { Fitting, Trained } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator, type JointOptions } from "./training/joint_estimator.ts";
import { type Batch, Phase } from "./training/phase.ts";
import { pretrainingLosses } from "./training/pretraining.ts";
import { DENSE_PRETRAINING, PRETRAINING_OPTIONS } from "./training/pretraining_options.ts";
import type { Report } from "./training/reporting.ts";
import { moveToMeans, Start, START_OPTIONS, type StartOptions } from "./training/start.ts";
import type { Check } from "./training/trainer.ts";
import { Assignment, type Encoding } from "./training/whole_pass.ts";

/** The losses that are logged. */
export type DynAETerm = "code" | "image";

/** How the thresholds drop: as the authors' code does it, or as the paper's algorithm reads. */
export type ThresholdSchedule = "code" | "paper";

/** Options of {@linkcode DynAE}. */
export interface DynAEOptions extends JointOptions, StartOptions {
  /**
   * Unless the partition is k-means': steps in which every sample is pulled to the centroid of its cluster
   * in the partition, so that the encoder learns it, before q decides.
   */
  readonly constructionSteps: number;
  /** Of those steps' Adam, whose rate falls to 0 along a cosine. */
  readonly constructionLearningRate: number;
  /** Of the clustering phase's SGD. */
  readonly learningRate: number;
  /** Of the clustering phase's SGD. */
  readonly momentum: number;
  /** Standard deviation that the pre-trained code is given (and mean 0); 0 keeps it as it is. */
  readonly codeScale: number;
  /**
   * γ: weight of the image term against the code term, both means over batch and features; 0 leaves
   * the image term out. `sums` stands for d/p, which weighs the sums of squares 1 : 1; `auto` for 100
   * where images are augmented (DynAE's notebook), else for d/p: on rows of few features 100 makes SGD
   * diverge.
   */
  readonly gamma: number | "auto" | "sums";
  /** How the thresholds drop. */
  readonly schedule: ThresholdSchedule;
  /** Where assignments and targets come from: clean samples, or the augmented ones. */
  readonly targets: "clean" | "augmented";
  /** κ/K at the start: the first threshold β1; β2 is half of it. */
  readonly kappa: number;
  /** Stops when the share of conflicted samples falls below. */
  readonly tol: number;
  /** Restarts of k-means when the centroids are computed. */
  readonly nInit: number;
}

const CODE = "DynAE's code";

/** Every option: the defaults are the thrifty profile's. */
const OPTIONS: Specs<DynAEOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  pretrainSteps: { ...PRETRAINING_OPTIONS.pretrainSteps, default: 10_000 },
  ...START_OPTIONS,
  partition: {
    ...START_OPTIONS.partition,
    default: "graph",
    source: "thrifty; the paper: kmeans",
  },
  constructionSteps: {
    type: "integer",
    default: 2100,
    min: 0,
    description: "unless the partition is kmeans: steps towards its clusters before q decides",
    unusedWhere: ["partition", "kmeans"],
    source: "thrifty",
  },
  constructionLearningRate: {
    type: "number",
    default: 1e-3,
    min: 0,
    description: "Adam's learning rate for those steps; it falls to 0 along a cosine",
    source: "thrifty; SGD's of the clustering phase leaves rows outside their clusters",
  },
  steps: {
    type: "integer",
    default: 3000,
    min: 0,
    description: "most steps of the clustering phase",
    source: "thrifty; the paper allows 100,000",
  },
  learningRate: {
    type: "number",
    default: 1e-4,
    min: 0,
    description: "of the clustering phase's SGD",
    source:
      "thrifty: 1e-3 (DynAE, section 4) is too large for few steps of pre-training and gamma 100",
  },
  momentum: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 1,
    description: "of the clustering phase's SGD",
    source: "DynAE, section 4",
  },
  codeScale: {
    type: "number",
    default: 1,
    min: 0,
    description: "standard deviation that the pre-trained code is given; 0 keeps it as it is",
    source: "thrifty: long pre-training reaches about 1 by itself, and q depends on the scale",
  },
  gamma: {
    type: "namedNumber",
    names: ["auto", "sums"],
    default: "auto",
    min: 0,
    description:
      "image term's weight against the code term's, as means; sums is d/p, auto 100 for images or d/p",
    source: "DynAE's notebook 100, its class default 1; the paper weighs sums 1 : 1",
  },
  schedule: {
    type: "choice",
    choices: ["code", "paper"],
    default: "code",
    description: "how the thresholds drop",
    source: CODE,
  },
  targets: {
    type: "choice",
    choices: ["clean", "augmented"],
    default: "clean",
    description: "whether assignments and targets come from clean or augmented samples",
    source: CODE,
  },
  kappa: {
    type: "number",
    default: 0.3,
    min: 0,
    max: 1,
    description: "initial kappa as a share of the clusters: the first beta1; beta2 is half of it",
    source: "DynAE, section 4",
  },
  tol: {
    type: "number",
    default: 0.01,
    min: 0,
    max: 1,
    description: "stop when the share of conflicted samples is below this",
    source: "DynAE, section 4",
  },
  checkInterval: {
    type: "integer",
    default: 140,
    min: 1,
    description: "steps between two counts of conflicted samples",
    source: CODE,
  },
  nInit: {
    type: "integer",
    default: 10,
    min: 1,
    description: "restarts of k-means for the centroids",
    source: CODE,
  },
  ...FEATURE_DIAGNOSTICS,
};

/** γ of the authors' notebook. */
const NOTEBOOK_GAMMA = 100;

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
export class DynAE extends JointEstimator<DynAEOptions, DynAETerm> {
  /** Its name in the registry. */
  override readonly name = "dynae";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode DYNAE_METHOD} for all.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DynAEOptions> = {}) {
    super(resolveOptions("dynae", OPTIONS, options));
  }

  /** q, by which samples are told to be conflicted. */
  protected override softAssignment(codes: Tensor, centroids: Tensor): Tensor {
    return softAssign(codes, centroids);
  }

  /** Reconstruction gives way to construction. */
  protected override clustering(
    fitting: Fitting,
    augmentation?: Augmentation,
  ): Clustering<DynAETerm> {
    return new Construction(fitting, augmentation, this.options);
  }
}

/** DynAE's phase: the dynamic loss, and centroids and thresholds that move when it stands still. */
export class Construction implements Clustering<DynAETerm> {
  readonly terms = ["code", "image"] as const;
  // The authors' clustering batches are unshuffled, the last partial one included.
  readonly batchOrder = "sequential" as const;
  readonly first: Start<Autoencoder>;
  readonly start: string;
  /** C, [K, p]. */
  readonly centroids: Variable;
  /** G, [K, d]: the centroids' images at their last update. */
  readonly images: Variable;
  /** (β1, β2) */
  readonly thresholds: Variable;
  /** γ: the option, or what its name stands for. */
  readonly gamma: number;
  /** Labels at the last check, u32 [N]. */
  private readonly labels: Variable;
  /** Clusters of the partition that is constructed, u32 [N, 1]. */
  private readonly constructed?: Variable;
  private readonly construction?: Phase<DynAETerm>;
  private encoding!: Encoding;
  private assignment!: Assignment;

  /** @param fitting What is trained. @param augmentation Of its images. @param options See there. */
  constructor(
    private readonly fitting: Pick<Fitting, "training" | "net" | "samples" | "rows" | "centroids">,
    private readonly augmentation: Augmentation | undefined,
    private readonly options: DynAEOptions,
  ) {
    const { training, net: { parameters }, samples: { n, d }, centroids } = fitting;
    const { state } = training;
    const { clusters, gamma, latent, partition, constructionSteps, batchSize, seed } = options;
    this.first = new Start(fitting, options);
    this.start = this.first.name;
    this.centroids = centroids;
    this.images = state.variable("centroid images", [clusters, d]);
    this.labels = state.variable("labels", [n], { dtype: "u32" });
    this.thresholds = state.variable("thresholds", [2]);
    this.gamma = typeof gamma === "number"
      ? gamma
      : gamma === "auto" && augmentation
      ? NOTEBOOK_GAMMA
      : d / latent;
    if (partition === "kmeans") return;
    this.constructed = state.variable("constructed labels", [n, 1], { dtype: "u32" });
    if (constructionSteps === 0) return;
    const { terms, batchOrder } = this;
    const settings = { name: "construction", terms, batchSize, batchOrder, seed };
    const { adamEpsilon: epsilon, constructionLearningRate: learningRate } = options;
    const adam = { learningRate, epsilon, decaySteps: constructionSteps };
    this.construction = new Phase(
      training,
      settings,
      (step) => [["total", [new Adam(state, "construction adam", parameters, { step, ...adam })]]],
    );
  }

  /** Updates the autoencoder. */
  optimizers(_step: Variable): Optimizer[] {
    const { training: { state }, net } = this.fitting;
    const { learningRate, momentum } = this.options;
    return [new Sgd(state, "clustering sgd", net.parameters, { learningRate, momentum })];
  }

  /** The partition that is constructed first; the published k-means at this place only scores the code. */
  async begin(encoding: Encoding): Promise<Uint32Array> {
    if (!this.constructed) return (await this.scoringKMeans(encoding, 0)).labels;
    const labels = await this.first.find(encoding);
    this.constructed.write(labels);
    return labels;
  }

  /** Gives the code its scale, and the first centroids; traces the count of conflicted samples. */
  async prepare(
    encoding: Encoding,
    resources: DisposableStack,
    report?: Report,
  ): Promise<void> {
    const { fitting: { training, rows }, options, centroids, thresholds, labels } = this;
    this.encoding = encoding;
    await training.once("code scale", async () => {
      await encoding.run();
      await this.standardizeCode(encoding);
      return null;
    });
    const place = async () => {
      await encoding.run();
      await this.updateCentroids(encoding, await this.constructed?.read() as Uint32Array);
      this.writeThresholds();
      return null;
    };
    await training.once("centroids", place);
    this.assignment = resources.use(
      await Assignment.create(encoding.codes, centroids, thresholds, labels),
    );
    const { construction, constructed } = this;
    if (!construction || !constructed) return;
    await construction.run(rows, {
      steps: options.constructionSteps,
      interval: options.checkInterval,
      losses: (batch) => this.constructionLosses(batch, constructed),
      check: async () => {
        if (!report) return { row: {} };
        await encoding.run();
        return { row: await report((await this.assignment.run()).labels) };
      },
    });
    await training.once("centroids of the constructed clusters", place);
  }

  /** A + γ·B of a batch whose samples all are pulled to the centroids of their constructed clusters. */
  private constructionLosses({ x, numbers, step }: Batch, constructed: Variable): DynamicLosses {
    const { fitting: { net }, centroids, images } = this;
    const labels = reshape(gather(Table.of(constructed), numbers), numbers.shape);
    const z = net.encode(this.augmentation?.apply(x, step) ?? x);
    const [code, image] = [centroids, images].map((table) => gather(Table.of(table), labels));
    return dynamicLosses(net, z, { code, image }, this.gamma);
  }

  /** A + γ·B of a batch. */
  losses({ x, step }: Batch): DynamicLosses {
    const { net } = this.fitting;
    const augmented = this.augmentation?.apply(x, step) ?? x;
    const z = net.encode(augmented);
    const source = this.options.targets === "clean" ? x : augmented;
    const codes = source === augmented ? z : net.encode(source);
    return dynamicLosses(net, z, dynamicTargets(source, codes, this), this.gamma);
  }

  /** Counts the conflicted samples; where they no longer fall, centroids and thresholds move. */
  async check(step: number, report?: Report): Promise<Check> {
    const { fitting: { samples: { n } }, encoding, options, schedule } = this;
    await encoding.run();
    const { labels, mask, unconflicted } = await this.assignment.run();
    const conflicted = n - unconflicted;
    const tau = conflicted / n;
    const { kappa, beta1, beta2, conflicted: before } = schedule;
    const row: LogRow = {
      kappa: kappa * options.clusters,
      beta1,
      beta2,
      tau,
      conflicted,
      unconflicted,
      ...await report?.(labels, mask),
    };
    if (tau < options.tol) {
      return { row, stop: `${conflicted} conflicted samples, below tol ${options.tol}` };
    }
    const update = conflicted >= before && step < options.steps;
    if (update) {
      await this.updateCentroids(encoding, labels);
      Object.assign(schedule, dropThresholds(schedule, options.schedule));
      this.writeThresholds();
    }
    schedule.conflicted = conflicted;
    return { row: { ...row, update } };
  }

  /** The unconflicted samples' distance to their centroids, and to those of their classes. */
  compared({ x, clusters }: SampledRows): ComparedLosses {
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

  /** Labels of the last check, the centroids' images then, and k-means on the code in the end. */
  async finish(): Promise<Partial<Trained>> {
    const { encoding, labels, images } = this;
    await encoding.run();
    const again = await this.scoringKMeans(encoding, 1);
    return {
      labels: await labels.read() as Uint32Array,
      prototypes: Float32Array.from(await images.read()),
      partitions: { "k-means on the final code": again.labels },
    };
  }

  /** The host's part of the state. */
  private get schedule(): Schedule {
    const { training: { host }, samples: { n } } = this.fitting;
    const { kappa } = this.options;
    host.dynae ??= {
      kappa,
      beta1: kappa,
      beta2: kappa / 2,
      drop: 0.3 * kappa,
      conflicted: n,
      updates: 0,
    };
    return host.dynae as unknown as Schedule;
  }

  private scoringKMeans(encoding: Encoding, run: number) {
    const { fitting: { training: { context: { signal } } }, options: { clusters, seed } } = this;
    return encoding.cluster({ clusters, nInit: SCORING_RESTARTS, seed, signal, run });
  }

  /** Centres the pre-trained code and gives it the standard deviation that is asked for. */
  private async standardizeCode(encoding: Encoding): Promise<void> {
    const { training, net } = this.fitting;
    const { codeScale, latent } = this.options;
    const { means, variances } = momentsOf(await encoding.codes.read(), latent);
    const deviation = Math.sqrt(variances.reduce((a, b) => a + b) / latent);
    const factor = codeScale > 0 ? Math.min(codeScale / deviation, MOST_CODE_FACTOR) : 1;
    if (factor !== 1) await net.standardizeCode(means, factor);
    training.log({ phase: "clustering", step: 0, codeDeviation: deviation, codeFactor: factor });
  }

  private writeThresholds(): void {
    const { beta1, beta2 } = this.schedule;
    this.thresholds.write(Float32Array.of(beta1, beta2));
  }

  /**
   * C: the code nearest to each centre, of k-means as published, or of the clusters as they are, which
   * restarts of k-means would throw over; G = g(C). The codes must be up to date.
   */
  private async updateCentroids(encoding: Encoding, labels: Uint32Array): Promise<void> {
    const { training: { backend, context: { signal } }, net } = this.fitting;
    const { schedule, options: { clusters, nInit, seed } } = this;
    if (this.options.partition === "kmeans") {
      // Runs 0 and 1 are those that score codes.
      const run = 2 + schedule.updates;
      const found = await encoding.cluster({ clusters, nInit, seed, run, signal });
      this.centroids.write(found.centroids);
    } else {
      await moveToMeans(this.centroids, encoding.codes, labels);
    }
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

/** The parts of a scene that its losses need: thresholds within the range of q, for both kinds. */
function dynamicScene(scene: AuditScene) {
  const images = scene.drawn("images", [AUDIT_CLUSTERS, AUDIT_SIZES.inputs], 0, 1);
  return { ...scene, images, thresholds: scene.given("thresholds", [0.267, 0.0125]) };
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

/** What the paper and its code share. */
const PUBLISHED: Partial<DynAEOptions> = {
  hidden: [500, 500, 2000],
  pretrainSteps: 130_000,
  pretrainLearningRate: 1e-4,
  pretrainDecay: false,
  rotation: 10,
  batchOrder: "sequentialShuffledWithin",
  lambda: 0.5,
  interpolationMax: 1,
  codeScale: 0,
  partition: "kmeans",
  learningRate: 1e-3,
  steps: 100_000,
};

/** What the authors' code does. TensorFlow's Adam has an ε of 1e-8, our default. */
const CODE_VALUES: Partial<DynAEOptions> = {
  ...PUBLISHED,
  critic: "fixed",
  schedule: "code",
  targets: "clean",
  checkInterval: 140,
};

/** DynAE's row in the registry. */
export const DYNAE_METHOD: Method = defineMethod<DynAEOptions>({
  name: "dynae",
  summary: "Dynamic autoencoder: reconstruction gives way to construction, sample by sample",
  citation: "Mrabah et al., Deep Clustering with a Dynamic Autoencoder, arXiv 1901.07752",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description: "what the authors' notebook does, step for step, with its constants: gamma 100",
      values: { ...CODE_VALUES, gamma: NOTEBOOK_GAMMA },
    },
    "official-class": {
      description: "the same with gamma 1, the default of the authors' class",
      values: { ...CODE_VALUES, gamma: 1 },
    },
    paper: {
      description: "as the paper's text reads: trained critic, check at every step, sums as 1 : 1",
      values: {
        ...PUBLISHED,
        critic: "trained",
        // ‖·‖² summed over features, 1 : 1, in terms of means; the rate follows, p times as large.
        gamma: "sums",
        learningRate: 1e-2,
        schedule: "paper",
        targets: "augmented",
        checkInterval: 1,
      },
    },
  },
  losses: LOSSES,
  softAssignment: "the Student-t affinity of the code to the centroids",
  create: (options) => new DynAE(options),
});
