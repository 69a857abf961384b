/** The sum of overlapping patches: the adjoint of `unfold`. */
import { output, uniform } from "./case_buffers.ts";
import { groupsOf, holdsIntegers, largestMagnitude, ULP } from "./kernel.ts";
import { PATCH_PARAMETERS, patchCases, patchLengths, poisoned } from "./patches.ts";
import source from "./fold.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

const WORKGROUP = 64;

/**
 * x[i, row, column, a] = b[a] + Σ y[(i, py, px), (ky, kx, a)] over all patches that hold the pixel:
 * row = py·stride + ky − padding, column = px·stride + kx − padding; y [n·oh·ow, k·k·c], b [c] and
 * x [n, h, w, c].
 *
 * Params: see {@linkcode PATCH_PARAMETERS}; padding < k. Constants: `USE_BIAS` 0 leaves b out, which
 * is then one unused element.
 */
export const fold: RegisteredKernel = {
  name: "fold",
  bindings: [
    { name: "y", type: "f32", access: "read" },
    { name: "b", type: "f32", access: "read" },
    { name: "x", type: "f32", access: "write" },
  ],
  params: PATCH_PARAMETERS,
  constants: { USE_BIAS: 0 },
  shaders: [{
    file: "fold.wgsl",
    source,
    workgroups: (params) => groupsOf(patchLengths(params).images, WORKGROUP),
  }],
  // A row of pixels each.
  extent: ({ n, h }) => n * h,
  lengths(params, { USE_BIAS }) {
    const { images, patches } = patchLengths(params);
    return [patches, USE_BIAS === 1 ? params.c : 0, images];
  },
  reference([y, b, x], params, { USE_BIAS }, begin, end) {
    const { h, w, c, k, stride, padding, oh, ow } = params;
    const sums = new Float64Array(w * c);
    for (let item = begin; item < end; item++) {
      const image = Math.floor(item / h);
      const top = (item % h) + padding;
      for (let j = 0; j < sums.length; j++) sums[j] = USE_BIAS === 1 ? b[j % c] : 0;
      for (let py = 0; py < oh; py++) {
        const ky = top - py * stride;
        if (ky < 0 || ky >= k) continue;
        for (let px = 0; px < ow; px++) {
          for (let kx = 0; kx < k; kx++) {
            const column = px * stride + kx - padding;
            if (column < 0 || column >= w) continue;
            const from = (((((image * oh + py) * ow + px) * k) + ky) * k + kx) * c;
            for (let a = 0; a < c; a++) sums[column * c + a] += y[from + a];
          }
        }
      }
      x.set(sums, item * w * c);
    }
  },
  cases: () =>
    patchCases().flatMap(({ name, params, images, patches }) =>
      [0, 1].map((useBias) => ({
        name: useBias ? `${name}, bias` : name,
        params,
        constants: { USE_BIAS: useBias },
        buffers: [patches, useBias ? uniform(params.c) : output(1), poisoned(images)],
      }))
    ),
  /** A pixel lies in ⌈k / stride⌉² patches at most, an addition each; small integers are exact. */
  tolerance(testCase) {
    const { params: { k, stride }, constants: { USE_BIAS }, buffers } = testCase;
    const [y, b] = buffers;
    const terms = Math.ceil(k / stride) ** 2;
    const sum = terms * largestMagnitude(y) + (USE_BIAS === 1 ? largestMagnitude(b) : 0);
    const exact = holdsIntegers(testCase) && sum < 2 ** 24;
    return { absolute: exact ? 0 : (terms + 1) * ULP * sum, relative: 0 };
  },
  cost(params) {
    const { images, patches } = patchLengths(params);
    return { flops: patches, bytes: 4 * (images + patches) };
  },
};
