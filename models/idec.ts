/**
 * IDEC: Improved Deep Embedded Clustering with Local Structure Preservation (Guo, Gao, Liu, Yin;
 * IJCAI 2017).
 *
 * DEC with the decoder kept: while the soft assignments are sharpened, the samples must stay
 * reconstructible, so that clustering does not destroy the structure of the code.
 */
import { softAssign } from "../engine/ops/assignment.ts";
import { add } from "../engine/ops/binary.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/affine.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { klDivergence } from "./losses.ts";
import { defineMethod, type Method } from "./method.ts";
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
export type IDECTerm = "reconstruction" | "clustering";

/** Options of {@linkcode IDEC}. */
export interface IDECOptions extends SelfTrainingOptions {
  /** γ: weight of the clustering term. */
  readonly gamma: number;
}

const OPTIONS: Specs<IDECOptions> = {
  ...CENTROID_OPTIONS,
  learningRate: {
    ...CENTROID_OPTIONS.learningRate,
    default: 1e-3,
    source: "IDEC's code for MNIST",
  },
  ...SELF_TRAINING_OPTIONS,
  gamma: {
    type: "number",
    default: 0.1,
    min: 0,
    description: "weight of the clustering term against the mean squared error",
    source: "IDEC, section 4, there for pixels in [0, 5.1]: see --input-scale",
  },
};

/** IDEC's loss and its terms: scalars. */
export interface IDECLosses {
  /** mean (g(f(x)) − x)² */
  readonly reconstruction: Tensor;
  /** KL(p‖q) */
  readonly clustering: Tensor;
  /** reconstruction + γ·clustering */
  readonly total: Tensor;
}

/**
 * IDEC's loss on a batch (eq. 5, the reconstruction as a mean over batch and features as in its code).
 * @param x [n, d]. @param centroids [K, p]. @param p Targets of the rows, [n, K]. @param gamma γ.
 */
export function idecLosses(
  net: Pick<Autoencoder, "encode" | "decode">,
  x: Tensor,
  centroids: Tensor,
  p: Tensor,
  gamma: number,
): IDECLosses {
  const z = net.encode(x);
  const reconstruction = meanSquaredError(net.decode(z), x);
  const clustering = klDivergence(p, softAssign(z, centroids));
  return { reconstruction, clustering, total: add(reconstruction, scale(clustering, gamma)) };
}

/** Improved deep embedded clustering; scikit-learn's contract. */
export class IDEC extends JointEstimator<IDECOptions, IDECTerm> {
  /** Its name in the registry. */
  override readonly name = "idec";

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the defaults; see {@linkcode IDEC_METHOD}.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<IDECOptions> = {}) {
    super(resolveOptions("idec", OPTIONS, options));
  }

  /** q, the Student-t affinity that training sharpens. */
  protected override softAssignment(codes: Tensor, centroids: Tensor): Tensor {
    return softAssign(codes, centroids);
  }

  /** Encoder, decoder and centroids, by reconstruction and KL(p‖q). */
  protected override clustering(fitting: Fitting): Clustering<IDECTerm> {
    const { net } = fitting;
    const { gamma } = this.options;
    return new SelfTraining(fitting, this.options, {
      parameters: net.parameters,
      terms: ["reconstruction", "clustering"],
      losses: (x, centroids, p) => idecLosses(net, x, centroids, p, gamma),
    });
  }
}

/** IDEC's row in the registry. */
export const IDEC_METHOD: Method = defineMethod<IDECOptions>({
  name: "idec",
  summary: "DEC with the decoder kept: sharpened assignments of reconstructible samples",
  citation: "Guo et al., Improved Deep Embedded Clustering, IJCAI 2017",
  options: OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: {
    default: { description: "thrifty: minutes on two cores", values: {} },
    official: {
      description:
        "the authors' code for MNIST, on pixels in [0, 1], after dec official's pre-training",
      values: { ...STACKED_DENOISING, inputScale: 5.1, steps: 20_000 },
    },
    "official-usps": {
      description:
        "the authors' code for USPS, on pixels in [0, 1], after dec official's pre-training",
      values: {
        ...STACKED_DENOISING,
        inputScale: 2,
        steps: 20_000,
        optimizer: "sgd",
        learningRate: 0.1,
        momentum: 0.99,
        checkInterval: 30,
      },
    },
  },
  losses: {
    clustering: async (scene) => {
      const { net, x, centroids } = scene;
      const p = await auditedTargets(scene);
      return {
        targets: [...net.parameters.variables, centroids],
        loss: () => idecLosses(net, x, centroids, p, 0.5).total,
      };
    },
  },
  softAssignment: "the Student-t affinity of the code to the centroids",
  againstCollapse: "a lower `gamma`",
  create: (options) => new IDEC(options),
});
