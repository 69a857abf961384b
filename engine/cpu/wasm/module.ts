import { f32, f32x4, ModuleBuilder, type ModuleOptions } from "../assembler.ts";
import { WASM_KERNELS } from "./table.ts";
import type { Tile } from "./tiles.ts";

/** The bytes of the module with all kernels of {@linkcode WASM_KERNELS}, products with this tile. */
export function buildModule(options: ModuleOptions, tile: Tile): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options);
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
