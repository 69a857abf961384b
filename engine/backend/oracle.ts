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
import { checkCalls, checkRegion, type OwnRegion, type Owns } from "./call_check.ts";

/** Both views of a buffer; a region is read through the one of its element type. */
class OracleBuffer implements DeviceBuffer {
  readonly floats: Float64Array;
  readonly words: Uint32Array;
  freed = false;

  constructor(
    readonly owner: OracleBackend,
    readonly byteLength: number,
    readonly label: string,
    private readonly release: (buffer: OracleBuffer) => void,
  ) {
    this.floats = new Float64Array(byteLength / 4);
    this.words = new Uint32Array(byteLength / 4);
  }

  free(): void {
    this.freed = true;
    this.release(this);
  }
}

function viewOf(
  { buffer, offset, length, dtype }: OwnRegion<OracleBuffer>,
): Float64Array | Uint32Array {
  return (dtype === "f32" ? buffer.floats : buffer.words).subarray(offset, offset + length);
}

/** Executes references at once, on one thread, in float64. */
export class OracleBackend implements Backend {
  /** Kind "oracle". */
  readonly info: DeviceInfo = {
    kind: "oracle",
    description: "float64 reference loops",
  };
  /** No limit: regions are never chunked. */
  readonly maxRegionBytes: number = Infinity;
  private readonly buffers = new Set<OracleBuffer>();
  private readonly owns: Owns<OracleBuffer> = (buffer): buffer is OracleBuffer =>
    buffer instanceof OracleBuffer && buffer.owner === this;
  private peakBytes = 0;

  /** Zero-filled memory, which holds f32 elements as float64. */
  allocate(byteLength: number, label: string): DeviceBuffer {
    const release = (freed: OracleBuffer) => void this.buffers.delete(freed);
    const buffer = new OracleBuffer(this, byteLength, label, release);
    this.buffers.add(buffer);
    this.peakBytes = Math.max(this.peakBytes, this.memory().bytes);
    return buffer;
  }

  /** Copies `data` into the region at once; float64 values stay exact. */
  write(region: Region, data: Float32Array | Float64Array | Uint32Array): void {
    viewOf(checkRegion(region, this.owns, `write to ${region.buffer.label}`)).set(data);
  }

  /** Copies of the regions, f32 ones as Float64Array. */
  read(regions: readonly Region[]): Promise<(Float64Array | Uint32Array)[]> {
    return Promise.resolve(
      regions.map((region) =>
        viewOf(checkRegion(region, this.owns, `read of ${region.buffer.label}`)).slice()
      ),
    );
  }

  /** Binds the kernels' references to the regions; nothing is compiled. */
  // deno-lint-ignore require-await
  async prepare(calls: readonly Call[], label: string): Promise<Executable> {
    const checked = checkCalls(calls, this.owns, label);
    const steps = checked.map(({ kernel, constants, params, regions }) => {
      const views = regions.map(viewOf);
      const extent = kernel.extent(params, constants);
      return () => kernel.reference(views, params, constants, 0, extent);
    });
    const run = (count: number) => {
      for (let i = 0; i < count; i++) for (const step of steps) step();
    };
    const passes = calls.map((_, call) => ({ call, variant: "reference" }));
    return { passes, run, dispose() {} };
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
