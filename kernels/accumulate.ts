/** Adds up a loss over the steps between two reads. */
import { type Kernel, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import source from "./accumulate.wgsl" with { type: "text" };

/**
 * total[index] ← total[index] + scale·x[0]; the other totals stay as they are.
 *
 * x is [1]; params: index, which must be below total's length, and scale.
 */
export const accumulate: Kernel = {
  name: "accumulate",
  bindings: [
    { name: "total", type: "f32", access: "update" },
    { name: "x", type: "f32", access: "read" },
  ],
  params: [
    { name: "index", type: "u32" },
    { name: "scale", type: "f32" },
  ],
  constants: {},
  shaders: [{ file: "accumulate.wgsl", source, workgroups: () => 1 }],
  extent: () => 1,
  reference([total, x], { index, scale }, _constants, begin, end) {
    if (begin < end) total[index] += scale * x[0];
  },
  cases: () => [
    accumulateCase(1, 0, 1),
    accumulateCase(5, 4, 0.25),
    accumulateCase(5, 0, -3),
    accumulateCase(64, 63, 1 / 256),
    accumulateCase(3, 1, 0),
    accumulateCase(1000, 577, 0.1),
  ],
  /** A product and an addition. */
  tolerance({ params, buffers }) {
    const [total, x] = buffers.map(largestMagnitude);
    return { absolute: ULP * (total + 2 * Math.abs(params.scale) * x), relative: 0 };
  },
  cost: () => ({ flops: 2, bytes: 12 }),
};

function accumulateCase(length: number, index: number, scale: number): KernelCase {
  return {
    name: `total ${index} of ${length}, scale ${scale}`,
    params: { index, scale: Math.fround(scale) },
    constants: {},
    buffers: [
      { length, fill: { kind: "uniform", low: -10, high: 10 } },
      { length: 1, fill: { kind: "uniform", low: -1, high: 1 } },
    ],
  };
}
