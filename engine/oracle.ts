/**
 * The oracle: a backend that executes plans with the kernels' references in float64. Slow, and what
 * the others are compared with.
 */
import type {
  Backend,
  Call,
  DeviceBuffer,
  DeviceInfo,
  Executable,
  MemoryUse,
  Region,
} from "./backend.ts";

/** Both views of a buffer; a region is read through the one of its element type. */
class OracleBuffer implements DeviceBuffer {
  readonly floats: Float64Array;
  readonly words: Uint32Array;

  constructor(readonly byteLength: number, readonly label: string, readonly free: () => void) {
    this.floats = new Float64Array(byteLength / 4);
    this.words = new Uint32Array(byteLength / 4);
  }

  view({ offset, length, dtype }: Region): Float64Array | Uint32Array {
    return (dtype === "f32" ? this.floats : this.words).subarray(offset, offset + length);
  }
}

function viewOf(region: Region): Float64Array | Uint32Array {
  return (region.buffer as OracleBuffer).view(region);
}

/** Executes references at once, on one thread, in float64. */
export class OracleBackend implements Backend {
  /** Kind "oracle". */
  readonly info: DeviceInfo = {
    kind: "oracle",
    description: "float64 reference loops",
    details: {},
  };
  /** No limit: regions are never chunked. */
  readonly maxRegionBytes: number = Infinity;
  private readonly buffers = new Set<OracleBuffer>();
  private peakBytes = 0;

  /** Zero-filled memory, which holds f32 elements as float64. */
  allocate(byteLength: number, label: string): DeviceBuffer {
    const buffer: OracleBuffer = new OracleBuffer(
      byteLength,
      label,
      () => void this.buffers.delete(buffer),
    );
    this.buffers.add(buffer);
    this.peakBytes = Math.max(this.peakBytes, this.memory().bytes);
    return buffer;
  }

  /** Copies `data` into the region at once; float64 values stay exact. */
  write(region: Region, data: Float32Array | Float64Array | Uint32Array): void {
    viewOf(region).set(data);
  }

  /** Copies of the regions, f32 ones as Float64Array. */
  read(regions: readonly Region[]): Promise<(Float64Array | Uint32Array)[]> {
    return Promise.resolve(regions.map((region) => viewOf(region).slice()));
  }

  /** Binds the kernels' references to the regions; nothing is compiled. */
  prepare(calls: readonly Call[]): Promise<Executable> {
    const steps = calls.map(({ kernel, constants, params, regions }) => {
      const views = regions.map(viewOf);
      const extent = kernel.extent(params, constants);
      return () => kernel.reference(views, params, constants, 0, extent);
    });
    const run = (count: number) => {
      for (let i = 0; i < count; i++) for (const step of steps) step();
    };
    const passes = calls.map((_, call) => ({ call, variant: "reference" }));
    return Promise.resolve({ passes, run, dispose() {} });
  }

  /** What the buffers would take on a device, 4 bytes an element. */
  memory(): MemoryUse {
    let bytes = 0;
    for (const buffer of this.buffers) bytes += buffer.byteLength;
    return { bytes, peakBytes: this.peakBytes, buffers: this.buffers.size };
  }

  /** Forgets all buffers. */
  dispose(): Promise<void> {
    this.buffers.clear();
    return Promise.resolve();
  }
}
