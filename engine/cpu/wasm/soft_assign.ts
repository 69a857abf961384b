import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  i32,
  type ModuleBuilder,
  sequence,
  v128,
  when,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { fitsTile, pointTile, TILE_BYTES, TILE_POINTS, tileScratch } from "./squared_distances.ts";
import type { Tile } from "./tiles.ts";

const VECTORS = TILE_POINTS / 4;

/** Student-t weights of a tile of codes, for α = 1, which needs no powers. */
export const softAssign: WasmKernel = {
  emit,
  supports: ({ p, k, alpha }) => alpha === 1 && fitsTile(p, k),
  scratch: ({ p, k }) => ({ shared: 0, own: tileScratch(p, k) }),
  passes: ({ n, p, k }, _constants, { regions, own }) => [{
    entry: "soft_assign",
    extent: Math.ceil(n / TILE_POINTS),
    parameters: [...regions, n, p, k, own],
  }],
};

/** Adds `soft_assign(z, c, q, n, p, k, own, begin, end)` over tiles of codes. */
function emit(module: ModuleBuilder, productTile: Tile): void {
  module.function("soft_assign", (f) => {
    const p = f.parameters("i32", "z", "c", "q", "n", "p", "k", "own", "begin", "end");
    const row = f.local("i32");
    const rows = f.local("i32");
    const j = f.local("i32");
    const at = f.local("i32");
    const to = f.local("i32");
    const bases = f.localArray("v128", VECTORS);
    const sums = f.localArray("v128", VECTORS);
    const value = f.local("v128");
    const tile = pointTile(module, productTile, { points: p.z, n: p.n, d: p.p, own: p.own });
    const one = f32x4.splat(f32.const(1));

    const eachCentre = (body: Code) =>
      sequence(
        at.set(tile.found),
        j.set(i32.const(0)),
        forLoop(j, p.k.get, 1, sequence(body, at.increase(TILE_BYTES))),
      );
    const normalized = (v: number) => f32x4.div(v128.load(at.get, v * 16), sums[v].get);
    /** Writes the lanes that are rows: each goes to a row of its own. */
    const storeColumn = sequence(
      to.set(i32.add(p.q.get, bytes(i32.add(i32.mul(row.get, p.k.get), j.get)))),
      ...sums.map((_, v) =>
        sequence(
          value.set(normalized(v)),
          ...[0, 1, 2, 3].map((lane) =>
            when(
              i32.gtU(rows.get, i32.const(4 * v + lane)),
              sequence(
                v128.storeLane(to.get, value.get, lane),
                to.increase(bytes(p.k.get)),
              ),
            )
          ),
        )
      ),
    );
    const eachTile = sequence(
      tile.measure(p.c.get, p.k.get),
      ...bases.map((nearest) => nearest.set(f32x4.splat(f32.const(Infinity)))),
      ...sums.map((sum) => sum.set(v128.zero)),
      eachCentre(sequence(
        ...bases.map((nearest, v) =>
          nearest.set(f32x4.lesser(nearest.get, v128.load(at.get, v * 16)))
        ),
      )),
      ...bases.map((nearest) => nearest.set(f32x4.add(nearest.get, one))),
      eachCentre(sequence(
        ...bases.map((base, v) =>
          sequence(
            value.set(f32x4.div(base.get, f32x4.add(v128.load(at.get, v * 16), one))),
            v128.store(at.get, value.get, v * 16),
            sums[v].set(f32x4.add(sums[v].get, value.get)),
          )
        ),
      )),
      eachCentre(storeColumn),
    );
    return tile.each(p, row, rows, eachTile);
  });
}
