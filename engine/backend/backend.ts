/**
 * The one interface behind which devices stand. A backend owns buffers and executes lists of kernel
 * calls; it knows nothing of tensors or gradients.
 */
import type { AdapterClass, Constants, Kernel, Params } from "../../kernels/kernel.ts";

/** Element type of a tensor or buffer region; both are 4 bytes. */
export type DType = "f32" | "u32";

/** Memory on a device. Opaque but for its size; made by {@linkcode Backend.allocate}. */
export interface DeviceBuffer {
  /** Size in bytes. */
  readonly byteLength: number;
  /** What it holds, for messages. */
  readonly label: string;
  /** Whether it has been freed. */
  readonly freed: boolean;
  /** Frees the memory. Freeing twice is harmless. */
  free(): void;
}

/** A typed window on a buffer. `offset` and `length` count 4-byte elements. */
export interface Region {
  /** The memory that it looks at. */
  readonly buffer: DeviceBuffer;
  /** First element within the buffer, a multiple of {@linkcode REGION_ALIGNMENT}. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
  /** How the elements are read. */
  readonly dtype: DType;
}

/** Offsets of regions are multiples of this many elements (256 bytes, WebGPU's binding alignment). */
export const REGION_ALIGNMENT = 64;

/** One kernel call over fixed regions: an entry of a plan. */
export interface Call {
  /** What is computed. */
  readonly kernel: Kernel;
  /** Values of the kernel's override constants. */
  readonly constants: Constants;
  /** Values of the kernel's uniform parameters. */
  readonly params: Params;
  /** One region a binding, in the kernel's order. */
  readonly regions: readonly Region[];
}

/** What a device does between two barriers. Most calls are one pass, some are several or none. */
export interface Pass {
  /** The call that it belongs to, by its place in the list. */
  readonly call: number;
  /** What runs it: a shader's file, a WebAssembly function, or "reference". */
  readonly variant: string;
}

/** How long a pass has taken, in seconds over all replays. */
export interface PassTime {
  /** From its begin to its end. */
  readonly seconds: number;
  /** What of that thread 0 of the CPU backend waited for the other threads; 0 elsewhere. */
  readonly waiting: number;
}

/** How much a device times: nothing, all replays, or a sample of them that costs next to nothing. */
export type Profiling = boolean | "sample";

/** How long the replays of an executable have taken, those of the sample where only one is timed. */
export interface ReplayTimes {
  /** Replays. */
  readonly steps: number;
  /** Seconds of them. */
  readonly seconds: number;
  /** In the order of {@linkcode Executable.passes}; absent where the device times no passes. */
  readonly passes?: readonly PassTime[];
}

/** What a device can do at most, as measured on it. */
export interface Roofline {
  /** Floating-point operations a second, of multiply-adds on registers. */
  readonly flops: number;
  /** Bytes a second, read and written, of a copy larger than the caches. */
  readonly bytes: number;
}

/** A prepared list of calls that can be replayed without allocation. */
export interface Executable {
  /** What one replay consists of, in order. */
  readonly passes: readonly Pass[];
  /**
   * Enqueues `steps` replays of the whole list, in order, after everything enqueued before.
   * Returns at once; errors surface in the next {@linkcode Backend.read}.
   */
  run(steps: number): void;
  /**
   * How long the replays enqueued so far have taken; works after {@linkcode Executable.dispose} too.
   * Only on devices opened for profiling, and of a sample where passes can be timed.
   */
  times?(): Promise<ReplayTimes>;
  /** Releases pipelines, bind groups and uniforms, not the regions' buffers. */
  dispose(): void;
}

/** What `info` and `run.json` say about a device: JSON. */
export type DeviceInfo = CpuInfo | WebGpuInfo | OracleInfo;

/** What there is to know of the CPU backend. */
export interface CpuInfo {
  /** The tag. */
  readonly kind: "cpu";
  /** For people: "WebAssembly SIMD (relaxed), 2 threads". */
  readonly description: string;
  /** How many compute. */
  readonly threads: number;
  /** Whether multiply-adds may round once, as the processor does. */
  readonly relaxed: boolean;
  /** Whether workers share the memory; if not, the one thread computes. */
  readonly shared: boolean;
  /** Kernels that run as WebAssembly; the others run as their references. */
  readonly wasm: readonly string[];
  /** Why there are no workers, where there are none. */
  readonly withoutWorkers?: string;
  /** Rows and columns of the matrix products' tile; the bytes are the same for each. */
  readonly tile: "6x8" | "5x16" | "6x16";
  /** Which pairs of vectors this process merges into 256 bits, where it was measured. */
  readonly pairs?: "none" | "checked" | "plain";
  /** Why the tile that was asked for is not used. */
  readonly tileRefused?: string;
}

/** What there is to know of a WebGPU device. */
export interface WebGpuInfo {
  /** The tag. */
  readonly kind: "webgpu";
  /** For people, as the driver says: "llvmpipe (LLVM 15.0.6, 256 bits)". */
  readonly description: string;
  /** A real GPU, or a program that imitates one. */
  readonly class: AdapterClass;
  /** The maker, or its PCI number. */
  readonly vendor: string;
  /** The family of GPUs, often empty. */
  readonly architecture: string;
  /** Optional features of the adapter, sorted. */
  readonly features: readonly string[];
  /** What the device was opened with. */
  readonly limits: Readonly<Record<string, number>>;
  /** Shader variants in use, by kernel. */
  readonly shaders: Readonly<Record<string, readonly string[]>>;
}

/** What there is to know of the oracle. */
export interface OracleInfo {
  /** The tag. */
  readonly kind: "oracle";
  /** For people. */
  readonly description: string;
}

/** Bytes held on the device now, and the most that were held at once. */
export interface MemoryUse {
  /** Bytes held now. */
  readonly bytes: number;
  /** Most bytes held at once so far. */
  readonly peakBytes: number;
  /** Number of buffers held now. */
  readonly buffers: number;
}

/** A device that executes kernel calls. */
export interface Backend {
  /** Kind and description of the device. */
  readonly info: DeviceInfo;
  /** Largest region that one binding may cover, in bytes; larger data must be chunked. */
  readonly maxRegionBytes: number;
  /** Zero-filled memory. @throws {RangeError} where the device cannot hold it. */
  allocate(byteLength: number, label: string): DeviceBuffer;
  /** Copies `data` into the region, ordered after everything enqueued before; `data` is copied. */
  write(region: Region, data: Float32Array | Uint32Array): void;
  /**
   * Reads regions after everything enqueued before has run. One wait for all of them. f32 regions
   * give Float32Array (Float64Array from the oracle).
   * @throws where a call enqueued before has failed, or the device is lost.
   */
  read(regions: readonly Region[]): Promise<(Float32Array | Float64Array | Uint32Array)[]>;
  /** Checks the calls as `call_check.ts` says, and against the device's limits; compiles. */
  prepare(calls: readonly Call[], label: string): Promise<Executable>;
  /** What the buffers of this backend take. */
  memory(): MemoryUse;
  /** Measures the device, which takes a moment. Absent where there is no honest way to. */
  roofline?(): Promise<Roofline>;
  /** Frees everything, stops workers. */
  dispose(): Promise<void>;
}
