/** The type that this folder's kernels have. */
import type { Kernel } from "./kernel.ts";
import type { KernelName } from "./registry.ts";

/**
 * A kernel whose name is in the registry, so that one without its row does not compile. Kernels of
 * other modules are plain {@linkcode Kernel}s.
 */
export interface RegisteredKernel extends Kernel {
  /** Its name in the registry. */
  readonly name: KernelName;
}
