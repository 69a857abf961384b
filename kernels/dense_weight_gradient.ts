/** Gradient of a dense layer by its weights: dw = xᵀ · dy. */
import { holdsIntegers, type Kernel, type KernelCase } from "./kernel.ts";
import { chooseProductShader, productShaders, productTolerance } from "./matmul.ts";
import source from "./dense_weight_gradient.wgsl" with { type: "text" };
import software from "./dense_weight_gradient_software.wgsl" with { type: "text" };

const shaders = productShaders(
  "dense_weight_gradient",
  { rows: "k", columns: "n", depth: "m" },
  source,
  software,
);

/** dw = xᵀ · dy with x [m, k], dy [m, n] and dw [k, n]. Params: m, k, n. */
export const denseWeightGradient: Kernel = {
  name: "dense_weight_gradient",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "dy", type: "f32", access: "read" },
    { name: "dw", type: "f32", access: "write" },
  ],
  params: [
    { name: "m", type: "u32" },
    { name: "k", type: "u32" },
    { name: "n", type: "u32" },
  ],
  constants: {},
  shaders,
  choose: (adapter, params) => chooseProductShader(shaders, adapter, params),
  extent: (params) => params.k,
  reference([x, dy, dw], { m, k, n }, _constants, begin, end) {
    const sums = new Float64Array(n);
    for (let p = begin; p < end; p++) {
      sums.fill(0);
      for (let i = 0; i < m; i++) {
        const xip = x[i * k + p];
        const row = i * n;
        for (let j = 0; j < n; j++) sums[j] += xip * dy[row + j];
      }
      const row = p * n;
      for (let j = 0; j < n; j++) dw[row + j] = sums[j];
    }
  },
  cases: () => [
    weightGradientCase(1, 1, 1),
    weightGradientCase(7, 1, 3),
    weightGradientCase(1, 5, 17),
    weightGradientCase(64, 16, 16, true),
    weightGradientCase(65, 17, 15, true),
    weightGradientCase(16, 64, 64),
    weightGradientCase(17, 65, 63),
    weightGradientCase(33, 63, 65, true),
    weightGradientCase(257, 67, 10),
    weightGradientCase(257, 785, 33),
  ],
  tolerance(testCase) {
    const [x, dy] = testCase.buffers;
    return productTolerance(testCase.params.m, x, dy, holdsIntegers(testCase));
  },
  cost: ({ m, k, n }) => ({ flops: 2 * m * k * n, bytes: 4 * (m * k + m * n + k * n) }),
};

function weightGradientCase(m: number, k: number, n: number, integers = false): KernelCase {
  const fill = integers
    ? { kind: "integer", low: -4, high: 4 } as const
    : { kind: "uniform", low: -1, high: 1 } as const;
  return {
    name: `(${m}×${k})ᵀ · ${m}×${n}${integers ? ", integers" : ""}`,
    params: { m, k, n },
    constants: {},
    buffers: [{ length: m * k, fill }, { length: m * n, fill }, { length: k * n }],
  };
}
