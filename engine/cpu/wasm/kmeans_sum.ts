import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  i32,
  i32x4,
  type Local,
  minimum,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitRunning } from "./kmeans_state.ts";

/** Bytes of a cluster's sums in scratch memory: d features and the number, in whole vectors. */
const sumBytes = (d: number) => 16 * Math.ceil((d + 1) / 4);

/** Sums and counts of the clusters over a block of points, each added in the order of the points. */
export const kmeansSum: WasmKernel = {
  emit,
  supports: ({ d, k }) => d > 0 && k * sumBytes(d) <= 2 ** 28,
  scratch: ({ d, k }) => ({ shared: 0, own: k * sumBytes(d) }),
  passes({ n, first, total, d, k, runs, block }, _constants, { regions, own }) {
    const blocks = groupsOf(total, block), firstBlock = Math.floor(first / block);
    return [{
      entry: "kmeans_sum",
      extent: groupsOf(n, block),
      parameters: [...regions, n, first, total, d, k, runs, block, blocks, firstBlock, own],
    }];
  },
};

/**
 * Adds `kmeans_sum(points, labels, state, sums, n, first, total, d, k, runs, block, blocks,
 * firstBlock, own, begin, end)` over blocks. A label that is no cluster is left out.
 */
function emit(module: ModuleBuilder): void {
  module.function("kmeans_sum", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "labels",
      "state",
      "sums",
      "n",
      "first",
      "total",
      "d",
      "k",
      "runs",
      "block",
      "blocks",
      "firstBlock",
      "own",
      "begin",
      "end",
    );
    const run = f.local("i32");
    const label = f.local("i32");
    const lastLabel = f.local("i32");
    const point = f.local("i32");
    const to = f.local("i32");
    const stop = f.local("i32");
    const from = f.local("i32");
    const wholeBytes = f.local("i32");
    const stride = f.local("i32");
    const rest = f.local("i32");
    const cluster = f.local("i32");
    const one = f.local("v128");
    const tail = f.local("v128");
    const row = i32.mul(p.begin.get, p.block.get);
    const addTo = (at: Local, value: Code) =>
      v128.store(at.get, f32x4.add(v128.load(at.get), value));

    // What follows the last whole vector of a point, and the 1 that counts it.
    const loadTail = sequence(
      tail.set(one.get),
      when(
        i32.and(rest.get, i32.const(2)),
        sequence(
          tail.set(v128.load64Lane(point.get, tail.get, 0)),
          when(
            i32.and(rest.get, i32.const(1)),
            tail.set(v128.load32Lane(point.get, tail.get, 2, 8)),
          ),
        ),
        when(rest.get, tail.set(v128.load32Lane(point.get, tail.get, 0))),
      ),
    );
    const addPoint = sequence(
      to.set(i32.add(p.own.get, i32.mul(i32.load(label.get), stride.get))),
      stop.set(i32.add(to.get, wholeBytes.get)),
      whileLoop(
        i32.ltU(to.get, stop.get),
        sequence(addTo(to, v128.load(point.get)), point.increase(16), to.increase(16)),
      ),
      loadTail,
      addTo(to, tail.get),
      point.increase(bytes(rest.get)),
    );
    const eachRun = sequence(
      to.set(p.own.get),
      stop.set(i32.add(p.own.get, i32.mul(p.k.get, stride.get))),
      whileLoop(
        i32.ltU(to.get, stop.get),
        sequence(v128.store(to.get, v128.zero), to.increase(16)),
      ),
      label.set(i32.add(
        p.labels.get,
        bytes(i32.add(i32.mul(run.get, p.total.get), i32.add(p.first.get, row))),
      )),
      lastLabel.set(i32.add(
        label.get,
        bytes(minimum(p.block.get, i32.sub(p.n.get, row))),
      )),
      point.set(i32.add(p.points.get, bytes(i32.mul(row, p.d.get)))),
      whileLoop(
        i32.ltU(label.get, lastLabel.get),
        sequence(
          when(
            i32.ltU(i32.load(label.get), p.k.get),
            addPoint,
            point.increase(bytes(p.d.get)),
          ),
          label.increase(4),
        ),
      ),
      to.set(i32.add(
        p.sums.get,
        bytes(i32.mul(
          i32.mul(
            i32.add(i32.mul(run.get, p.blocks.get), i32.add(p.firstBlock.get, p.begin.get)),
            p.k.get,
          ),
          i32.add(p.d.get, i32.const(1)),
        )),
      )),
      cluster.set(i32.const(0)),
      forLoop(
        cluster,
        p.k.get,
        1,
        sequence(
          from.set(i32.add(p.own.get, i32.mul(cluster.get, stride.get))),
          stop.set(i32.add(to.get, bytes(i32.add(p.d.get, i32.const(1))))),
          whileLoop(
            i32.ltU(to.get, stop.get),
            sequence(
              f32.store(to.get, f32.load(from.get)),
              from.increase(4),
              to.increase(4),
            ),
          ),
        ),
      ),
    );
    return sequence(
      rest.set(i32.and(p.d.get, i32.const(3))),
      wholeBytes.set(i32.sub(bytes(p.d.get), bytes(rest.get))),
      stride.set(i32.add(wholeBytes.get, i32.const(16))),
      // The lane that counts is the one after the last feature.
      one.set(v128.and(
        i32x4.eq(i32x4.const(0, 1, 2, 3), i32x4.splat(rest.get)),
        f32x4.splat(f32.const(1)),
      )),
      forLoop(
        p.begin,
        p.end.get,
        1,
        sequence(
          run.set(i32.const(0)),
          forLoop(run, p.runs.get, 1, when(emitRunning(p.state, run), eachRun)),
        ),
      ),
    );
  });
}
