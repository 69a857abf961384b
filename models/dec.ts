/**
 * DEC: Unsupervised Deep Embedding for Clustering Analysis (Xie, Girshick, Farhadi; ICML 2016, arXiv
 * 1511.06335).
 *
 * An encoder is pre-trained within an autoencoder, whose decoder is then given up. Centroids are those
 * of k-means on the code. From then on encoder and centroids are trained together, so that the soft
 * assignments q come closer to their own sharpened form p.
 */
import { softAssign } from "../engine/ops/assignment.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { klDivergence } from "./losses.ts";
import { defineMethod, type Method } from "./method.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { resolveOptions, type Specs } from "./options.ts";
import { CENTROID_OPTIONS } from "./training/centroid_options.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";
import { STACKED_DENOISING } from "./training/pretraining_profiles.ts";
import {
  auditedTargets,
  SELF_TRAINING_OPTIONS,
  SelfTraining,
  type SelfTrainingOptions,
} from "./training/self_training.ts";

/** The losses that are logged. */
export type DECTerm = "clustering";

/** Options of {@linkcode DEC}. */
export type DECOptions = SelfTrainingOptions;

const OPTIONS: Specs<DECOptions> = {
  ...CENTROID_OPTIONS,
  optimizer: { ...CENTROID_OPTIONS.optimizer, default: "sgd", source: "DEC's code" },
  learningRate: {
    ...CENTROID_OPTIONS.learningRate,
    default: 0.1,
    source: "thrifty, tried on optdigits; DEC's code: 0.01",
  },
  ...SELF_TRAINING_OPTIONS,
};

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
export class DEC extends JointEstimator<DECOptions, DECTerm> {
  /** Its name in the registry. */
  override readonly name = "dec";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode DEC_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<DECOptions> = {}) {
    super(resolveOptions("dec", OPTIONS, options));
  }

  /** DEC gives the decoder up. */
  protected override get keepsDecoder(): boolean {
    return false;
  }

  /** q, the Student-t affinity that training sharpens. */
  protected override softAssignment(codes: Tensor, centroids: Tensor): Tensor {
    return softAssign(codes, centroids);
  }

  /** Encoder and centroids, by KL(p‖q) alone. */
  protected override clustering(fitting: Fitting): Clustering<DECTerm> {
    const { net } = fitting;
    return new SelfTraining(fitting, this.options, {
      parameters: net.encoderParameters,
      terms: ["clustering"],
      losses(x, centroids, p) {
        const clustering = decLoss(net, x, centroids, p);
        return { clustering, total: clustering };
      },
    });
  }
}

/** DEC's row in the registry. */
export const DEC_METHOD: Method = defineMethod<DECOptions>({
  name: "dec",
  summary: "Deep embedded clustering: self-training on sharpened soft assignments",
  citation: "Xie et al., Unsupervised Deep Embedding for Clustering Analysis, arXiv 1511.06335",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description:
        "the authors' code for MNIST, on pixels in [0, 1]; without momentum's burn-in, " +
        "doubled rates of biases, and velocities cleared at refreshes",
      values: {
        ...STACKED_DENOISING,
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
  softAssignment: "the Student-t affinity of the code to the centroids",
  create: (options) => new DEC(options),
});
