import {
  bytes,
  f32x4,
  forLoop,
  i32,
  i32x4,
  type ModuleBuilder,
  sequence,
  v128,
  when,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { emitRunning } from "./kmeans_state.ts";
import {
  emitCopyWords,
  fitsTile,
  pointTile,
  TILE_BYTES,
  TILE_POINTS,
  tileScratch,
} from "./squared_distances.ts";
import type { Tile } from "./tiles.ts";

/** Lloyd's assignment: a tile of points meets the centroids of all runs that are not done. */
export const kmeansAssign: WasmKernel = {
  emit,
  supports: ({ d, k, runs }) => runs > 0 && fitsTile(d, k),
  scratch: ({ d, k }) => ({ shared: 0, own: tileScratch(d, k) + 2 * TILE_BYTES }),
  passes: ({ n, first, total, d, k, runs }, _constants, { regions, own }) => [{
    entry: "kmeans_assign",
    extent: Math.ceil(n / TILE_POINTS),
    parameters: [...regions, n, first, total, d, k, runs, own],
  }],
};

/**
 * Adds `kmeans_assign(points, centroids, state, labels, distances, n, first, total, d, k, runs, own,
 * begin, end)` over tiles of points.
 */
function emit(module: ModuleBuilder, productTile: Tile): void {
  const copyWords = emitCopyWords(module);
  module.function("kmeans_assign", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "centroids",
      "state",
      "labels",
      "distances",
      "n",
      "first",
      "total",
      "d",
      "k",
      "runs",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const run = f.local("i32");
    const j = f.local("i32");
    const from = f.local("i32");
    const target = f.local("i32");
    const nearest = f.localArray("v128", TILE_POINTS / 4);
    const labels = f.localArray("v128", TILE_POINTS / 4);
    const candidate = f.local("v128");
    const number = f.local("v128");
    const nearer = f.local("v128");
    const tile = pointTile(module, productTile, p);
    const best = tile.behind(p.k.get);

    const compare = sequence(
      number.set(i32x4.splat(j.get)),
      ...nearest.map((least, v) =>
        sequence(
          candidate.set(v128.load(from.get, v * 16)),
          nearer.set(f32x4.lt(candidate.get, least.get)),
          least.set(v128.bitselect(candidate.get, least.get, nearer.get)),
          labels[v].set(v128.bitselect(number.get, labels[v].get, nearer.get)),
        )
      ),
      from.increase(TILE_BYTES),
    );
    const eachRun = sequence(
      tile.measure(
        i32.add(p.centroids.get, bytes(i32.mul(run.get, i32.mul(p.k.get, p.d.get)))),
        p.k.get,
      ),
      from.set(tile.found),
      ...nearest.map((least, v) => least.set(v128.load(from.get, v * 16))),
      ...labels.map((label) => label.set(v128.zero)),
      from.increase(TILE_BYTES),
      j.set(i32.const(1)),
      forLoop(j, p.k.get, 1, compare),
      ...labels.map((label, v) => v128.store(best, label.get, v * 16)),
      ...nearest.map((least, v) => v128.store(best, least.get, TILE_BYTES + v * 16)),
      target.set(bytes(i32.add(
        i32.add(i32.mul(run.get, p.total.get), p.first.get),
        row.get,
      ))),
      copyWords.call(best, i32.add(p.labels.get, target.get), rows.get),
      copyWords.call(
        i32.add(best, i32.const(TILE_BYTES)),
        i32.add(p.distances.get, target.get),
        rows.get,
      ),
    );
    return tile.each(
      p,
      row,
      rows,
      run.set(i32.const(0)),
      forLoop(run, p.runs.get, 1, when(emitRunning(p.state, run), eachRun)),
    );
  });
}
