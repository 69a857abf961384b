import type { WasmKernel } from "./kernel.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";

/** dx = (dy · wᵀ) ⊙ [y > 0]: packing a panel of w transposes it. */
export const denseInputGradient: WasmKernel = {
  emit(module, tile) {
    const factors = { right: "columns", tile } as const;
    emitProduct(module, "dense_input_gradient", { ...factors, masked: false });
    emitProduct(module, "dense_input_gradient_masked", { ...factors, masked: true });
  },
  supports: ({ n }) => n > 0,
  scratch: (_params, _constants, tile) => productScratch(tile),
  passes({ m, k, n }, { MASK }, { regions: [dy, w, y, dx], own }, tile) {
    const factors = { left: dy, leftStride: n, right: w, rightStride: n };
    const product = { ...factors, to: dx, rows: m, depth: n, columns: k, own };
    return MASK === 1
      ? [productPass("dense_input_gradient_masked", { ...product, mask: y }, tile)]
      : [productPass("dense_input_gradient", product, tile)];
  },
};
