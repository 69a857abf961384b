/** DynAE's losses (arXiv 1901.07752, eq. 6 to 12): what a batch is compared with, and the errors. */
import { confidence, selectTarget, softAssign } from "../engine/ops/assignment.ts";
import { scale } from "../engine/ops/affine.ts";
import { add } from "../engine/ops/binary.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";

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
