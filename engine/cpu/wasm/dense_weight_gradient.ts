import { bytes, forLoop, i32, type ModuleBuilder, select, sequence } from "../assembler.ts";
import { columnSum } from "./column_sum.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitTranspose } from "./packing.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";

/** Columns of x that a thread transposes at once: two cache lines of each row. */
const COLUMNS = 32;

/**
 * dw = xᵀ · dy, and db = 1ᵀ · dy as a sum of columns. The threads first write xᵀ to scratch memory
 * that they share: where x lies, the numbers that one sum takes are a row apart.
 */
export const denseWeightGradient: WasmKernel = {
  emit(module, tile) {
    emitTransposition(module);
    emitProduct(module, "dense_weight_gradient", { right: "rows", masked: false, tile });
  },
  supports: ({ m }) => m > 0,
  scratch: ({ m, k }, _constants, tile) => ({
    ...productScratch(tile),
    shared: k * strideOf(m) * 4,
  }),
  passes({ m, k, n }, { BIAS }, { regions: [x, dy, db, dw], shared, own }, tile) {
    const stride = strideOf(m);
    const sums = { outer: 1, n: m, inner: n, block: m };
    return [
      ...BIAS === 1 ? columnSum.passes(sums, {}, { regions: [dy, db], shared, own }, tile) : [],
      {
        entry: "dense_weight_gradient_transpose",
        extent: Math.ceil(k / COLUMNS),
        parameters: [x, shared, m, k, stride],
      },
      productPass("dense_weight_gradient", {
        left: shared,
        leftStride: stride,
        right: dy,
        to: dw,
        rows: k,
        depth: m,
        columns: n,
        own,
      }, tile),
    ];
  },
};

/**
 * Numbers from one row of xᵀ to the next: whole cache lines and one more, since rows that are a
 * power of two apart would compete for the same lines of the cache.
 */
function strideOf(m: number): number {
  return Math.ceil(m / 16) * 16 + 16;
}

/**
 * Adds `dense_weight_gradient_transpose(x, to, m, k, stride, begin, end)` over groups of columns of
 * x [m, k]; a row of the result has room for the 3 numbers that are written past its end.
 */
function emitTransposition(module: ModuleBuilder): void {
  const transpose = module.once("transpose", () => emitTranspose(module));
  module.function("dense_weight_gradient_transpose", (f) => {
    const { x, to, m, k, stride, begin, end } = f.parameters(
      "i32",
      "x",
      "to",
      "m",
      "k",
      "stride",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const column = f.local("i32");
    const length = f.local("i32");
    const at = (base: typeof x, line: typeof x, width: typeof x, offset: typeof x) =>
      i32.add(base.get, bytes(i32.add(i32.mul(line.get, width.get), offset.get)));
    const left = i32.sub(k.get, column.get);
    return forLoop(
      begin,
      end.get,
      1,
      sequence(
        column.set(i32.mul(begin.get, i32.const(COLUMNS))),
        length.set(select(i32.ltU(left, i32.const(COLUMNS)), left, i32.const(COLUMNS))),
        row.set(i32.const(0)),
        forLoop(
          row,
          m.get,
          4,
          transpose.call(
            at(x, row, k, column),
            bytes(k.get),
            at(to, column, stride, row),
            length.get,
            i32.sub(m.get, row.get),
            bytes(stride.get),
          ),
        ),
      ),
    );
  });
}
