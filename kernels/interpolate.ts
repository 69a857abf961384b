/** Mixtures of rows, each with its own coefficient. */
import { output, uniform } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import source from "./interpolate.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(n: number, w: number, REVERSE: number): KernelCase {
  return {
    name: `${n}×${w}${REVERSE ? ", reversed" : ""}`,
    params: { n, w },
    constants: { REVERSE },
    buffers: [uniform(n * w), uniform(n * w), uniform(n, 0, 1), output(n * w)],
  };
}

/**
 * y_i = t_i a_i + (1 − t_i) b_j with j = n − 1 − i where REVERSE is 1, else j = i.
 *
 * a, b, y: `[n, w]`, t: `[n]`.
 */
export const interpolate: RegisteredKernel = {
  name: "interpolate",
  bindings: [
    { name: "a", type: "f32", access: "read" },
    { name: "b", type: "f32", access: "read" },
    { name: "t", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "w", type: "u32" },
  ],
  constants: { REVERSE: 0 },
  shaders: [{ file: "interpolate.wgsl", source, workgroups: ({ n, w }) => groupsOf(n * w, 64) }],
  lengths: ({ n, w }) => [n * w, n * w, n, n * w],
  extent: ({ n }) => n,
  reference([a, b, t, y], { n, w }, { REVERSE }, begin, end) {
    for (let i = begin; i < end; i++) {
      const weight = t[i], rest = 1 - t[i];
      const rowA = i * w, rowB = (REVERSE ? n - 1 - i : i) * w;
      for (let j = 0; j < w; j++) y[rowA + j] = weight * a[rowA + j] + rest * b[rowB + j];
    }
  },
  cases: () =>
    [0, 1].flatMap((reverse) => [
      example(1, 1, reverse),
      example(0, 5, reverse),
      example(2, 3, reverse),
      example(65, 10, reverse),
      example(37, 785, reverse),
      example(256, 784, reverse),
    ]),
  /** With t in [0, 1), |a|, |b| ≤ 1: t·a rounds once, (1 − t)·b twice, the sum once; 4 u in all. */
  tolerance: () => ({ absolute: 4 * UNIT_ROUNDOFF, relative: 0 }),
  cost: ({ n, w }) => ({ flops: 4 * n * w, bytes: 4 * n * (3 * w + 1) }),
};
