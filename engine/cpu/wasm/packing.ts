/**
 * Copies a panel of a product's right factor, as many columns as a tile has (or, at the edge, up to half
 * of them), to scratch memory, where the columns of each depth lie together. Columns that do not exist become 0
 * or repeat the last one; they enter no result.
 */
import {
  type Code,
  f32,
  forLoop,
  type FunctionHandle,
  i32,
  minimum,
  type ModuleBuilder,
  select,
  sequence,
  shuffle32,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
import type { Tile } from "./tiles.ts";

/**
 * Adds `pack(from, stride, to, length, width)` for a factor whose rows are the depth: the panel's
 * row at depth p is the `width` numbers at `from + p · stride` (bytes).
 */
export function emitPackRows(module: ModuleBuilder, { columns }: Tile): FunctionHandle {
  const narrow = columns / 2;
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
    const copyRows = (columns: number) =>
      eachDepth(
        i32.const(columns * 4),
        sequence(
          ...Array.from({ length: columns / 4 }, (_, c) =>
            v128.store(to.get, v128.load(from.get, c * 16), c * 16)),
        ),
      );
    const columnBytes = i32.mul(column.get, i32.const(4));
    const scalars = sequence(
      padded.set(select(
        i32.gtU(width.get, i32.const(narrow)),
        i32.const(columns),
        i32.const(narrow),
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
      i32.eq(width.get, i32.const(columns)),
      copyRows(columns),
      when(i32.eq(width.get, i32.const(narrow)), copyRows(narrow), scalars),
    );
  });
}

/**
 * Adds `pack(from, stride, to, length, width)` for a factor whose rows are the panel's columns:
 * column c is the `length` numbers from `from + c · stride` (bytes) on.
 */
export function emitPackColumns(module: ModuleBuilder, { columns }: Tile): FunctionHandle {
  const transpose = module.once("transpose", () => emitTranspose(module));
  return module.function(undefined, (f) => {
    const { from, stride, to, length, width } = f.parameters(
      "i32",
      "from",
      "stride",
      "to",
      "length",
      "width",
    );
    const first = f.local("i32");
    const fours = (columns: number) =>
      sequence(
        ...Array.from({ length: columns / 4 }, (_, c) =>
          sequence(
            first.set(minimum(i32.const(4 * c), i32.sub(width.get, i32.const(1)))),
            transpose.call(
              i32.add(from.get, i32.mul(stride.get, first.get)),
              stride.get,
              i32.add(to.get, i32.const(16 * c)),
              length.get,
              i32.sub(width.get, first.get),
              i32.const(columns * 4),
            ),
          )),
      );
    const narrow = columns / 2;
    return when(i32.gtU(width.get, i32.const(narrow)), fours(columns), fours(narrow));
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
