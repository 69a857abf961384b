/** Squared distances of all points to all centroids. */
import { uniform } from "./case_buffers.ts";
import { chunkedLength, groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { loadRow, squaredDistanceRoundings, squaredDistances } from "./rows.ts";
import source from "./distances.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(
  n: number,
  d: number,
  k: number,
  first = 0,
  total = first + n,
): KernelCase {
  return {
    name: `${n}×${d}, k ${k}` + (total > n ? `, at ${first} of ${total}` : ""),
    params: { n, first, total, d, k },
    constants: {},
    buffers: [uniform(n * d), uniform(k * d), uniform(k * total, 0, 1)],
  };
}

/**
 * y[j, first + i] = ‖x_i − c_j‖² by direct differences, for a chunk of n points that starts at row
 * `first` of `total`; the other columns of y keep what they hold.
 *
 * x: `[n, d]`, c: `[k, d]`, y: `[k, total]`.
 */
export const distances: RegisteredKernel = {
  name: "distances",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "c", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "first", type: "u32" },
    { name: "total", type: "u32" },
    { name: "d", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "distances.wgsl",
    source,
    workgroups: ({ n, k }) => groupsOf(n, 64) * groupsOf(k, 8),
  }],
  lengths: ({ n, first, total, d, k }) => [n * d, k * d, chunkedLength(k, total, first + n)],
  extent: ({ n }) => n,
  reference([x, c, y], { first, total, d, k }, _constants, begin, end) {
    const centroids = new Float64Array(c);
    const point = new Float64Array(d);
    const squared = new Float64Array(k);
    for (let i = begin; i < end; i++) {
      loadRow(x, i * d, point);
      squaredDistances(point, centroids, 0, k, squared);
      for (let j = 0; j < k; j++) y[j * total + first + i] = squared[j];
    }
  },
  cases: () => [
    example(1, 1, 1),
    example(0, 3, 2, 4, 9),
    example(65, 2, 7),
    example(64, 10, 8, 1024, 1200),
    example(257, 10, 10),
    example(63, 3, 17, 5, 101),
    example(31, 785, 9),
    example(1000, 64, 20),
  ],
  /** A sum of squares has no cancellation: the roundings bound the relative error. */
  tolerance: ({ params: { d } }) => ({
    absolute: 0,
    relative: (squaredDistanceRoundings(d) + 1) * UNIT_ROUNDOFF,
  }),
  cost: ({ n, d, k }) => ({ flops: 3 * n * d * k, bytes: 4 * (n * d + k * d + n * k) }),
};
