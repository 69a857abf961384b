/**
 * A tile of the matrix products whose panel lies in a page of the thread's own memory, at addresses that
 * are known when V8 compiles. Deno's V8 compares every address with the memory's size before an access,
 * but for those: the checks of a panel in common memory take a fifth of the time, and registers that
 * sums of 256 bits need. So the depth is unrolled to its end, and left where a shorter sum ends.
 *
 * V8 keeps the start of a module's memory 0 in a register, of others it loads it for each access. So the
 * tile is in a module of its own, whose memory 0 is the page; what all threads share is its memory 1,
 * which it reads once for four terms of a row.
 */
import {
  block,
  type Code,
  f32x4,
  type FunctionHandle,
  i32,
  leaveWhen,
  type Local,
  minimum,
  ModuleBuilder,
  type ModuleOptions,
  select,
  sequence,
  shuffle32,
  v128,
  whileLoop,
} from "../assembler.ts";
import { loadPairs, packPairs } from "./pairs.ts";
import type { Tile } from "./tiles.ts";

/** Most terms of a sum at once: 64 and 128 are slower, the latter, we suppose, as their code misses caches. */
export const PAGE_DEPTH = 96;
/** Terms of a sum are multiples of this. */
export const PAGE_STEP = 4;

/** What the tile's module exports, and the kernels' module imports. */
export interface PageTile {
  /** `copyPanel(panel, bytes)` copies a packed panel of PAGE_DEPTH rows at most to the page. */
  readonly copyPanel: FunctionHandle;
  /**
   * `multiply(left, leftStride, rows, length, start, startStride, to, toStride, floor)`: to =
   * max(start + left · page, floor), over `length` terms, of which there are
   * {@linkcode PAGE_STEP} · n > 0, tile by tile for `rows` rows. As the micro-kernel's tile, it writes
   * all rows of the last tile.
   */
  readonly multiply: FunctionHandle;
}

/** The memory that the numbers are in. */
const COMMON = 1;

/** Imports the functions. */
export function importPageTile(module: ModuleBuilder): PageTile {
  return {
    copyPanel: module.import("copyPanel", "i32", "i32"),
    multiply: module.import("multiply", ...new Array<"i32">(8).fill("i32"), "f32"),
  };
}

/** The bytes of the module. */
export function buildPageTile(options: ModuleOptions, tile: Tile): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ ...options, page: true });
  emitCopyPanel(module);
  emitMultiply(module, tile);
  return module.build();
}

function emitCopyPanel(module: ModuleBuilder): void {
  module.function("copyPanel", (f) => {
    const { panel, bytes } = f.parameters("i32", "panel", "bytes");
    const at = f.local("i32");
    return whileLoop(
      i32.ltU(at.get, bytes.get),
      sequence(
        v128.store(at.get, v128.load(panel.get, 0, COMMON)),
        v128.store(at.get, v128.load(panel.get, 16, COMMON), 16),
        panel.increase(32),
        at.increase(32),
      ),
    );
  });
}

function emitMultiply(module: ModuleBuilder, tile: Tile): void {
  const vectors = tile.columns / 4;
  module.function("multiply", (f) => {
    const { left, leftStride, rows, length, start, startStride, to, toStride } = f.parameters(
      "i32",
      "left",
      "leftStride",
      "rows",
      "length",
      "start",
      "startStride",
      "to",
      "toStride",
    );
    const { floor } = f.parameters("f32", "floor");
    const sums = Array.from({ length: tile.rows }, () => f.localArray("v128", vectors));
    const columns = f.localArray("v128", vectors);
    const pointers = f.localArray("i32", tile.rows);
    const terms = f.localArray("v128", tile.rows);
    const value = f.local("v128");
    const least = f.local("v128");

    const step = (depth: number): Code => {
      const term = depth % PAGE_STEP;
      return sequence(
        ...columns.map((column, c) =>
          column.set(v128.load(i32.const(0), (depth * vectors + c) * 16))
        ),
        ...sums.flatMap((row, r) => [
          ...(term === 0 ? [terms[r].set(v128.load(pointers[r].get, depth * 4, COMMON))] : []),
          value.set(shuffle32(terms[r].get, terms[r].get, [term, term, term, term])),
          ...row.map((sum, c) => sum.set(module.multiplyAdd(value.get, columns[c].get, sum.get))),
        ]),
      );
    };
    const depths = Array.from({ length: PAGE_DEPTH }, (_, depth) =>
      sequence(
        ...(depth > 0 && depth % PAGE_STEP === 0
          ? [leaveWhen(i32.leU(length.get, i32.const(depth)))]
          : []),
        step(depth),
      ));
    const eachRow = (pointer: Local, stride: Local, body: (row: readonly Local[]) => Code): Code =>
      sequence(...sums.map((row) => sequence(body(row), pointer.increase(stride.get))));
    const oneTile = sequence(
      ...pointers.map((pointer, r) =>
        sequence(
          pointer.set(left.get),
          left.increase(select(i32.gtU(rows.get, i32.const(r + 1)), leftStride.get, i32.const(0))),
        )
      ),
      eachRow(start, startStride, (row) => loadPairs(row, start.get, 0, true, COMMON)),
      block(sequence(...depths)),
      ...sums.flat().map((sum) => sum.set(f32x4.max(sum.get, least.get))),
      ...sums.map(packPairs),
      eachRow(
        to,
        toStride,
        (row) => sequence(...row.map((sum, c) => v128.store(to.get, sum.get, c * 16, COMMON))),
      ),
      rows.set(i32.sub(rows.get, minimum(rows.get, i32.const(tile.rows)))),
    );
    return sequence(least.set(f32x4.splat(floor.get)), whileLoop(rows.get, oneTile));
  });
}
