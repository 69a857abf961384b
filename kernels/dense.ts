/** The dense layer: y = act(x · w + b). */
import { holdsIntegers, type KernelCase, largestMagnitude } from "./kernel.ts";
import { productShaders, productTolerance } from "./product.ts";
import source from "./dense.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const shaders = productShaders(
  "dense",
  { rows: ({ m }) => m, columns: ({ n }) => n, depth: ({ k }) => k },
  source,
);

/**
 * y = act(x · w + b) with x [m, k], w [k, n], b [n] and y [m, n].
 *
 * Params: m, k, n, and stride, the elements from one row of x to the next: x may be the first k columns
 * of a wider matrix. Constants: `ACT` 0 none, 1 ReLU; `USE_BIAS` 0 leaves b out, which is then one
 * unused element. A NaN stays NaN through the ReLU.
 */
export const dense: RegisteredKernel = {
  name: "dense",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "w", type: "f32", access: "read" },
    { name: "b", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "m", type: "u32" },
    { name: "k", type: "u32" },
    { name: "n", type: "u32" },
    { name: "stride", type: "u32" },
  ],
  constants: { ACT: 0, USE_BIAS: 1 },
  ...shaders,
  lengths: ({ m, k, n, stride }, { USE_BIAS }) => [
    m > 0 ? (m - 1) * stride + k : 0,
    k * n,
    USE_BIAS === 1 ? n : 0,
    m * n,
  ],
  extent: (params) => params.m,
  reference([x, w, b, y], { k, n, stride }, constants, begin, end) {
    const relu = constants.ACT === 1;
    const useBias = constants.USE_BIAS === 1;
    const sums = new Float64Array(n);
    for (let i = begin; i < end; i++) {
      for (let j = 0; j < n; j++) sums[j] = useBias ? b[j] : 0;
      for (let p = 0; p < k; p++) {
        const xip = x[i * stride + p];
        const row = p * n;
        for (let j = 0; j < n; j++) sums[j] += xip * w[row + j];
      }
      const row = i * n;
      for (let j = 0; j < n; j++) {
        const sum = sums[j];
        y[row + j] = relu && sum < 0 ? 0 : sum;
      }
    }
  },
  cases: () => [
    denseCase(1, 1, 1, 0, 1),
    denseCase(1, 7, 3, 1, 0),
    denseCase(5, 1, 17, 0, 0),
    denseCase(16, 64, 16, 0, 1, true),
    denseCase(17, 65, 15, 1, 1, true),
    denseCase(64, 16, 64, 1, 1),
    denseCase(65, 17, 63, 0, 1),
    denseCase(63, 33, 65, 1, 0, true),
    denseCase(33, 31, 129, 0, 0, true),
    denseCase(67, 257, 10, 0, 1),
    denseCase(257, 785, 33, 1, 1),
    denseCase(66, 35, 40, 0, 1, true, 50),
    denseCase(130, 64, 129, 0, 1, false, 257),
  ],
  tolerance(testCase) {
    const [x, w, b] = testCase.buffers;
    const bias = testCase.constants.USE_BIAS === 1 ? largestMagnitude(b) : 0;
    return productTolerance(testCase.params.k, x, w, holdsIntegers(testCase), bias);
  },
  cost: ({ m, k, n }) => ({
    flops: 2 * m * k * n + m * n,
    bytes: 4 * (m * k + k * n + n + m * n),
  }),
};

function denseCase(
  m: number,
  k: number,
  n: number,
  act: 0 | 1,
  useBias: 0 | 1,
  integers = false,
  stride = k,
): KernelCase {
  const fill = integers
    ? { kind: "integer", low: -4, high: 4 } as const
    : { kind: "uniform", low: -1, high: 1 } as const;
  return {
    name:
      `${m}×${k}${stride > k ? ` of ${stride}` : ""} · ${k}×${n}${useBias ? " + b" : ""}${
        act ? ", ReLU" : ""
      }` +
      (integers ? ", integers" : ""),
    params: { m, k, n, stride },
    constants: { ACT: act, USE_BIAS: useBias },
    buffers: [
      { length: m * stride, fill },
      { length: k * n, fill },
      { length: useBias ? n : 1, fill },
      { length: m * n },
    ],
  };
}
