import { f32, forLoop, i32, type ModuleBuilder, sequence, v128, when } from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { TILE_ROWS } from "./micro_kernel.ts";
import { emitProduct, PRODUCT_SCRATCH, productPhase } from "./product.ts";

/**
 * dw = xᵀ · dy. All threads first pack x into tiles of 6 columns, the rows of xᵀ, which every thread
 * then reads: reading x where it lies would touch a cache line in every one of its rows for 24 bytes.
 */
export const denseWeightGradient: WasmKernel = {
  emit(module) {
    emitPack(module);
    emitProduct(module, "dense_weight_gradient", { left: "packed", right: "rows", masked: false });
  },
  supports: ({ m }) => m > 0,
  lengths: ({ m, k, n }) => [m * k, m * n, k * n],
  scratch: ({ m, k }) => ({
    shared: Math.ceil(k / TILE_ROWS) * TILE_ROWS * m * 4,
    own: PRODUCT_SCRATCH,
  }),
  phases({ m, k, n }, _constants, { regions: [x, dy, dw], shared, own }) {
    return [
      {
        entry: "dense_weight_gradient_pack",
        extent: Math.ceil(k / TILE_ROWS),
        parameters: [x, shared, m, k],
      },
      productPhase("dense_weight_gradient", {
        left: shared,
        right: dy,
        to: dw,
        rows: k,
        depth: m,
        columns: n,
        own,
      }),
    ];
  },
};

/** Adds `dense_weight_gradient_pack(x, to, m, k, begin, end)` over tiles of 6 columns of x [m, k]. */
function emitPack(module: ModuleBuilder): void {
  module.function("dense_weight_gradient_pack", (f) => {
    const { x, to, m, k, begin, end } = f.parameters(
      "i32",
      "x",
      "to",
      "m",
      "k",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const column = f.local("i32");
    const first = f.local("i32");
    const width = f.local("i32");
    const from = f.local("i32");
    const target = f.local("i32");
    const eachRow = (body: ReturnType<typeof sequence>) =>
      sequence(
        row.set(i32.const(0)),
        forLoop(
          row,
          m.get,
          1,
          sequence(
            body,
            from.increase(i32.mul(k.get, i32.const(4))),
            target.increase(TILE_ROWS * 4),
          ),
        ),
      );
    const offset = i32.mul(column.get, i32.const(4));
    const tile = sequence(
      first.set(i32.mul(begin.get, i32.const(TILE_ROWS))),
      width.set(i32.sub(k.get, first.get)),
      from.set(i32.add(x.get, i32.mul(first.get, i32.const(4)))),
      target.set(i32.add(to.get, i32.mul(i32.mul(first.get, m.get), i32.const(4)))),
      when(
        i32.geU(width.get, i32.const(TILE_ROWS)),
        // Two vectors that overlap in the middle make 6 numbers.
        eachRow(sequence(
          v128.store(target.get, v128.load(from.get)),
          v128.store(target.get, v128.load(from.get, 8), 8),
        )),
        eachRow(sequence(
          column.set(i32.const(0)),
          forLoop(
            column,
            i32.const(TILE_ROWS),
            1,
            when(
              i32.ltU(column.get, width.get),
              f32.store(i32.add(target.get, offset), f32.load(i32.add(from.get, offset))),
              f32.store(i32.add(target.get, offset), f32.const(0)),
            ),
          ),
        )),
      ),
    );
    return forLoop(begin, end.get, 1, tile);
  });
}
