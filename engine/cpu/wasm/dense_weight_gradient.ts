import { columnSum } from "./column_sum.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";
import { emitTransposition, transposedStride, transpositionPass } from "./transposition.ts";

/** dw = xᵀ · dy, and db = 1ᵀ · dy as a sum of columns. The threads first transpose x. */
export const denseWeightGradient: WasmKernel = {
  emit(module, tile) {
    emitTransposition(module);
    emitProduct(module, "dense_weight_gradient", { right: "rows", masked: false, tile });
  },
  supports: ({ m }) => m > 0,
  scratch: ({ m, k }, _constants, tile) => ({
    ...productScratch(tile),
    shared: k * transposedStride(m) * 4,
  }),
  passes({ m, k, n }, { BIAS }, { regions: [x, dy, db, dw], shared, own }, tile) {
    const sums = { outer: 1, n: m, inner: n, block: m };
    return [
      ...BIAS === 1 ? columnSum.passes(sums, {}, { regions: [dy, db], shared, own }, tile) : [],
      transpositionPass({ from: x, stride: k, rows: m, columns: k, to: shared }),
      productPass("dense_weight_gradient", {
        left: shared,
        leftStride: transposedStride(m),
        right: dy,
        rightStride: n,
        to: dw,
        rows: k,
        depth: m,
        columns: n,
        own,
      }, tile),
    ];
  },
};
