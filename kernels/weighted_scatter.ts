/** Second moments of rows that belong to each of K means by a weight, a block of columns at a time. */
import { integers, output, uniform } from "./case_buffers.ts";
import {
  type CaseBuffer,
  holdsIntegers,
  type KernelCase,
  largestMagnitude,
  type Params,
  ULP,
} from "./kernel.ts";
import { productShaders } from "./product.ts";
import source from "./weighted_scatter.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const shaders = productShaders(
  "weighted_scatter",
  {
    rows: ({ k, width }) => k * width,
    columns: ({ first, width }) => first + width,
    depth: ({ m }) => m,
  },
  source,
);

/**
 * s[c·width + a, b] = Σ_i γ[i, c] · (x[i, first + a] − μ[c, first + a]) · x[i, b] with x [m, d],
 * γ [m, k], μ [k, d] and s [k·width, first + width]: what stands up to the diagonal in some columns of
 * k symmetric matrices, and a little more.
 *
 * Params: m, d, k, first, width, where first + width is at most d.
 */
export const weightedScatter: RegisteredKernel = {
  name: "weighted_scatter",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "gamma", type: "f32", access: "read" },
    { name: "means", type: "f32", access: "read" },
    { name: "s", type: "f32", access: "write" },
  ],
  params: ["m", "d", "k", "first", "width"].map((name) => ({ name, type: "u32" })),
  constants: {},
  ...shaders,
  lengths: ({ m, d, k, first, width }) => [m * d, m * k, k * d, k * width * (first + width)],
  // Rows of s.
  extent: ({ k, width }) => k * width,
  reference([x, gamma, means, s], { m, d, k, first, width }, _constants, begin, end) {
    const columns = first + width;
    const sums = new Float64Array(columns);
    for (let row = begin; row < end; row++) {
      const c = Math.floor(row / width);
      const j = first + row - c * width;
      sums.fill(0);
      for (let i = 0; i < m; i++) {
        const factor = gamma[i * k + c] * (x[i * d + j] - means[c * d + j]);
        for (let b = 0; b < columns; b++) sums[b] += factor * x[i * d + b];
      }
      s.set(sums, row * columns);
    }
  },
  cases: () => [
    scatterCase({ m: 1, d: 1, k: 1, first: 0, width: 1 }),
    scatterCase({ m: 7, d: 5, k: 3, first: 2, width: 2 }),
    scatterCase({ m: 65, d: 40, k: 2, first: 16, width: 17 }, true),
    scatterCase({ m: 64, d: 64, k: 4, first: 32, width: 32 }, true),
    scatterCase({ m: 259, d: 70, k: 10, first: 0, width: 70 }),
    scatterCase({ m: 130, d: 131, k: 3, first: 64, width: 64 }),
  ],
  /**
   * Three roundings a term (the difference, the weight, the product) and one an addition, of terms of at
   * most |γ| (|x| + |μ|) |x|. Integers whose sums stay below 2²⁴ are exact.
   */
  tolerance(testCase) {
    const [x, gamma, means] = testCase.buffers.map(largestMagnitude);
    const sum = testCase.params.m * gamma * (x + means) * x;
    if (holdsIntegers(testCase) && sum < 2 ** 24) return { absolute: 0, relative: 0 };
    return { absolute: (testCase.params.m + 3) * ULP * sum, relative: 0 };
  },
  cost: ({ m, d, k, first, width }) => ({
    flops: 2 * m * k * width * (first + width + 1),
    bytes: 4 * (m * d + m * k + k * d + k * width * (first + width)),
  }),
};

function scatterCase(params: Params, exact = false): KernelCase {
  const { m, d, k, first, width } = params;
  const of = (length: number): CaseBuffer => exact ? integers(length, -4, 4) : uniform(length);
  return {
    name: `${m}×${d}, ${k} means, columns ${first} to ${first + width}` +
      (exact ? ", integers" : ""),
    params,
    constants: {},
    buffers: [of(m * d), of(m * k), of(k * d), output(k * width * (first + width))],
  };
}
