/** Losses that several methods share: scalars, means over the rows of a batch. */
import { maximum, mul, sub } from "../engine/ops/binary.ts";
import { constant } from "../engine/ops/constant.ts";
import { logSoftmax } from "../engine/ops/softmax.ts";
import { sum } from "../engine/ops/sum.ts";
import { scale } from "../engine/ops/affine.ts";
import { log } from "../engine/ops/unary.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { SMALLEST_NORMAL } from "../kernels/kernel.ts";

/**
 * KL(p‖q) = Σ_k p_ik·log(p_ik/q_ik), the mean over rows (DEC, eq. 2; DEC's code divides by the batch).
 * @param p [n, k]; a p of 0 counts as 0. @param q [n, k], > 0.
 */
export function klDivergence(p: Tensor, q: Tensor): Tensor {
  const logRatio = sub(log(maximum(p, constant(SMALLEST_NORMAL))), log(q));
  return scale(sum(mul(p, logRatio)), 1 / p.shape[0]);
}

/**
 * −Σ_k q_ik·log p_ik, the mean over rows, with p = softmax of the logits.
 * @param q Targets, [n, K]. @param logits [n, K].
 */
export function crossEntropy(q: Tensor, logits: Tensor): Tensor {
  return scale(sum(mul(q, logSoftmax(logits))), -1 / q.shape[0]);
}
