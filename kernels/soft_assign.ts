/** Student-t soft assignment of codes to centroids. */
import { output, uniform } from "./case_buffers.ts";
import { groupsOf, type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import type { RegisteredKernel } from "./registered.ts";
import { loadRow, squaredDistances } from "./rows.ts";
import source from "./soft_assign.wgsl" with { type: "text" };

function example(n: number, p: number, k: number, alpha: number, spread = 1): KernelCase {
  return {
    name: `${n}×${p}, k ${k}, α ${alpha}, spread ${spread}`,
    params: { n, p, k, alpha },
    constants: {},
    buffers: [uniform(n * p, -spread, spread), uniform(k * p, -spread, spread), output(n * k)],
  };
}

/**
 * q_ij = (1 + ‖z_i − c_j‖²/α)^(−(α+1)/2) / Σ_l (the same), any α > 0 (van der Maaten, Learning a
 * parametric embedding by preserving local structure, 2009, as used by DEC, Xie et al. 2016, eq. 1).
 * Computed relative to the nearest centroid, as ((1 + min d²/α) / (1 + d²/α))^((α+1)/2): the largest
 * weight is 1, so that far codes neither overflow nor divide 0 by 0.
 *
 * z: `[n, p]`, c: `[k, p]`, q: `[n, k]`.
 */
export const softAssign: RegisteredKernel = {
  name: "soft_assign",
  bindings: [
    { name: "z", type: "f32", access: "read" },
    { name: "c", type: "f32", access: "read" },
    { name: "q", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "p", type: "u32" },
    { name: "k", type: "u32" },
    { name: "alpha", type: "f32" },
  ],
  constants: {},
  shaders: [{ file: "soft_assign.wgsl", source, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n, p, k }) => [n * p, k * p, n * k],
  extent: ({ n }) => n,
  reference([z, c, q], { p, k, alpha }, _constants, begin, end) {
    const power = (alpha + 1) / 2;
    const centroids = new Float64Array(c);
    const point = new Float64Array(p);
    const weights = new Float64Array(k);
    for (let i = begin; i < end; i++) {
      loadRow(z, i * p, point);
      squaredDistances(point, centroids, 0, k, weights);
      let nearest = Infinity;
      for (let j = 0; j < k; j++) if (weights[j] < nearest) nearest = weights[j];
      let sum = 0;
      for (let j = 0; j < k; j++) {
        const ratio = (1 + nearest / alpha) / (1 + weights[j] / alpha);
        weights[j] = power === 1 ? ratio : Math.pow(ratio, power);
        sum += weights[j];
      }
      for (let j = 0; j < k; j++) q[i * k + j] = weights[j] / sum;
    }
  },
  cases: () => [
    example(1, 1, 1, 1),
    example(0, 10, 10, 1),
    example(3, 2, 7, 1),
    example(64, 10, 8, 1, 100),
    example(65, 10, 9, 1, 0.01),
    example(257, 10, 10, 1, 4),
    example(63, 5, 17, 0.5, 3),
    example(100, 10, 10, 2, 3),
    example(33, 10, 10, 9, 2),
    example(31, 785, 11, 1),
    example(1000, 10, 20, 1, 2),
  ],
  /**
   * With u = 2⁻²⁴ and power = (α+1)/2. 1 + d²/α passes through p + 3 roundings of d², 5 u of the
   * division (2.5 ULP), one of the sum: e = p + 9. The ratio has 2 e + 5, its power (2 e + 5)·power.
   * The logarithm adds 2⁻²¹·power = 8 u·power near 1, else 6 u of itself; the exponential 6 u and
   * 4 u of its argument L: with the product's rounding 11 L u e^(−L) ≤ 5 u in the weight. Dividing
   * by the sum doubles the relative part, adds k roundings and 5 u, and k such absolute parts.
   */
  tolerance({ params: { p, k, alpha } }) {
    const power = (alpha + 1) / 2;
    const weight = power * (2 * (p + 9) + 5 + 8) + 6;
    return {
      absolute: 5 * (k + 1) * UNIT_ROUNDOFF,
      relative: (2 * weight + k + 5) * UNIT_ROUNDOFF,
    };
  },
  cost: ({ n, p, k }) => ({ flops: n * k * (3 * p + 8), bytes: 4 * (n * p + k * p + n * k) }),
};
