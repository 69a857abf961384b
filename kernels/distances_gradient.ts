/** The gradient of squared distances by one of their two sets of points. */
import { output, uniform } from "./case_buffers.ts";
import { groupsOf, type KernelCase, largestMagnitude, ULP } from "./kernel.ts";
import { loadRow } from "./rows.ts";
import source from "./distances_gradient.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

function example(
  n: number,
  d: number,
  k: number,
  TRANSPOSED: number,
  spread = 1,
): KernelCase {
  return {
    name: `${n}×${d}, k ${k}${TRANSPOSED ? ", transposed" : ""}, spread ${spread}`,
    params: { n, d, k },
    constants: { TRANSPOSED },
    buffers: [
      uniform(n * k),
      uniform(n * d, -spread, spread),
      uniform(k * d, -spread, spread),
      output(n * d),
    ],
  };
}

/**
 * dx_i = 2 Σ_j g_ij·(x_i − c_j), by direct differences: ∂/∂x of Σ_ij g_ij·‖x_i − c_j‖².
 *
 * g: `[n, k]`, or `[k, n]` where the constant `TRANSPOSED` is 1; x: `[n, d]`, c: `[k, d]`,
 * dx: `[n, d]`.
 */
export const distancesGradient: RegisteredKernel = {
  name: "distances_gradient",
  bindings: [
    { name: "g", type: "f32", access: "read" },
    { name: "x", type: "f32", access: "read" },
    { name: "c", type: "f32", access: "read" },
    { name: "dx", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "d", type: "u32" },
    { name: "k", type: "u32" },
  ],
  constants: { TRANSPOSED: 0 },
  shaders: [{
    file: "distances_gradient.wgsl",
    source,
    workgroups: ({ n, d }) => groupsOf(n * d, 64),
  }],
  lengths: ({ n, d, k }) => [n * k, n * d, k * d, n * d],
  extent: ({ n }) => n,
  reference([g, x, c, dx], { n, d, k }, { TRANSPOSED }, begin, end) {
    const centroids = new Float64Array(c);
    const point = new Float64Array(d);
    const total = new Float64Array(d);
    for (let i = begin; i < end; i++) {
      loadRow(x, i * d, point);
      total.fill(0);
      for (let j = 0; j < k; j++) {
        const weight = TRANSPOSED ? g[j * n + i] : g[i * k + j];
        for (let a = 0; a < d; a++) total[a] += weight * (point[a] - centroids[j * d + a]);
      }
      for (let a = 0; a < d; a++) dx[i * d + a] = 2 * total[a];
    }
  },
  cases: () =>
    [0, 1].flatMap((transposed) => [
      example(1, 1, 1, transposed),
      example(0, 3, 2, transposed),
      example(3, 2, 0, transposed),
      example(65, 10, 7, transposed),
      example(10, 10, 257, transposed, 4),
      example(31, 785, 9, transposed),
      example(1000, 10, 20, transposed, 100),
    ]),
  /** A difference, a product and k additions of terms that are at most |g|·(|x| + |c|). */
  tolerance(testCase) {
    const { k } = testCase.params;
    const [g, x, c] = testCase.buffers.map(largestMagnitude);
    return { absolute: 2 * k * g * (x + c) * (k + 2) * ULP, relative: 0 };
  },
  cost: ({ n, d, k }) => ({ flops: 3 * n * d * k, bytes: 4 * (n * k + 2 * n * d + k * d) }),
};
