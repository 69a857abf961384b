/** Soft assignment, its confidence, and the targets that follow from it. */
import { confidence as confidenceKernel } from "../../kernels/confidence.ts";
import { selectTarget as selectTargetKernel } from "../../kernels/select_target.ts";
import { softAssign as softAssignKernel } from "../../kernels/soft_assign.ts";
import { apply, expectRank, expectShape, f32, type None, u32 } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { affine } from "./affine.ts";
import { div } from "./binary.ts";
import { broadcastTo } from "./sum.ts";
import { constant } from "./constant.ts";
import { distancesGradient, squaredDistances } from "./distances.ts";
import type { RegisteredOp } from "./registered.ts";
import { softmaxGradient } from "./softmax.ts";

/** q_ik ∝ (1 + ‖z_i − μ_k‖²/α)^(−(α+1)/2), rows summing to one. */
export const softAssignOp: RegisteredOp<{ alpha: number }> = {
  name: "softAssign",
  memory: "value",
  infer([z, centroids], { alpha }) {
    expectRank("softAssign", "z", z, 2);
    expectRank("softAssign", "centroids", centroids, 2);
    expectShape("softAssign", "centroids", centroids, [centroids.shape[0], z.shape[1]]);
    if (!(alpha > 0)) throw new RangeError(`softAssign: alpha must be > 0, got ${alpha}`);
    return [f32([z.shape[0], centroids.shape[0]])];
  },
  lower({ inputs: [z, centroids], outputs: [q], attributes: { alpha } }, emit) {
    const [n, p] = z.shape;
    emit.call(softAssignKernel, {}, { n, p, k: centroids.shape[0], alpha }, [z, centroids, q]);
  },
  // q is the softmax of −(α+1)/2·log(α + d²): ∂L/∂d² = −(α+1)/2·(∂L/∂logit)/(α + d²).
  gradient({ inputs: [z, centroids], outputs: [q], attributes: { alpha } }, [g], needed) {
    const divisor = affine(
      squaredDistances(z, centroids),
      -2 / (alpha + 1),
      -2 * alpha / (alpha + 1),
    );
    const dDistances = div(softmaxGradient(q, g!), divisor);
    return [
      needed[0] ? distancesGradient(dDistances, z, centroids) : undefined,
      needed[1] ? distancesGradient(dDistances, centroids, z, true) : undefined,
    ];
  },
  examples: [1, 2].map((alpha) => ({
    name: `α ${alpha}`,
    inputs: [{ shape: [4, 2] }, { shape: [3, 2] }],
    attributes: { alpha },
  })),
};

/** Labels and the mask of confident ("unconflicted") samples. */
export const confidenceOp: RegisteredOp<None> = {
  name: "confidence",
  memory: "value",
  infer([q, thresholds]) {
    expectRank("confidence", "q", q, 2);
    expectShape("confidence", "thresholds", thresholds, [2]);
    return [u32([q.shape[0]]), f32([q.shape[0]])];
  },
  lower({ inputs: [q, thresholds], outputs: [labels, mask] }, emit) {
    const [n, k] = q.shape;
    emit.call(confidenceKernel, {}, { n, k }, [q, thresholds, labels, mask]);
  },
  gradient: { none: "it is a choice" },
  examples: [],
};

/** y_i = table[label_i] where the mask is set, else fallback_i. */
export const selectTargetOp: RegisteredOp<None> = {
  name: "selectTarget",
  memory: "value",
  infer([table, labels, mask, fallback]) {
    const [n, w] = fallback.shape;
    expectShape("selectTarget", "table", table, [table.shape[0], w]);
    expectShape("selectTarget", "labels", labels, [n]);
    expectShape("selectTarget", "mask", mask, [n]);
    return [f32([n, w])];
  },
  lower({ inputs: [table, labels, mask, fallback], outputs: [y] }, emit) {
    const [n, w] = fallback.shape;
    const params = { n, w, k: table.shape[0] };
    emit.call(selectTargetKernel, {}, params, [table, labels, mask, fallback, y]);
  },
  gradient: { none: "targets are constants" },
  examples: [],
};

/**
 * Student-t soft assignment: z [n, p], centroids [k, p] -> q [n, k].
 * @param alpha Degrees of freedom, > 0; 1 in DEC (arXiv 1511.06335, eq. 1) and all that follow it.
 */
export function softAssign(z: Tensor, centroids: Tensor, alpha = 1): Tensor {
  return apply(softAssignOp, [z, centroids], { alpha })[0];
}

/**
 * The label of each row (argmax, ties to the lowest) and 1 where the row is unconflicted: its
 * largest q exceeds β1 and its two largest differ by more than β2 (DynAE, arXiv 1901.07752, eq. 6).
 * @param q [n, k]. @param thresholds [2] = (β1, β2).
 * @returns labels u32 [n], mask f32 [n].
 */
export function confidence(q: Tensor, thresholds: Tensor): { labels: Tensor; mask: Tensor } {
  const [labels, mask] = apply(confidenceOp, [q, thresholds], {});
  return { labels, mask };
}

/** The place of the largest value of each row: x [n, k] -> u32 [n]; ties to the lowest. */
export function argmax(x: Tensor): Tensor {
  return confidence(x, broadcastTo(constant(0), [2])).labels;
}

/** Row `labels[i]` of `table` [k, w] where `mask[i]` is set, else row i of `fallback` [n, w]. */
export function selectTarget(
  table: Tensor,
  labels: Tensor,
  mask: Tensor,
  fallback: Tensor,
): Tensor {
  return apply(selectTargetOp, [table, labels, mask, fallback], {})[0];
}
