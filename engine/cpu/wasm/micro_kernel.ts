/**
 * The innermost loop of the matrix products: a tile whose sums stay in registers, as many as there are
 * beside a panel's vectors and one number of the left factor, so that independent sums hide the latency
 * of the multiply-add.
 */
import {
  bytes,
  type Code,
  f32,
  f32x4,
  type FunctionBuilder,
  type FunctionHandle,
  i32,
  type Local,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { PAGE_STEP, type PageTile } from "./page_tile.ts";
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
  /** What does most of it where the panel has been copied to the page. */
  readonly page?: PageTile | undefined;
}

/**
 * Adds the function
 *
 *     tile(left, leftStride, rows, panel, length, start, startStride, to, toStride, floor, mask,
 *       maskStride)
 *
 * to = max(start + left · panel, floor), over `length` > 0 steps of the depth in order; strides in
 * bytes. It reads and writes all rows of `to`, whatever `rows` is; rows of the left factor at and past
 * `rows` are not read, the last one stands in for them.
 */
export function emitTile(module: ModuleBuilder, options: TileOptions): FunctionHandle {
  const plain = emitPlain(module, options);
  return options.page === undefined ? plain : emitPaged(module, options, options.page, plain);
}

/** The function's parameters, in order. */
function declare(f: FunctionBuilder) {
  return {
    ...f.parameters(
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
    ),
    ...f.parameters("f32", "floor"),
    ...f.parameters("i32", "mask", "maskStride"),
  };
}

/**
 * The same with most of it left to the page's tile: to `plain` remain the last terms, those that it
 * does not take, and the mask. `rows` may be several tiles of them.
 */
function emitPaged(
  module: ModuleBuilder,
  { tile, masked }: TileOptions,
  page: PageTile,
  plain: FunctionHandle,
): FunctionHandle {
  return module.function(undefined, (f) => {
    const p = declare(f);
    const most = f.local("i32");
    const pageProduct = sequence(
      page.multiply.call(
        p.left.get,
        p.leftStride.get,
        p.rows.get,
        most.get,
        p.start.get,
        p.startStride.get,
        p.to.get,
        p.toStride.get,
        select(i32.eq(most.get, p.length.get), p.floor.get, f32.const(-Infinity)),
      ),
      p.start.set(p.to.get),
      p.startStride.set(p.toStride.get),
      p.left.increase(bytes(most.get)),
      p.panel.increase(i32.mul(most.get, i32.const(tile.columns * 4))),
      p.length.set(i32.sub(p.length.get, most.get)),
    );
    const tileRows = i32.const(tile.rows);
    const rest = whileLoop(
      p.rows.get,
      sequence(
        plain.call(...Object.values(p).map(({ get }) => get)),
        p.left.increase(i32.mul(p.leftStride.get, tileRows)),
        p.start.increase(i32.mul(p.startStride.get, tileRows)),
        p.to.increase(i32.mul(p.toStride.get, tileRows)),
        p.mask.increase(i32.mul(p.maskStride.get, tileRows)),
        p.rows.set(i32.sub(p.rows.get, minimum(p.rows.get, tileRows))),
      ),
    );
    return sequence(
      most.set(i32.and(p.length.get, i32.const(-PAGE_STEP))),
      when(most.get, pageProduct),
      masked ? rest : when(p.length.get, rest),
    );
  });
}

function emitPlain(module: ModuleBuilder, options: TileOptions): FunctionHandle {
  const { tile, narrow, masked } = options;
  const vectors = tile.columns / (narrow ? 8 : 4);
  return module.function(undefined, (f) => {
    const {
      left,
      leftStride,
      rows,
      panel,
      length,
      start,
      startStride,
      to,
      toStride,
      floor,
      mask,
      maskStride,
    } = declare(f);
    const sums = Array.from({ length: tile.rows }, () => f.localArray("v128", vectors));
    const columns = f.localArray("v128", vectors);
    const least = f.local("v128");
    const end = f.local("i32");
    const pointers = [left, ...f.localArray("i32", tile.rows - 1)];
    const depthBytes = vectors * 16;
    const value = f.local("v128");
    const loadRow = (vectors: readonly Local[], address: Local, offset = 0): Code =>
      sequence(...vectors.map((v, c) => v.set(v128.load(address.get, offset + c * 16))));
    const step = (unrolled: number): Code =>
      sequence(
        loadRow(columns, panel, unrolled * depthBytes),
        ...sums.flatMap((row, r) => [
          value.set(v128.load32Splat(pointers[r].get, unrolled * 4)),
          ...row.map((sum, c) => sum.set(module.multiplyAdd(value.get, columns[c].get, sum.get))),
        ]),
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
            ...Array.from({ length: steps }, (_, u) => step(u)),
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
      eachRow(start, startStride, (r) => loadRow(sums[r], start)),
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
          ...clamp(sums[r]),
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
