/** The patches of images as rows. */
import { groupsOf } from "./kernel.ts";
import { PATCH_PARAMETERS, patchCases, patchLengths, poisoned } from "./patches.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./unfold.wgsl" with { type: "text" };

const WORKGROUP = 64;

/**
 * y[(i, py, px), (ky, kx, a)] = x[i, py·stride + ky − padding, px·stride + kx − padding, a], 0 outside
 * of the image, with x [n, h, w, c] and y [n·oh·ow, k·k·c].
 *
 * Params: see {@linkcode PATCH_PARAMETERS}; padding < k.
 */
export const unfold: RegisteredKernel = {
  name: "unfold",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: PATCH_PARAMETERS,
  constants: {},
  shaders: [{
    file: "unfold.wgsl",
    source,
    workgroups: (params) => groupsOf(patchLengths(params).patches, WORKGROUP),
  }],
  // A row of patches each.
  extent: ({ n, oh }) => n * oh,
  lengths(params) {
    const { images, patches } = patchLengths(params);
    return [images, patches];
  },
  reference([x, y], { h, w, c, k, stride, padding, oh, ow }, _constants, begin, end) {
    for (let item = begin; item < end; item++) {
      const image = Math.floor(item / oh);
      const top = (item % oh) * stride - padding;
      for (let px = 0; px < ow; px++) {
        for (let ky = 0; ky < k; ky++) {
          for (let kx = 0; kx < k; kx++) {
            const row = top + ky;
            const column = px * stride + kx - padding;
            const inside = row >= 0 && row < h && column >= 0 && column < w;
            const from = ((image * h + row) * w + column) * c;
            const to = (((item * ow + px) * k + ky) * k + kx) * c;
            for (let a = 0; a < c; a++) y[to + a] = inside ? x[from + a] : 0;
          }
        }
      }
    }
  },
  cases: () =>
    patchCases().map(({ name, params, images, patches }) => ({
      name,
      params,
      constants: {},
      buffers: [images, poisoned(patches)],
    })),
  tolerance: () => ({ absolute: 0, relative: 0 }),
  cost(params) {
    const { images, patches } = patchLengths(params);
    return { flops: 0, bytes: 4 * (images + patches) };
  },
};
