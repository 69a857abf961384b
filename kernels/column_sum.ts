/** Sums over the middle axis, block by block: bias gradients, means over a batch. */
import { groupsOf, holdsIntegers, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import source from "./column_sum.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const WORKGROUP = 64;

/**
 * y[o, p, i] = Σ x[o, r, i] over the rows r of block p, r = p·block … min(n, (p+1)·block) − 1,
 * with x [outer, n, inner] and y [outer, ⌈n / block⌉, inner].
 *
 * One invocation a result, which adds its rows in order; a whole sum is two passes, the second over
 * the blocks. Params: outer, n, inner, block.
 */
export const columnSum: RegisteredKernel = {
  name: "column_sum",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "outer", type: "u32" },
    { name: "n", type: "u32" },
    { name: "inner", type: "u32" },
    { name: "block", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "column_sum.wgsl",
    source,
    workgroups: ({ outer, n, inner, block }) =>
      groupsOf(outer * groupsOf(n, block) * inner, WORKGROUP),
  }],
  lengths: ({ outer, n, inner, block }) => [
    outer * n * inner,
    outer * groupsOf(n, block) * inner,
  ],
  extent: ({ outer, n, inner, block }) => outer * groupsOf(n, block) * inner,
  reference([x, y], { n, inner, block }, _constants, begin, end) {
    const blocks = Math.ceil(n / block);
    const sums = new Float64Array(Math.min(inner, end - begin));
    // Whole stretches of one block's columns, so that x is read along its rows.
    for (let item = begin; item < end;) {
      const group = Math.floor(item / inner);
      const column = item - group * inner;
      const width = Math.min(inner - column, end - item);
      const outer = Math.floor(group / blocks);
      const start = (group - outer * blocks) * block;
      const stop = Math.min(n, start + block);
      sums.fill(0);
      for (let row = start; row < stop; row++) {
        const first = (outer * n + row) * inner + column;
        for (let i = 0; i < width; i++) sums[i] += x[first + i];
      }
      for (let i = 0; i < width; i++) y[item + i] = sums[i];
      item += width;
    }
  },
  cases: () => [
    columnSumCase(1, 1, 1, 1),
    columnSumCase(1, 256, 10, 32),
    columnSumCase(1, 257, 63, 32),
    columnSumCase(1, 5, 65, 100),
    columnSumCase(3, 17, 7, 4, true),
    columnSumCase(64, 3, 1, 3, true),
    columnSumCase(2, 100, 33, 1),
    columnSumCase(1, 0, 8, 16),
    columnSumCase(1, 1009, 1000, 64),
  ],
  /** An addition a row, each within an ULP of partial sums ≤ Σ|x|. Small integers are exact. */
  tolerance(testCase) {
    const rows = Math.min(testCase.params.n, testCase.params.block);
    const sum = rows * largestMagnitude(testCase.buffers[0]);
    const exact = holdsIntegers(testCase) && sum < 2 ** 24;
    return { absolute: exact ? 0 : rows * ULP * sum, relative: 0 };
  },
  cost: ({ outer, n, inner, block }) => ({
    flops: outer * n * inner,
    bytes: 4 * outer * inner * (n + groupsOf(n, block)),
  }),
};

function columnSumCase(
  outer: number,
  n: number,
  inner: number,
  block: number,
  integers = false,
): KernelCase {
  return {
    name: `${outer}×${n}×${inner} by ${block}${integers ? ", integers" : ""}`,
    params: { outer, n, inner, block },
    constants: {},
    buffers: [
      {
        length: outer * n * inner,
        fill: integers
          ? { kind: "integer", low: -9, high: 9 }
          : { kind: "uniform", low: -1, high: 1 },
      },
      { length: outer * groupsOf(n, block) * inner },
    ],
  };
}
