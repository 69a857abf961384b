/**
 * The innermost loop of the matrix products: a tile whose sums stay in registers, as many as there are
 * beside a panel's vectors and one number of the left factor, so that independent sums hide the latency
 * of the multiply-add.
 */
import {
  type Code,
  f32x4,
  type FunctionHandle,
  i32,
  type Local,
  type ModuleBuilder,
  select,
  sequence,
  shuffle32,
  v128,
  whileLoop,
} from "../assembler.ts";
import { loadPairs, packPairs } from "./pairs.ts";
import type { Tile } from "./tiles.ts";

/** Steps of the depth in one turn of the loop. */
export const UNROLL = 8;

/** How a tile kernel is made. */
export interface TileOptions {
  /** Its shape. */
  readonly tile: Tile;
  /** Whether it has half of the tile's columns, for a last panel of at most as many. */
  readonly narrow: boolean;
  /** Whether the sums are kept only where a mask of the tile's shape is positive, else 0. */
  readonly masked: boolean;
}

/**
 * Adds the function
 *
 *     tile(left, leftStride, rows, panel, length, start, startStride, to, toStride, floor, mask,
 *       maskStride)
 *
 * to = max(start + left · panel, floor), over `length` steps of the depth in order; strides in
 * bytes. It reads and writes all rows of `to`, whatever `rows` is; rows of the left factor at and past
 * `rows` are not read, the last one stands in for them.
 */
export function emitTile(module: ModuleBuilder, options: TileOptions): FunctionHandle {
  const { tile, narrow, masked } = options;
  const vectors = tile.columns / (narrow ? 8 : 4);
  return module.function(undefined, (f) => {
    const { left, leftStride, rows, panel, length, start, startStride, to, toStride } = f
      .parameters(
        "i32",
        "left",
        "leftStride",
        "rows",
        "panel",
        "length",
        "start",
        "startStride",
        "to",
        "toStride",
      );
    const { floor } = f.parameters("f32", "floor");
    const { mask, maskStride } = f.parameters("i32", "mask", "maskStride");
    const sums = Array.from({ length: tile.rows }, () => f.localArray("v128", vectors));
    const columns = f.localArray("v128", vectors);
    const least = f.local("v128");
    const end = f.local("i32");
    const pointers = [left, ...f.localArray("i32", tile.rows - 1)];
    const depthBytes = vectors * 16;
    const value = f.local("v128");
    const terms = tile.checked ? f.localArray("v128", tile.rows) : [];

    /** One of the four terms that are loaded at the first of them. */
    const spread = (r: number, unrolled: number): Code => {
      const { get } = terms[r];
      const term = unrolled % 4;
      return sequence(
        ...(term === 0 ? [terms[r].set(v128.load(pointers[r].get, unrolled * 4))] : []),
        value.set(shuffle32(get, get, [term, term, term, term])),
      );
    };
    const step = (unrolled: number, fours: boolean): Code =>
      sequence(
        loadPairs(columns, panel.get, unrolled * depthBytes, tile.checked),
        ...sums.flatMap((row, r) => {
          const broadcast = fours
            ? spread(r, unrolled)
            : value.set(v128.load32Splat(pointers[r].get, unrolled * 4));
          const products = row.map((sum, c) =>
            sum.set(module.multiplyAdd(value.get, columns[c].get, sum.get))
          );
          return [broadcast, ...products];
        }),
      );
    const advance = (steps: number): Code =>
      sequence(
        ...pointers.map((pointer) => pointer.increase(steps * 4)),
        panel.increase(steps * depthBytes),
      );
    const turns = (until: Code, steps: number): Code =>
      sequence(
        end.set(until),
        whileLoop(
          i32.ltU(panel.get, end.get),
          sequence(
            ...Array.from({ length: steps }, (_, u) => step(u, tile.checked && steps % 4 === 0)),
            advance(steps),
          ),
        ),
      );
    const eachRow = (pointer: Local, stride: Local, body: (r: number) => Code): Code =>
      sequence(...sums.map((_, r) => sequence(body(r), pointer.increase(stride.get))));

    const clamp = (row: readonly Local[]): Code[] =>
      row.map((sum) => sum.set(f32x4.max(sum.get, least.get)));

    return sequence(
      ...pointers.slice(1).map((pointer, r) =>
        pointer.set(i32.add(
          pointers[r].get,
          select(i32.gtU(rows.get, i32.const(r + 1)), leftStride.get, i32.const(0)),
        ))
      ),
      eachRow(
        start,
        startStride,
        (r) => loadPairs(sums[r], start.get, 0, tile.checked),
      ),
      turns(
        i32.add(
          panel.get,
          i32.mul(i32.and(length.get, i32.const(-UNROLL)), i32.const(depthBytes)),
        ),
        UNROLL,
      ),
      turns(
        i32.add(
          panel.get,
          i32.mul(i32.and(length.get, i32.const(UNROLL - 1)), i32.const(depthBytes)),
        ),
        1,
      ),
      least.set(f32x4.splat(floor.get)),
      ...(tile.checked ? [...sums.flatMap(clamp), ...sums.map(packPairs)] : []),
      eachRow(to, toStride, (r) =>
        sequence(
          ...(tile.checked ? [] : clamp(sums[r])),
          ...(masked
            ? [
              ...sums[r].map((sum, c) => sum.set(v128.and(sum.get, positive(mask, c * 16)))),
              mask.increase(maskStride.get),
            ]
            : []),
          ...sums[r].map((sum, c) => v128.store(to.get, sum.get, c * 16)),
        )),
    );
  });
}

/** All bits of the lanes in which the vector at `address + offset` is greater than 0. */
function positive(address: Local, offset: number): Code {
  return f32x4.gt(v128.load(address.get, offset), v128.zero);
}
