/**
 * Copies a panel of a product's right factor, 8 (or, at the edge, up to 4) of its columns, to
 * scratch memory, where the columns of each depth lie together. Columns that do not exist become 0
 * or repeat the last one; they enter no result.
 */
import {
  type Code,
  f32,
  forLoop,
  type FunctionHandle,
  i32,
  type ModuleBuilder,
  select,
  sequence,
  shuffle32,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import { TILE_COLUMNS } from "./micro_kernel.ts";

/** Columns of a panel at the edge that is packed at half the width. */
export const NARROW = TILE_COLUMNS / 2;

/**
 * Adds `pack(from, stride, to, length, width)` for a factor whose rows are the depth: the panel's
 * row at depth p is the `width` numbers at `from + p · stride` (bytes).
 */
export function emitPackRows(module: ModuleBuilder): FunctionHandle {
  return module.function(undefined, (f) => {
    const { from, stride, to, length, width } = f.parameters(
      "i32",
      "from",
      "stride",
      "to",
      "length",
      "width",
    );
    const end = f.local("i32");
    const column = f.local("i32");
    const padded = f.local("i32");
    const eachDepth = (bytes: Code, body: Code): Code =>
      sequence(
        end.set(i32.add(to.get, i32.mul(length.get, bytes))),
        whileLoop(
          i32.ltU(to.get, end.get),
          sequence(body, from.increase(stride.get), to.increase(bytes)),
        ),
      );
    const copyVector = (offset: number) => v128.store(to.get, v128.load(from.get, offset), offset);
    const columnBytes = i32.mul(column.get, i32.const(4));
    const scalars = sequence(
      padded.set(select(
        i32.gtU(width.get, i32.const(NARROW)),
        i32.const(TILE_COLUMNS),
        i32.const(NARROW),
      )),
      eachDepth(
        i32.mul(padded.get, i32.const(4)),
        sequence(
          column.set(i32.const(0)),
          forLoop(
            column,
            width.get,
            1,
            f32.store(i32.add(to.get, columnBytes), f32.load(i32.add(from.get, columnBytes))),
          ),
          whileLoop(
            i32.ltU(column.get, padded.get),
            sequence(
              f32.store(i32.add(to.get, columnBytes), f32.const(0)),
              column.increase(1),
            ),
          ),
        ),
      ),
    );
    return when(
      i32.eq(width.get, i32.const(TILE_COLUMNS)),
      eachDepth(i32.const(TILE_COLUMNS * 4), sequence(copyVector(0), copyVector(16))),
      when(
        i32.eq(width.get, i32.const(NARROW)),
        eachDepth(i32.const(NARROW * 4), copyVector(0)),
        scalars,
      ),
    );
  });
}

/**
 * Adds `pack(from, stride, to, length, width)` for a factor whose rows are the panel's columns:
 * column c is the `length` numbers from `from + c · stride` (bytes) on.
 */
export function emitPackColumns(module: ModuleBuilder): FunctionHandle {
  const half = module.once("transpose", () => emitTranspose(module));
  return module.function(undefined, (f) => {
    const { from, stride, to, length, width } = f.parameters(
      "i32",
      "from",
      "stride",
      "to",
      "length",
      "width",
    );
    const bytes = (columns: number) => i32.const(columns * 4);
    return when(
      i32.gtU(width.get, i32.const(NARROW)),
      sequence(
        half.call(from.get, stride.get, to.get, length.get, width.get, bytes(TILE_COLUMNS)),
        half.call(
          i32.add(from.get, i32.mul(stride.get, i32.const(NARROW))),
          stride.get,
          i32.add(to.get, bytes(NARROW)),
          length.get,
          i32.sub(width.get, i32.const(NARROW)),
          bytes(TILE_COLUMNS),
        ),
      ),
      half.call(from.get, stride.get, to.get, length.get, width.get, bytes(NARROW)),
    );
  });
}

/**
 * Adds `transpose(from, stride, to, length, width, toStride)`: the numbers at depth p of up to 4
 * rows of `length` numbers, `stride` bytes apart, go to the 4 numbers at `to + p · toStride`. Rows
 * that do not exist repeat the last of the `width` that do.
 */
export function emitTranspose(module: ModuleBuilder): FunctionHandle {
  return module.function(undefined, (f) => {
    const { from, stride, to, length, width, toStride } = f.parameters(
      "i32",
      "from",
      "stride",
      "to",
      "length",
      "width",
      "toStride",
    );
    const pointers = [from, ...f.localArray("i32", 3)];
    const rows = f.localArray("v128", 4);
    const pairs = f.localArray("v128", 4);
    const depth = f.local("i32");
    const advance = (bytes: number) => sequence(...pointers.map((p) => p.increase(bytes)));
    const low = [0, 4, 1, 5], high = [2, 6, 3, 7];
    const interleave = (a: number, b: number, lanes: number[]) =>
      shuffle32(rows[a].get, rows[b].get, lanes);
    const columns: Code[] = [
      shuffle32(pairs[0].get, pairs[1].get, [0, 1, 4, 5]),
      shuffle32(pairs[0].get, pairs[1].get, [2, 3, 6, 7]),
      shuffle32(pairs[2].get, pairs[3].get, [0, 1, 4, 5]),
      shuffle32(pairs[2].get, pairs[3].get, [2, 3, 6, 7]),
    ];
    return sequence(
      ...pointers.slice(1).map((pointer, c) =>
        pointer.set(i32.add(
          pointers[c].get,
          select(i32.gtU(width.get, i32.const(c + 1)), stride.get, i32.const(0)),
        ))
      ),
      forLoop(
        depth,
        i32.and(length.get, i32.const(-4)),
        4,
        sequence(
          ...rows.map((row, c) => row.set(v128.load(pointers[c].get))),
          pairs[0].set(interleave(0, 1, low)),
          pairs[1].set(interleave(2, 3, low)),
          pairs[2].set(interleave(0, 1, high)),
          pairs[3].set(interleave(2, 3, high)),
          ...columns.map((column) =>
            sequence(v128.store(to.get, column), to.increase(toStride.get))
          ),
          advance(16),
        ),
      ),
      forLoop(
        depth,
        length.get,
        1,
        sequence(
          ...pointers.map((pointer, c) => f32.store(to.get, f32.load(pointer.get), c * 4)),
          to.increase(toStride.get),
          advance(4),
        ),
      ),
    );
  });
}

/**
 * Adds `copy(from, fromStride, to, toStride, rows, width)`, for tiles at an edge: `rows` rows of
 * `width` numbers, strides in bytes.
 */
export function emitCopyTile(module: ModuleBuilder): FunctionHandle {
  return module.function(undefined, (f) => {
    const { from, fromStride, to, toStride, rows, width } = f.parameters(
      "i32",
      "from",
      "fromStride",
      "to",
      "toStride",
      "rows",
      "width",
    );
    const row = f.local("i32");
    const column = f.local("i32");
    const offset = i32.mul(column.get, i32.const(4));
    return forLoop(
      row,
      rows.get,
      1,
      sequence(
        column.set(i32.const(0)),
        forLoop(
          column,
          width.get,
          1,
          f32.store(i32.add(to.get, offset), f32.load(i32.add(from.get, offset))),
        ),
        from.increase(fromStride.get),
        to.increase(toStride.get),
      ),
    );
  });
}
