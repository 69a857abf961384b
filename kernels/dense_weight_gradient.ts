/** Gradients of a dense layer by its weights and bias: dw = xᵀ · dy, db = 1ᵀ · dy. */
import { holdsIntegers, type KernelCase } from "./kernel.ts";
import { productShaders, productTolerance } from "./product.ts";
import source from "./dense_weight_gradient.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const shaders = productShaders(
  "dense_weight_gradient",
  // The row of ones under xᵀ gives db.
  { rows: ({ k }, { BIAS }) => k + BIAS, columns: ({ n }) => n, depth: ({ m }) => m },
  source,
);

/**
 * dw = xᵀ · dy and db = 1ᵀ · dy with x [m, k], dy [m, n], db [n] and dw [k, n].
 *
 * Params: m, k, n. Constants: `BIAS` 0 leaves db out, which is then one element that is not written.
 */
export const denseWeightGradient: RegisteredKernel = {
  name: "dense_weight_gradient",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "dy", type: "f32", access: "read" },
    { name: "db", type: "f32", access: "write" },
    { name: "dw", type: "f32", access: "write" },
  ],
  params: [
    { name: "m", type: "u32" },
    { name: "k", type: "u32" },
    { name: "n", type: "u32" },
  ],
  constants: { BIAS: 0 },
  ...shaders,
  // A row of the product each; the last one, where it is asked for, is db.
  extent: (params, { BIAS }) => params.k + BIAS,
  lengths: ({ m, k, n }, { BIAS }) => [m * k, m * n, BIAS === 1 ? n : 0, k * n],
  reference([x, dy, db, dw], { m, k, n }, _constants, begin, end) {
    const sums = new Float64Array(n);
    for (let p = begin; p < end; p++) {
      sums.fill(0);
      for (let i = 0; i < m; i++) {
        const factor = p < k ? x[i * k + p] : 1;
        const row = i * n;
        for (let j = 0; j < n; j++) sums[j] += factor * dy[row + j];
      }
      if (p < k) dw.set(sums, p * n);
      else db.set(sums);
    }
  },
  cases: () => [
    weightGradientCase(1, 1, 1, 0),
    weightGradientCase(7, 1, 3, 1),
    weightGradientCase(1, 5, 17, 0),
    weightGradientCase(64, 16, 16, 1, true),
    weightGradientCase(65, 17, 15, 0, true),
    weightGradientCase(16, 64, 64, 1),
    weightGradientCase(17, 65, 63, 0),
    weightGradientCase(33, 63, 65, 1, true),
    weightGradientCase(257, 67, 10, 0),
    weightGradientCase(257, 785, 33, 1),
  ],
  tolerance(testCase) {
    const [x, dy] = testCase.buffers;
    return productTolerance(testCase.params.m, x, dy, holdsIntegers(testCase));
  },
  cost: ({ m, k, n }, { BIAS }) => ({
    flops: 2 * m * k * n + BIAS * m * n,
    bytes: 4 * (m * k + m * n + (k + BIAS) * n),
  }),
};

function weightGradientCase(
  m: number,
  k: number,
  n: number,
  bias: 0 | 1,
  integers = false,
): KernelCase {
  const fill = integers
    ? { kind: "integer", low: -4, high: 4 } as const
    : { kind: "uniform", low: -1, high: 1 } as const;
  return {
    name: `(${m}×${k})ᵀ · ${m}×${n}${bias ? ", bias" : ""}${integers ? ", integers" : ""}`,
    params: { m, k, n },
    constants: { BIAS: bias },
    buffers: [
      { length: m * k, fill },
      { length: m * n, fill },
      { length: bias ? n : 1 },
      { length: k * n },
    ],
  };
}
