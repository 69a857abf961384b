/** Device memory: making it, counting it, and the windows through which kernels see it. */
import type { DeviceBuffer, MemoryUse } from "../backend/backend.ts";
import type { OwnRegion, Owns } from "../backend/call_check.ts";
import type { Device } from "./device.ts";
import type { CommandQueue } from "./queue.ts";

/** Storage is padded to whole `vec4`s, so that shaders may read four elements at a time. */
const PADDING = 16;

/** A buffer of one device. */
export class WebGpuBuffer implements DeviceBuffer {
  /** For {@linkcode BufferPool}. */
  constructor(
    /** The pool that made it, for telling devices apart. */
    readonly pool: BufferPool,
    private memory: GPUBuffer | undefined,
    /** Size that was asked for, without padding. */
    readonly byteLength: number,
    /** For messages. */
    readonly label: string,
  ) {}

  /**
   * The buffer of the runtime.
   *
   * @throws {Error} after {@linkcode WebGpuBuffer.free}.
   */
  get gpu(): GPUBuffer {
    if (this.memory === undefined) throw new Error(`The buffer ${this.label} is freed`);
    return this.memory;
  }

  /** Whether it has been freed. */
  get freed(): boolean {
    return this.memory === undefined;
  }

  /** Frees the memory once the work enqueued before is on its way. Freeing twice is harmless. */
  free(): void {
    const gpu = this.memory;
    this.memory = undefined;
    if (gpu !== undefined) this.pool.release(gpu);
  }
}

/** Makes and counts the buffers of one device. */
export class BufferPool {
  private readonly held = new Set<GPUBuffer>();
  /** Tells this device's buffers from others'. */
  readonly owns: Owns<WebGpuBuffer> = (buffer): buffer is WebGpuBuffer =>
    buffer instanceof WebGpuBuffer && buffer.pool === this;
  private bytes = 0;
  private peakBytes = 0;

  /** An empty pool; buffers are destroyed in the order of `queue`. */
  constructor(private readonly device: Device, private readonly queue: CommandQueue) {}

  /**
   * Zero-filled storage of at least `byteLength` bytes.
   * @throws {RangeError} where `byteLength` is no size or above the device's largest buffer.
   */
  storage(byteLength: number, label: string): WebGpuBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return new WebGpuBuffer(this, this.create(byteLength, usage, label), byteLength, label);
  }

  /**
   * A counted buffer for any use; give it back with {@linkcode BufferPool.release}.
   * @throws {RangeError} as {@linkcode BufferPool.storage}.
   */
  create(byteLength: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    if (!Number.isSafeInteger(byteLength) || byteLength < 0) {
      throw new RangeError(`Cannot allocate ${label}: ${byteLength} is no number of bytes`);
    }
    const size = Math.max(PADDING, Math.ceil(byteLength / PADDING) * PADDING);
    const { maxBufferSize } = this.device.gpu.limits;
    if (size > maxBufferSize) {
      throw new RangeError(
        `Cannot allocate ${label}: ${size} bytes, but ${this.device.adapter.title} holds at most ` +
          `${maxBufferSize} in one buffer`,
      );
    }
    const buffer = this.device.gpu.createBuffer({ size, usage, label });
    this.held.add(buffer);
    this.bytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    return buffer;
  }

  /** Frees a buffer once the work enqueued before is on its way. */
  release(buffer: GPUBuffer): void {
    if (!this.held.delete(buffer)) return;
    this.bytes -= buffer.size;
    this.queue.after(() => buffer.destroy());
  }

  /** Bytes held now and at most, padding, uniforms and staging included. */
  memory(): MemoryUse {
    return { bytes: this.bytes, peakBytes: this.peakBytes, buffers: this.held.size };
  }
}

/** A region in bytes. */
export interface Span {
  /** The buffer of the runtime. */
  readonly buffer: GPUBuffer;
  /** Where the region begins. */
  readonly byteOffset: number;
  /** Its size, without padding. */
  readonly byteLength: number;
}

/** The bytes of a region. */
export function spanOf({ buffer, offset, length }: OwnRegion<WebGpuBuffer>): Span {
  return { buffer: buffer.gpu, byteOffset: 4 * offset, byteLength: 4 * length };
}

/** The window that a kernel is bound to for a span: padded to whole `vec4`s, for a span that is not empty. */
export function windowOf(span: Span): GPUBufferBinding {
  const size = Math.ceil(span.byteLength / PADDING) * PADDING;
  return { buffer: span.buffer, offset: span.byteOffset, size };
}
