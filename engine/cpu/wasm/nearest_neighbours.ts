import { NO_ROW } from "../../../kernels/nearest_neighbours.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  type FunctionHandle,
  i32,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import type { WasmKernel } from "./kernel.ts";
import { fitsTile, pointTile, TILE_BYTES, TILE_POINTS, tileScratch } from "./squared_distances.ts";
import type { Tile } from "./tiles.ts";

/** Rows whose distances to a tile of queries are held at once. */
const BLOCK = 64;

const FARTHEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * A tile of queries meets blocks of rows; a vector comparison with the farthest that is selected so
 * far passes over almost all of them.
 */
export const nearestNeighbours: WasmKernel = {
  emit,
  supports: ({ d, k }) => k > 0 && fitsTile(d, BLOCK),
  scratch: ({ d }) => ({ shared: 0, own: tileScratch(d, BLOCK) + TILE_BYTES }),
  passes: ({ queries, n, first, d, k }, _constants, { regions, own }) => [{
    entry: "nearest_neighbours",
    extent: Math.ceil(queries / TILE_POINTS),
    parameters: [...regions, queries, n, first, d, k, own],
  }],
};

/**
 * A function `insert(distance, row, rows, squared, k)`: puts a row, nearer than the last of a
 * selection, into its place; the last one drops out.
 */
function emitInsert(module: ModuleBuilder): FunctionHandle {
  return module.function(undefined, (f) => {
    const { distance } = f.parameters("f32", "distance");
    const { row, rows, squared, k } = f.parameters("i32", "row", "rows", "squared", "k");
    const place = f.local("i32");
    const addressOf = (array: Code) => i32.add(array, place.get);
    // The first place is compared with itself, which the other condition makes void.
    const before = (array: Code) =>
      i32.sub(addressOf(array), select(place.get, i32.const(4), i32.const(0)));
    return sequence(
      place.set(bytes(i32.sub(k.get, i32.const(1)))),
      whileLoop(
        i32.and(
          i32.gtU(place.get, i32.const(0)),
          f32.lt(distance.get, f32.load(before(squared.get))),
        ),
        sequence(
          i32.store(addressOf(rows.get), i32.load(before(rows.get))),
          f32.store(addressOf(squared.get), f32.load(before(squared.get))),
          place.set(i32.sub(place.get, i32.const(4))),
        ),
      ),
      i32.store(addressOf(rows.get), row.get),
      f32.store(addressOf(squared.get), distance.get),
    );
  });
}

/**
 * Adds `nearest_neighbours(queries, numbers, points, rows, squared, count, n, first, d, k, own, begin,
 * end)` over tiles of queries.
 */
function emit(module: ModuleBuilder, productTile: Tile): void {
  const insert = emitInsert(module);
  module.function("nearest_neighbours", (f) => {
    const p = f.parameters(
      "i32",
      "queries",
      "numbers",
      "points",
      "rows",
      "squared",
      "count",
      "n",
      "first",
      "d",
      "k",
      "own",
      "begin",
      "end",
    );
    const [query, valid, row, rows, lane, at, place, last] = f.localArray("i32", 8);
    const value = f.local("f32");
    // The farthest selected distance of each query; nothing is nearer in lanes that hold none.
    const worst = f.localArray("v128", TILE_POINTS / 4);
    const tile = pointTile(module, productTile, {
      points: p.queries,
      n: p.count,
      d: p.d,
      own: p.own,
    });
    const bounds = tile.behind(i32.const(BLOCK));
    const loadBounds = sequence(...worst.map((vector, v) => vector.set(v128.load(bounds, v * 16))));
    const placeOf = (lane: Code) => bytes(i32.mul(i32.add(query.get, lane), p.k.get));
    const lastOf = (array: Code) =>
      i32.add(array, i32.add(place.get, bytes(i32.sub(p.k.get, i32.const(1)))));

    const begin = sequence(
      ...worst.map((_, v) => v128.store(bounds, f32x4.splat(f32.const(-1)), v * 16)),
      lane.set(i32.const(0)),
      forLoop(
        lane,
        valid.get,
        1,
        sequence(
          place.set(placeOf(lane.get)),
          when(
            i32.eqz(p.first.get),
            sequence(
              at.set(place.get),
              last.set(i32.add(place.get, bytes(p.k.get))),
              whileLoop(
                i32.ltU(at.get, last.get),
                sequence(
                  i32.store(i32.add(p.rows.get, at.get), i32.const(NO_ROW | 0)),
                  f32.store(i32.add(p.squared.get, at.get), f32.const(FARTHEST)),
                  at.increase(4),
                ),
              ),
            ),
          ),
          f32.store(i32.add(bounds, bytes(lane.get)), f32.load(lastOf(p.squared.get))),
        ),
      ),
      loadBounds,
    );
    const number = i32.add(p.first.get, row.get);
    const eachLane = sequence(
      value.set(f32.load(i32.add(at.get, bytes(lane.get)))),
      when(
        f32.lt(value.get, f32.load(i32.add(bounds, bytes(lane.get)))),
        when(
          i32.sub(
            i32.load(i32.add(p.numbers.get, bytes(i32.add(query.get, lane.get)))),
            number,
          ),
          sequence(
            place.set(placeOf(lane.get)),
            insert.call(
              value.get,
              number,
              i32.add(p.rows.get, place.get),
              i32.add(p.squared.get, place.get),
              p.k.get,
            ),
            f32.store(i32.add(bounds, bytes(lane.get)), f32.load(lastOf(p.squared.get))),
          ),
        ),
      ),
    );
    const nearer = worst.map((bound, v) => f32x4.lt(v128.load(at.get, v * 16), bound.get))
      .reduce((a, b) => v128.or(a, b));
    const eachRow = sequence(
      when(
        v128.any(nearer),
        sequence(
          lane.set(i32.const(0)),
          forLoop(lane, valid.get, 1, eachLane),
          loadBounds,
        ),
      ),
      at.increase(TILE_BYTES),
    );
    const eachBlock = sequence(
      rows.set(minimum(i32.const(BLOCK), i32.sub(p.n.get, row.get))),
      tile.measure(i32.add(p.points.get, bytes(i32.mul(row.get, p.d.get))), rows.get),
      at.set(tile.found),
      rows.increase(row.get),
      forLoop(row, rows.get, 1, eachRow),
    );
    return tile.each(
      p,
      query,
      valid,
      begin,
      row.set(i32.const(0)),
      whileLoop(i32.ltU(row.get, p.n.get), eachBlock),
    );
  });
}
