/** Uniform random numbers from a seed, a stream and the step number. */
import { groupsOf, type KernelCase, ULP } from "./kernel.ts";
import { threefry2x32, threefryShader } from "./threefry.ts";
import source from "./random_uniform.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const WORKGROUP = 64;

/**
 * y[i] = low + (high − low)·u, u uniform on the multiples of 2⁻²⁴ in [0, 1).
 *
 * u is the upper 24 bits of word i & 1 of Threefry-2x32-20 with key (seed, stream) and counter
 * (i >> 1, step): equal on every device, and a new block of numbers at each step. y is [n]; params:
 * n, seed, stream, low, high. Where low is not 0, rounding may give high itself.
 */
export const randomUniform: RegisteredKernel = {
  name: "random_uniform",
  bindings: [
    { name: "step", type: "u32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "seed", type: "u32" },
    { name: "stream", type: "u32" },
    { name: "low", type: "f32" },
    { name: "high", type: "f32" },
  ],
  constants: {},
  shaders: [{
    head: [threefryShader],
    file: "random_uniform.wgsl",
    source,
    workgroups: ({ n }) => groupsOf(Math.ceil(n / 2), WORKGROUP),
  }],
  lengths: ({ n }) => [1, n],
  extent: ({ n }) => n,
  reference([step, y], { seed, stream, low, high }, _constants, begin, end) {
    const words = new Uint32Array(2);
    const counter = step[0];
    const width = high - low;
    for (let i = begin; i < end; i++) {
      if (i === begin || (i & 1) === 0) threefry2x32(seed, stream, i >>> 1, counter, words);
      y[i] = low + width * ((words[i & 1] >>> 8) * 2 ** -24);
    }
  },
  cases: () => [
    uniformCase(1, 0, 0, 0, 0, 1),
    uniformCase(2, 1, 0, 7, 0, 1),
    uniformCase(129, 0xffffffff, 0x9e3779b9, 0xffffffff, 0, 1),
    uniformCase(257, 42, 3, 1, -1, 1),
    uniformCase(127, 42, 4, 1, 2, 5),
    uniformCase(0, 1, 2, 3, 0, 1),
    uniformCase(100_001, 2024, 1, 99, 0, 1),
  ],
  /** The bits are exact, and so is u; three roundings follow, none for the unit interval. */
  tolerance: ({ params: { low, high } }) => ({
    absolute: low === 0 && high === 1 ? 0 : 3 * ULP * (Math.abs(low) + Math.abs(high)),
    relative: 0,
  }),
  // Twenty rounds of three operations for two numbers, on integers.
  cost: ({ n }) => ({ flops: 40 * n, bytes: 4 * n }),
};

function uniformCase(
  n: number,
  seed: number,
  stream: number,
  step: number,
  low: number,
  high: number,
): KernelCase {
  return {
    name: `${n} in [${low}, ${high}), key (${seed}, ${stream}), step ${step}`,
    params: { n, seed, stream, low, high },
    constants: {},
    buffers: [{ length: 1, fill: { kind: "values", values: [step] } }, { length: n }],
  };
}
