import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  f32,
  f64,
  forLoop,
  i32,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  when,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { DISTANCES_AT, emitSquaredDistances } from "./squared_distances.ts";

/** Points whose distances make one partial sum, as the kernel defines it. */
const BLOCK = 256;
/** Most candidates at once: 4 MiB of scratch a thread. */
const MOST_CANDIDATES = 2 ** 12;

/** k-means++: distances to all candidates of a block of points, then minimum and sum. */
export const kmeansSeedDistance: WasmKernel = {
  emit,
  supports: ({ d, runs, trials }) => d > 0 && runs * trials > 0 && runs * trials <= MOST_CANDIDATES,
  lengths({ n, first, total, d, runs, trials, isFirst }) {
    const count = runs * trials;
    const known = Math.max(count * total, (count - 1) * total + first + n);
    return [
      n * d,
      count * d,
      isFirst ? 0 : known,
      isFirst ? 0 : runs,
      known,
      count * groupsOf(total, BLOCK),
    ];
  },
  scratch: ({ runs, trials }) => ({ shared: 0, own: DISTANCES_AT + BLOCK * runs * trials * 4 }),
  phases(params, _constants, { regions, own }) {
    const { n, first, total, d, runs, trials, isFirst } = params;
    const blocks = groupsOf(total, BLOCK), firstBlock = Math.floor(first / BLOCK);
    return [{
      entry: "kmeans_seed_distance",
      extent: groupsOf(n, BLOCK),
      parameters: [
        ...regions,
        n,
        first,
        total,
        d,
        runs * trials,
        trials,
        isFirst,
        blocks,
        firstBlock,
        own,
      ],
    }];
  },
};

/**
 * Adds `kmeans_seed_distance(points, candidates, previous, best, distances, partials, n, first,
 * total, d, count, trials, isFirst, blocks, firstBlock, own, begin, end)` over blocks of points.
 */
function emit(module: ModuleBuilder): void {
  const squaredDistances = emitSquaredDistances(module);
  module.function("kmeans_seed_distance", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "candidates",
      "previous",
      "best",
      "distances",
      "partials",
      "n",
      "first",
      "total",
      "d",
      "count",
      "trials",
      "isFirst",
      "blocks",
      "firstBlock",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const candidate = f.local("i32");
    const i = f.local("i32");
    const run = f.local("i32");
    const from = f.local("i32");
    const to = f.local("i32");
    const old = f.local("i32");
    const known = f.local("f32");
    const distance = f.local("f32");
    const sum = f.local("f64");
    const scratch = i32.add(p.own.get, i32.const(DISTANCES_AT));
    // The column of this block's points in row `line` of an array [count, total].
    const column = (line: ReturnType<typeof bytes>) =>
      bytes(i32.add(i32.mul(line, p.total.get), i32.add(p.first.get, row.get)));
    const chosen = i32.load(i32.add(p.best.get, bytes(run.get)));

    const point = sequence(
      distance.set(f32.load(from.get)),
      when(
        p.isFirst.get,
        known.set(f32.const(Infinity)),
        known.set(f32.load(old.get)),
      ),
      distance.set(select(f32.lt(known.get, distance.get), known.get, distance.get)),
      f32.store(to.get, distance.get),
      sum.set(f64.add(sum.get, f64.promote(distance.get))),
      from.increase(bytes(p.count.get)),
      to.increase(4),
      old.increase(4),
    );
    const eachCandidate = sequence(
      run.set(i32.divU(candidate.get, p.trials.get)),
      from.set(i32.add(scratch, bytes(candidate.get))),
      to.set(i32.add(p.distances.get, column(candidate.get))),
      when(
        p.isFirst.get,
        [],
        old.set(i32.add(p.previous.get, column(i32.add(i32.mul(run.get, p.trials.get), chosen)))),
      ),
      sum.set(f64.const(0)),
      i.set(i32.const(0)),
      forLoop(i, rows.get, 1, point),
      f32.store(
        i32.add(
          p.partials.get,
          bytes(i32.add(
            i32.mul(candidate.get, p.blocks.get),
            i32.add(p.firstBlock.get, p.begin.get),
          )),
        ),
        f32.demote(sum.get),
      ),
    );
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        row.set(i32.mul(p.begin.get, i32.const(BLOCK))),
        rows.set(minimum(i32.const(BLOCK), i32.sub(p.n.get, row.get))),
        squaredDistances.call(
          i32.add(p.points.get, bytes(i32.mul(row.get, p.d.get))),
          p.candidates.get,
          scratch,
          rows.get,
          p.d.get,
          p.count.get,
          p.own.get,
        ),
        candidate.set(i32.const(0)),
        forLoop(candidate, p.count.get, 1, eachCandidate),
      ),
    );
  });
}
