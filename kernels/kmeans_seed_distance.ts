/** k-means++: distances to the nearest centre, if each candidate were chosen. */
import { integers, uniform, values } from "./case_buffers.ts";
import { chunkedLength, groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { loadRow, squaredDistanceRoundings, squaredDistances } from "./rows.ts";
import source from "./kmeans_seed_distance.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Points whose distances make one partial sum; `first` is a multiple of it. */
const BLOCK = 256;

function example(
  n: number,
  d: number,
  runs: number,
  trials: number,
  round: number,
  first = 0,
  total = first + n,
): KernelCase {
  const blocks = groupsOf(total, BLOCK);
  return {
    name: `${n}×${d}, ${runs} runs of ${trials}, round ${round}` +
      (total > n ? `, at ${first} of ${total}` : ""),
    params: { n, first, total, d, runs, trials },
    constants: {},
    buffers: [
      uniform(n * d),
      uniform(runs * trials * d),
      values([round]),
      integers(runs, 0, trials - 1),
      uniform(2 * runs * trials * total, 0, d),
      uniform(runs * trials * blocks, 0, 1),
    ],
  };
}

/**
 * For every run r and trial l of round t of greedy k-means++ (Arthur and Vassilvitskii, k-means++:
 * the advantages of careful seeding, 2007), over a chunk of n points that starts at row `first`:
 *
 * - distances[t mod 2, r, l, first + i] = min(distances[(t − 1) mod 2, r, best_r, first + i],
 *   ‖x_i − candidate_rl‖²), without the first operand where t is 0
 * - partials[r·trials + l, b] = the sum of those of the 256 points of block b = ⌊(first + i)/256⌋
 *
 * What belongs to other chunks keeps its values; `first` is a multiple of 256.
 *
 * points: `[n, d]`, candidates: `[runs, trials, d]`, round: `[1]` = t, best: `[runs]`,
 * distances: `[2, runs, trials, total]`, partials: `[runs · trials, ⌈total/256⌉]`.
 */
export const kmeansSeedDistance: RegisteredKernel = {
  name: "kmeans_seed_distance",
  bindings: [
    { name: "points", type: "f32", access: "read" },
    { name: "candidates", type: "f32", access: "read" },
    { name: "round", type: "u32", access: "read" },
    { name: "best", type: "u32", access: "read" },
    { name: "distances", type: "f32", access: "update" },
    { name: "partials", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "first", type: "u32" },
    { name: "total", type: "u32" },
    { name: "d", type: "u32" },
    { name: "runs", type: "u32" },
    { name: "trials", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "kmeans_seed_distance.wgsl",
    source,
    workgroups: ({ n, runs, trials }) => groupsOf(n, BLOCK) * runs * groupsOf(trials, 4),
  }],
  lengths({ n, first, total, d, runs, trials }) {
    const count = runs * trials;
    return [
      n * d,
      count * d,
      1,
      runs,
      chunkedLength(2 * count, total, first + n),
      count * groupsOf(total, BLOCK),
    ];
  },
  extent: ({ n }) => groupsOf(n, BLOCK),
  reference(buffers, params, _constants, begin, end) {
    const [points, candidates, round, best, distances, partials] = buffers;
    const { n, first, total, d, runs, trials } = params;
    const blocks = groupsOf(total, BLOCK), firstBlock = Math.floor(first / BLOCK);
    const count = runs * trials;
    const current = (round[0] % 2) * count * total;
    const previous = count * total - current;
    const rows = new Float64Array(candidates);
    const point = new Float64Array(d);
    const squared = new Float64Array(count);
    const sums = new Float64Array(count);
    for (let block = begin; block < end; block++) {
      sums.fill(0);
      const last = Math.min(n, (block + 1) * BLOCK);
      for (let i = block * BLOCK; i < last; i++) {
        loadRow(points, i * d, point);
        squaredDistances(point, rows, 0, count, squared);
        for (let r = 0; r < runs; r++) {
          const known = round[0] === 0
            ? Infinity
            : distances[previous + (r * trials + best[r]) * total + first + i];
          for (let l = r * trials; l < (r + 1) * trials; l++) {
            const distance = known < squared[l] ? known : squared[l];
            distances[current + l * total + first + i] = distance;
            sums[l] += distance;
          }
        }
      }
      for (let l = 0; l < count; l++) partials[l * blocks + firstBlock + block] = sums[l];
    }
  },
  cases: () => [
    example(1, 1, 1, 1, 0),
    example(0, 3, 2, 2, 1, 1024, 1500),
    example(1, 2, 2, 3, 2),
    example(257, 2, 3, 5, 1),
    example(256, 10, 1, 4, 0),
    example(300, 10, 2, 4, 3, 1024, 3000),
    example(255, 33, 2, 9, 4, 2048, 2303),
    example(100, 785, 2, 3, 1),
    example(1025, 10, 10, 4, 2),
  ],
  /**
   * Neither squares nor the block's sums of them cancel. The shader's tree of 256 has 8 levels; the
   * CPU adds 16 vectors in order, between two levels before and two after: 20 roundings.
   */
  tolerance: ({ params: { d } }) => ({
    absolute: 0,
    relative: (squaredDistanceRoundings(d) + 20 + 1) * UNIT_ROUNDOFF,
  }),
  cost: ({ n, d, runs, trials }) => ({
    flops: n * runs * trials * (3 * d + 2),
    bytes: 4 * (n * d + runs * trials * d + n * runs * (trials + 1)),
  }),
};
