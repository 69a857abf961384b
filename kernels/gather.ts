/** Rows of a chunk of a table, by number. */
import { integers } from "./case_buffers.ts";
import { groupsOf, type KernelCase } from "./kernel.ts";
import { copyRow } from "./rows.ts";
import source from "./gather.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(
  name: string,
  n: number,
  w: number,
  first: number,
  chunkRows: number,
  total = first + chunkRows,
): KernelCase {
  return {
    name,
    params: { n, w, first, chunkRows },
    constants: {},
    buffers: [
      integers(chunkRows * w, 0, 2 ** 24),
      integers(n, 0, total - 1),
      integers(n * w, 0, 9),
    ],
  };
}

/**
 * y[i] = x[rows[i] − first] for every i with first ≤ rows[i] < first + chunkRows; the other rows of
 * y keep what they hold, so that one call for each chunk of a long table fills y.
 *
 * x: `[chunkRows, w]`, rows: `[n]`, y: `[n, w]`.
 */
export const gather: RegisteredKernel = {
  name: "gather",
  bindings: [
    { name: "x", type: "word", access: "read" },
    { name: "rows", type: "u32", access: "read" },
    { name: "y", type: "word", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "w", type: "u32" },
    { name: "first", type: "u32" },
    { name: "chunkRows", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "gather.wgsl", source, workgroups: ({ n, w }) => groupsOf(n * w, 64) }],
  lengths: ({ n, w, chunkRows }) => [chunkRows * w, n, n * w],
  extent: ({ n }) => n,
  reference([x, rows, y], { w, first, chunkRows }, _constants, begin, end) {
    for (let i = begin; i < end; i++) {
      const row = rows[i] - first;
      if (row >= 0 && row < chunkRows) copyRow(x, row * w, y, i * w, w);
    }
  },
  cases: () => [
    example("1 of 1×1", 1, 1, 0, 1),
    example("0 of 3×4", 0, 4, 0, 3),
    example("67 of 5×3", 67, 3, 0, 5),
    example("65 of rows 10 to 16 of 31, width 2", 65, 2, 10, 7, 31),
    example("64 of 29×1", 64, 1, 0, 29),
    example("256 of 300×785", 256, 785, 0, 300),
    example("1031 of rows 512 to 767 of 1024, width 33", 1031, 33, 512, 256, 1024),
  ],
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ n, w }) => ({ flops: 0, bytes: 4 * n * (2 * w + 1) }),
};
