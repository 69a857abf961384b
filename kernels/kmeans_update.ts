/** Lloyd's update step, second pass: new centroids, empty clusters, convergence. */
import { integers, uniform, values } from "./case_buffers.ts";
import { type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { stateOf } from "./kmeans_state.ts";
import { threefry2x32 } from "./threefry.ts";
import source from "./kmeans_update.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/**
 * New centroids lie in [0, 1] and old ones in [−1, −½), so that no difference of them cancels.
 * Clusters whose number is in `empty` have no points; a run in `done` is finished before.
 */
function example(
  name: string,
  runs: number,
  blocks: number,
  k: number,
  d: number,
  options: { empty?: readonly number[]; done?: readonly number[]; tolerance?: number } & {
    farthest?: number;
  } = {},
): KernelCase {
  const { empty = [], done = [], tolerance = 0, farthest = 1 } = options;
  const words = new Uint32Array(2);
  const sums = Array.from({ length: runs * blocks * k * (d + 1) }, (_, i) => {
    const place = i % (d + 1), cluster = Math.floor(i / (d + 1));
    if (empty.includes(cluster % k)) return 0;
    threefry2x32(k, d, cluster, 0xffff_ffff, words);
    const count = 1 + words[0] % 5;
    threefry2x32(k, d, cluster, place, words);
    return place === d ? count : Math.fround(count * words[0] * 2 ** -32);
  });
  return {
    name: `${name}: ${runs} runs, ${blocks} blocks, k ${k}, d ${d}`,
    params: { runs, blocks, k, d },
    constants: {},
    buffers: [
      values(sums),
      uniform(runs * d, 0, 1),
      values(new Array(runs).fill(farthest)),
      uniform(runs * k * d, -1, -0.5),
      stateOf(runs, done),
      values([tolerance]),
    ],
  };
}

/**
 * For every run r that is not done, from the sums of `kmeans_sum`:
 *
 * - c_rj ← Σ_b sums[r, b, j, :d] / Σ_b sums[r, b, j, d] for every cluster with points
 * - of the clusters without, the lowest moves to farthest_r if farthestDistance_r > 0, so that one
 *   point seeds one cluster an iteration; the others stay
 * - state_r = (shift, done, iterations, empty): shift = Σ_j ‖c_rj − its old value‖², done = 1 if
 *   shift ≤ tolerance and no cluster was moved to a point, one more iteration, clusters without
 *   points before the move
 *
 * A run that is done keeps its centroids and state.
 *
 * sums: `[runs, blocks, k, d + 1]`, farthest: `[runs, d]`, farthestDistance: `[runs]`,
 * centroids: `[runs, k, d]`, state: `[runs, 4]`, tolerance: `[1]`.
 */
export const kmeansUpdate: RegisteredKernel = {
  name: "kmeans_update",
  bindings: [
    { name: "sums", type: "f32", access: "read" },
    { name: "farthest", type: "f32", access: "read" },
    { name: "farthestDistance", type: "f32", access: "read" },
    { name: "centroids", type: "f32", access: "update" },
    { name: "state", type: "f32", access: "update" },
    { name: "tolerance", type: "f32", access: "read" },
  ],
  params: [
    { name: "runs", type: "u32" },
    { name: "blocks", type: "u32" },
    { name: "k", type: "u32" },
    { name: "d", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "kmeans_update.wgsl", source, workgroups: ({ runs }) => runs }],
  lengths: ({ runs, blocks, k, d }) => [
    runs * blocks * k * (d + 1),
    runs * d,
    runs,
    runs * k * d,
    4 * runs,
    1,
  ],
  extent: ({ runs }) => runs,
  reference(buffers, { blocks, k, d }, _constants, begin, end) {
    const [sums, farthest, farthestDistance, centroids, state, tolerance] = buffers;
    const size = k * (d + 1);
    const total = new Float64Array(size);
    for (let r = begin; r < end; r++) {
      if (state[4 * r + 1] !== 0) continue;
      total.fill(0);
      for (let b = 0; b < blocks; b++) {
        const block = (r * blocks + b) * size;
        for (let e = 0; e < size; e++) total[e] += sums[block + e];
      }
      let shift = 0, empty = 0, moved = false;
      for (let j = 0; j < k; j++) {
        const count = total[j * (d + 1) + d];
        let seed = false;
        if (count === 0) {
          seed = empty++ === 0 && farthestDistance[r] > 0;
          if (!seed) continue;
          moved = true;
        }
        for (let c = 0; c < d; c++) {
          const place = (r * k + j) * d + c;
          const old = centroids[place];
          centroids[place] = seed ? farthest[r * d + c] : total[j * (d + 1) + c] / count;
          // Of what is stored: where no label changes, the shift is exactly 0.
          const change = centroids[place] - old;
          shift += change * change;
        }
      }
      state[4 * r] = shift;
      state[4 * r + 1] = shift <= tolerance[0] && !moved ? 1 : 0;
      state[4 * r + 2] += 1;
      state[4 * r + 3] = empty;
    }
  },
  cases: () => [
    example("tiny", 1, 1, 1, 1),
    example("converges", 2, 3, 5, 3, { tolerance: 1e4 }),
    example("one done", 3, 2, 4, 7, { done: [1], tolerance: 1e-6 }),
    example("one empty", 2, 2, 6, 5, { empty: [3], tolerance: 1e4 }),
    example("three empty", 2, 4, 300, 2, { empty: [1, 7, 299], tolerance: 1e4 }),
    example("empty, no far point", 2, 2, 6, 5, { empty: [2, 0], farthest: 0, tolerance: 1e4 }),
    example("all empty", 1, 1, 3, 2, { empty: [0, 1, 2] }),
    {
      ...example("no change", 1, 1, 2, 2),
      buffers: [
        values([2, 4, 2, 6, 9, 3]),
        integers(2, 1, 1),
        integers(1, 1, 1),
        values([1, 2, 2, 3]),
        values([1, 0, 7, 0]),
        integers(1, 0, 0),
      ],
    },
    example("latent codes", 10, 69, 10, 10),
    example("pixels", 2, 3, 10, 785),
  ],
  /**
   * A centroid passes through `blocks` roundings of terms ≥ 0 and 5 u of the division (2.5 ULP).
   * Differences of numbers of opposite sign add one, squares double, and the shift adds k·d squares
   * in 256 strands and 8 levels.
   */
  tolerance: ({ params: { blocks, k, d } }) => ({
    absolute: 0,
    relative: (2 * (blocks + 6) + 1 + k * d / 256 + 9 + 1) * UNIT_ROUNDOFF,
  }),
  cost: ({ runs, blocks, k, d }) => ({
    flops: runs * k * d * (blocks + 4),
    bytes: 4 * runs * (blocks * k * (d + 1) + 2 * k * d + d + 9),
  }),
};
