/** Rows made orthonormal, one after another. */
import { output, values } from "./case_buffers.ts";
import { type KernelCase, UNIT_ROUNDOFF } from "./kernel.ts";
import source from "./orthonormalize.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** Most that a case's rows differ from those of the identity, as the root of the sum of squares. */
const DEVIATION = 0.5;

/** Rows near those of the identity, so that their condition number is at most 3. */
function nearIdentity(k: number, p: number): Float32Array {
  const size = DEVIATION / Math.sqrt(k * p);
  return Float32Array.from({ length: k * p }, (_, i) => {
    const one = Math.floor(i / p) === i % p ? 1 : 0;
    return one + size * Math.sin(12.9898 * (i + 1));
  });
}

function example(k: number, p: number): KernelCase {
  return {
    name: `${k}×${p}`,
    params: { k, p },
    constants: {},
    buffers: [values(nearIdentity(k, p)), output(k * p)],
  };
}

/**
 * The modified Gram–Schmidt process: q with q·qᵀ = I and a = l·q, l lower triangular with a positive
 * diagonal. Rows of a that depend on earlier ones give NaN or noise.
 *
 * a: `[k, p]` with p ≥ k, q: `[k, p]`.
 */
export const orthonormalize: RegisteredKernel = {
  name: "orthonormalize",
  bindings: [
    { name: "a", type: "f32", access: "read" },
    { name: "q", type: "f32", access: "write" },
  ],
  params: [
    { name: "k", type: "u32" },
    { name: "p", type: "u32" },
  ],
  constants: {},
  shaders: [{ file: "orthonormalize.wgsl", source, workgroups: () => 1 }],
  // One row needs those before it.
  extent: () => 1,
  lengths: ({ k, p }) => [k * p, k * p],
  reference([a, q], { k, p }, _constants, begin, end) {
    if (begin === end) return;
    for (let i = 0; i < k; i++) {
      for (let c = 0; c < p; c++) q[i * p + c] = a[i * p + c];
      for (let j = 0; j < i; j++) {
        let product = 0;
        for (let c = 0; c < p; c++) product += q[j * p + c] * q[i * p + c];
        for (let c = 0; c < p; c++) q[i * p + c] -= product * q[j * p + c];
      }
      let squares = 0;
      for (let c = 0; c < p; c++) squares += q[i * p + c] ** 2;
      const norm = Math.sqrt(squares);
      for (let c = 0; c < p; c++) q[i * p + c] /= norm;
    }
  },
  cases: () => [example(1, 1), example(1, 9), example(3, 3), example(10, 10), example(7, 130)],
  /**
   * A row goes through at most k projections and a division, each on sums of p products: (p + 4)·u a
   * projection, of rows of norm below 1 + DEVIATION. What rows before it err by comes in at most
   * multiplied by the condition number, (1 + DEVIATION)/(1 − DEVIATION) = 3.
   */
  tolerance: ({ params: { k, p } }) => ({
    absolute: 3 * (1 + DEVIATION) * k * (p + 4) * UNIT_ROUNDOFF,
    relative: 0,
  }),
  cost: ({ k, p }) => ({ flops: 2 * k * (k + 1) * p, bytes: 8 * k * p }),
};
