import { bytes, forLoop, i32, type ModuleBuilder, sequence } from "../assembler.ts";
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

/** Squared distances of all points to all centroids, a centroid a row of the result. */
export const distances: WasmKernel = {
  emit,
  supports: ({ d, k }) => fitsTile(d, k),
  scratch: ({ d, k }) => ({ shared: 0, own: tileScratch(d, k) }),
  passes: ({ n, first, total, d, k }, _constants, { regions, own }) => [{
    entry: "distances",
    extent: Math.ceil(n / TILE_POINTS),
    parameters: [...regions, n, first, total, d, k, own],
  }],
};

/** Adds `distances(points, c, y, n, first, total, d, k, own, begin, end)` over tiles of points. */
function emit(module: ModuleBuilder, productTile: Tile): void {
  const copyWords = emitCopyWords(module);
  module.function("distances", (f) => {
    const p = f.parameters(
      "i32",
      "points",
      "c",
      "y",
      "n",
      "first",
      "total",
      "d",
      "k",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const j = f.local("i32");
    const to = f.local("i32");
    const tile = pointTile(module, productTile, p);

    return tile.each(
      p,
      row,
      rows,
      tile.measure(p.c.get, p.k.get),
      to.set(i32.add(p.y.get, bytes(i32.add(p.first.get, row.get)))),
      j.set(i32.const(0)),
      forLoop(
        j,
        p.k.get,
        1,
        sequence(
          copyWords.call(
            i32.add(tile.found, i32.mul(j.get, i32.const(TILE_BYTES))),
            to.get,
            rows.get,
          ),
          to.increase(bytes(p.total.get)),
        ),
      ),
    );
  });
}
