/** How a kernel is given to the CPU backend as WebAssembly. */
import type { Constants, Params } from "../../../kernels/kernel.ts";
import type { ModuleBuilder } from "../assembler.ts";
import type { Tile } from "./tiles.ts";

/** Byte addresses that a thread's call works on. */
export interface Addresses {
  /** Of the regions, in the kernel's binding order. */
  readonly regions: readonly number[];
  /** Of the scratch that the threads share within a call. */
  readonly shared: number;
  /** Of the thread's own scratch. */
  readonly own: number;
}

/** One pass over the work items of a call; all threads finish it before the next pass begins. */
export interface WasmPass {
  /** Name of the exported function. */
  readonly entry: string;
  /** Number of independent work items; the threads share [0, extent). */
  readonly extent: number;
  /** The function's arguments but for the last two, which are a share [begin, end). */
  readonly parameters: readonly number[];
  /** Arguments that follow `parameters` and depend on what the memory holds when the pass begins. */
  current?(memory: ArrayBufferLike): readonly number[];
}

/** Scratch memory of a call, in bytes. */
export interface Scratch {
  /** Shared by all threads. */
  readonly shared: number;
  /** Of each thread. */
  readonly own: number;
}

/** The WebAssembly implementation of a kernel. */
export interface WasmKernel {
  /** Adds the kernel's exported functions to the module, products with this tile. */
  emit(module: ModuleBuilder, tile: Tile): void;
  /** Whether this implementation covers the call; if not, the kernel's reference runs. */
  supports(params: Params, constants: Constants): boolean;
  /** What of a program's scratch memory the call needs. */
  scratch(params: Params, constants: Constants, tile: Tile): Scratch;
  /** The passes, in order. An element's result must not depend on how a pass is split. */
  passes(
    params: Params,
    constants: Constants,
    addresses: Addresses,
    tile: Tile,
  ): readonly WasmPass[];
}

/** A kernel that needs no scratch memory. */
export const NO_SCRATCH: Scratch = { shared: 0, own: 0 };
