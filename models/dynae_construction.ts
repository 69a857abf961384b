/**
 * DynAE's clustering: where it begins, the dynamic loss, and centroids and thresholds that move when the
 * number of conflicted samples stands still.
 */
import { confidence, selectTarget, softAssign } from "../engine/ops/assignment.ts";
import { assign } from "../engine/ops/call.ts";
import { reshape, stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { Adam, type Optimizer, Sgd } from "../engine/network/optim.ts";
import { trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { type DynamicLosses, dynamicLosses, dynamicTargets } from "./dynae_losses.ts";
import { type DynAEOptions, NOTEBOOK_GAMMA } from "./dynae_options.ts";
import { dropThresholds, type Schedule } from "./dynae_thresholds.ts";
import type { LogRow } from "./estimator.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { momentsOf, nearestRows } from "./shallow/kmeans.ts";
import type { Augmentation } from "./training/batches.ts";
import type { Fitting, Trained } from "./training/deep_estimator.ts";
import type { Clustering } from "./training/joint_estimator.ts";
import { type Batch, Phase } from "./training/phase.ts";
import type { Report } from "./training/reporting.ts";
import { moveToMeans, Start } from "./training/start.ts";
import type { Check } from "./training/trainer.ts";
import { Assignment, type Encoding } from "./training/whole_pass.ts";

/** The losses that are logged. */
export type DynAETerm = "code" | "image";

/** Restarts of k-means where it only scores a code, as in the authors' notebook. */
const SCORING_RESTARTS = 20;

/**
 * A code is not stretched further than this: the largest stable step of SGD falls with the square of
 * the factor, and a code that would need more has hardly been trained.
 */
const MOST_CODE_FACTOR = 4;

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

  /**
   * The unconflicted samples' distance to their centroids, and to those of their classes. DynAE's code
   * compares the gradient of A + γ·B with that of all samples' distance to the centroids of their
   * classes, conflicted or not; and that of B with that of A: clean samples, all of them.
   */
  compared({ x, clusters }: SampledRows): ComparedLosses {
    const { fitting: { net }, centroids, gamma } = this;
    const z = net.encode(x);
    const { labels, mask } = confidence(softAssign(z, centroids), this.thresholds);
    const towards = (labels: Tensor) =>
      meanSquaredError(z, stopGradient(selectTarget(centroids, labels, mask, z)));
    const { code, image, total } = dynamicLosses(net, z, dynamicTargets(x, z, this), gamma);
    const ofClasses = meanSquaredError(z, stopGradient(gather(Table.of(centroids), clusters)));
    return {
      pseudo: towards(labels),
      supervised: towards(clusters),
      reconstruction: meanSquaredError(net.decode(z), x),
      own: { randomness: [ofClasses, total], drift: [image, code] },
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
