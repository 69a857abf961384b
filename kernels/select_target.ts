/** Targets of a batch: the table's row where the mask is set, else the fallback. */
import { integers, output, uniform } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import { copyRow } from "./rows.ts";
import source from "./select_target.wgsl" with { type: "text" };

function example(n: number, w: number, k: number): KernelCase {
  return {
    name: `${n}×${w}, k ${k}`,
    params: { n, w, k },
    constants: {},
    buffers: [
      uniform(k * w),
      integers(n, 0, k - 1),
      integers(n, 0, 1),
      uniform(n * w),
      output(n * w),
    ],
  };
}

/**
 * y_i = table[labels_i] where mask_i > ½, else fallback_i.
 *
 * table: `[k, w]`, labels, mask: `[n]`, fallback, y: `[n, w]`.
 */
export const selectTarget: RegisteredKernel = {
  name: "select_target",
  bindings: [
    { name: "table", type: "f32", access: "read" },
    { name: "labels", type: "u32", access: "read" },
    { name: "mask", type: "f32", access: "read" },
    { name: "fallback", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "w", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "select_target.wgsl", source, workgroups: ({ n, w }) => groupsOf(n * w, 64) }],
  lengths: ({ n, w, k }) => [k * w, n, n, n * w, n * w],
  extent: ({ n }) => n,
  reference([table, labels, mask, fallback, y], { w }, _constants, begin, end) {
    for (let i = begin; i < end; i++) {
      if (mask[i] > 0.5) copyRow(table, labels[i] * w, y, i * w, w);
      else copyRow(fallback, i * w, y, i * w, w);
    }
  },
  cases: () => [
    example(1, 1, 1),
    example(0, 10, 10),
    example(7, 3, 2),
    example(65, 10, 10),
    example(64, 1, 5),
    example(37, 785, 11),
    example(256, 784, 10),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ n, w }) => ({ flops: 0, bytes: 4 * n * (2 * w + 2) }),
};
