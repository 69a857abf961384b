/**
 * The supervised Clustering Module: an encoder's classifier whose codes are drawn to the centroids of
 * their classes, with the labels of all rows or of a few.
 *
 * Sources: slides of AE-CM's authors, whose formulas are not printed, and SuperCM (arXiv 2506.23824,
 * 2507.13779), of which the abstracts and a public review were read. From these are: the module as a
 * head, no decoder, and centroids that are moving averages of the labelled rows' class means. The
 * rest is interpretation: the loss's weighing, the centroids' start at the class means of the
 * pre-trained code, batches of labelled rows beside batches of all rows, and every default.
 */
import type { Backend } from "../engine/backend/backend.ts";
import { Dense, glorotUniform, Parameters } from "../engine/network/module.ts";
import { add, div, minimum, mul, sub } from "../engine/ops/binary.ts";
import { broadcastTo, sum } from "../engine/ops/sum.ts";
import { assign } from "../engine/ops/call.ts";
import { constant } from "../engine/ops/constant.ts";
import { matmulTransposeA } from "../engine/ops/matmul.ts";
import { batchRows } from "../engine/ops/random.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import type { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type LossAudit } from "./audit_scene.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { planBatches } from "./training/batches.ts";
import {
  clustered,
  clusteringLosses,
  type ClusteringWeights,
} from "./networks/clustering_module.ts";
import { DeepEstimator, type Fitting, type Trained } from "./training/deep_estimator.ts";
import { Descent } from "./training/descent.ts";
import {
  type Checkpoint,
  type FitContext,
  type FitResult,
  type LogRow,
  type Samples,
  valuesOf,
} from "./estimator.ts";
import { crossEntropy } from "./losses.ts";
import { type Method, namedSpecs } from "./method.ts";
import { type OptionValues, resolveOptions } from "./options.ts";
import { augmentationFor, Pretraining } from "./training/pretraining.ts";
import { Rows } from "./training/rows.ts";
import {
  SUPERVISED_CM_OPTIONS,
  SUPERVISED_CM_PROFILES,
  type SupervisedCMOptions,
} from "./supervised_cm_options.ts";
import { Encoding } from "./training/whole_pass.ts";

/**
 * μ_k ← m·μ_k + (1 − m)·mean{z_i : y_i = k}; a class that the batch lacks stays where it is.
 * @param centroids μ, [K, p]. @param z Labelled codes, [n, p]. @param y One-hot, [n, K].
 * @param momentum m.
 * @returns [K, p]
 */
export function movedCentroids(
  centroids: Tensor,
  z: Tensor,
  y: Tensor,
  momentum: number,
): Tensor {
  const [k, p] = centroids.shape;
  const counts = sum(y, 0, 1);
  const rows = (perClass: Tensor) => broadcastTo(reshape(perClass, [k, 1]), [k, p]);
  // 1 for classes in the batch, 0 for others, whose mean is never used.
  const present = minimum(counts, broadcastTo(constant(1), [k]));
  const divisor = add(counts, affine(present, -1, 1));
  const means = div(matmulTransposeA(y, z), rows(divisor));
  return add(centroids, mul(rows(scale(present, 1 - momentum)), sub(means, centroids)));
}

/** The supervised module's loss and its terms: scalars. */
export interface SupervisedLosses {
  /** Cross-entropy of the labelled rows. */
  readonly crossEntropy: Tensor;
  /** E1 + E2 + E3 + E4 of the module, times w; absent where w is 0. */
  readonly clustering?: Tensor;
  /** Their sum. */
  readonly total: Tensor;
}

/**
 * L = L_sup + w·L_CM.
 * @param labelled Logits and one-hot labels, [n, K]. @param all Codes z [m, p], their logits [m, K] and
 *   the centroids [K, p], of which L_CM is made.
 */
export function supervisedLosses(
  labelled: { readonly logits: Tensor; readonly y: Tensor },
  all: { readonly z: Tensor; readonly logits: Tensor; readonly centroids: Tensor } | undefined,
  { weight, ...weights }: ClusteringWeights & { readonly weight: number },
): SupervisedLosses {
  const entropy = crossEntropy(labelled.y, labelled.logits);
  if (!all) return { crossEntropy: entropy, total: entropy };
  const parts = clustered(softmax(all.logits), all.centroids);
  const clustering = scale(clusteringLosses(all.z, parts, weights).total, weight);
  return { crossEntropy: entropy, clustering, total: add(entropy, clustering) };
}

/** The estimator behind {@linkcode SupervisedCM}: it trains with the labels that it was given last. */
class SupervisedNetwork extends DeepEstimator<SupervisedCMOptions> {
  override readonly name = "supervised-cm";
  /** Of the samples to fit, −1 where there is none. */
  labels: ArrayLike<number> = [];
  private head!: Dense;
  private headParameters!: Parameters;

  /** γ = softmax(zV + c). */
  protected override prepare(state: State): void {
    const { latent, clusters, seed } = this.options;
    this.head = new Dense(latent, clusters, { initializer: glorotUniform });
    this.headParameters = new Parameters(state, { head: this.head }, seed);
  }

  protected override affinity(codes: Tensor): Tensor {
    return softmax(this.head.apply(codes));
  }

  /** γ. */
  protected override softAssignment(codes: Tensor): Tensor {
    return this.affinity(codes);
  }

  /** It trains the encoder alone. */
  protected override get keepsDecoder(): boolean {
    return false;
  }

  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, samples, centroids, label, resources } = fitting;
    const { options, head, labels } = this;
    const { backend, context: { truth } } = training;
    const { weight, batchSize, seed } = options;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = new Pretraining(training, net, augmentation, options);
    const known = resources.use(new LabelledRows(backend, samples, labels, options));
    const isWhole = known.rows.total === rows.total;
    const descent = new Descent<string>(training, {
      ...options,
      name: "classification",
      parameters: { encoder: net.encoderParameters, head: this.headParameters },
      terms: ["crossEntropy", ...weight > 0 ? ["clustering"] : []],
      averaging: false,
      epsilon: options.adamEpsilon,
      interval: options.checkInterval,
    });
    training.restore();
    await pretraining.run(rows);
    await training.once("centroids", () => this.start(net, known, centroids));

    const { lastCount: count, ...plan } = planBatches(rows.total, batchSize, "shuffled", seed);
    const end = await descent.run(known.rows, ({ x, numbers, step }) => {
      const y = gather(known.y, numbers);
      const z = net.encode(x);
      const logits = head.apply(z);
      const moved = this.move(centroids, z, y);
      if (weight === 0) return { ...supervisedLosses({ logits, y }, undefined, options) };
      const own = { z, logits, centroids: moved };
      if (isWhole) return { ...supervisedLosses({ logits, y }, own, options) };
      const others = net.encode(rows.batch(batchRows(step, { ...plan, count })));
      const all = { z: others, logits: head.apply(others), centroids: moved };
      return { ...supervisedLosses({ logits, y }, all, options) };
    }, async () => {
      const row: LogRow = truth
        ? { heldOutAccuracy: heldOutAccuracy(truth, await label(), labels) }
        : {};
      return { row };
    });
    return { end };
  }

  /** Class means of the labelled codes, or the first K unit vectors. */
  private async start(
    net: Autoencoder,
    { rows, labels }: LabelledRows,
    centroids: Variable,
  ): Promise<null> {
    const { clusters, latent } = this.options;
    const start = new Float32Array(clusters * latent);
    if (this.options.centroids === "orthonormal") {
      for (let k = 0; k < clusters; k++) start[k * latent + k] = 1;
    } else {
      using encoding = await Encoding.create(rows, (x) => net.encode(x), latent);
      await encoding.run();
      const codes = await encoding.codes.read();
      const counts = new Uint32Array(clusters);
      for (const label of labels) counts[label]++;
      codes.forEach((value: number, i: number) => {
        const label = labels[Math.floor(i / latent)];
        start[label * latent + i % latent] += value / counts[label];
      });
    }
    centroids.write(start);
    return null;
  }

  /** Inside `trace`: the centroids after this batch, which become the variable's. */
  private move(centroids: Variable, z: Tensor, y: Tensor): Tensor {
    const { momentum, centroidGradient } = this.options;
    if (this.options.centroids === "orthonormal") return centroids;
    const moved = movedCentroids(centroids, z, y, momentum);
    assign(centroids, moved);
    return centroidGradient ? moved : stopGradient(moved);
  }
}

/** The rows whose labels are known, with these. */
class LabelledRows {
  readonly rows: Rows;
  /** One-hot, [L, K]. */
  readonly y: Table;
  /** [L] */
  readonly labels: Uint32Array;

  constructor(
    backend: Backend,
    samples: Samples,
    labels: ArrayLike<number>,
    { clusters }: SupervisedCMOptions,
  ) {
    const data = valuesOf(samples, "supervised-cm");
    const { n, d } = samples;
    const places = Array.from({ length: n }, (_, i) => i).filter((i) => labels[i] >= 0);
    const x = new Float32Array(places.length * d);
    const y = new Float32Array(places.length * clusters);
    places.forEach((place, i) => {
      x.set(data.subarray(place * d, (place + 1) * d), i * d);
      y[i * clusters + labels[place]] = 1;
    });
    this.labels = Uint32Array.from(places, (place) => labels[place]);
    this.rows = Rows.of(Table.upload(backend, "labelled", x, places.length, d));
    this.y = Table.upload(backend, "labels", y, places.length, clusters);
  }

  [Symbol.dispose](): void {
    this.rows.dispose();
    this.y.dispose();
  }
}

/**
 * Labels of a share of the rows, the others' being −1: each class's rows in a random order, of which
 * the first keep their label.
 * @param truth Classes, [n], in [0, classes), or −1 where none is known.
 * @param keep How many of a class's `count` rows.
 */
export function drawLabels(
  truth: ArrayLike<number>,
  classes: number,
  seed: number,
  keep: (count: number) => number,
): Int32Array {
  const members = Array.from({ length: classes }, (): number[] => []);
  for (let i = 0; i < truth.length; i++) if (truth[i] >= 0) members[truth[i]].push(i);
  const random = new RandomStream(seed, STREAM.labels);
  const labels = new Int32Array(truth.length).fill(-1);
  members.forEach((rows, label) => {
    const count = Math.min(keep(rows.length), rows.length);
    for (let i = 0; i < count; i++) {
      const other = i + random.below(rows.length - i);
      [rows[i], rows[other]] = [rows[other], rows[i]];
      labels[rows[i]] = label;
    }
  });
  return labels;
}

/**
 * Share of the rows of known class and without a label whose class is predicted right; null where there
 * are none.
 * @param truth [n], −1 where none is known. @param predicted [n]. @param labels [n], −1 for none.
 */
export function heldOutAccuracy(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
): number | null {
  let [right, all] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] >= 0 || truth[i] < 0) continue;
    all++;
    if (predicted[i] === truth[i]) right++;
  }
  return all === 0 ? null : right / all;
}

/**
 * A classifier: an encoder, pre-trained or fresh, with the Clustering Module as its head. It is no
 * {@linkcode Estimator}: labels train it.
 */
export class SupervisedCM {
  private readonly network: SupervisedNetwork;

  /**
   * Checks the options; devices are opened by `fit` and `load`.
   * @param options What differs from the profile `default`; see {@linkcode SUPERVISED_CM_METHOD} for all.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<SupervisedCMOptions> = {}) {
    const all = resolveOptions("supervised-cm", SUPERVISED_CM_OPTIONS, options);
    if (all.centroids === "orthonormal" && all.latent < all.clusters) {
      throw new RangeError(
        `supervised-cm: orthonormal centroids need a latent size of at least the classes, ` +
          `${all.clusters}; got ${all.latent}`,
      );
    }
    this.network = new SupervisedNetwork(all);
  }

  /** All options, as it goes by them. */
  get options(): SupervisedCMOptions {
    return this.network.options;
  }

  /**
   * Trains on samples of which all or some are labelled.
   * @param labels Classes in [0, K), −1 for rows without a label; [n]. Every class needs one.
   * @param context `truth` scores the log's rows, by the rows without a label.
   * @returns Among others the predicted class of every row, `labels`, and the classes' centroids.
   * @throws {RangeError} for samples or labels that do not fit.
   * @throws {TypeError} for samples from a source.
   * @throws {DivergedError} where a loss is not finite.
   * @throws {InterruptedError} where `context.signal` aborts.
   */
  async fit(
    samples: Samples,
    labels: ArrayLike<number>,
    context?: FitContext,
  ): Promise<FitResult> {
    checkLabels(labels, samples.n, this.network.options.clusters);
    this.network.labels = labels;
    return await this.network.fit(samples, context);
  }

  /**
   * Classes of new rows, [n].
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  predict(samples: Samples): Promise<Uint32Array> {
    return this.network.predict(samples);
  }

  /**
   * Probabilities of the classes of new rows, [n, K] row-major.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  predictProba(samples: Samples): Promise<Float32Array> {
    return this.network.predictProba(samples);
  }

  /**
   * Codes of new rows, [n, p] row-major.
   * @throws {TypeError} before fit. @throws {RangeError} for other columns than in training.
   */
  transform(samples: Samples): Promise<Float32Array> {
    return this.network.transform(samples);
  }

  /**
   * Loads encoder and head, so that predict and transform work.
   * @param backend Where to; absent: a device of the model's own, closed by `dispose`.
   * @throws {RangeError} where the checkpoint lacks them or was made with other layers.
   */
  load(checkpoint: Checkpoint, backend?: Backend): Promise<void> {
    return this.network.load(checkpoint, backend);
  }

  /** Frees the variables, and closes the device where the model opened it. */
  dispose(): Promise<void> {
    return this.network.dispose();
  }
}

function checkLabels(labels: ArrayLike<number>, n: number, classes: number): void {
  if (labels.length !== n) {
    throw new RangeError(`supervised-cm: ${n} rows need as many labels, got ${labels.length}`);
  }
  const counts = new Uint32Array(classes);
  for (let i = 0; i < n; i++) {
    const label = labels[i];
    if (!Number.isInteger(label) || label < -1 || label >= classes) {
      throw new RangeError(
        `supervised-cm: labels must be classes from 0 to ${classes - 1}, or -1 for none; ` +
          `that of row ${i} is ${label}`,
      );
    }
    if (label >= 0) counts[label]++;
  }
  const missing = counts.indexOf(0);
  if (missing < 0) return;
  throw new RangeError(
    counts.every((count) => count === 0)
      ? "supervised-cm: no row is labelled; it is not defined without labels: cluster with cm or ae-cm"
      : `supervised-cm: every class needs a labelled row, class ${missing} of ${classes} has none`,
  );
}

/** The loss on the audit's batch, with centroids that follow it or are detached. */
function audited(
  weights: ClusteringWeights,
  centroidGradient: boolean,
): LossAudit {
  return async (scene) => {
    const { net, x, augmented, state, seed } = scene;
    const head = new Dense(AUDIT_SIZES.latent, AUDIT_CLUSTERS, { initializer: glorotUniform });
    const parameters = new Parameters(state, { head }, seed);
    scene.unsettle(parameters.variables);
    const y = scene.drawn("labels", [AUDIT_ROWS, AUDIT_CLUSTERS], 0, 1);
    // The last class is not in the batch.
    y.write(Float32Array.from({ length: y.size }, (_, i) => {
      const [row, k] = [Math.floor(i / AUDIT_CLUSTERS), i % AUDIT_CLUSTERS];
      return row % (AUDIT_CLUSTERS - 1) === k ? 1 : 0;
    }));
    const moved = () => movedCentroids(scene.centroids, net.encode(x), y, 0.5);
    const loss = (centroids: Tensor) => {
      const z = net.encode(augmented);
      const all = { z, logits: head.apply(z), centroids };
      const labelled = { logits: head.apply(net.encode(x)), y };
      return supervisedLosses(labelled, all, { weight: 0.5, ...weights }).total;
    };
    const targets = [...net.encoderParameters.variables, ...parameters.variables];
    if (centroidGradient) return { targets, loss: () => loss(moved()) };
    const frozen = await scene.freeze(() => ({ moved: moved() }));
    return {
      targets,
      loss: () => loss(stopGradient(moved())),
      frozen: () => loss(frozen.moved),
    };
  };
}

/** What the command line and the audit know of it; it is no method of the registry. */
export const SUPERVISED_CM_METHOD:
  & Pick<Method, "name" | "summary" | "citation" | "options" | "profiles" | "losses">
  & { create(options: Readonly<Partial<OptionValues>>): SupervisedCM } = {
    name: "supervised-cm",
    summary: "A classifier with the Clustering Module as its head, for all labels or a few",
    citation: "After SuperCM, arXiv 2506.23824",
    options: namedSpecs(SUPERVISED_CM_OPTIONS),
    profiles: SUPERVISED_CM_PROFILES,
    losses: {
      "means, detached centroids": audited({ prior: 1.1, normalize: true }, false),
      "sums, centroids that follow": audited({ prior: 3, normalize: false }, true),
    },
    create: (options) => new SupervisedCM(options as Partial<SupervisedCMOptions>),
  };
