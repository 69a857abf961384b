/**
 * Squared distances on the CPU: a tile of 16 points is turned into columns, so that a vector holds
 * one feature of four points, and each centre meets all 16 at once. Differences are taken directly
 * and their squares added in the order of the features, so that equal centres are at equal
 * distances and no distance depends on its tile.
 */
import {
  bytes,
  type Code,
  f32x4,
  forLoop,
  type FunctionHandle,
  i32,
  type Local,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  shuffle32,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { loadPairs, packPairs } from "./pairs.ts";
import type { Tile } from "./tiles.ts";

/** Points of a tile: four vectors. */
export const TILE_POINTS = 16;

/** Bytes of one number of each point of a tile. */
export const TILE_BYTES: number = TILE_POINTS * 4;

/** Vectors of a tile's row. */
const VECTORS = TILE_POINTS / 4;

/** Centres that meet a tile at once: with sums of 128 bits, and of 256. */
const CENTRES = 2;
const MOST_CENTRES = 5;

/** Most features and centres of a call: 64 MiB of scratch for either. */
const MOST = 2 ** 20;

/** Whether the scratch of a tile with `d` features and `count` centres is acceptable. */
export function fitsTile(d: number, count: number): boolean {
  return d > 0 && d <= MOST && count > 0 && count <= MOST;
}

/** Bytes of scratch for a tile of points [d, 16] and its distances [count, 16], with what is written behind. */
export function tileScratch(d: number, count: number): number {
  return (d + count + MOST_CENTRES - 1) * TILE_BYTES;
}

/**
 * A function `turnPoints(from, to, rows, d)`: to[c, i] = from[min(i, rows − 1), c] for the 16 places
 * i of a tile, `from` [rows, d].
 */
function emitTurnPoints(module: ModuleBuilder): FunctionHandle {
  return module.once("turnPoints", () =>
    module.function(undefined, (f) => {
      const { from, to, rows, d } = f.parameters("i32", "from", "to", "rows", "d");
      const quad = f.local("i32");
      const target = f.local("i32");
      const left = f.local("i32");
      const pointers = f.localArray("i32", 4);
      const [a, b, c, e] = f.localArray("v128", 4);
      const halves = f.localArray("v128", 4);
      const advance = (features: number) =>
        sequence(
          ...pointers.map((pointer) => pointer.increase(4 * features)),
          target.increase(features * TILE_BYTES),
          left.set(i32.sub(left.get, i32.const(features))),
        );
      const four = sequence(
        ...[a, b, c, e].map((row, r) => row.set(v128.load(pointers[r].get))),
        halves[0].set(shuffle32(a.get, b.get, [0, 4, 1, 5])),
        halves[1].set(shuffle32(a.get, b.get, [2, 6, 3, 7])),
        halves[2].set(shuffle32(c.get, e.get, [0, 4, 1, 5])),
        halves[3].set(shuffle32(c.get, e.get, [2, 6, 3, 7])),
        ...[0, 1, 2, 3].map((feature) => {
          const half = feature >> 1;
          const lanes = feature % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
          const column = shuffle32(halves[half].get, halves[half + 2].get, lanes);
          return v128.store(target.get, column, feature * TILE_BYTES);
        }),
        advance(4),
      );
      const one = sequence(
        a.set(v128.load32Zero(pointers[0].get)),
        ...[1, 2, 3].map((lane) => a.set(v128.load32Lane(pointers[lane].get, a.get, lane))),
        v128.store(target.get, a.get),
        advance(1),
      );
      const last = i32.sub(rows.get, i32.const(1));
      return sequence(
        quad.set(i32.const(0)),
        whileLoop(
          i32.ltU(quad.get, i32.const(TILE_POINTS)),
          sequence(
            ...pointers.map((pointer, r) => {
              const row = minimum(i32.add(quad.get, i32.const(r)), last);
              return pointer.set(i32.add(from.get, bytes(i32.mul(row, d.get))));
            }),
            target.set(i32.add(to.get, bytes(quad.get))),
            left.set(d.get),
            whileLoop(i32.geU(left.get, i32.const(4)), four),
            whileLoop(left.get, one),
            quad.increase(4),
          ),
        ),
      );
    }));
}

/**
 * A function `squaredDistances(points, centres, to, d, count)`: to[j, i] = ‖x_i − c_j‖² for a tile
 * of points [d, 16] and `count` centres [count, d]. It writes up to {@linkcode MOST_CENTRES} − 1 rows more.
 */
function emitSquaredDistances(module: ModuleBuilder, { checked }: Tile): FunctionHandle {
  return module.once("squaredDistances", () =>
    module.function(undefined, (f) => {
      const p = f.parameters("i32", "points", "centres", "to", "d", "count");
      const point = f.local("i32");
      const end = f.local("i32");
      const centres = f.localArray("i32", checked ? MOST_CENTRES : CENTRES);
      const sums = centres.map(() => f.localArray("v128", VECTORS));
      const features = f.localArray("v128", VECTORS);
      const value = f.local("v128");
      const difference = f.local("v128");
      const rowBytes = bytes(p.d.get);

      const step = (unrolled: number) =>
        sequence(
          loadPairs(features, point.get, unrolled * TILE_BYTES, checked),
          ...centres.flatMap((centre, j) => [
            value.set(v128.load32Splat(centre.get, unrolled * 4)),
            ...sums[j].map((sum, v) =>
              sequence(
                difference.set(f32x4.sub(features[v].get, value.get)),
                sum.set(module.multiplyAdd(difference.get, difference.get, sum.get)),
              )
            ),
          ]),
        );
      const advance = (steps: number) =>
        sequence(
          point.increase(steps * TILE_BYTES),
          ...centres.map((centre) => centre.increase(steps * 4)),
        );
      const group = sequence(
        // Where there are fewer centres, the last one stands in for the others.
        centres[0].set(p.centres.get),
        ...centres.slice(1).map((centre, j) =>
          centre.set(i32.add(
            centres[j].get,
            select(i32.gtU(p.count.get, i32.const(j + 1)), rowBytes, i32.const(0)),
          ))
        ),
        ...sums.flat().map((sum) => sum.set(v128.zero)),
        point.set(p.points.get),
        end.set(i32.add(point.get, i32.mul(p.d.get, i32.const(TILE_BYTES)))),
        when(i32.and(p.d.get, i32.const(1)), sequence(step(0), advance(1))),
        whileLoop(
          i32.ltU(point.get, end.get),
          sequence(step(0), step(1), advance(2)),
        ),
        ...(checked ? sums.map(packPairs) : []),
        ...sums.flatMap((row, j) =>
          row.map((sum, v) => v128.store(p.to.get, sum.get, j * TILE_BYTES + v * 16))
        ),
        p.to.increase(centres.length * TILE_BYTES),
        p.centres.increase(i32.mul(rowBytes, i32.const(centres.length))),
        p.count.set(i32.sub(p.count.get, minimum(p.count.get, i32.const(centres.length)))),
      );
      return whileLoop(p.count.get, group);
    }));
}

/** Locals and parameters of a function that goes through the points [n, d] in tiles. */
export interface Points {
  readonly points: Local;
  readonly n: Local;
  readonly d: Local;
  /** The thread's scratch: a tile of points, and behind it their distances. */
  readonly own: Local;
}

/** Code for the tile of points whose first is `row`. */
export function pointTile(module: ModuleBuilder, tile: Tile, { points, n, d, own }: Points) {
  const turnPoints = emitTurnPoints(module);
  const squaredDistances = emitSquaredDistances(module, tile);
  /** Where the distances are. */
  const found = i32.add(own.get, i32.mul(d.get, i32.const(TILE_BYTES)));
  /** Turns the tile's points, and sets `rows` to how many there are. */
  const enter = (row: Local, rows: Local): Code =>
    sequence(
      rows.set(minimum(i32.const(TILE_POINTS), i32.sub(n.get, row.get))),
      turnPoints.call(
        i32.add(points.get, bytes(i32.mul(row.get, d.get))),
        own.get,
        rows.get,
        d.get,
      ),
    );
  return {
    enter,
    /** Enters the tiles [begin, end) in turn, and does `body` in each. */
    each: (
      { begin, end }: { readonly begin: Local; readonly end: Local },
      row: Local,
      rows: Local,
      ...body: Code[]
    ): Code => {
      const first = row.set(i32.mul(begin.get, i32.const(TILE_POINTS)));
      return forLoop(begin, end.get, 1, sequence(first, enter(row, rows), ...body));
    },
    found,
    /** What is behind the distances to `count` centres. */
    behind: (count: Code): Code =>
      i32.add(found, i32.mul(i32.add(count, i32.const(MOST_CENTRES - 1)), i32.const(TILE_BYTES))),
    /** Distances to `count` centres. */
    measure: (centres: Code, count: Code): Code =>
      squaredDistances.call(own.get, centres, found, d.get, count),
  };
}

/** A function `copyWords(from, to, rows)`: the first `rows` words of a tile's row. */
export function emitCopyWords(module: ModuleBuilder): FunctionHandle {
  return module.once("copyWords", () =>
    module.function(undefined, (f) => {
      const { from, to, rows } = f.parameters("i32", "from", "to", "rows");
      const end = f.local("i32");
      return when(
        i32.eq(rows.get, i32.const(TILE_POINTS)),
        sequence(
          ...Array.from({ length: VECTORS }, (_, v) =>
            v128.store(to.get, v128.load(from.get, v * 16), v * 16)),
        ),
        sequence(
          end.set(i32.add(from.get, bytes(rows.get))),
          whileLoop(
            i32.ltU(from.get, end.get),
            sequence(
              i32.store(to.get, i32.load(from.get)),
              from.increase(4),
              to.increase(4),
            ),
          ),
        ),
      );
    }));
}
