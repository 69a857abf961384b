/** The gradient of orthonormalisation. */
import { output, uniform, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import source from "./orthonormalize_gradient.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Most of the sum of the sizes of a row's elements beside its diagonal, in the cases' l. */
const BESIDE = 0.5;

/** A lower triangle with ones on its diagonal, whose columns beside it sum to at most a half. */
function triangle(k: number): Float32Array {
  return Float32Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    if (i === j) return 1;
    return i < j ? 0 : BESIDE / k * Math.sin(7.233 * (at + 1));
  });
}

function example(k: number, p: number): KernelCase {
  const matrix = () => uniform(k * p, -1, 1);
  return {
    name: `${k}×${p}`,
    params: { k, p },
    constants: {},
    buffers: [matrix(), values(triangle(k)), matrix(), uniform(k * k, -1, 1), output(k * p)],
  };
}

/**
 * da = l⁻ᵀ·(dq + s·q) with s_ij = −(dq·qᵀ)_{max(i,j), min(i,j)}: the gradient of a ↦ q with a = l·q
 * (the rule of the QR decomposition, Walter and Lehmann, arXiv 1009.6112, for rows).
 *
 * q, dq, da: `[k, p]`, l and `products` = dq·qᵀ: `[k, k]`.
 */
export const orthonormalizeGradient: RegisteredKernel = {
  name: "orthonormalize_gradient",
  bindings: [
    { name: "q", type: "f32", access: "read" },
    { name: "l", type: "f32", access: "read" },
    { name: "dq", type: "f32", access: "read" },
    { name: "products", type: "f32", access: "read" },
    { name: "da", type: "f32", access: "write" },
  ],
  params: [
    { name: "k", type: "u32" },
    { name: "p", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "orthonormalize_gradient.wgsl",
    source,
    workgroups: ({ p }) => groupsOf(p, 64),
  }],
  lengths: ({ k, p }) => [k * p, k * k, k * p, k * k, k * p],
  extent: ({ p }) => p,
  reference([q, l, dq, products, da], { k, p }, _constants, begin, end) {
    for (let c = begin; c < end; c++) {
      for (let i = k - 1; i >= 0; i--) {
        let value = dq[i * p + c];
        for (let j = 0; j < k; j++) {
          value -= products[Math.max(i, j) * k + Math.min(i, j)] * q[j * p + c];
        }
        for (let j = i + 1; j < k; j++) value -= l[j * k + i] * da[j * p + c];
        da[i * p + c] = value / l[i * k + i];
      }
    }
  },
  cases: () => [example(1, 1), example(1, 70), example(3, 3), example(10, 10), example(20, 129)],
  /**
   * Values are below k + 1 and twice that once solved, because a column of l beside its diagonal sums
   * to at most a half; they are sums of 2k products, (2k + 3)·u each, and the errors of the rows
   * solved before come in multiplied by that half: twice in all.
   */
  tolerance: ({ params: { k } }) => ({
    absolute: 2 * (2 * k + 3) * 2 * (k + 1) * UNIT_ROUNDOFF,
    relative: 0,
  }),
  cost: ({ k, p }) => ({ flops: 3 * k * k * p, bytes: 4 * (3 * k * p + 2 * k * k) }),
};
