import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";
import { emitProduct, PRODUCT_SCRATCH, productPhase } from "./product.ts";

/** dx = (dy · wᵀ) ⊙ [y > 0]: packing a panel of w transposes it. */
export const denseInputGradient: WasmKernel = {
  emit(module) {
    const factors = { right: "columns" } as const;
    emitProduct(module, "dense_input_gradient", { ...factors, masked: false });
    emitProduct(module, "dense_input_gradient_masked", { ...factors, masked: true });
  },
  supports: ({ n }) => n > 0,
  scratch: () => ({ ...NO_SCRATCH, own: PRODUCT_SCRATCH }),
  phases({ m, k, n }, { MASK }, { regions: [dy, w, y, dx], own }) {
    const product = { left: dy, right: w, to: dx, rows: m, depth: n, columns: k, own };
    return MASK === 1
      ? [productPhase("dense_input_gradient_masked", { ...product, mask: y })]
      : [productPhase("dense_input_gradient", product)];
  },
};
