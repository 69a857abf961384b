/**
 * The innermost loop of the matrix products: a tile of 6 rows × 8 columns whose sums stay in
 * registers. 12 accumulators, 2 vectors of the panel and 1 broadcast are 15 of the 16 vector
 * registers of x86-64, and 12 independent sums hide the latency of the multiply-add.
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
  v128,
  whileLoop,
} from "../assembler.ts";

/** Rows of a tile. */
export const TILE_ROWS = 6;
/** Columns of a tile, and of a packed panel of the right factor. */
export const TILE_COLUMNS = 8;
/** Steps of the depth in one turn of the loop. */
export const UNROLL = 8;

/** How a tile kernel is made. */
export interface TileOptions {
  /** Vectors of 4 columns: 2, or 1 for a last panel of at most 4 columns. */
  readonly vectors: 1 | 2;
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
 * bytes. It reads and writes 6 rows of `to`, whatever `rows` is; rows of the left factor at and past
 * `rows` are not read, the last one stands in for them.
 */
export function emitTile(module: ModuleBuilder, options: TileOptions): FunctionHandle {
  const { vectors, masked } = options;
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
    const sums = Array.from({ length: TILE_ROWS }, () => f.localArray("v128", vectors));
    const columns = f.localArray("v128", vectors);
    const least = f.local("v128");
    const end = f.local("i32");
    const pointers = [left, ...f.localArray("i32", TILE_ROWS - 1)];
    const depthBytes = vectors * 16;
    const value = f.local("v128");

    const step = (unrolled: number): Code =>
      sequence(
        ...columns.map((column, c) =>
          column.set(v128.load(panel.get, unrolled * depthBytes + c * 16))
        ),
        ...sums.flatMap((row, r) => {
          const broadcast = value.set(v128.load32Splat(pointers[r].get, unrolled * 4));
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
          sequence(...Array.from({ length: steps }, (_, u) => step(u)), advance(steps)),
        ),
      );
    const eachRow = (pointer: Local, stride: Local, body: (r: number) => Code): Code =>
      sequence(...sums.map((_, r) => sequence(body(r), pointer.increase(stride.get))));

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
        (r) => sequence(...sums[r].map((sum, c) => sum.set(v128.load(start.get, c * 16)))),
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
      eachRow(to, toStride, (r) =>
        sequence(
          ...sums[r].map((sum, c) => {
            const value = f32x4.max(sum.get, least.get);
            return v128.store(
              to.get,
              masked ? v128.and(value, positive(mask, c * 16)) : value,
              c * 16,
            );
          }),
          ...(masked ? [mask.increase(maskStride.get)] : []),
        )),
    );
  });
}

/** All bits of the lanes in which the vector at `address + offset` is greater than 0. */
function positive(address: Local, offset: number): Code {
  return f32x4.gt(v128.load(address.get, offset), v128.zero);
}
