import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  f32x4,
  i32,
  minimum,
  type ModuleBuilder,
  sequence,
  v128,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** Vectors of columns that are summed at once: a chunk of 32 columns is a thread's work item. */
const VECTORS = 8;
const CHUNK = VECTORS * 4;

/** Sums over the rows of a block, many columns at once; each column adds its rows in order. */
export const columnSum: WasmKernel = {
  emit,
  supports: ({ inner }) => inner >= 4,
  scratch: () => NO_SCRATCH,
  passes({ outer, n, inner, block }, _constants, { regions }) {
    const blocks = groupsOf(n, block), chunks = groupsOf(inner, CHUNK);
    return [{
      entry: "column_sum",
      extent: outer * blocks * chunks,
      parameters: [...regions, n, inner, block, blocks, chunks],
    }];
  },
};

/**
 * Adds `column_sum(x, y, n, inner, block, blocks, chunks, begin, end)` over
 * (outer, block, chunk of columns).
 */
function emit(module: ModuleBuilder): void {
  module.function("column_sum", (f) => {
    const { x, y, n, inner, block, blocks, chunks, begin, end } = f.parameters(
      "i32",
      "x",
      "y",
      "n",
      "inner",
      "block",
      "blocks",
      "chunks",
      "begin",
      "end",
    );
    const group = f.local("i32");
    const outer = f.local("i32");
    const column = f.local("i32");
    const stop = f.local("i32");
    const firstRow = f.local("i32");
    const rows = f.local("i32");
    const row = f.local("i32");
    const from = f.local("i32");
    const sums = f.localArray("v128", VECTORS);

    const columns = (
      vectors: number,
      width: number,
      load: typeof v128.load,
      store: typeof v128.store,
    ) =>
      whileLoop(
        i32.leU(i32.add(column.get, i32.const(width)), stop.get),
        sequence(
          from.set(i32.add(
            x.get,
            bytes(i32.add(
              i32.mul(i32.add(i32.mul(outer.get, n.get), firstRow.get), inner.get),
              column.get,
            )),
          )),
          ...sums.slice(0, vectors).map((sum) => sum.set(v128.zero)),
          row.set(i32.const(0)),
          whileLoop(
            i32.ltU(row.get, rows.get),
            sequence(
              ...sums.slice(0, vectors).map((sum, c) =>
                sum.set(f32x4.add(sum.get, load(from.get, c * 16)))
              ),
              from.increase(bytes(inner.get)),
              row.increase(1),
            ),
          ),
          from.set(i32.add(y.get, bytes(i32.add(i32.mul(group.get, inner.get), column.get)))),
          ...sums.slice(0, vectors).map((sum, c) => store(from.get, sum.get, c * 16)),
          column.increase(width),
        ),
      );
    return whileLoop(
      i32.ltU(begin.get, end.get),
      sequence(
        group.set(i32.divU(begin.get, chunks.get)),
        column.set(
          i32.mul(i32.sub(begin.get, i32.mul(group.get, chunks.get)), i32.const(CHUNK)),
        ),
        stop.set(minimum(i32.add(column.get, i32.const(CHUNK)), inner.get)),
        outer.set(i32.divU(group.get, blocks.get)),
        firstRow.set(
          i32.mul(i32.sub(group.get, i32.mul(outer.get, blocks.get)), block.get),
        ),
        rows.set(minimum(block.get, i32.sub(n.get, firstRow.get))),
        columns(VECTORS, CHUNK, v128.load, v128.store),
        columns(1, 4, v128.load, v128.store),
        columns(1, 1, v128.load32Splat, v128.storeLane0),
        begin.increase(1),
      ),
    );
  });
}
