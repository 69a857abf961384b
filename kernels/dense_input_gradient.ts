/** Gradient of a dense layer by its input: dx = (dy · wᵀ) ⊙ [y > 0]. */
import { holdsIntegers, type KernelCase } from "./kernel.ts";
import { productShaders, productTolerance } from "./product.ts";
import source from "./dense_input_gradient.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const shaders = productShaders(
  "dense_input_gradient",
  { rows: ({ m }) => m, columns: ({ k }) => k, depth: ({ n }) => n },
  source,
);

/**
 * dx = (dy · wᵀ) ⊙ [y > 0] with dy [m, n], w [k, n], y [m, k] and dx [m, k].
 *
 * y is the output of the ReLU whose result was this layer's input, so that dx is already the
 * gradient by what that ReLU was given. Params: m, k, n. Constants: `MASK` 1 applies the mask,
 * 0 leaves it out, and y is then one unused element.
 */
export const denseInputGradient: RegisteredKernel = {
  name: "dense_input_gradient",
  bindings: [
    { name: "dy", type: "f32", access: "read" },
    { name: "w", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "read" },
    { name: "dx", type: "f32", access: "write" },
  ],
  params: [
    { name: "m", type: "u32" },
    { name: "k", type: "u32" },
    { name: "n", type: "u32" },
  ],
  constants: { MASK: 0 },
  ...shaders,
  lengths: ({ m, k, n }, { MASK }) => [m * n, k * n, MASK === 1 ? m * k : 0, m * k],
  extent: (params) => params.m,
  reference([dy, w, y, dx], { k, n }, constants, begin, end) {
    const mask = constants.MASK === 1;
    for (let i = begin; i < end; i++) {
      const dyRow = i * n;
      for (let p = 0; p < k; p++) {
        if (mask && !(y[i * k + p] > 0)) {
          dx[i * k + p] = 0;
          continue;
        }
        const wRow = p * n;
        let sum = 0;
        for (let j = 0; j < n; j++) sum += dy[dyRow + j] * w[wRow + j];
        dx[i * k + p] = sum;
      }
    }
  },
  cases: () => [
    inputGradientCase(1, 1, 1, 0),
    inputGradientCase(1, 3, 7, 1),
    inputGradientCase(5, 17, 1, 0),
    inputGradientCase(16, 16, 64, 1, true),
    inputGradientCase(17, 15, 65, 1, true),
    inputGradientCase(64, 64, 16, 1),
    inputGradientCase(65, 63, 17, 0),
    inputGradientCase(63, 65, 33, 0, true),
    inputGradientCase(67, 257, 10, 1),
    inputGradientCase(257, 33, 785, 1),
  ],
  tolerance(testCase) {
    const [dy, w] = testCase.buffers;
    return productTolerance(testCase.params.n, dy, w, holdsIntegers(testCase));
  },
  cost: ({ m, k, n }, constants) => ({
    flops: 2 * m * k * n,
    bytes: 4 * (m * n + k * n + (constants.MASK === 1 ? 2 : 1) * m * k),
  }),
};

function inputGradientCase(
  m: number,
  k: number,
  n: number,
  mask: 0 | 1,
  integers = false,
): KernelCase {
  const fill = integers
    ? { kind: "integer", low: -4, high: 4 } as const
    : { kind: "uniform", low: -1, high: 1 } as const;
  return {
    name: `${m}×${n} · (${k}×${n})ᵀ${mask ? ", mask" : ""}${integers ? ", integers" : ""}`,
    params: { m, k, n },
    constants: { MASK: mask },
    buffers: [
      { length: m * n, fill },
      { length: k * n, fill },
      // Integers include the zeros of a ReLU, where the mask must be closed.
      { length: mask ? m * k : 1, fill: { kind: "integer", low: -1, high: 2 } },
      { length: m * k },
    ],
  };
}
