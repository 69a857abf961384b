import { groupsOf } from "../../../kernels/kernel.ts";
import {
  bytes,
  f32,
  f32x4,
  forLoop,
  i32,
  i32x4,
  minimum,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import {
  emitCopyWords,
  fitsTile,
  pointTile,
  TILE_BYTES,
  TILE_POINTS,
  tileScratch,
} from "./squared_distances.ts";
import type { Tile } from "./tiles.ts";

/** Points whose distances make one partial sum, as the kernel defines it. */
const BLOCK = 256;

/** k-means++: distances to all candidates of a tile of points, then minimum and sum. */
export const kmeansSeedDistance: WasmKernel = {
  emit,
  supports: ({ d, runs, trials }) => fitsTile(d, runs * trials),
  scratch: ({ d, runs, trials }) => ({
    shared: 0,
    own: tileScratch(d, runs * trials) + TILE_BYTES + 16 * runs * trials,
  }),
  passes({ n, first, total, d, runs, trials }, _constants, { regions, own }) {
    const blocks = groupsOf(total, BLOCK), firstBlock = Math.floor(first / BLOCK);
    return [{
      entry: "kmeans_seed_distance",
      extent: groupsOf(n, BLOCK),
      parameters: [...regions, n, first, total, d, runs * trials, trials, blocks, firstBlock, own],
    }];
  },
};

/**
 * Adds `kmeans_seed_distance(points, candidates, round, best, distances, partials, n, first, total,
 * d, count, trials, blocks, firstBlock, own, begin, end)` over blocks of points.
 */
function emit(module: ModuleBuilder, productTile: Tile): void {
  const copyWords = emitCopyWords(module);
  module.function("kmeans_seed_distance", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "candidates",
      "round",
      "best",
      "distances",
      "partials",
      "n",
      "first",
      "total",
      "d",
      "count",
      "trials",
      "blocks",
      "firstBlock",
      "own",
      "begin",
      "end",
    );
    const tile = pointTile(module, productTile, p);
    const known = f.local("i32");
    const sums = f.local("i32");
    const halves = f.localArray("i32", 2);
    const row = f.local("i32");
    const lastRow = f.local("i32");
    const rows = f.local("i32");
    const candidate = f.local("i32");
    const trial = f.local("i32");
    const run = f.local("i32");
    const at = f.local("i32");
    const to = f.local("i32");
    const lanes = f.localArray("v128", TILE_POINTS / 4);
    const least = f.localArray("v128", TILE_POINTS / 4);
    const nearest = f.localArray("v128", TILE_POINTS / 4);
    const sum = f.local("v128");
    const [previous, current] = halves;
    // Number of the first point of the tile among all of them.
    const place = i32.add(p.first.get, row.get);
    const halfBytes = bytes(i32.mul(p.count.get, p.total.get));

    const eachTrial = sequence(
      ...nearest.map((value, v) =>
        sequence(
          value.set(f32x4.lesser(v128.load(at.get, v * 16), least[v].get)),
          v128.store(at.get, value.get, v * 16),
        )
      ),
      copyWords.call(at.get, to.get, rows.get),
      ...nearest.map((value, v) => value.set(v128.and(value.get, lanes[v].get))),
      sum.set(f32x4.add(
        f32x4.add(nearest[0].get, nearest[1].get),
        f32x4.add(nearest[2].get, nearest[3].get),
      )),
      v128.store(sums.get, f32x4.add(v128.load(sums.get), sum.get)),
      at.increase(TILE_BYTES),
      to.increase(bytes(p.total.get)),
      sums.increase(16),
    );
    const eachRun = sequence(
      when(
        i32.load(p.round.get),
        sequence(
          copyWords.call(
            i32.add(
              previous.get,
              bytes(i32.add(
                i32.mul(
                  i32.add(candidate.get, i32.load(i32.add(p.best.get, bytes(run.get)))),
                  p.total.get,
                ),
                place,
              )),
            ),
            known.get,
            rows.get,
          ),
          ...least.map((value, v) => value.set(v128.load(known.get, v * 16))),
        ),
        sequence(...least.map((value) => value.set(f32x4.splat(f32.const(Infinity))))),
      ),
      trial.set(i32.const(0)),
      forLoop(trial, p.trials.get, 1, eachTrial),
      candidate.increase(p.trials.get),
      run.increase(1),
    );
    const eachTile = sequence(
      tile.enter(row, rows),
      ...lanes.map((lane, v) =>
        lane.set(i32x4.ltU(
          i32x4.const(4 * v, 4 * v + 1, 4 * v + 2, 4 * v + 3),
          i32x4.splat(rows.get),
        ))
      ),
      tile.measure(p.candidates.get, p.count.get),
      at.set(tile.found),
      to.set(i32.add(current.get, bytes(place))),
      sums.set(i32.add(known.get, i32.const(TILE_BYTES))),
      run.set(i32.const(0)),
      candidate.set(i32.const(0)),
      whileLoop(i32.ltU(candidate.get, p.count.get), eachRun),
    );
    const eachSum = (body: ReturnType<typeof sequence>) =>
      sequence(
        sums.set(i32.add(known.get, i32.const(TILE_BYTES))),
        candidate.set(i32.const(0)),
        forLoop(candidate, p.count.get, 1, sequence(body, sums.increase(16))),
      );
    const lane = (number: number) => f32x4.extractLane(sum.get, number);
    const storePartial = sequence(
      sum.set(v128.load(sums.get)),
      f32.store(
        i32.add(
          p.partials.get,
          bytes(i32.add(
            i32.mul(candidate.get, p.blocks.get),
            i32.add(p.firstBlock.get, p.begin.get),
          )),
        ),
        f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))),
      ),
    );
    return sequence(
      known.set(tile.behind(p.count.get)),
      // Rounds take turns with the halves of `distances`.
      current.set(i32.and(i32.load(p.round.get), i32.const(1))),
      previous.set(i32.add(
        p.distances.get,
        i32.mul(i32.sub(i32.const(1), current.get), halfBytes),
      )),
      current.set(i32.add(p.distances.get, i32.mul(current.get, halfBytes))),
      forLoop(
        p.begin,
        p.end.get,
        1,
        sequence(
          eachSum(v128.store(sums.get, v128.zero)),
          row.set(i32.mul(p.begin.get, i32.const(BLOCK))),
          lastRow.set(minimum(i32.add(row.get, i32.const(BLOCK)), p.n.get)),
          forLoop(row, lastRow.get, TILE_POINTS, eachTile),
          eachSum(storePartial),
        ),
      ),
    );
  });
}
