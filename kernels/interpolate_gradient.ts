/** The gradient of a reversed interpolation of a batch with itself. */
import { output, uniform } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import source from "./interpolate_gradient.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(n: number, w: number): KernelCase {
  return {
    name: `${n}×${w}`,
    params: { n, w },
    constants: {},
    buffers: [uniform(n * w), uniform(n, 0, 1), output(n * w)],
  };
}

/**
 * The adjoint of z ↦ interpolate(z, z, t) with REVERSE: row i contributes t_i to itself and
 * 1 − t_i to row n − 1 − i, so that da_i = t_i dy_i + (1 − t_j) dy_j with j = n − 1 − i.
 *
 * dy, da: `[n, w]`, t: `[n]`.
 */
export const interpolateGradient: RegisteredKernel = {
  name: "interpolate_gradient",
  bindings: [
    { name: "dy", type: "f32", access: "read" },
    { name: "t", type: "f32", access: "read" },
    { name: "da", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "w", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "interpolate_gradient.wgsl",
    source,
    workgroups: ({ n, w }) => groupsOf(n * w, 64),
  }],
  lengths: ({ n, w }) => [n * w, n, n * w],
  extent: ({ n }) => n,
  reference([dy, t, da], { n, w }, _constants, begin, end) {
    for (let i = begin; i < end; i++) {
      const weight = t[i], rest = 1 - t[n - 1 - i];
      const row = i * w, partner = (n - 1 - i) * w;
      for (let j = 0; j < w; j++) da[row + j] = weight * dy[row + j] + rest * dy[partner + j];
    }
  },
  cases: () => [
    example(1, 1),
    example(0, 5),
    example(2, 3),
    example(3, 1),
    example(65, 10),
    example(37, 785),
    example(256, 784),
  ],
  /** With t in [0, 1), |dy| ≤ 1: products round by u and 2 u, the sum, at most 2, by 2 u. */
  tolerance: () => ({ absolute: 6 * UNIT_ROUNDOFF, relative: 0 }),
  cost: ({ n, w }) => ({ flops: 4 * n * w, bytes: 4 * n * (2 * w + 1) }),
};
