import type { WasmKernel } from "./kernel.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";

/** y = act(x · w + b): the weights are packed as they are used, x is read where it lies. */
export const dense: WasmKernel = {
  emit(module, tile) {
    emitProduct(module, "dense", { right: "rows", masked: false, tile });
  },
  supports: ({ k }) => k > 0,
  scratch: (_params, _constants, tile) => productScratch(tile),
  passes({ m, k, n, stride }, { ACT, USE_BIAS }, { regions: [x, w, b, y], own }, tile) {
    const bias = USE_BIAS === 1 ? { bias: b } : {};
    const relu = ACT === 1;
    const factors = { left: x, leftStride: stride, right: w, rightStride: n };
    const product = { ...factors, to: y, rows: m, depth: k, columns: n, own, relu, ...bias };
    return [productPass("dense", product, tile)];
  },
};
