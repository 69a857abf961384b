/** Softmax of each row, its logarithm, and the logarithm of the sum of exponentials. */
import { output, uniform, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase, largestMagnitude, SMALLEST_NORMAL, ULP } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./softmax.wgsl" with { type: "text" };

/** Codes of the override constant `MODE` of {@linkcode softmax}. */
export const SOFTMAX = { softmax: 0, logSoftmax: 1, logSumExp: 2 } as const;

/** Names of the modes. */
export type SoftmaxName = keyof typeof SOFTMAX;

const NAMES = Object.keys(SOFTMAX) as SoftmaxName[];

function example(name: SoftmaxName, n: number, k: number, spread: number): KernelCase {
  return {
    name: `${name}, ${n}×${k}, spread ${spread}`,
    params: { n, k },
    constants: { MODE: SOFTMAX[name] },
    buffers: [uniform(n * k, -spread, spread), output(name === "logSumExp" ? n : n * k)],
  };
}

/** −∞ beside numbers and alone, ∞, NaN in any place, in rows of three. */
function exampleWithInfinities(name: SoftmaxName): KernelCase {
  const rows = [
    [-Infinity, 1, 2],
    [-3, -Infinity, -Infinity],
    [-Infinity, -Infinity, -Infinity],
    [0, Infinity, 1],
    [NaN, 1, 2],
    [1, NaN, Infinity],
    [1, 2, NaN],
    [-88, 0, 88],
  ];
  return {
    name: `${name}, infinities and NaN`,
    params: { n: rows.length, k: 3 },
    constants: { MODE: SOFTMAX[name] },
    buffers: [values(rows.flat()), output(rows.length * (name === "logSumExp" ? 1 : 3))],
  };
}

/**
 * By the constant `MODE`, see {@linkcode SOFTMAX}: y_ij = e^x_ij / Σ_l e^x_il, its logarithm, or
 * y_i = log Σ_l e^x_il, computed relative to the row's largest x. −∞ has weight 0; a row that holds
 * NaN or ∞, or nothing but −∞, gives NaN.
 *
 * x: `[n, k]` with k ≥ 1, y: `[n, k]`, or `[n]` for logSumExp.
 */
export const softmax: RegisteredKernel = {
  name: "softmax",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: { MODE: SOFTMAX.softmax },
  shaders: [{ file: "softmax.wgsl", source, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n, k }, { MODE }) => [n * k, MODE === SOFTMAX.logSumExp ? n : n * k],
  extent: ({ n }) => n,
  reference([x, y], { k }, { MODE }, begin, end) {
    const weights = new Float64Array(k);
    for (let i = begin; i < end; i++) {
      const row = i * k;
      let largest = x[row];
      for (let j = 1; j < k; j++) largest = Math.max(largest, x[row + j]);
      let total = 0;
      for (let j = 0; j < k; j++) {
        weights[j] = Math.exp(x[row + j] - largest);
        total += weights[j];
      }
      const logTotal = Math.log(total);
      if (MODE === SOFTMAX.logSumExp) y[i] = largest + logTotal;
      else if (MODE === SOFTMAX.logSoftmax) {
        for (let j = 0; j < k; j++) y[row + j] = x[row + j] - largest - logTotal;
      } else {
        for (let j = 0; j < k; j++) y[row + j] = weights[j] / total;
      }
    }
  },
  cases: () =>
    NAMES.flatMap((name) => [
      example(name, 1, 1, 1),
      example(name, 0, 4, 1),
      example(name, 3, 7, 0.01),
      example(name, 65, 10, 4),
      example(name, 257, 3, 40),
      example(name, 5, 301, 10),
      example(name, 1000, 20, 2),
      exampleWithInfinities(name),
    ]),
  /**
   * With D the largest x_max − x: the difference errs by an ULP of itself, exp by 3 + 2 D ULP, so a
   * weight by W = 3 + 3 D, their sum by W + k; the quotient adds 2.5. The logarithm turns the sum's
   * relative error into an absolute one and adds 2⁻²¹ near 1, else 3 ULP of itself, which is at
   * most log k; the additions err by an ULP of at most |x|, D and log k.
   */
  tolerance(testCase) {
    const { k } = testCase.params;
    const { fill } = testCase.buffers[0];
    const finite = fill?.kind === "values" ? Array.from(fill.values).filter(Number.isFinite) : [];
    const range = finite.length > 0
      ? Math.max(...finite.map(Math.abs))
      : largestMagnitude(testCase.buffers[0]);
    const weight = 3 + 3 * 2 * range;
    if (testCase.constants.MODE === SOFTMAX.softmax) {
      return { absolute: SMALLEST_NORMAL, relative: (2 * weight + k + 2.5) * ULP };
    }
    const logarithm = weight + k + 3 * Math.log(k);
    const additions = 2 * (2 * range + Math.log(k));
    return { absolute: 2 ** -21 + (logarithm + additions) * ULP, relative: 0 };
  },
  cost: ({ n, k }, { MODE }) => ({
    flops: 4 * n * k,
    bytes: 4 * (n * k + (MODE === SOFTMAX.logSumExp ? n : n * k)),
  }),
};
