import { f32, f32x4, ModuleBuilder, type ModuleOptions } from "../assembler.ts";
import { buildPageTile, importPageTile } from "./page_tile.ts";
import { WASM_KERNELS } from "./table.ts";
import { type Tile, TILES } from "./tiles.ts";

/**
 * The bytes of the module with all kernels of {@linkcode WASM_KERNELS}, products with this tile. For
 * one that is `checked` it imports what {@linkcode buildPageTile} makes.
 */
export function buildModule(options: ModuleOptions, tile: Tile): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options);
  if (tile.checked) module.once("page tile", () => importPageTile(module));
  for (const kernel of Object.values(WASM_KERNELS)) kernel?.emit(module, tile);
  return module.build();
}

/** Whether this WebAssembly engine accepts relaxed SIMD. */
export function supportsRelaxed(): boolean {
  const module = new ModuleBuilder({ shared: false, relaxed: true });
  module.function("probe", (f) => {
    const x = f.local("v128");
    const one = f32x4.splat(f32.const(1));
    return x.set(module.multiplyAdd(one, one, one));
  });
  return WebAssembly.validate(module.build());
}

/** Whether it accepts modules with two memories, as tiles that are `checked` need. */
export function supportsPages(): boolean {
  return WebAssembly.validate(buildPageTile({ shared: false, relaxed: false }, TILES["5x16"]));
}
