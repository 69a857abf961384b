/** A running selection of the nearest rows. */
import { integers } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import { loadRow, squaredDistanceRoundings, squaredDistances } from "./rows.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./nearest_neighbours.wgsl" with { type: "text" };

/** The number of a place that no row has filled. */
export const NO_ROW = 0xffffffff;

/** The squared distance of such a place: the largest float32. */
const FARTHEST = (2 - 2 ** -23) * 2 ** 127;

/** Coordinates are small integers: distances are exact and ties frequent. */
function example(
  queries: number,
  n: number,
  d: number,
  k: number,
  first = 0,
  largest = 3,
): KernelCase {
  return {
    name: `${k} of ${n}×${d} for ${queries}` + (first > 0 ? `, from row ${first}` : ""),
    params: { queries, n, first, d, k },
    constants: {},
    buffers: [
      integers(queries * d, 0, largest),
      integers(queries, 0, first + n + 1),
      integers(n * d, 0, largest),
      integers(queries * k, 0, 9),
      // Behind a first chunk the selection goes on with what is there, in ascending order.
      {
        length: queries * k,
        fill: {
          kind: "values",
          values: Float64Array.from({ length: queries * k }, (_, i) => i % k),
        },
      },
    ],
  };
}

/**
 * Of every query the k rows of least ‖x − y‖², nearest first, ties to the lowest number, by direct
 * differences; a row whose number is the query's own is left out. One call for each chunk of the
 * rows, in order: it meets the n rows from number `first` on. The call with `first` 0 begins the
 * selection, the others go on with it. Places that no row fills hold {@linkcode NO_ROW} and the
 * largest float32; a row whose distance is no number fills none.
 *
 * queries: `[queries, d]`, numbers: `[queries]`, points: `[n, d]`, rows, squared: `[queries, k]`.
 */
export const nearestNeighbours: RegisteredKernel = {
  name: "nearest_neighbours",
  bindings: [
    { name: "queries", type: "f32", access: "read" },
    { name: "numbers", type: "u32", access: "read" },
    { name: "points", type: "f32", access: "read" },
    { name: "rows", type: "u32", access: "update" },
    { name: "squared", type: "f32", access: "update" },
  ],
  params: [
    { name: "queries", type: "u32" },
    { name: "n", type: "u32" },
    { name: "first", type: "u32" },
    { name: "d", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "nearest_neighbours.wgsl",
    source,
    workgroups: ({ queries }) => groupsOf(queries, 64),
  }],
  lengths: ({ queries, n, d, k }) => [queries * d, queries, n * d, queries * k, queries * k],
  extent: ({ queries }) => queries,
  reference([queries, numbers, points, rows, squared], params, _constants, begin, end) {
    const { n, first, d, k } = params;
    const all = new Float64Array(points);
    const query = new Float64Array(d);
    const distances = new Float64Array(n);
    for (let q = begin; q < end; q++) {
      const start = q * k;
      if (first === 0) {
        rows.fill(NO_ROW, start, start + k);
        squared.fill(FARTHEST, start, start + k);
      }
      loadRow(queries, q * d, query);
      squaredDistances(query, all, 0, n, distances);
      for (let j = 0; j < n; j++) {
        if (!(distances[j] < squared[start + k - 1]) || first + j === numbers[q]) continue;
        let place = start + k - 1;
        for (; place > start && distances[j] < squared[place - 1]; place--) {
          rows[place] = rows[place - 1];
          squared[place] = squared[place - 1];
        }
        rows[place] = first + j;
        squared[place] = distances[j];
      }
    }
  },
  cases: () => [
    example(1, 1, 1, 1),
    example(3, 2, 2, 5),
    example(0, 9, 3, 2),
    example(5, 0, 3, 2, 7),
    example(16, 16, 1, 3),
    example(65, 130, 3, 7),
    example(33, 257, 5, 15, 0, 9),
    example(17, 100, 4, 6, 1024, 1),
    example(31, 65, 785, 4),
    example(40, 300, 2, 1, 8),
    example(200, 3000, 10, 30, 0, 9),
  ],
  /** A sum of squares has no cancellation: the roundings bound the relative error. */
  tolerance: ({ params: { d } }) => ({
    absolute: 0,
    relative: (squaredDistanceRoundings(d) + 1) * UNIT_ROUNDOFF,
  }),
  cost: ({ queries, n, d, k }) => ({
    flops: 3 * queries * n * d,
    bytes: 4 * (queries * (d + 1 + 2 * k) + n * d),
  }),
};
