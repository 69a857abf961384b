import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  f32,
  f32x4,
  forLoop,
  i32,
  minimum,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** Sums and counts of the clusters over a block of points, each added in the order of the points. */
export const kmeansSum: WasmKernel = {
  emit,
  supports: () => true,
  lengths: ({ n, first, total, d, k, runs, block }) => [
    n * d,
    Math.max(runs * total, (runs - 1) * total + first + n),
    runs * groupsOf(total, block) * k * (d + 1),
  ],
  scratch: () => NO_SCRATCH,
  phases({ n, first, total, d, k, runs, block }, _constants, { regions }) {
    const blocks = groupsOf(total, block), firstBlock = Math.floor(first / block);
    const chunkBlocks = groupsOf(n, block);
    return [{
      entry: "kmeans_sum",
      extent: runs * chunkBlocks,
      parameters: [...regions, n, first, total, d, k, block, blocks, firstBlock, chunkBlocks],
    }];
  },
};

/**
 * Adds `kmeans_sum(points, labels, sums, n, first, total, d, k, block, blocks, firstBlock,
 * chunkBlocks, begin, end)` over (run, block). A label that is no cluster is left out.
 */
function emit(module: ModuleBuilder): void {
  module.function("kmeans_sum", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "labels",
      "sums",
      "n",
      "first",
      "total",
      "d",
      "k",
      "block",
      "blocks",
      "firstBlock",
      "chunkBlocks",
      "begin",
      "end",
    );
    const run = f.local("i32");
    const part = f.local("i32");
    const i = f.local("i32");
    const last = f.local("i32");
    const base = f.local("i32");
    const label = f.local("i32");
    const from = f.local("i32");
    const to = f.local("i32");
    const stop = f.local("i32");
    const width = i32.add(p.d.get, i32.const(1));

    const point = sequence(
      label.set(i32.load(i32.add(
        p.labels.get,
        bytes(i32.add(i32.mul(run.get, p.total.get), i32.add(p.first.get, i.get))),
      ))),
      when(
        i32.ltU(label.get, p.k.get),
        sequence(
          from.set(i32.add(p.points.get, bytes(i32.mul(i.get, p.d.get)))),
          to.set(i32.add(base.get, bytes(i32.mul(label.get, width)))),
          stop.set(i32.add(to.get, bytes(p.d.get))),
          whileLoop(
            i32.leU(i32.add(to.get, i32.const(16)), stop.get),
            sequence(
              v128.store(to.get, f32x4.add(v128.load(to.get), v128.load(from.get))),
              from.increase(16),
              to.increase(16),
            ),
          ),
          whileLoop(
            i32.ltU(to.get, stop.get),
            sequence(
              f32.store(to.get, f32.add(f32.load(to.get), f32.load(from.get))),
              from.increase(4),
              to.increase(4),
            ),
          ),
          f32.store(to.get, f32.add(f32.load(to.get), f32.const(1))),
        ),
      ),
    );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        run.set(i32.divU(p.begin.get, p.chunkBlocks.get)),
        part.set(i32.sub(p.begin.get, i32.mul(run.get, p.chunkBlocks.get))),
        base.set(i32.add(
          p.sums.get,
          bytes(i32.mul(
            i32.add(
              i32.mul(run.get, p.blocks.get),
              i32.add(p.firstBlock.get, part.get),
            ),
            i32.mul(p.k.get, width),
          )),
        )),
        to.set(base.get),
        stop.set(i32.add(base.get, bytes(i32.mul(p.k.get, width)))),
        whileLoop(
          i32.ltU(to.get, stop.get),
          sequence(f32.store(to.get, f32.const(0)), to.increase(4)),
        ),
        i.set(i32.mul(part.get, p.block.get)),
        last.set(minimum(i32.add(i.get, p.block.get), p.n.get)),
        forLoop(i, last.get, 1, point),
      ),
    );
  });
}
