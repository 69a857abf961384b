import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  f32x4,
  i32,
  minimum,
  type ModuleBuilder,
  sequence,
  shuffle32,
  v128,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** Vectors of sums that go side by side. */
const VECTORS = 4;

/** Sums of squares; plain sums run as the reference, which adds in float64. */
export const reduce: WasmKernel = {
  emit,
  supports: ({ n }, { SQUARES }) => SQUARES === 1 && n > 0,
  scratch: () => NO_SCRATCH,
  passes({ rows, n, block }, _constants, { regions }) {
    const blocks = groupsOf(n, block);
    return [{
      entry: "sum_of_squares",
      extent: rows * blocks,
      parameters: [...regions, n, block, blocks],
    }];
  },
};

/** Adds `sum_of_squares(x, y, n, block, blocks, begin, end)` over blocks of rows. */
function emit(module: ModuleBuilder): void {
  module.function("sum_of_squares", (f) => {
    const { x, y, n, block, blocks, begin, end } = f.parameters(
      "i32",
      "x",
      "y",
      "n",
      "block",
      "blocks",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const start = f.local("i32");
    const left = f.local("i32");
    const from = f.local("i32");
    const sums = f.localArray("v128", VECTORS);
    const value = f.local("v128");
    const [sum, second, third, fourth] = sums;
    const turn = (vectors: number, elements: number, load: typeof v128.load) =>
      whileLoop(
        i32.leU(i32.const(elements), left.get),
        sequence(
          ...sums.slice(0, vectors).flatMap((sum, c) => [
            value.set(load(from.get, c * 16)),
            sum.set(module.multiplyAdd(value.get, value.get, sum.get)),
          ]),
          from.increase(elements * 4),
          left.set(i32.sub(left.get, i32.const(elements))),
        ),
      );
    /** Into lane 0, after the lanes of vectors have been joined. */
    const join = sequence(
      sum.set(f32x4.add(f32x4.add(sum.get, second.get), f32x4.add(third.get, fourth.get))),
      sum.set(f32x4.add(sum.get, shuffled([2, 3, 0, 1]))),
      sum.set(f32x4.add(sum.get, shuffled([1, 0, 3, 2]))),
    );
    function shuffled(lanes: readonly number[]) {
      return shuffle32(sum.get, sum.get, lanes);
    }
    return whileLoop(
      i32.ltU(begin.get, end.get),
      sequence(
        row.set(i32.divU(begin.get, blocks.get)),
        start.set(i32.mul(i32.sub(begin.get, i32.mul(row.get, blocks.get)), block.get)),
        left.set(minimum(block.get, i32.sub(n.get, start.get))),
        from.set(i32.add(x.get, bytes(i32.add(i32.mul(row.get, n.get), start.get)))),
        ...sums.map((sum) => sum.set(v128.zero)),
        turn(VECTORS, 4 * VECTORS, v128.load),
        turn(1, 4, v128.load),
        join,
        turn(1, 1, v128.load32Splat),
        v128.storeLane0(i32.add(y.get, bytes(begin.get)), sum.get),
        begin.increase(1),
      ),
    );
  });
}
