/**
 * AE+KM: k-means on the code of an autoencoder, pre-trained as any method's: on the data alone, on
 * augmented images, from corrupted input, layer by layer or with a critic; what the clustering methods
 * start from and are compared with.
 */
import { greaterEqual, mul } from "../engine/ops/binary.ts";
import { constant } from "../engine/ops/constant.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AUDIT_ROWS, type AuditedLoss, type AuditScene } from "./audit_scene.ts";
import { defineMethod, type Method } from "./method.ts";
import { ARCHITECTURE_OPTIONS, type ArchitectureOptions } from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { DeepEstimator, type Fitting, type Trained } from "./training/deep_estimator.ts";
import { augmentationFor, Pretraining, reconstructionLoss } from "./training/pretraining.ts";
import {
  DENSE_PRETRAINING,
  PRETRAINING_OPTIONS,
  type PretrainingOptions,
} from "./training/pretraining_options.ts";
import { reconstructionError } from "./training/pretraining_phase.ts";
import { STACKED_DENOISING, UNAUGMENTED } from "./training/pretraining_profiles.ts";
import { reconstructByPair } from "./training/stacked.ts";
import { startPartition } from "./training/start.ts";

/** Options of {@linkcode AEKMeans}: of the network, and of its training. */
export interface AEKMeansOptions extends ArchitectureOptions, PretrainingOptions {
  /** Restarts of k-means. */
  readonly nInit: number;
}

const OPTIONS: Specs<AEKMeansOptions> = {
  ...ARCHITECTURE_OPTIONS,
  ...PRETRAINING_OPTIONS,
  nInit: {
    type: "integer",
    default: 20,
    min: 1,
    description: "restarts of k-means",
    source: "DEC, DynAE",
  },
};

/** An autoencoder, then k-means on its code. */
export class AEKMeans extends DeepEstimator<AEKMeansOptions> {
  /** Its name in the registry. */
  override readonly name = "ae-kmeans";
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode AE_KMEANS_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<AEKMeansOptions> = {}) {
    super(resolveOptions("ae-kmeans", OPTIONS, options));
  }

  /** Pre-trains on the rows, then clusters the codes of all rows with k-means. */
  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, samples, encoding } = fitting;
    const { options } = this;
    const augmentation = augmentationFor(training, samples, options);
    const pretraining = new Pretraining(training, net, augmentation, options);
    const labels = training.state.variable("labels", [samples.n], { dtype: "u32" });
    training.restore();
    const end = await pretraining.run(rows);
    await encoding.run();
    await training.once("k-means on the code", async () => {
      labels.write(await startPartition(fitting, encoding, { ...options, partition: "kmeans" }));
      return null;
    });
    return { end, labels: await labels.read() as Uint32Array };
  }
}

/** The loss of a layer pair with fixed masks for its dropout. */
function layerPairScene(scene: AuditScene, index: number): AuditedLoss {
  const { layerPairs } = scene.net;
  const pair = layerPairs[index];
  const ends = { isFirst: index === 0, isLast: index === layerPairs.length - 1 };
  const h = scene.drawn("h", [AUDIT_ROWS, pair.encoder.inputs], 0, 1);
  const drop = (x: Tensor, stream: number) =>
    mul(x, greaterEqual(scene.drawn(`mask ${stream}`, x.shape, 0, 1), constant(0.2)));
  return {
    targets: [pair.encoder, pair.decoder].flatMap((
      { variables: { weight, bias } },
    ) => [weight, bias]),
    loss: () => reconstructionError(reconstructByPair(h, pair, ends, drop), h, "halfMean"),
  };
}

/** AE+KM's row in the registry. */
export const AE_KMEANS_METHOD: Method = defineMethod<AEKMeansOptions>({
  name: "ae-kmeans",
  summary: "k-means on the code of an autoencoder, with augmentation where there are images",
  citation: "the baseline of DEC (arXiv 1511.06335); with augmentation, Guo et al., ACML 2018",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    plain: { description: "without augmentation", values: UNAUGMENTED },
    denoising: {
      description: "from masked input, without augmentation",
      values: { ...UNAUGMENTED, corruption: "mask" },
    },
    stacked: {
      description: "layer by layer, then all layers: DEC's way in minutes, without augmentation",
      values: { ...UNAUGMENTED, stackedSteps: 1000, pretrainSteps: 4000, pretrainError: "halfSum" },
    },
    acai: {
      description: "with ACAI's critic, without augmentation; rates of the thrifty profile",
      values: {
        ...UNAUGMENTED,
        critic: "trained",
        criticLearningRate: 2e-3,
        lambda: 0.5,
        interpolationMax: 0.5,
        mixCoefficient: 0.2,
      },
    },
    official: {
      description: "DynAE's pre-training without its critic: 130,000 steps on augmented images",
      values: {
        hidden: [500, 500, 2000],
        pretrainSteps: 130_000,
        pretrainLearningRate: 1e-4,
        pretrainDecay: false,
        rotation: 10,
        batchOrder: "sequentialShuffledWithin",
      },
    },
    "sdae-official": {
      description:
        "DEC's pre-training, 50,000 steps a layer and 100,000, without momentum's burn-in " +
        "and doubled rates of biases; wants pixels × 0.02: --scale 50",
      values: STACKED_DENOISING,
    },
  },
  losses: {
    reconstruction: ({ net, x }) => ({
      targets: net.parameters.variables,
      loss: () => reconstructionLoss(net, x),
    }),
    "layer pair of the data": (scene) => layerPairScene(scene, 0),
    "layer pair within": (scene) => layerPairScene(scene, 1),
    "layer pair of the code": (scene) => layerPairScene(scene, 2),
  },
  create: (options) => new AEKMeans(options),
});
