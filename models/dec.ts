/**
 * DEC: Unsupervised Deep Embedding for Clustering Analysis (Xie, Girshick, Farhadi; ICML 2016, arXiv
 * 1511.06335).
 *
 * An encoder is pre-trained within an autoencoder, whose decoder is then given up. Centroids are those
 * of k-means on the code. From then on encoder and centroids are trained together, so that the soft
 * assignments q come closer to their own sharpened form p.
 */
import { softAssign } from "../engine/ops/assignment.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { CentroidEstimator, centroidOptions } from "./training/centroid_estimator.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import type { Method } from "./method.ts";
import { type OptionSpec, type OptionValues, resolveOptions } from "./options.ts";
import {
  auditedTargets,
  klDivergence,
  SELF_TRAINING_OPTIONS,
  SelfTraining,
  type SelfTrainingOptions,
} from "./training/self_training.ts";

/** Options of {@linkcode DEC}. */
export type DECOptions = SelfTrainingOptions;

const OPTIONS: readonly OptionSpec[] = [
  ...centroidOptions({
    optimizer: { default: "sgd", source: "DEC's code" },
    learningRate: { default: 0.1, source: "thrifty, tried on optdigits; DEC's code: 0.01" },
  }),
  ...SELF_TRAINING_OPTIONS,
];

/** KL(p‖q) of a batch: x [n, d], centroids [K, p], p its targets [n, K] (DEC, eq. 2). */
export function decLoss(
  net: Pick<Autoencoder, "encode">,
  x: Tensor,
  centroids: Tensor,
  p: Tensor,
): Tensor {
  return klDivergence(p, softAssign(net.encode(x), centroids));
}

/** Deep embedded clustering; scikit-learn's contract. */
export class DEC extends CentroidEstimator<DECOptions> {
  /** Its name in the registry. */
  override readonly name = "dec";
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DEC_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DECOptions> = {}) {
    super(resolveOptions("dec", OPTIONS, {}, { ...options }) as unknown as DECOptions);
  }

  /** DEC gives the decoder up. */
  protected override get keepsDecoder(): boolean {
    return false;
  }

  /** Encoder and centroids, by KL(p‖q) alone. */
  protected override clustering(fitting: Fitting): SelfTraining {
    const { net } = fitting;
    return new SelfTraining(fitting, this.options, {
      parameters: net.encoderParameters,
      terms: ["clustering"],
      losses(x, centroids, p) {
        const total = decLoss(net, x, centroids, p);
        return { terms: [total], total };
      },
    });
  }
}

/** The published network, and stacked denoising, which IDEC starts from too; for pixels × 0.02. */
export const DEC_PRETRAINING: OptionValues = {
  hidden: [500, 500, 2000],
  initializer: "normal",
  rotation: 0,
  shift: 0,
  stackedSteps: 50_000,
  pretrainSteps: 100_000,
  pretrainOptimizer: "sgd",
  pretrainLearningRate: 0.1,
  pretrainDropSteps: 20_000,
  pretrainError: "halfSum",
};

/** DEC's row in the registry. */
export const DEC_METHOD: Method = {
  name: "dec",
  summary: "Deep embedded clustering: self-training on sharpened soft assignments",
  citation: "Xie et al., Unsupervised Deep Embedding for Clustering Analysis, arXiv 1511.06335",
  options: OPTIONS,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description: "the authors' code for MNIST, on pixels in [0, 1]",
      values: {
        ...DEC_PRETRAINING,
        inputScale: 5.1,
        steps: 20_000,
        optimizer: "sgd",
        learningRate: 0.01,
        momentum: 0.9,
        checkInterval: 160,
      },
    },
  },
  losses: {
    clustering: async (scene) => {
      const { net, x, centroids } = scene;
      const p = await auditedTargets(scene);
      return {
        targets: [...net.encoderParameters.variables, centroids],
        loss: () => decLoss(net, x, centroids, p),
      };
    },
  },
  create: (options) => new DEC(options as unknown as DECOptions),
};
