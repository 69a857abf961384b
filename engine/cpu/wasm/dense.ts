import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";
import { emitProduct, PRODUCT_SCRATCH, productPhase } from "./product.ts";

/** y = act(x · w + b): the weights are packed as they are used, x is read where it lies. */
export const dense: WasmKernel = {
  emit(module) {
    emitProduct(module, "dense", { right: "rows", masked: false });
  },
  supports: ({ k }) => k > 0,
  scratch: () => ({ ...NO_SCRATCH, own: PRODUCT_SCRATCH }),
  phases({ m, k, n }, { ACT, USE_BIAS }, { regions: [x, w, b, y], own }) {
    const bias = USE_BIAS === 1 ? b : undefined;
    const relu = ACT === 1;
    return [productPhase("dense", {
      left: x,
      right: w,
      to: y,
      rows: m,
      depth: k,
      columns: n,
      own,
      bias,
      relu,
    })];
  },
};
