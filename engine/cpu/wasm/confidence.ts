import {
  bytes,
  f32,
  f32x4,
  forLoop,
  i32,
  i32x4,
  type ModuleBuilder,
  select,
  sequence,
  v128,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import {
  emitCopyWords,
  fitsTile,
  pointTile,
  TILE_BYTES,
  TILE_POINTS,
} from "./squared_distances.ts";
import type { Tile } from "./tiles.ts";

const VECTORS = TILE_POINTS / 4;

/** Labels and masks of a tile of rows, which are turned so that a vector holds four of them. */
export const confidence: WasmKernel = {
  emit,
  supports: ({ k }) => fitsTile(k, 1),
  scratch: ({ k }) => ({ shared: 0, own: (k + 2) * TILE_BYTES }),
  passes: ({ n, k }, _constants, { regions, own }) => [{
    entry: "confidence",
    extent: Math.ceil(n / TILE_POINTS),
    parameters: [...regions, n, k, own],
  }],
};

/** Adds `confidence(q, thresholds, labels, mask, n, k, own, begin, end)` over tiles of rows. */
function emit(module: ModuleBuilder, productTile: Tile): void {
  const copyWords = emitCopyWords(module);
  module.function("confidence", (f) => {
    const p = f.parameters(
      "i32",
      "q",
      "thresholds",
      "labels",
      "mask",
      "n",
      "k",
      "own",
      "begin",
      "end",
    );
    const row = f.local("i32");
    const rows = f.local("i32");
    const j = f.local("i32");
    const at = f.local("i32");
    const tile = pointTile(module, productTile, { points: p.q, n: p.n, d: p.k, own: p.own });
    const first = f.localArray("v128", VECTORS);
    const second = f.localArray("v128", VECTORS);
    const labels = f.localArray("v128", VECTORS);
    const value = f.local("v128");
    const number = f.local("v128");
    const wins = f.local("v128");
    const least = f.localArray("v128", 2);

    const compare = sequence(
      number.set(i32x4.splat(j.get)),
      ...first.map((largest, v) =>
        sequence(
          value.set(v128.load(at.get, v * 16)),
          wins.set(f32x4.gt(value.get, largest.get)),
          second[v].set(v128.bitselect(
            largest.get,
            f32x4.greater(second[v].get, value.get),
            wins.get,
          )),
          largest.set(v128.bitselect(value.get, largest.get, wins.get)),
          labels[v].set(v128.bitselect(number.get, labels[v].get, wins.get)),
        )
      ),
      at.increase(TILE_BYTES),
    );
    const unconflicted = (v: number) =>
      v128.and(
        f32x4.gt(first[v].get, least[0].get),
        f32x4.gt(f32x4.sub(first[v].get, second[v].get), least[1].get),
      );
    const eachTile = sequence(
      at.set(p.own.get),
      ...first.map((largest, v) => largest.set(v128.load(at.get, v * 16))),
      ...second.map((value) =>
        value.set(f32x4.splat(select(
          i32.gtU(p.k.get, i32.const(1)),
          f32.const(-Infinity),
          f32.const(0),
        )))
      ),
      ...labels.map((label) => label.set(v128.zero)),
      at.increase(TILE_BYTES),
      j.set(i32.const(1)),
      forLoop(j, p.k.get, 1, compare),
      ...labels.flatMap((label, v) => [
        v128.store(tile.found, label.get, v * 16),
        v128.store(
          tile.found,
          v128.and(unconflicted(v), f32x4.splat(f32.const(1))),
          TILE_BYTES + v * 16,
        ),
      ]),
      copyWords.call(tile.found, i32.add(p.labels.get, bytes(row.get)), rows.get),
      copyWords.call(
        i32.add(tile.found, i32.const(TILE_BYTES)),
        i32.add(p.mask.get, bytes(row.get)),
        rows.get,
      ),
    );
    return sequence(
      ...least.map((threshold, i) => threshold.set(v128.load32Splat(p.thresholds.get, 4 * i))),
      tile.each(p, row, rows, eachTile),
    );
  });
}
