import { type FunctionHandle, i32, type ModuleBuilder } from "../assembler.ts";
import { TILE_COLUMNS } from "./micro_kernel.ts";
import { BLOCK_DEPTH, emitProduct, PRODUCT_SCRATCH } from "./product.ts";

/** Points whose distances a thread keeps in its scratch: so few that they stay in the cache. */
export const POINTS = 120;

/** Most centres at once: 8 MiB of scratch a thread for {@linkcode POINTS}. */
export const MOST_CENTRES = 2 ** 14;

/** Byte offset of the distances in a thread's scratch. */
export const DISTANCES_AT: number = Math.ceil(PRODUCT_SCRATCH / 64) * 64;

/**
 * A function `squaredDistances(points, centres, to, rows, d, count, own)`: to[i, j] = ‖x_i − c_j‖²
 * for `rows` points [rows, d] and `count` centres [count, d], by direct differences whose squares
 * are added in the order of the features, so that equal centres are at equal distances.
 */
export function emitSquaredDistances(module: ModuleBuilder): FunctionHandle {
  const product = module.once("squaredDistances", () =>
    emitProduct(module, undefined, {
      right: "columns",
      term: "squaredDifference",
      masked: false,
    }));
  const zero = i32.const(0);
  return module.once("squaredDistancesOfRows", () =>
    module.function(undefined, (f) => {
      const p = f.parameters("i32", "points", "centres", "to", "rows", "d", "count", "own");
      return product.call(
        p.points.get,
        p.d.get,
        p.centres.get,
        p.to.get,
        p.rows.get,
        p.d.get,
        p.count.get,
        p.own.get,
        zero,
        zero,
        zero,
        zero,
        p.rows.get,
        i32.const(BLOCK_DEPTH),
        zero,
        i32.divU(i32.add(p.count.get, i32.const(TILE_COLUMNS - 1)), i32.const(TILE_COLUMNS)),
      );
    }));
}
