/** Stochastic gradient descent with momentum. */
import { groupsOf, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./sgd.wgsl" with { type: "text" };

const WORKGROUP = 64;

/**
 * v ← momentum·v − learningRate·g, then w ← w + v (Polyak's heavy ball in the form in which the
 * velocity holds the learning rate, as in Keras). w, g and v are [n].
 *
 * Params: n, learningRate, momentum.
 */
export const sgd: RegisteredKernel = {
  name: "sgd",
  bindings: [
    { name: "w", type: "f32", access: "update" },
    { name: "g", type: "f32", access: "read" },
    { name: "v", type: "f32", access: "update" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "learningRate", type: "f32" },
    { name: "momentum", type: "f32" },
  ],
  constants: {},
  shaders: [{ file: "sgd.wgsl", source, workgroups: ({ n }) => groupsOf(n, WORKGROUP) }],
  lengths: ({ n }) => [n, n, n],
  extent: ({ n }) => n,
  reference([w, g, v], { learningRate, momentum }, _constants, begin, end) {
    for (let i = begin; i < end; i++) {
      const velocity = momentum * v[i] - learningRate * g[i];
      v[i] = velocity;
      w[i] += velocity;
    }
  },
  cases: () => [
    sgdCase(1, 0.1, 0),
    sgdCase(63, 0.5, 0.9),
    sgdCase(65, 1, 1),
    sgdCase(257, 0, 0.5),
    sgdCase(0, 0.1, 0.9),
    sgdCase(200_003, 0.01, 0.99),
  ],
  /** Two products and a difference for v, one addition more for w. */
  tolerance({ params, buffers }) {
    const [w, g, v] = buffers.map(largestMagnitude);
    const step = params.momentum * v + params.learningRate * g;
    return { absolute: ULP * (w + 3 * step), relative: 0 };
  },
  cost: ({ n }) => ({ flops: 4 * n, bytes: 20 * n }),
};

function sgdCase(n: number, learningRate: number, momentum: number): KernelCase {
  const fill = { kind: "uniform", low: -1, high: 1 } as const;
  return {
    name: `${n}, learning rate ${learningRate}, momentum ${momentum}`,
    params: { n, learningRate: Math.fround(learningRate), momentum: Math.fround(momentum) },
    constants: {},
    buffers: [{ length: n, fill }, { length: n, fill }, { length: n, fill }],
  };
}
