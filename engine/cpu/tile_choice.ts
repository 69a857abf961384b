import { type MergedPairs, probePairs } from "./pair_probe.ts";
import { supportsPages } from "./wasm/module.ts";
import { TILE_CHOICES, type TileChoice, type TileName } from "./wasm/tiles.ts";

/** The tile that a device uses, and why; part of its details. */
export interface ChosenTile {
  readonly tile: TileName;
  /** Which pairs of vectors this process merges, where it was measured. */
  readonly pairs?: MergedPairs;
  /** Why the tile that was asked for is not used. */
  readonly tileRefused?: string;
}

/**
 * The tile for what was asked; `pairs` is measured where the choice depends on it.
 * @throws {RangeError} for an unknown one.
 */
export async function chooseTile(
  asked: TileChoice = "auto",
  pairs?: MergedPairs,
): Promise<ChosenTile> {
  switch (asked) {
    case "6x8":
      return { tile: asked };
    case "5x16":
      return supportsPages()
        ? { tile: asked }
        : { tile: "6x8", tileRefused: `${asked}: a module has only one memory here` };
    case "6x16":
      pairs ??= await probePairs();
      if (pairs === "plain") return { tile: asked, pairs };
      return await refuseTile(asked, pairs, "V8 merges no pairs of vectors here, or checks bounds");
    case "auto":
      pairs ??= await probePairs();
      return { tile: pairs === "none" || !supportsPages() ? "6x8" : "5x16", pairs };
    default:
      throw new RangeError(
        `Cannot open the CPU backend: tile must be one of ${TILE_CHOICES.join(", ")}, not ${asked}`,
      );
  }
}

/** What is used in the place of a tile that was asked for. */
export async function refuseTile(
  asked: TileName,
  pairs: MergedPairs,
  reason: string,
): Promise<ChosenTile> {
  return { ...await chooseTile("auto", pairs), tileRefused: `${asked}: ${reason}` };
}
