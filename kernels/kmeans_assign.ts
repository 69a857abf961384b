/** Lloyd's assignment step for several runs of k-means at once. */
import { integers } from "./case_buffers.ts";
import { chunkedLength, groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { stateOf } from "./kmeans_state.ts";
import { loadRow, squaredDistanceRoundings, squaredDistances } from "./rows.ts";
import source from "./kmeans_assign.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Coordinates are small integers: distances are exact and ties frequent. */
function example(
  n: number,
  d: number,
  k: number,
  runs: number,
  first = 0,
  total = first + n,
  done: readonly number[] = [],
): KernelCase {
  return {
    name: `${n}×${d}, k ${k}, ${runs} runs` + (total > n ? `, at ${first} of ${total}` : "") +
      (done.length > 0 ? `, ${done.length} done` : ""),
    params: { n, first, total, d, k, runs },
    constants: {},
    buffers: [
      integers(n * d, 0, 2),
      integers(runs * k * d, 0, 2),
      stateOf(runs, done),
      integers(runs * total, 0, k - 1),
      integers(runs * total, 0, 9),
    ],
  };
}

/**
 * labels[r, first + i] = argmin_j ‖x_i − c_rj‖², ties to the lowest j, and that squared distance, by
 * direct differences, for a chunk of n points that starts at row `first` of `total`; the rest keeps
 * what it holds, and so does a run r that is done: state[r, 1] ≠ 0. A point with a NaN gets label 0
 * and the distance NaN.
 *
 * points: `[n, d]`, centroids: `[runs, k, d]`, state: `[runs, 4]` as `kmeans_update` has it, labels,
 * distances: `[runs, total]`.
 */
export const kmeansAssign: RegisteredKernel = {
  name: "kmeans_assign",
  bindings: [
    { name: "points", type: "f32", access: "read" },
    { name: "centroids", type: "f32", access: "read" },
    { name: "state", type: "f32", access: "read" },
    { name: "labels", type: "u32", access: "update" },
    { name: "distances", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "first", type: "u32" },
    { name: "total", type: "u32" },
    { name: "d", type: "u32" },
    { name: "k", type: "u32" },
    { name: "runs", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "kmeans_assign.wgsl",
    source,
    workgroups: ({ n, runs }) => groupsOf(n, 64) * runs,
  }],
  lengths({ n, first, total, d, k, runs }) {
    const labels = chunkedLength(runs, total, first + n);
    return [n * d, runs * k * d, 4 * runs, labels, labels];
  },
  extent: ({ n }) => n,
  reference([points, centroids, state, labels, distances], params, _constants, begin, end) {
    const { first, total, d, k, runs } = params;
    const rows = new Float64Array(centroids);
    const point = new Float64Array(d);
    const squared = new Float64Array(k);
    for (let i = begin; i < end; i++) {
      loadRow(points, i * d, point);
      for (let r = 0; r < runs; r++) {
        if (state[4 * r + 1] !== 0) continue;
        squaredDistances(point, rows, r * k, k, squared);
        let label = 0, nearest = squared[0];
        for (let j = 1; j < k; j++) {
          if (squared[j] < nearest) {
            nearest = squared[j];
            label = j;
          }
        }
        labels[r * total + first + i] = label;
        distances[r * total + first + i] = nearest;
      }
    }
  },
  cases: () => [
    example(1, 1, 1, 1),
    example(0, 3, 4, 2, 5, 11),
    example(65, 1, 7, 2),
    example(64, 2, 8, 3, 1024, 1100),
    example(257, 3, 9, 1),
    example(100, 10, 10, 10),
    example(63, 5, 33, 2, 7, 200),
    example(29, 785, 10, 2),
    example(50, 4, 5, 4, 0, 50, [0, 2]),
    example(40, 3, 2, 2, 16, 60, [0, 1]),
    example(2000, 64, 10, 2),
  ],
  /** A sum of squares has no cancellation: the roundings bound the relative error. */
  tolerance: ({ params: { d } }) => ({
    absolute: 0,
    relative: (squaredDistanceRoundings(d) + 1) * UNIT_ROUNDOFF,
  }),
  cost: ({ n, d, k, runs }) => ({
    flops: 3 * n * d * k * runs,
    bytes: 4 * (n * d + runs * (k * d + 2 * n)),
  }),
};
