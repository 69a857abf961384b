/** The place and value of the smallest or largest element of each row. */
import { integers, output, values } from "./case_buffers.ts";
import type { KernelCase } from "./kernel.ts";
import source from "./arg_extreme.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(rows: number, n: number, MODE: number): KernelCase {
  return {
    name: `${rows}×${n}, ${MODE ? "max" : "min"}`,
    params: { rows, n },
    constants: { MODE },
    buffers: [integers(rows * n, -20, 20), output(rows), output(rows)],
  };
}

/** NaN first, last and between, in three rows of seven. */
function exampleWithNaN(MODE: number): KernelCase {
  const list = [
    NaN,
    3,
    1,
    NaN,
    3,
    1,
    2,
    5,
    NaN,
    -5,
    5,
    -5,
    0,
    NaN,
    NaN,
    NaN,
    NaN,
    -1,
    -1,
    NaN,
    NaN,
  ];
  return {
    name: `3×7 with NaN, ${MODE ? "max" : "min"}`,
    params: { rows: 3, n: 7 },
    constants: { MODE },
    buffers: [values(list), output(3), output(3)],
  };
}

/**
 * index_r = argmin (MODE 0) or argmax (MODE 1) of row r, ties to the lowest index, and its value.
 * NaN never wins, unless the whole row is NaN: then the index is 0.
 *
 * x: `[rows, n]` with n ≥ 1, index, value: `[rows]`.
 */
export const argExtreme: RegisteredKernel = {
  name: "arg_extreme",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "index", type: "u32", access: "write" },
    { name: "value", type: "f32", access: "write" },
  ],
  params: [
    { name: "rows", type: "u32" },
    { name: "n", type: "u32" },
  ],
  constants: { MODE: 0 },
  shaders: [{ file: "arg_extreme.wgsl", source, workgroups: ({ rows }) => rows }],
  lengths: ({ rows, n }) => [rows * n, rows, rows],
  extent: ({ rows }) => rows,
  reference([x, index, value], { n }, { MODE }, begin, end) {
    for (let r = begin; r < end; r++) {
      const row = r * n;
      let best = 0;
      while (best < n && Number.isNaN(x[row + best])) best++;
      if (best === n) best = 0;
      let extreme = x[row + best];
      for (let j = best + 1; j < n; j++) {
        const v = x[row + j];
        if (MODE ? v > extreme : v < extreme) {
          extreme = v;
          best = j;
        }
      }
      index[r] = best;
      value[r] = extreme;
    }
  },
  cases: () =>
    [0, 1].flatMap((mode) => [
      example(1, 1, mode),
      example(0, 9, mode),
      example(5, 3, mode),
      example(3, 255, mode),
      example(3, 257, mode),
      example(10, 20_011, mode),
      exampleWithNaN(mode),
    ]),
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost: ({ rows, n }) => ({ flops: rows * n, bytes: 4 * rows * (n + 2) }),
};
