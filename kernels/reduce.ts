/** The sum of each block of each row, or of its squares. */
import { groupsOf, holdsIntegers, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import source from "./reduce.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Invocations of a workgroup, each of which first takes every 256th element of its block. */
const WORKGROUP = 256;

/** Sums of squares that go side by side on a CPU. */
const LANES = 16;

/**
 * y[r, p] = Σ f(x[r, p·block …]) with x [rows, n] and y [rows, ⌈n / block⌉].
 *
 * One workgroup a block; a whole reduction is two passes, the second over the blocks' results.
 * Params: rows, n, block. Constants: `SQUARES` 0 sums x, 1 its squares.
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
  constants: { SQUARES: 0 },
  shaders: [{
    file: "reduce.wgsl",
    source,
    workgroups: ({ rows, n, block }) => rows * groupsOf(n, block),
  }],
  lengths: ({ rows, n, block }) => [rows * n, rows * groupsOf(n, block)],
  extent: ({ rows, n, block }) => rows * groupsOf(n, block),
  reference([x, y], { n, block }, { SQUARES }, begin, end) {
    const blocks = Math.ceil(n / block);
    for (let item = begin; item < end; item++) {
      const row = Math.floor(item / blocks);
      const start = (item - row * blocks) * block;
      const first = row * n + start;
      const last = row * n + Math.min(n, start + block);
      let result = SQUARES === 1 ? x[first] * x[first] : x[first];
      if (SQUARES === 1) { for (let i = first + 1; i < last; i++) result += x[i] * x[i]; }
      else for (let i = first + 1; i < last; i++) result += x[i];
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
    reduceCase(5, 1, 1, true, 1),
    reduceCase(37, 67, 67, true, 1),
    reduceCase(130, 64, 64, false, 1),
    reduceCase(3, 1000, 333, false, 1),
  ],
  /**
   * ⌈block / 256⌉ additions an invocation and 8 levels of a tree, each within an ULP of partial sums
   * that are at most Σ|x|; a CPU adds every 16th in turn. A square is rounded once. Small integers are
   * exact.
   */
  tolerance(testCase) {
    const { params: { n, block }, constants: { SQUARES } } = testCase;
    const length = Math.min(n, block);
    const largest = largestMagnitude(testCase.buffers[0]);
    const sum = length * (SQUARES === 1 ? largest ** 2 : largest);
    const exact = holdsIntegers(testCase) && sum < 2 ** 24;
    const additions = (SQUARES === 1 ? groupsOf(length, LANES) + 1 : groupsOf(length, WORKGROUP)) +
      Math.log2(WORKGROUP);
    return { absolute: exact ? 0 : additions * ULP * sum, relative: 0 };
  },
  cost: ({ rows, n, block }, { SQUARES }) => ({
    flops: (1 + SQUARES) * rows * n,
    bytes: 4 * rows * (n + groupsOf(n, block)),
  }),
};

function reduceCase(
  rows: number,
  n: number,
  block: number,
  integers = false,
  squares: 0 | 1 = 0,
): KernelCase {
  return {
    name: `${squares ? "squares, " : ""}${rows}×${n} by ${block}${integers ? ", integers" : ""}`,
    params: { rows, n, block },
    constants: { SQUARES: squares },
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
