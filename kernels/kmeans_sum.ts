/** Lloyd's update step, first pass: sums and counts of the clusters, a block of points at a time. */
import { integers, uniform } from "./case_buffers.ts";
import { chunkedLength, groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { stateOf } from "./kmeans_state.ts";
import source from "./kmeans_sum.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(
  n: number,
  d: number,
  k: number,
  runs: number,
  block: number,
  first = 0,
  total = first + n,
  done: readonly number[] = [],
): KernelCase {
  return {
    name: `${n}×${d}, k ${k}, ${runs} runs, block ${block}` +
      (total > n ? `, at ${first} of ${total}` : "") +
      (done.length > 0 ? `, ${done.length} done` : ""),
    params: { n, first, total, d, k, runs, block },
    constants: {},
    buffers: [
      uniform(n * d, 0, 1),
      integers(runs * total, 0, k - 1),
      stateOf(runs, done),
      uniform(runs * groupsOf(total, block) * k * (d + 1), 0, 1),
    ],
  };
}

/**
 * For every run r and every block b of `block` points in a chunk of n points that starts at row
 * `first`, a multiple of `block`: sums[r, b, j, :d] = Σ x_i over the block's points with label j, in
 * their order, and sums[r, b, j, d] = their number. Blocks of other chunks keep what they hold, and
 * so does a run r that is done: state[r, 1] ≠ 0.
 *
 * points: `[n, d]`, labels: `[runs, total]` (below k), state: `[runs, 4]` as `kmeans_update` has it,
 * sums: `[runs, ⌈total/block⌉, k, d + 1]`.
 */
export const kmeansSum: RegisteredKernel = {
  name: "kmeans_sum",
  bindings: [
    { name: "points", type: "f32", access: "read" },
    { name: "labels", type: "u32", access: "read" },
    { name: "state", type: "f32", access: "read" },
    { name: "sums", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "first", type: "u32" },
    { name: "total", type: "u32" },
    { name: "d", type: "u32" },
    { name: "k", type: "u32" },
    { name: "runs", type: "u32" },
    { name: "block", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "kmeans_sum.wgsl",
    source,
    workgroups: ({ n, d, k, runs, block }) =>
      runs * groupsOf(n, block) * groupsOf(k, 32) * groupsOf(d + 1, 64),
  }],
  lengths: ({ n, first, total, d, k, runs, block }) => [
    n * d,
    chunkedLength(runs, total, first + n),
    4 * runs,
    runs * groupsOf(total, block) * k * (d + 1),
  ],
  extent: ({ n, block }) => groupsOf(n, block),
  reference([points, labels, state, sums], params, _constants, begin, end) {
    const { n, first, total, d, k, runs, block } = params;
    const blocks = groupsOf(total, block), firstBlock = Math.floor(first / block);
    const size = k * (d + 1);
    const local = new Float64Array(size);
    for (let b = begin; b < end; b++) {
      const last = Math.min(n, (b + 1) * block);
      for (let r = 0; r < runs; r++) {
        if (state[4 * r + 1] !== 0) continue;
        local.fill(0);
        for (let i = b * block; i < last; i++) {
          const cluster = labels[r * total + first + i] * (d + 1);
          for (let j = 0; j < d; j++) local[cluster + j] += points[i * d + j];
          local[cluster + d]++;
        }
        sums.set(local, (r * blocks + firstBlock + b) * size);
      }
    }
  },
  cases: () => [
    example(1, 1, 1, 1, 1024),
    example(0, 3, 4, 2, 8, 16, 23),
    example(65, 63, 2, 2, 16),
    example(64, 64, 3, 1, 64),
    example(100, 10, 10, 3, 32, 64, 201),
    example(257, 2, 33, 2, 256),
    example(31, 785, 10, 2, 1024),
    example(2049, 10, 65, 2, 1024),
    example(100, 6, 3, 4, 32, 0, 100, [1, 3]),
    example(3000, 64, 10, 2, 1024),
  ],
  /** At most min(n, block) terms ≥ 0 added in order, the first to 0: one rounding each. */
  tolerance: ({ params: { n, block } }) => ({
    absolute: 0,
    relative: Math.min(n, block) * UNIT_ROUNDOFF,
  }),
  cost: ({ n, d, k, runs, block }) => ({
    flops: runs * n * (d + 1),
    bytes: 4 * (n * d + runs * (n + groupsOf(n, block) * k * (d + 1))),
  }),
};
