/**
 * DynAE: Deep Clustering with a Dynamic Autoencoder (Mrabah, Khan, Ksantini, Lachiri;
 * arXiv 1901.07752, Neural Networks 130, 2020).
 *
 * An autoencoder is pre-trained on augmented images. Then, sample by sample, the loss moves from
 * reconstruction to construction: a confident ("unconflicted") sample is pulled to its centroid, in
 * the code and as the centroid's image; a conflicted one is reconstructed. When the number of
 * conflicted samples stops falling, the centroids are computed again and the thresholds drop.
 */
import { softAssign } from "../engine/ops/assignment.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { DYNAE_LOSSES } from "./dynae_audit.ts";
import { Construction, type DynAETerm } from "./dynae_construction.ts";
import { DYNAE_OPTIONS, DYNAE_PROFILES, type DynAEOptions } from "./dynae_options.ts";
import { defineMethod, type Method } from "./method.ts";
import { resolveOptions } from "./options.ts";
import type { Augmentation } from "./training/batches.ts";
import type { Fitting } from "./training/deep_estimator.ts";
import { type Clustering, JointEstimator } from "./training/joint_estimator.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";

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
    super(resolveOptions("dynae", DYNAE_OPTIONS, options));
  }

  /** The labels of training are q's. */
  protected override affinity(codes: Tensor, centroids: Tensor): Tensor {
    return this.softAssignment(codes, centroids);
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

/** DynAE's row in the registry. */
export const DYNAE_METHOD: Method = defineMethod<DynAEOptions>({
  name: "dynae",
  summary: "Dynamic autoencoder: reconstruction gives way to construction, sample by sample",
  citation: "Mrabah et al., Deep Clustering with a Dynamic Autoencoder, arXiv 1901.07752",
  options: DYNAE_OPTIONS,
  pretraining: DENSE_PRETRAINING,
  profiles: DYNAE_PROFILES,
  losses: DYNAE_LOSSES,
  softAssignment: "the Student-t affinity of the code to the centroids",
  create: (options) => new DynAE(options),
});
