/** Hard labels and the mask of the confident rows. */
import { integers, output, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import source from "./confidence.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Small integers, so that ties and differences equal to a threshold are frequent and exact. */
function example(n: number, k: number, thresholds: readonly [number, number]): KernelCase {
  return {
    name: `${n}×${k}, thresholds ${thresholds.join(" and ")}`,
    params: { n, k },
    constants: {},
    buffers: [integers(n * k, 0, 8), values(thresholds), output(n), output(n)],
  };
}

/**
 * labels_i = argmax_j q_ij, ties to the lowest; mask_i = 1 where q_(1) > β₁ and q_(1) − q_(2) > β₂,
 * else 0, with q_(1) ≥ q_(2) the two largest values of row i (DynAE's unconflicted samples, Mrabah
 * et al., arXiv 1901.07752, eq. 6). With k = 1, q_(2) = 0. A row of NaN has label 0 and mask 0.
 *
 * q: `[n, k]`, thresholds: `[2]` = (β₁, β₂), labels, mask: `[n]`.
 */
export const confidence: RegisteredKernel = {
  name: "confidence",
  bindings: [
    { name: "q", type: "f32", access: "read" },
    { name: "thresholds", type: "f32", access: "read" },
    { name: "labels", type: "u32", access: "write" },
    { name: "mask", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "confidence.wgsl", source, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n, k }) => [n * k, 2, n, n],
  extent: ({ n }) => n,
  reference([q, thresholds, labels, mask], { k }, _constants, begin, end) {
    const beta1 = thresholds[0], beta2 = thresholds[1];
    for (let i = begin; i < end; i++) {
      let label = 0, first = q[i * k], second = k > 1 ? -Infinity : 0;
      for (let j = 1; j < k; j++) {
        const value = q[i * k + j];
        if (value > first) {
          second = first;
          first = value;
          label = j;
        } else if (value > second) {
          second = value;
        }
      }
      labels[i] = label;
      mask[i] = first > beta1 && first - second > beta2 ? 1 : 0;
    }
  },
  cases: () => [
    example(1, 1, [0, 0]),
    example(0, 10, [0, 0]),
    example(65, 1, [2, 3]),
    example(100, 2, [4, 1]),
    example(257, 10, [7, 0]),
    example(64, 10, [3, -1]),
    example(1009, 7, [5, 1]),
    example(9973, 20, [7, 0]),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ n, k }) => ({ flops: 2 * n * k, bytes: 4 * (n * k + 2 * n + 2) }),
};
