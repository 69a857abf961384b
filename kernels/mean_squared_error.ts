/** Squared error between a prediction and its target, with its gradient. */
import { groupsOf, type KernelCase, SMALLEST_NORMAL, ULP } from "./kernel.ts";
import source from "./mean_squared_error.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Invocations of a workgroup, each of which first takes every 256th element of its block. */
const WORKGROUP = 256;

/**
 * partial[j] = Σ (p − t)² over block j, and g = scale·(p − t), with p, t and g [n] and partial
 * [⌈n / block⌉].
 *
 * The loss is the sum of the partials times whatever mean it is; `scale` is twice that factor times
 * the gradient that comes in. Params: n, block, scale. Constants: `GRADIENT` 0 leaves g out, which
 * is then one element that is not written.
 */
export const meanSquaredError: RegisteredKernel = {
  name: "mean_squared_error",
  bindings: [
    { name: "p", type: "f32", access: "read" },
    { name: "t", type: "f32", access: "read" },
    { name: "g", type: "f32", access: "write" },
    { name: "partial", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "block", type: "u32" },
    { name: "scale", type: "f32" },
  ],
  constants: { GRADIENT: 1 },
  shaders: [{
    file: "mean_squared_error.wgsl",
    source,
    workgroups: ({ n, block }) => groupsOf(n, block),
  }],
  lengths: ({ n, block }, { GRADIENT }) => [n, n, GRADIENT === 1 ? n : 0, groupsOf(n, block)],
  extent: ({ n, block }) => groupsOf(n, block),
  reference([p, t, g, partial], { n, block, scale }, constants, begin, end) {
    const gradient = constants.GRADIENT === 1;
    for (let j = begin; j < end; j++) {
      const last = Math.min(n, (j + 1) * block);
      let sum = 0;
      for (let i = j * block; i < last; i++) {
        const difference = p[i] - t[i];
        sum += difference * difference;
        if (gradient) g[i] = scale * difference;
      }
      partial[j] = sum;
    }
  },
  cases: () => [
    errorCase(1, 1024, 2, 1),
    errorCase(255, 256, 0.5, 0),
    errorCase(1024, 1024, 0.125, 1),
    errorCase(1025, 1024, -0.3, 1),
    errorCase(1000, 7, 1, 0),
    errorCase(0, 1024, 1, 1),
    errorCase(200_704, 2048, 2 / 256, 1),
  ],
  /**
   * The terms are not negative, so the bound is relative: three roundings a square (two of the
   * difference, one of the product), ⌈block / 256⌉ additions an invocation, 8 levels of a tree.
   */
  tolerance: ({ params }) => ({
    absolute: SMALLEST_NORMAL,
    relative: (3 + groupsOf(Math.min(params.n, params.block), WORKGROUP) + Math.log2(WORKGROUP)) *
      ULP,
  }),
  cost: ({ n, block }, constants) => ({
    flops: (constants.GRADIENT === 1 ? 4 : 3) * n,
    bytes: 4 * ((constants.GRADIENT === 1 ? 3 : 2) * n + groupsOf(n, block)),
  }),
};

function errorCase(n: number, block: number, scale: number, gradient: 0 | 1): KernelCase {
  return {
    name: `${n} by ${block}${gradient ? ", gradient" : ""}`,
    params: { n, block, scale: Math.fround(scale) },
    constants: { GRADIENT: gradient },
    buffers: [
      { length: n, fill: { kind: "uniform", low: 0, high: 1 } },
      { length: n, fill: { kind: "uniform", low: 0, high: 1 } },
      gradient ? { length: n } : { length: 1 },
      { length: groupsOf(n, block) },
    ],
  };
}
