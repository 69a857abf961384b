/**
 * The transposition of a matrix to scratch memory that the threads share, before a product that sums over
 * its rows: where the matrix lies, the numbers that one sum takes are a row apart.
 */
import { bytes, forLoop, i32, minimum, type ModuleBuilder, sequence } from "../assembler.ts";
import type { WasmPass } from "./kernel.ts";
import { emitTranspose } from "./packing.ts";

/** Columns that a thread transposes at once: two cache lines of each row. */
const COLUMNS = 32;

const ENTRY = "transpose";

/** What is transposed. Addresses in bytes. */
export interface Transposition {
  /** [rows, columns], with a row every `stride` numbers. */
  readonly from: number;
  readonly stride: number;
  readonly rows: number;
  readonly columns: number;
  /** [columns, rows], with a row every {@linkcode transposedStride} numbers. */
  readonly to: number;
}

/**
 * Numbers from one row of the result to the next, for as many rows before: an odd number of cache lines,
 * one of them to spare, since rows that are a power of two apart would compete for the same lines.
 */
export function transposedStride(rows: number): number {
  const lines = Math.ceil(rows / 16) + 1;
  return 16 * (lines + (lines + 1) % 2);
}

/** The pass that transposes, in a module with {@linkcode emitTransposition}. */
export function transpositionPass(
  { from, stride, rows, columns, to }: Transposition,
): WasmPass {
  return {
    entry: ENTRY,
    extent: Math.ceil(columns / COLUMNS),
    parameters: [from, stride, to, rows, columns, transposedStride(rows)],
  };
}

/**
 * Adds `transpose(from, fromStride, to, rows, columns, toStride, begin, end)` over groups of columns;
 * a row of the result has room for the 3 numbers that are written past its end.
 */
export function emitTransposition(module: ModuleBuilder): void {
  const transpose = module.once("transpose", () => emitTranspose(module));
  module.once("transposition", () =>
    module.function(ENTRY, (f) => {
      const { from, fromStride, to, rows, columns, toStride, begin, end } = f.parameters(
        "i32",
        "from",
        "fromStride",
        "to",
        "rows",
        "columns",
        "toStride",
        "begin",
        "end",
      );
      const row = f.local("i32");
      const column = f.local("i32");
      const length = f.local("i32");
      const at = (base: typeof row, line: typeof row, stride: typeof row, offset: typeof row) =>
        i32.add(base.get, bytes(i32.add(i32.mul(line.get, stride.get), offset.get)));
      return forLoop(
        begin,
        end.get,
        1,
        sequence(
          column.set(i32.mul(begin.get, i32.const(COLUMNS))),
          length.set(minimum(i32.sub(columns.get, column.get), i32.const(COLUMNS))),
          row.set(i32.const(0)),
          forLoop(
            row,
            rows.get,
            4,
            transpose.call(
              at(from, row, fromStride, column),
              bytes(fromStride.get),
              at(to, column, toStride, row),
              length.get,
              i32.sub(rows.get, row.get),
              bytes(toStride.get),
            ),
          ),
        ),
      );
    }));
}
