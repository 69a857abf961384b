/**
 * What the main thread sends to the threads of the CPU backend, as plain data: calls by kernel name
 * over byte offsets, and the requests that are served strictly in order.
 */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import type { ReplayTimes } from "../backend/backend.ts";
import type { Tile } from "./wasm/tiles.ts";

/** A region as an address range of the shared memory. */
export interface RegionPlan {
  /** Bytes from the start of the memory, a multiple of 4. */
  readonly byteOffset: number;
  /** Elements of 4 bytes. */
  readonly length: number;
  /** How a reference sees the elements. */
  readonly view: "f32" | "u32";
}

/** One call of a program. */
export interface CallPlan {
  /** The kernel's name. */
  readonly kernel: string;
  /** The kernel, where the registry has another or none of that name: see {@linkcode ProgramPlan}. */
  readonly own?: Kernel;
  /** Uniform parameters. */
  readonly params: Params;
  /** Override constants, defaults included. */
  readonly constants: Constants;
  /** One region a binding. */
  readonly regions: readonly RegionPlan[];
}

/**
 * A program: its calls in order, and the scratch memory that its WebAssembly kernels use. Functions
 * cannot be sent: one with a call that brings its own kernel stays on the thread that made it.
 */
export interface ProgramPlan {
  /** What the other messages call it. */
  readonly id: number;
  /** The calls, in order. */
  readonly calls: readonly CallPlan[];
  /** Byte offset of the scratch that all threads share within a call. */
  readonly sharedScratch: number;
  /** Byte offset of thread 0's own scratch. */
  readonly privateScratch: number;
  /** Bytes from one thread's own scratch to the next thread's. */
  readonly privateStride: number;
  /** Bytes that the memory must have for the program's regions and scratch to exist. */
  readonly memoryBytes: number;
  /** Replays of which the passes of one are timed; 0: of none. */
  readonly timed: number;
}

/** A function that all threads run at once, to see how fast they are. */
export interface Probe {
  /** Where it is; the module imports the memory. */
  readonly module: WebAssembly.Module;
  /** Its name. */
  readonly entry: string;
  /** Its arguments but for the last two, a share [begin, end) of the work items. */
  readonly parameters: readonly number[];
  /** Number of work items, of which each thread takes as many. */
  readonly extent: number;
  /** How often it runs; the fastest counts. */
  readonly rounds: number;
}

/** What threads compute with. */
export interface CrewParts {
  /** The memory of all buffers. */
  readonly memory: WebAssembly.Memory;
  /** The WebAssembly kernels, compiled. */
  readonly module: WebAssembly.Module;
  /** The tile of their products. */
  readonly tile: Tile;
  /** The tile's own module, where it is one that has a page. */
  readonly pageTile?: WebAssembly.Module | undefined;
}

/** What a thread starts with. */
export interface StartMessage extends CrewParts {
  /** The shared block that {@linkcode Barrier} works on. */
  readonly barrier: SharedArrayBuffer;
  /** This thread's number, from 0. */
  readonly thread: number;
  /** How many threads there are. */
  readonly threads: number;
}

/**
 * A request to the threads, served in order. Every thread gets loads, unloads, runs and probes; thread 0
 * alone gets the others, and answers those that have a ticket.
 */
export type Request =
  | { readonly kind: "load"; readonly plan: ProgramPlan }
  | { readonly kind: "unload"; readonly id: number }
  | {
    readonly kind: "run";
    readonly ticket: number;
    readonly id: number;
    readonly steps: number;
  }
  | {
    readonly kind: "fill";
    readonly ticket: number;
    readonly byteOffset: number;
    readonly byteLength: number;
  }
  | {
    readonly kind: "write";
    readonly ticket: number;
    readonly byteOffset: number;
    readonly words: Uint32Array;
  }
  | {
    readonly kind: "read";
    readonly ticket: number;
    readonly regions: readonly RegionPlan[];
  }
  | { readonly kind: "times"; readonly ticket: number; readonly id: number }
  | { readonly kind: "probe"; readonly ticket: number; readonly probe: Probe };

/** An answer of thread 0: the request has been served, with what was read, or why not. */
export interface Answer {
  /** The ticket of the request. */
  readonly ticket: number;
  /** What a read has read, a region each. */
  readonly arrays?: (Float32Array | Uint32Array)[];
  /** Why a read failed. */
  readonly failure?: string;
  /** What thread 0 has measured of a program. */
  readonly times?: ReplayTimes | undefined;
  /** The least seconds of a probe. */
  readonly seconds?: number;
}
