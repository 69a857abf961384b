/** Adam, all parameters in one call, driven by a step number on the device. */
import { groupsOf, type KernelCase, largestMagnitude, SMALLEST_NORMAL, ULP } from "./kernel.ts";
import source from "./adam.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Elements of a workgroup: 256 invocations of 4. */
const ELEMENTS = 1024;

/**
 * One step of Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015,
 * algorithm 1) with ε added after the square root of the corrected moment:
 *
 *     t' = step + 1
 *     m ← β1·m + (1 − β1)·g          m̂ = m / (1 − β1^t')
 *     v ← β2·v + (1 − β2)·g²         v̂ = v / (1 − β2^t')
 *     w ← w − η·m̂ / (√v̂ + ε)
 *
 * w, g, m and v are [n]; `step` holds the number of steps taken before. Params: n, learningRate,
 * beta1 and beta2 in [0, 1), epsilon, decaySteps, decayFactor and leastShare in [0, 1). η is the
 * learning rate where decaySteps is 0. Else, where decayFactor is 0, it falls to zero along a half
 * cosine, learningRate·½(1 + cos(π·min(step / decaySteps, 1))); where it is not, by that factor every so
 * many steps, learningRate·max(decayFactor^⌊step / decaySteps⌋, leastShare).
 */
export const adam: RegisteredKernel = {
  name: "adam",
  bindings: [
    { name: "w", type: "f32", access: "update" },
    { name: "g", type: "f32", access: "read" },
    { name: "m", type: "f32", access: "update" },
    { name: "v", type: "f32", access: "update" },
    { name: "step", type: "u32", access: "read" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "learningRate", type: "f32" },
    { name: "beta1", type: "f32" },
    { name: "beta2", type: "f32" },
    { name: "epsilon", type: "f32" },
    { name: "decaySteps", type: "u32" },
    { name: "decayFactor", type: "f32" },
    { name: "leastShare", type: "f32" },
  ],
  constants: {},
  shaders: [{ file: "adam.wgsl", source, workgroups: ({ n }) => groupsOf(n, ELEMENTS) }],
  lengths: ({ n }) => [n, n, n, n, 1],
  extent: ({ n }) => n,
  reference([w, g, m, v, step], params, _constants, begin, end) {
    const { beta1, beta2, epsilon } = params;
    const correction1 = oneMinusPower(beta1, step[0] + 1);
    const correction2 = oneMinusPower(beta2, step[0] + 1);
    const rate = learningRateAt(step[0], params) / correction1;
    for (let i = begin; i < end; i++) {
      const gradient = g[i];
      const first = beta1 * m[i] + (1 - beta1) * gradient;
      const second = beta2 * v[i] + (1 - beta2) * gradient * gradient;
      m[i] = first;
      v[i] = second;
      w[i] -= rate * first / (Math.sqrt(second / correction2) + epsilon);
    }
  },
  cases: () => [
    adamCase(1, { step: 0, m: 0, v: [0, 0] }),
    adamCase(257, { step: 0, m: 0, v: [0, 0] }),
    adamCase(255, { step: 1 }),
    adamCase(1025, { step: 999, beta1: 0.5, epsilon: 1e-3 }),
    adamCase(1023, { step: 12_345, learningRate: 0.3 }),
    adamCase(64, { step: 4_000_000_000 }),
    adamCase(64, { step: 3, beta1: 0, beta2: 0 }),
    adamCase(64, { step: 0, decaySteps: 10 }),
    adamCase(64, { step: 7, decaySteps: 10 }),
    adamCase(64, { step: 9_999, decaySteps: 10_000 }),
    adamCase(64, { step: 10, decaySteps: 10 }),
    adamCase(64, { step: 11, decaySteps: 10 }),
    adamCase(64, { step: 9, decaySteps: 10, decayFactor: 0.9, leastShare: 0.1 }),
    adamCase(64, { step: 139, decaySteps: 10, decayFactor: 0.9, leastShare: 0.1 }),
    adamCase(64, { step: 100_000, decaySteps: 10, decayFactor: 0.9, leastShare: 0.1 }),
    adamCase(64, { step: 21, decaySteps: 10, decayFactor: 0.5 }),
    adamCase(0, { step: 0 }),
    adamCase(200_003, { step: 1000 }),
  ],
  /**
   * m within 2 ULP of its terms and v within 3. The corrections take at most 5 ULP a bit of t', the
   * cosine 30, a power of the factor 2 a multiplication (each of which doubles or adds errors, so one
   * for every time that the rate has fallen) until it is below the least share, the remaining quotients and roots 15; all are relative to the change of w, which is
   * bounded by the largest m̂ over the smallest √v̂ (by η on the first step, where both are g).
   */
  tolerance({ params, buffers }) {
    const { learningRate, beta1, beta2 } = params;
    const [w, g, m, v] = buffers.map(largestMagnitude);
    const t = largestMagnitude(buffers[4]) + 1;
    const fill = buffers[3].fill;
    const smallest = fill?.kind === "uniform" ? fill.low : 0;
    const first = Math.max(m, g);
    const ratio = smallest > 0 && beta2 > 0
      ? first / oneMinusPower(beta1, t) / Math.sqrt(beta2 * smallest / oneMinusPower(beta2, t))
      : 1;
    const change = learningRate * ratio;
    const bits = Math.ceil(Math.log2(t + 1));
    const falls = params.decayFactor > 0 ? Math.floor((t - 1) / params.decaySteps) : 0;
    const least = Math.max(params.leastShare, SMALLEST_NORMAL);
    const counted = falls > 0
      ? Math.min(falls, Math.log(least) / Math.log(params.decayFactor) + 1)
      : 0;
    return {
      absolute: ULP *
        (w + 2 * first + 3 * Math.max(v, g * g) + (45 + 10 * bits + 2 * counted) * change),
      relative: 0,
    };
  },
  cost: ({ n }) => ({ flops: 14 * n, bytes: 28 * n }),
};

/** 1 − βᵗ without cancellation for β close to 1. */
export function oneMinusPower(beta: number, t: number): number {
  return -Math.expm1(t * Math.log(beta));
}

/** η at a step; ½(1 + cos πx) = sin²(π(1 − x)/2), which keeps its relative accuracy towards the end. */
export function learningRateAt(
  step: number,
  { learningRate, decaySteps, decayFactor, leastShare }: Readonly<Record<string, number>>,
): number {
  if (decaySteps === 0) return learningRate;
  if (decayFactor > 0) {
    return learningRate * Math.max(decayFactor ** Math.floor(step / decaySteps), leastShare);
  }
  const left = Math.max(decaySteps - step, 0) / decaySteps;
  return learningRate * Math.sin(Math.PI / 2 * left) ** 2;
}

function adamCase(
  n: number,
  { step, m = 0.5, v = [0.25, 1], ...options }: {
    step: number;
    m?: number;
    v?: readonly [number, number];
    learningRate?: number;
    beta1?: number;
    beta2?: number;
    epsilon?: number;
    decaySteps?: number;
    decayFactor?: number;
    leastShare?: number;
  },
): KernelCase {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const { decaySteps = 0, decayFactor = 0, leastShare = 0 } = options;
  return {
    name: `${n}, step ${step}` +
      Object.entries(options).map(([name, value]) => `, ${name} ${value}`).join(""),
    params: {
      n,
      learningRate: Math.fround(learningRate),
      beta1: Math.fround(beta1),
      beta2: Math.fround(beta2),
      epsilon: Math.fround(epsilon),
      decaySteps,
      decayFactor: Math.fround(decayFactor),
      leastShare: Math.fround(leastShare),
    },
    constants: {},
    buffers: [
      { length: n, fill: { kind: "uniform", low: -1, high: 1 } },
      { length: n, fill: { kind: "uniform", low: -1, high: 1 } },
      { length: n, fill: { kind: "uniform", low: -m, high: m } },
      { length: n, fill: { kind: "uniform", low: v[0], high: v[1] } },
      { length: 1, fill: { kind: "values", values: [step] } },
    ],
  };
}
