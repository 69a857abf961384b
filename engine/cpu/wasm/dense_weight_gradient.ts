import type { Params } from "../../../kernels/kernel.ts";
import { bytes, f32, forLoop, i32, type ModuleBuilder, sequence } from "../assembler.ts";
import { columnSum } from "./column_sum.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitProduct, productPass, productScratch } from "./product.ts";
import { emitTransposition, transposedStride, transpositionPass } from "./transposition.ts";

const ENTRY = "dense_weight_gradient";
const TURN_ENTRY = "dense_weight_gradient_turn";

/**
 * Whether dw is made as (dyᵀ · x)ᵀ: where dy has few columns, it and dw are much smaller than x, which
 * need not be transposed then. Every sum has the same terms in the same order either way.
 */
function isNarrow({ m, k, n }: Params): boolean {
  return n * (m + k) < m * k / 4;
}

/** dw = xᵀ · dy, and db = 1ᵀ · dy as a sum of columns. The threads first transpose x, or dy. */
export const denseWeightGradient: WasmKernel = {
  emit(module, tile) {
    emitTransposition(module);
    emitProduct(module, ENTRY, { right: "rows", masked: false, tile });
    emitTurn(module);
  },
  supports: ({ m }) => m > 0,
  scratch: (params, _constants, tile) => {
    const { m, k, n } = params;
    const numbers = isNarrow(params) ? n * (transposedStride(m) + k) : k * transposedStride(m);
    return { ...productScratch(tile), shared: numbers * 4 };
  },
  passes(params, { BIAS }, { regions: [x, dy, db, dw], shared, own }, tile) {
    const { m, k, n } = params;
    const sums = { outer: 1, n: m, inner: n, block: m };
    const bias = BIAS === 1
      ? columnSum.passes(sums, {}, { regions: [dy, db], shared, own }, tile)
      : [];
    const product = { left: shared, leftStride: transposedStride(m), depth: m, own };
    if (isNarrow(params)) {
      const turned = shared + n * transposedStride(m) * 4;
      return [
        ...bias,
        transpositionPass({ from: dy, stride: n, rows: m, columns: n, to: shared }),
        productPass(
          ENTRY,
          { ...product, right: x, rightStride: k, to: turned, rows: n, columns: k },
          tile,
        ),
        { entry: TURN_ENTRY, extent: k, parameters: [turned, dw, k, n] },
      ];
    }
    return [
      ...bias,
      transpositionPass({ from: x, stride: k, rows: m, columns: k, to: shared }),
      productPass(
        ENTRY,
        { ...product, right: dy, rightStride: n, to: dw, rows: k, columns: n },
        tile,
      ),
    ];
  },
};

/** Adds `turn(from, to, k, n, begin, end)` over rows of to [k, n], the transpose of from [n, k]. */
function emitTurn(module: ModuleBuilder): void {
  module.function(TURN_ENTRY, (f) => {
    const { from, to, k, n, begin, end } = f.parameters(
      "i32",
      "from",
      "to",
      "k",
      "n",
      "begin",
      "end",
    );
    const [column, source, target] = f.localArray("i32", 3);
    return sequence(
      target.set(i32.add(to.get, bytes(i32.mul(begin.get, n.get)))),
      forLoop(
        begin,
        end.get,
        1,
        sequence(
          source.set(i32.add(from.get, bytes(begin.get))),
          column.set(i32.const(0)),
          forLoop(
            column,
            n.get,
            1,
            sequence(
              f32.store(target.get, f32.load(source.get)),
              source.increase(bytes(k.get)),
              target.increase(4),
            ),
          ),
        ),
      ),
    );
  });
}
