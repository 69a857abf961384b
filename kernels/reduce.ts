/** The sum of each block of each row. */
import { groupsOf, holdsIntegers, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import source from "./reduce.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Invocations of a workgroup, each of which first takes every 256th element of its block. */
const WORKGROUP = 256;

/**
 * y[r, p] = Σ x[r, p·block …] with x [rows, n] and y [rows, ⌈n / block⌉].
 *
 * One workgroup a block; a whole reduction is two passes, the second over the blocks' results.
 * Params: rows, n, block.
 */
export const reduce: RegisteredKernel = {
  name: "reduce",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "rows", type: "u32" },
    { name: "n", type: "u32" },
    { name: "block", type: "u32" },
  ],
  constants: {},
  shaders: [{
    file: "reduce.wgsl",
    source,
    workgroups: ({ rows, n, block }) => rows * groupsOf(n, block),
  }],
  lengths: ({ rows, n, block }) => [rows * n, rows * groupsOf(n, block)],
  extent: ({ rows, n, block }) => rows * groupsOf(n, block),
  reference([x, y], { n, block }, _constants, begin, end) {
    const blocks = Math.ceil(n / block);
    for (let item = begin; item < end; item++) {
      const row = Math.floor(item / blocks);
      const start = (item - row * blocks) * block;
      const first = row * n + start;
      const last = row * n + Math.min(n, start + block);
      let result = x[first];
      for (let i = first + 1; i < last; i++) result += x[i];
      y[item] = result;
    }
  },
  cases: () => [
    reduceCase(1, 1, 1),
    reduceCase(1, 257, 4096),
    reduceCase(3, 1024, 512),
    reduceCase(7, 1000, 333, true),
    reduceCase(2, 131073, 4096),
    reduceCase(4, 0, 256),
  ],
  /**
   * ⌈block / 256⌉ additions an invocation and 8 levels of a tree, each within an ULP of partial sums
   * that are at most Σ|x|. Small integers are exact.
   */
  tolerance(testCase) {
    const { n, block } = testCase.params;
    const length = Math.min(n, block);
    const sum = length * largestMagnitude(testCase.buffers[0]);
    const exact = holdsIntegers(testCase) && sum < 2 ** 24;
    const additions = groupsOf(length, WORKGROUP) + Math.log2(WORKGROUP);
    return { absolute: exact ? 0 : additions * ULP * sum, relative: 0 };
  },
  cost: ({ rows, n, block }) => ({
    flops: rows * n,
    bytes: 4 * rows * (n + groupsOf(n, block)),
  }),
};

function reduceCase(
  rows: number,
  n: number,
  block: number,
  integers = false,
): KernelCase {
  return {
    name: `${rows}×${n} by ${block}${integers ? ", integers" : ""}`,
    params: { rows, n, block },
    constants: {},
    buffers: [
      {
        length: rows * n,
        fill: integers
          ? { kind: "integer", low: -9, high: 9 }
          : { kind: "uniform", low: -3, high: -1 },
      },
      { length: rows * groupsOf(n, block) },
    ],
  };
}
