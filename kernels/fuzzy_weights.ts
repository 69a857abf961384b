/** The weights of UMAP's graph, before it is made symmetric. */
import { output, uniform, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import source from "./fuzzy_weights.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** The method's code: bisections at most. */
export const BISECTIONS = 64;
/** How near the sum has to come. */
export const NEAR_ENOUGH = 1e-5;
/** The least σ, as a share of the mean distance. */
export const LEAST_SCALE = 1e-3;

/** Squared distances in any order, some of them 0. */
function example(n: number, count: number, degree: number, high: number): KernelCase {
  return {
    name: `${n} rows, ${degree} of ${count} neighbours, squared distances below ${high}`,
    params: { n, count, degree, total: Math.fround(Math.log2(degree + 1)), mean: 0.5 },
    constants: {},
    buffers: [uniform(n * count, -high / 20, high), output(n * degree)],
  };
}

/** σ with Σ_j exp(−max(0, b_j)/σ) = total, as near as bisection from 1 on gets. */
function scaleOf(beyond: Float64Array, total: number): number {
  let [low, high, scale] = [0, Infinity, 1];
  for (let i = 0; i < BISECTIONS; i++) {
    let sum = 0;
    for (let j = 0; j < beyond.length; j++) sum += Math.exp(-Math.max(beyond[j], 0) / scale);
    if (Math.abs(sum - total) < NEAR_ENOUGH) break;
    if (sum > total) high = scale;
    else low = scale;
    scale = high === Infinity ? 2 * scale : (low + high) / 2;
  }
  return scale;
}

/**
 * w_ij = exp(−max(0, d_ij − ρ_i)/σ_i) for the first `degree` of a row's `count` neighbours (McInnes,
 * Healy and Melville, arXiv 1802.03426, section 3.1), with ρ_i the least distance above 0, and σ_i by
 * bisection so that Σ_j w_ij is within 10⁻⁵ of `total`, which is log₂(degree + 1): the row itself counts;
 * but at least 10⁻³ of the mean of its distances, itself at 0 among them, or of `mean`, that of all
 * rows, where all its neighbours are in its place.
 *
 * squared: `[n, count]`, squared distances, below 0 as 0; weights: `[n, degree]`.
 */
export const fuzzyWeights: RegisteredKernel = {
  name: "fuzzy_weights",
  bindings: [
    { name: "squared", type: "f32", access: "read" },
    { name: "weights", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "count", type: "u32" },
    { name: "degree", type: "u32" },
    { name: "total", type: "f32" },
    { name: "mean", type: "f32" },
  ],
  constants: {},
  shaders: [{ file: "fuzzy_weights.wgsl", source, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n, count, degree }) => [n * count, n * degree],
  extent: ({ n }) => n,
  reference([squared, weights], { count, degree, total, mean }, _constants, begin, end) {
    const beyond = new Float64Array(degree);
    for (let i = begin; i < end; i++) {
      let [nearest, sum] = [Infinity, 0];
      for (let j = 0; j < degree; j++) {
        beyond[j] = Math.sqrt(Math.max(squared[i * count + j], 0));
        sum += beyond[j];
        if (beyond[j] > 0) nearest = Math.min(nearest, beyond[j]);
      }
      const isAlone = nearest === Infinity;
      for (let j = 0; j < degree; j++) beyond[j] = isAlone ? 0 : beyond[j] - nearest;
      const least = LEAST_SCALE * (isAlone ? mean : sum / (degree + 1));
      const scale = Math.max(scaleOf(beyond, total), least);
      for (let j = 0; j < degree; j++) {
        weights[i * degree + j] = beyond[j] > 0 ? Math.exp(-beyond[j] / scale) : 1;
      }
    }
  },
  cases: () => [
    example(0, 3, 2, 1),
    example(1, 1, 1, 1),
    example(65, 4, 2, 1),
    example(130, 14, 14, 100),
    example(257, 29, 19, 1e-6),
    example(63, 33, 29, 1e8),
    example(1009, 15, 9, 1),
    {
      name: "rows in one place, and almost",
      params: { n: 4, count: 3, degree: 3, total: 2, mean: 0.25 },
      constants: {},
      buffers: [values([0, 0, 0, 0, 0, 4, 1, 1, 1, 1, 1.0001, 1e12]), output(12)],
    },
  ],
  // Rounding decides whether there is one bisection more. All weights of a row grow with σ: none differs
  // by more than the sums, which are twice what is near enough apart, and rounded.
  tolerance: () => ({ absolute: 2.5 * NEAR_ENOUGH, relative: 0 }),
  cost: ({ n, count, degree }) => ({
    flops: 20 * n * degree * 4,
    bytes: 4 * n * (count + degree),
  }),
};
