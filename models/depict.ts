/**
 * DEPICT: Deep Clustering via Joint Convolutional Autoencoder Embedding and Relative Entropy
 * Minimization (Dizaji, Herandi, Deng, Cai, Huang; ICCV 2017, arXiv 1704.06363).
 *
 * A convolutional autoencoder reconstructs images from a noisy path through the encoder, and the
 * clean path's hidden activations as well. A softmax on its code learns first labels, of k-means or of
 * AC-PIC, then its own predictions on the clean path, sharpened and balanced, from the noisy one.
 *
 * The published code differs in what no option says. Its held-out rows are stratified by the true
 * classes, here they are any. It waits an epoch longer than its numbers of epochs without improvement
 * say. An epoch's predictions are those of the passes that train, not of another pass over each batch
 * after its step; a row that a shuffled epoch leaves out keeps its last prediction, not its last target.
 * Labels of k-means are not shifted by one, nor the centroids of AC-PIC transposed, when the head begins
 * with them.
 */
import { softmax } from "../engine/ops/softmax.ts";
import { add } from "../engine/ops/binary.ts";
import { scale } from "../engine/ops/affine.ts";
import type { State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, type AuditScene } from "./audit_scene.ts";
import { comparedLosses, Head, Predictions, Stage } from "./depict_clustering.ts";
import { DEPICT_OPTIONS, DEPICT_PROFILES, type DEPICTOptions } from "./depict_options.ts";
import { Reconstruction, reconstructionLosses } from "./depict_pretraining.ts";
import type { Checkpoint } from "./estimator.ts";
import { normalizedMutualInformation } from "./evaluation/metrics.ts";
import { crossEntropy } from "./losses.ts";
import { defineMethod, type Method } from "./method.ts";
import { ConvolutionalAutoencoder } from "./networks/convolutional_autoencoder.ts";
import { resolveOptions } from "./options.ts";
import { checkPathIntegralRows, pathIntegral } from "./graph/path_integral.ts";
import {
  type Fitting,
  NetworkEstimator,
  type SampleShape,
  type Trained,
} from "./training/deep_estimator.ts";
import { FirstPartition } from "./training/first_partition.ts";
import { BestWeights, EarlyStopping, holdOut } from "./training/held_out.ts";
import { pretrainUnlessGiven } from "./training/pretraining.ts";
import { reporterOf } from "./training/reporting.ts";
import { startPartition } from "./training/start.ts";

/** Name of the variable [height, width], and channels of colour, by which `load` knows the images. */
const IMAGE_SIZE = "image size";

/** What the options for the first labels are called. */
const INIT_NAMES = { "kmeans": "k-means", "ac-pic": "AC-PIC", "graph": "graph partition" } as const;

/** Deep embedded regularized clustering of images; labels are the largest p. */
export class DEPICT extends NetworkEstimator<DEPICTOptions, ConvolutionalAutoencoder> {
  /** Its name in the registry. */
  override readonly name = "depict";
  private head?: Head;

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode DEPICT_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DEPICTOptions> = {}) {
    const resolved = resolveOptions("depict", DEPICT_OPTIONS, options);
    super({ ...resolved, latent: resolved.latent || resolved.clusters });
  }

  /** The network for images, and the softmax layer on its code. */
  protected override network(
    state: State,
    { height, width, channels: colours = 1 }: SampleShape,
  ): ConvolutionalAutoencoder {
    if (height === undefined || width === undefined) {
      throw new RangeError(
        "depict: the samples must be images; give height, width and, of colour, channels, whose " +
          "product is d",
      );
    }
    const { channels, latent, seed } = this.options;
    const data = Uint32Array.from(colours === 1 ? [height, width] : [height, width, colours]);
    state.variable(IMAGE_SIZE, [data.length], { dtype: "u32", data });
    this.head = new Head(state, this.options);
    return new ConvolutionalAutoencoder(state, { height, width, colours, channels, latent }, seed);
  }

  /** The size of the images. */
  protected override shapeOf(variables: Checkpoint["variables"]): SampleShape | undefined {
    const size = variables.get(IMAGE_SIZE);
    if (size === undefined) return undefined;
    const [height, width, channels = 1] = size.data;
    return { d: height * width * channels, height, width, channels };
  }

  /** p of codes [n, p]: [n, K]. */
  protected override affinity(codes: Tensor): Tensor {
    return softmax(this.head!.logits(codes));
  }

  /** p. */
  protected override softAssignment(codes: Tensor): Tensor {
    return this.affinity(codes);
  }

  /** Pre-trains; learns the first labels of the code; then trains itself. */
  protected override async fitNetwork(
    fitting: Fitting<ConvolutionalAutoencoder>,
  ): Promise<Trained> {
    this.check(fitting);
    const { training, net, rows, samples, encoding, centroids, resources } = fitting;
    const { options } = this;
    const { state, context: { signal } } = training;
    const { clusters, seed, validationShare, patience } = options;
    const head = this.head!;
    const split = validationShare > 0 ? holdOut(samples.n, validationShare, seed) : undefined;
    const best = split && {
      network: new BestWeights(state, "best network", net.parameters),
      head: new BestWeights(state, "best head", head.parameters),
    };
    const validation = split && best && { split, best: best.network };
    const pretraining = new Reconstruction(fitting, options, validation);
    const found = new FirstPartition(fitting);
    const predictions = new Predictions(state, samples.n, clusters, centroids);
    const initName = INIT_NAMES[options.init];
    const labelling = new Stage(`labels of ${initName}`, fitting, head, predictions, options);
    const selfTraining = new Stage("clustering", fitting, head, predictions, options);
    training.restore();

    await pretrainUnlessGiven(training, net.parameters, () => pretraining.run());
    const firstPartition = `${initName} on the pre-trained code`;
    await training.once(firstPartition, async () => {
      await encoding.run();
      await found.keep(await this.begin(fitting, predictions));
      return null;
    });
    const first = await found.read();
    const report = await reporterOf(
      fitting,
      options,
      (sample) => comparedLosses(net, head, predictions.targets, sample),
    );
    const predictAll = async () => {
      signal?.throwIfAborted();
      await encoding.run();
      await predictions.predict(encoding.codes, (codes) => this.affinity(codes));
    };

    const judged = (labels: Uint32Array) => split ? split.heldOut.map((i) => labels[i]) : labels;
    const stopping = new EarlyStopping(training, "depict", patience, -1);
    const labelled = split ? resources.use(rows.select(split.training)) : rows;
    await labelling.run(labelled, options.labelSteps, async (step) => {
      if (step === 0 && !split) return { row: {} };
      // An epoch that leaves rows out, or is cut short, has not predicted them.
      const isCut = step % Math.ceil(samples.n / options.batchSize) !== 0;
      if (split || options.batchOrder === "shuffled" || isCut) await predictAll();
      const labels = await predictions.labels();
      const agreement = normalizedMutualInformation(judged(first), judged(labels));
      if (stopping.observe(agreement)) {
        await best?.network.keep();
        await best?.head.keep();
      }
      const row = { agreement, ...await report?.(labels) };
      if (!stopping.isOver) return { row };
      return { row, stop: `${patience} epochs without better agreement` };
    });
    if (best) {
      await training.once("weights of the best agreement", async () => {
        await best.network.restore();
        await best.head.restore();
        return null;
      });
    }
    await training.once("first predictions", async () => {
      await predictAll();
      return null;
    });
    using refresh = await predictions.traceRefresh();
    const end = await selfTraining.run(rows, options.steps, async (step) => {
      refresh.run();
      const { change: [change] } = await refresh.read();
      const row = await report?.(await predictions.labels()) ?? {};
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
    return { end, ...await found.result(firstPartition) };
  }

  /** Finds the first labels [N] of the codes; targets and head begin with them. */
  private async begin(
    fitting: Fitting<ConvolutionalAutoencoder>,
    predictions: Predictions,
  ): Promise<Uint32Array> {
    const { encoding, centroids, training } = fitting;
    const { init, clusters, nInit, seed } = this.options;
    const { signal } = training.context;
    const head = this.head!;
    if (init === "kmeans") {
      const found = await encoding.cluster({ clusters, nInit, seed, run: 0, signal });
      head.start(found.centroids);
      predictions.start(found.labels);
      return found.labels;
    }
    const { codes, table } = encoding;
    const labels = init === "graph"
      ? await startPartition(fitting, encoding, { partition: init, clusters, nInit, seed })
      : await pathIntegral(codes.backend, table, clusters, signal);
    predictions.start(labels);
    await predictions.moveCentroids(codes, predictions.targets);
    head.start(Float32Array.from(await centroids.read()));
    return labels;
  }

  /** Finds what would fail after pre-training. @throws {RangeError} @throws {TypeError} */
  private check(
    { rows, training: { context: { pretrained } } }: Fitting<ConvolutionalAutoencoder>,
  ) {
    const { init, validationShare, batchOrder } = this.options;
    if (pretrained && pretrained.variables.get("encoder.0.weight")?.shape.length !== 4) {
      throw new RangeError(
        "depict: the pre-trained network must be a convolutional one, of another run of depict; " +
          "the one given is fully connected",
      );
    }
    if (rows.isWindowed && (validationShare > 0 || batchOrder === "shuffled")) {
      throw new TypeError(
        `depict: a validationShare above 0 and the batchOrder shuffled need all rows on the device; ` +
          `of these ${rows.total} rows, read from a source, ${rows.table.rows} are there at a time. ` +
          `Give their values, or a validationShare of 0 and the batchOrder sequential`,
      );
    }
    if (init === "ac-pic") checkPathIntegralRows(rows.total);
  }
}

/** A network and a head for the audit, on images of both odd and even sides. */
function auditedNetwork(scene: AuditScene) {
  const { state, seed } = scene;
  const sizes = { height: 5, width: 4, colours: 1, channels: 2, latent: 3 };
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
export const DEPICT_METHOD: Method = defineMethod<DEPICTOptions>({
  name: "depict",
  summary: "Convolutional denoising autoencoder; a softmax trained on its sharpened predictions",
  citation: "Dizaji et al., Deep Clustering via Joint Convolutional Autoencoder Embedding and " +
    "Relative Entropy Minimization, ICCV 2017, arXiv 1704.06363",
  options: DEPICT_OPTIONS,
  pretraining: { network: "convolutional", isUsed: ({ pretrainSteps }) => pretrainSteps > 0 },
  profiles: DEPICT_PROFILES,
  losses: LOSSES,
  labelsAreNearest: false,
  needsImages: true,
  softAssignment: "the softmax head's probabilities",
  create: (options) => new DEPICT(options),
});
