/** Means of clusters that go on from row to row. */
import { integers, uniform } from "./case_buffers.ts";
import { type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./running_means.wgsl" with { type: "text" };

function example(n: number, p: number, k: number, from: number, labels = k): KernelCase {
  return {
    name: `${n}×${p}, k ${k}, counts from ${from}` + (labels < k ? `, ${labels} labels` : ""),
    params: { n, p, k },
    constants: {},
    buffers: [
      uniform(n * p),
      integers(n, 0, labels - 1),
      integers(k, from, from + 5),
      uniform(k * p),
    ],
  };
}

/**
 * For the rows i in order, with k = labels_i: counts_k ← counts_k + 1, means_k ← means_k +
 * (z_i − means_k) / counts_k. DCN's centroids (Yang et al., arXiv 1610.04794, eq. 8).
 *
 * z: `[n, p]` with p ≥ 1, labels: `[n]` (below k), counts: `[k]`, means: `[k, p]`.
 */
export const runningMeans: RegisteredKernel = {
  name: "running_means",
  bindings: [
    { name: "z", type: "f32", access: "read" },
    { name: "labels", type: "u32", access: "read" },
    { name: "counts", type: "u32", access: "update" },
    { name: "means", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "p", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "running_means.wgsl", source, workgroups: ({ k }) => k }],
  lengths: ({ n, p, k }) => [n * p, n, k, k * p],
  extent: ({ k }) => k,
  reference([z, labels, counts, means], { n, p }, _constants, begin, end) {
    const mean = new Float64Array(p);
    for (let cluster = begin; cluster < end; cluster++) {
      for (let j = 0; j < p; j++) mean[j] = means[cluster * p + j];
      let count = counts[cluster];
      for (let i = 0; i < n; i++) {
        if (labels[i] !== cluster) continue;
        count++;
        for (let j = 0; j < p; j++) mean[j] += (z[i * p + j] - mean[j]) / count;
      }
      counts[cluster] = count;
      means.set(mean, cluster * p);
    }
  },
  cases: () => [
    example(1, 1, 1, 0),
    example(0, 10, 10, 3),
    example(65, 3, 7, 0),
    example(64, 64, 2, 1),
    example(256, 10, 10, 100),
    example(257, 65, 3, 5, 2),
    example(31, 129, 40, 100_000),
  ],
  /**
   * With B the largest magnitude, an update errs by ULP·2B/c in the difference, 2.5 times that in
   * the division and ULP·B in the sum, and shrinks what was there: 8 ULP·B at most, n times.
   */
  tolerance: ({ params: { n }, buffers }) => ({
    absolute: 8 * n * ULP * Math.max(largestMagnitude(buffers[0]), largestMagnitude(buffers[3])),
    relative: 0,
  }),
  cost: ({ n, p, k }) => ({ flops: 3 * n * p, bytes: 4 * (n * p + n + 2 * k * (p + 1)) }),
};
