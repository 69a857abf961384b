/**
 * Which variant of a kernel is fastest on which adapter and shape: measured once by `bench/tiles.ts`,
 * which writes `tiles.json`, and never while something trains.
 */
import type { Adapter } from "./kernel.ts";
import measured from "./tiles.json" with { type: "json" };

/** Extents of a product: rows and columns of its output, and what each element sums over. */
export type Extents = readonly [rows: number, columns: number, depth: number];

/** One measured shape and the name of its fastest variant. */
export type TileRow = readonly [...Extents, variant: string];

/** By the adapter's title, then by the kernel's name. */
export type TileTable = Readonly<Record<string, Readonly<Record<string, readonly TileRow[]>>>>;

/**
 * The variant that the table names for the measured shape that is nearest in its logarithms, the
 * earlier row where two are; undefined where nothing was measured on this adapter.
 */
export function measuredVariant(
  adapter: Adapter,
  kernel: string,
  extents: Extents,
  table: TileTable = measured as unknown as TileTable,
): string | undefined {
  const rows = table[adapter.title]?.[kernel] ?? [];
  let nearest: string | undefined;
  let least = Infinity;
  for (const [rowCount, columns, depth, variant] of rows) {
    const distance = [rowCount, columns, depth].reduce(
      (sum, size, i) => sum + Math.log(size / extents[i]) ** 2,
      0,
    );
    if (distance < least) [least, nearest] = [distance, variant];
  }
  return nearest;
}
