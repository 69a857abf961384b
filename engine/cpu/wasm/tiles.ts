/** The shapes that the micro-kernel of the matrix products comes in. The bytes are the same for all. */

/** A tile of a product's result, whose sums stay in registers. */
export interface Tile {
  /** Rows, each of the left factor. */
  readonly rows: number;
  /** Columns, as many as a packed panel of the right factor has: a multiple of 8. */
  readonly columns: number;
  /**
   * Whether it is made for merged pairs of vectors where accesses are checked: pairs are formed as
   * pairs.ts says, and the panel is in a page of the thread's own, see page_tile.ts.
   */
  readonly checked: boolean;
}

/**
 * How the tile of the CPU backend's matrix products, rows by columns, is chosen. The bytes are the same
 * for all of them.
 *
 * - `"auto"`: 5 × 16 where V8 merges pairs of vectors, which is measured, else 6 × 8;
 * - `"6x8"`: that one;
 * - `"5x16"`: that one, where a module may have two memories, else 6 × 8;
 * - `"6x16"`: that one, where V8 merges pairs and checks no bounds, and once an audit has found its
 *   products right on this machine; else as `"auto"`.
 */
export type TileChoice = "auto" | "6x8" | "5x16" | "6x16";

/** A tile's name. */
export type TileName = Exclude<TileChoice, "auto">;

/**
 * The tiles. With 16 vector registers of 128 bits, 6 × 8 is best: 12 sums, 2 vectors of the panel and 1 of
 * the left factor. With 256 bits 6 × 16 is, but the addresses that bounds checks need leave it short of
 * registers; 5 × 16 is best with them.
 */
export const TILES: Readonly<Record<TileName, Tile>> = {
  "6x8": { rows: 6, columns: 8, checked: false },
  "5x16": { rows: 5, columns: 16, checked: true },
  "6x16": { rows: 6, columns: 16, checked: false },
};

/** All choices, for people. */
export const TILE_CHOICES: readonly TileChoice[] = ["auto", ...Object.keys(TILES) as TileName[]];
