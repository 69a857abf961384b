/**
 * Matrix products on the CPU: to[rows, columns] = left · right, summed over the depth.
 *
 * The order is Goto's (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
 * ACM TOMS 2008), with the panel of the right factor innermost: for a block of rows and a block of
 * the depth, whose part of the left factor stays in the second-level cache, each panel of the
 * right factor, as wide as a tile, is packed into the thread's own scratch, where it stays in the
 * first-level cache, and multiplied with the block's tiles. As many panels go through all of the depth
 * together as have results that stay in the second-level cache too. Threads take runs of (row block,
 * panel) pairs and share nothing. Each element sums the depth in order, from the bias on, whatever the
 * blocks and the threads.
 */
import {
  bytes,
  type Code,
  f32,
  forLoop,
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
import { NO_SCRATCH, type Scratch, type WasmPass } from "./kernel.ts";
import { emitTile, UNROLL } from "./micro_kernel.ts";
import { emitCopyTile, emitPackColumns, emitPackRows } from "./packing.ts";
import { importPageTile, PAGE_DEPTH } from "./page_tile.ts";
import type { Tile } from "./tiles.ts";

/** How the factors of a product lie in memory, and what happens to its sums. */
export interface ProductOptions {
  /** `"rows"`: row-major [depth, columns]. `"columns"`: row-major [columns, depth]. */
  readonly right: "rows" | "columns";
  /** Whether the result is kept only where a mask [rows, columns] is positive. */
  readonly masked: boolean;
  /** Of which tile; all products of a module are of the same. */
  readonly tile: Tile;
}

/** Numbers of a panel that a block of the depth may have: 16 KiB, half of a first-level cache. */
const PANEL_NUMBERS = 2 ** 12;
/** Numbers of the left factor that a block may hold: 512 KiB, half of a second-level cache. */
const BLOCK_NUMBERS = 2 ** 17;
/** Numbers of the result that a run of panels may cover: 128 KiB, beside the left factor's block. */
const RUN_NUMBERS = 2 ** 15;
/** (row block, panel) pairs that a product should have for threads to share. */
const ENOUGH_PAIRS = 64;
/** Fewest tiles of rows that are worth packing a panel for. */
const LEAST_TILES = 10;

/** Longest block of the depth. */
function mostDepth({ columns, checked }: Tile): number {
  return checked ? PAGE_DEPTH : PANEL_NUMBERS / columns;
}

/** Where the parts of a thread's scratch begin, in bytes, and where it ends: a panel, sums, mask, bias. */
function scratchOf({ rows, columns }: Tile) {
  const sums = PANEL_NUMBERS * 4;
  const tileBytes = rows * columns * 4;
  const mask = sums + tileBytes;
  const bias = mask + tileBytes;
  return { sums, mask, bias, end: bias + columns * 4 };
}

/** Scratch of a product. */
export function productScratch(tile: Tile): Scratch {
  return { ...NO_SCRATCH, own: scratchOf(tile).end };
}

/** What a call of a product is given. Addresses in bytes. */
export interface ProductCall {
  /** [rows, depth], row-major. */
  readonly left: number;
  /** Numbers from one row of the left factor to the next. */
  readonly leftStride: number;
  /** [depth, columns] or [columns, depth], row-major. */
  readonly right: number;
  /** Numbers from one row of the right factor, as it lies in memory, to the next. */
  readonly rightStride: number;
  /** [rows, columns], row-major. */
  readonly to: number;
  /** Rows of the result. */
  readonly rows: number;
  /** Terms of each sum. */
  readonly depth: number;
  /** Columns of the result. */
  readonly columns: number;
  /** The thread's scratch. */
  readonly own: number;
  /** Address of the bias [columns]. */
  readonly bias?: number;
  /** Whether negative results become 0. */
  readonly relu?: boolean;
  /** Address of the mask, for a masked product. */
  readonly mask?: number;
}

/** The pass that computes a product with the function that {@linkcode emitProduct} named `entry`. */
export function productPass(entry: string, call: ProductCall, tile: Tile): WasmPass {
  const { left, leftStride, right, rightStride, to, rows, depth, columns, own } = call;
  const { bias, relu, mask } = call;
  const blockDepth = evenBlock(depth, mostDepth(tile), UNROLL);
  const panels = Math.ceil(columns / tile.columns);
  const cacheRows = Math.floor(BLOCK_NUMBERS / blockDepth);
  const sharedRows = Math.ceil(rows / Math.ceil(ENOUGH_PAIRS / panels));
  const leastRows = LEAST_TILES * tile.rows;
  const blockRows = evenBlock(
    rows,
    Math.max(Math.min(cacheRows, Math.max(sharedRows, leastRows)), tile.rows),
    tile.rows,
  );
  return {
    entry,
    extent: Math.ceil(rows / blockRows) * panels,
    parameters: [
      left,
      leftStride,
      right,
      rightStride,
      to,
      rows,
      depth,
      columns,
      own,
      bias === undefined ? 0 : 1,
      bias ?? 0,
      relu ? 1 : 0,
      mask ?? 0,
      blockRows,
      blockDepth,
      Math.max(1, Math.floor(RUN_NUMBERS / (blockRows * tile.columns))),
    ],
  };
}

/** Size of equal blocks, multiples of `unit`, that divide `total` and are about `limit` at most. */
function evenBlock(total: number, limit: number, unit: number): number {
  const blocks = Math.ceil(total / limit);
  return Math.ceil(total / blocks / unit) * unit;
}

/** Adds the exported function `entry`, which {@linkcode productPass} calls. */
export function emitProduct(
  module: ModuleBuilder,
  entry: string | undefined,
  options: ProductOptions,
): FunctionHandle {
  const { right, masked, tile } = options;
  const { rows: tileRows, columns: tileColumns } = tile;
  const scratch = scratchOf(tile);
  const pageTile = tile.checked
    ? module.once("page tile", () => importPageTile(module))
    : undefined;
  const kernelsOf = (masked: boolean) => {
    const kernel = (narrow: boolean) => {
      const page = narrow ? undefined : pageTile;
      return module.once(
        `tile: ${narrow} ${masked}`,
        () => emitTile(module, { tile, narrow, masked, page }),
      );
    };
    return { wide: kernel(false), narrow: kernel(true) };
  };
  const kernels = kernelsOf(false);
  const lastKernels = masked ? kernelsOf(true) : kernels;
  const pack = right === "rows"
    ? module.once("packRows", () => emitPackRows(module, tile))
    : module.once("packColumns", () => emitPackColumns(module, tile));
  const copyTile = module.once("copyTile", () => emitCopyTile(module));

  return module.function(entry, (f) => {
    const p = f.parameters(
      "i32",
      "left",
      "leftStride",
      "right",
      "rightStride",
      "to",
      "rows",
      "depth",
      "columns",
      "own",
      "useBias",
      "bias",
      "relu",
      "mask",
      "blockRows",
      "blockDepth",
      "runPanels",
      "begin",
      "end",
    );
    const v = locals(
      f,
      "panels",
      "rowBlock",
      "panel",
      "firstPanel",
      "lastPanel",
      "blockBegin",
      "blockEnd",
      "row",
      "rowsLeft",
      "depthBegin",
      "length",
      "isLast",
      "column",
      "width",
      "narrow",
      "isFull",
      "target",
      "targetStride",
      "maskAt",
      "maskStride",
      "firstPair",
    );
    const floor = f.local("f32");
    const narrow = tileColumns / 2;
    const ownSums = i32.add(p.own.get, i32.const(scratch.sums));
    const ownMask = i32.add(p.own.get, i32.const(scratch.mask));
    const ownBias = i32.add(p.own.get, i32.const(scratch.bias));
    const matrix = (base: Local, row: Code, width: Code, column: Code) =>
      i32.add(base.get, bytes(i32.add(i32.mul(row, width), column)));
    const padded = select(v.narrow.get, i32.const(narrow), i32.const(tileColumns));
    const ownStride = i32.const(tileColumns * 4);

    const biasRow = sequence(
      ...Array.from({ length: tileColumns / 4 }, (_, c) => v128.store(ownBias, v128.zero, c * 16)),
      when(
        p.useBias.get,
        copyTile.call(
          i32.add(p.bias.get, bytes(v.column.get)),
          i32.const(0),
          ownBias,
          i32.const(0),
          i32.const(1),
          v.width.get,
        ),
      ),
    );
    const panelBytes = i32.mul(v.length.get, i32.const(tileColumns * 4));
    const packPanel = pack.call(
      right === "rows"
        ? matrix(p.right, v.depthBegin.get, p.rightStride.get, v.column.get)
        : matrix(p.right, v.column.get, p.rightStride.get, v.depthBegin.get),
      bytes(p.rightStride.get),
      p.own.get,
      v.length.get,
      v.width.get,
    );
    const resultAt = (base: Local) => matrix(base, v.row.get, p.columns.get, v.column.get);
    const rowStride = bytes(p.columns.get);
    // Whole tiles are computed in place, those at an edge in scratch.
    const place = when(
      v.isFull.get,
      sequence(
        v.target.set(resultAt(p.to)),
        v.targetStride.set(rowStride),
        ...(masked ? [v.maskAt.set(resultAt(p.mask)), v.maskStride.set(rowStride)] : []),
      ),
      sequence(
        v.target.set(ownSums),
        v.targetStride.set(ownStride),
        when(
          v.depthBegin.get,
          copyTile.call(
            resultAt(p.to),
            rowStride,
            ownSums,
            ownStride,
            v.rowsLeft.get,
            v.width.get,
          ),
        ),
        ...(masked
          ? [
            v.maskAt.set(ownMask),
            v.maskStride.set(ownStride),
            when(
              v.isLast.get,
              copyTile.call(
                resultAt(p.mask),
                rowStride,
                ownMask,
                ownStride,
                v.rowsLeft.get,
                v.width.get,
              ),
            ),
          ]
          : []),
      ),
    );
    const tileArguments = [
      matrix(p.left, v.row.get, p.leftStride.get, v.depthBegin.get),
      bytes(p.leftStride.get),
      v.rowsLeft.get,
      p.own.get,
      v.length.get,
      select(v.depthBegin.get, v.target.get, ownBias),
      select(v.depthBegin.get, v.targetStride.get, i32.const(0)),
      v.target.get,
      v.targetStride.get,
      floor.get,
      v.maskAt.get,
      v.maskStride.get,
    ];
    const either = ({ wide, narrow }: typeof kernels) =>
      when(v.narrow.get, narrow.call(...tileArguments), wide.call(...tileArguments));
    const rowsLeft = i32.sub(v.blockEnd.get, v.row.get);
    const oneTile = minimum(v.rowsLeft.get, i32.const(tileRows));
    // A page's tile takes all whole tiles of a panel at once.
    const wholeTiles = select(
      i32.and(
        i32.geU(v.rowsLeft.get, i32.const(tileRows)),
        i32.eq(v.width.get, i32.const(tileColumns)),
      ),
      i32.sub(v.rowsLeft.get, i32.remainderU(v.rowsLeft.get, i32.const(tileRows))),
      oneTile,
    );
    const product = sequence(
      v.rowsLeft.set(rowsLeft),
      v.rowsLeft.set(pageTile ? wholeTiles : oneTile),
      v.isFull.set(i32.and(
        i32.geU(v.rowsLeft.get, i32.const(tileRows)),
        i32.eq(v.width.get, padded),
      )),
      place,
      masked ? when(v.isLast.get, either(lastKernels), either(kernels)) : either(kernels),
      when(
        i32.eqz(v.isFull.get),
        copyTile.call(
          ownSums,
          ownStride,
          resultAt(p.to),
          rowStride,
          v.rowsLeft.get,
          v.width.get,
        ),
      ),
    );
    const panelProduct = sequence(
      v.column.set(i32.mul(v.panel.get, i32.const(tileColumns))),
      v.width.set(minimum(i32.const(tileColumns), i32.sub(p.columns.get, v.column.get))),
      v.narrow.set(i32.leU(v.width.get, i32.const(narrow))),
      packPanel,
      ...(pageTile
        ? [when(i32.eqz(v.narrow.get), pageTile.copyPanel.call(p.own.get, panelBytes))]
        : []),
      biasRow,
      v.row.set(v.blockBegin.get),
      whileLoop(
        i32.ltU(v.row.get, v.blockEnd.get),
        sequence(product, v.row.increase(v.rowsLeft.get)),
      ),
    );
    const depthBlock = sequence(
      v.length.set(minimum(p.blockDepth.get, i32.sub(p.depth.get, v.depthBegin.get))),
      v.isLast.set(i32.eq(i32.add(v.depthBegin.get, v.length.get), p.depth.get)),
      floor.set(
        select(i32.and(v.isLast.get, p.relu.get), f32.const(0), f32.const(-Infinity)),
      ),
      v.panel.set(v.firstPanel.get),
      forLoop(v.panel, v.lastPanel.get, 1, panelProduct),
      v.depthBegin.increase(v.length.get),
    );
    return sequence(
      v.panels.set(
        i32.divU(i32.add(p.columns.get, i32.const(tileColumns - 1)), i32.const(tileColumns)),
      ),
      whileLoop(
        i32.ltU(p.begin.get, p.end.get),
        sequence(
          v.rowBlock.set(i32.divU(p.begin.get, v.panels.get)),
          v.blockBegin.set(i32.mul(v.rowBlock.get, p.blockRows.get)),
          v.blockEnd.set(minimum(p.rows.get, i32.add(v.blockBegin.get, p.blockRows.get))),
          v.firstPair.set(i32.mul(v.rowBlock.get, v.panels.get)),
          v.firstPanel.set(i32.sub(p.begin.get, v.firstPair.get)),
          v.lastPanel.set(minimum(v.panels.get, i32.sub(p.end.get, v.firstPair.get))),
          v.lastPanel.set(
            minimum(v.lastPanel.get, i32.add(v.firstPanel.get, p.runPanels.get)),
          ),
          v.depthBegin.set(i32.const(0)),
          whileLoop(i32.ltU(v.depthBegin.get, p.depth.get), depthBlock),
          p.begin.set(i32.add(v.firstPair.get, v.lastPanel.get)),
        ),
      ),
    );
  });
}

/** Locals of type i32 by name. */
function locals<const N extends readonly string[]>(
  f: FunctionBuilder,
  ...names: N
): Record<N[number], Local> {
  return Object.fromEntries(names.map((name) => [name, f.local("i32")])) as Record<
    N[number],
    Local
  >;
}
