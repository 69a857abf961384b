/** Rows written to numbered places of a table. */
import { integers, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import { copyRow } from "./rows.ts";
import source from "./scatter_rows.wgsl" with { type: "text" };

/** Row i goes to `multiplier · i mod modulus`: distinct where the two are coprime, n ≤ modulus. */
function example(
  name: string,
  n: number,
  w: number,
  total: number,
  multiplier: number,
  modulus: number,
): KernelCase {
  return {
    name,
    params: { n, w, total },
    constants: {},
    buffers: [
      integers(n * w, 0, 2 ** 24),
      values(Array.from({ length: n }, (_, i) => (multiplier * i) % modulus)),
      integers(total * w, 0, 9),
    ],
  };
}

/**
 * y[rows[i]] = x[i]; a row number ≥ total is skipped. The row numbers below total must be distinct:
 * which of two equal ones wins is undefined.
 *
 * x: `[n, w]`, rows: `[n]`, y: `[total, w]`.
 */
export const scatterRows: RegisteredKernel = {
  name: "scatter_rows",
  bindings: [
    { name: "x", type: "word", access: "read" },
    { name: "rows", type: "u32", access: "read" },
    { name: "y", type: "word", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "w", type: "u32" },
    { name: "total", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "scatter_rows.wgsl", source, workgroups: ({ n, w }) => groupsOf(n * w, 64) }],
  lengths: ({ n, w, total }) => [n * w, n, total * w],
  extent: ({ n }) => n,
  reference([x, rows, y], { w, total }, _constants, begin, end) {
    for (let i = begin; i < end; i++) {
      const row = rows[i];
      if (row < total) copyRow(x, i * w, y, row * w, w);
    }
  },
  cases: () => [
    example("1 into 1×1", 1, 1, 1, 1, 1),
    example("0 into 3×4", 0, 4, 3, 1, 1),
    example("67 into 67×3", 67, 3, 67, 5, 67),
    example("65 into 40×2, rows past the end", 65, 2, 40, 7, 65),
    example("64 into 101×1", 64, 1, 101, 10, 101),
    example("256 into 300×785", 256, 785, 300, 7, 300),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ n, w }) => ({ flops: 0, bytes: 4 * n * (2 * w + 1) }),
};
