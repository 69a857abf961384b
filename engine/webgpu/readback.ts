/** Copies from the device: one staging buffer and one wait, however many regions. */
import type { DType } from "../backend/backend.ts";
import type { BufferPool, Span } from "./buffers.ts";
import type { Device } from "./device.ts";
import type { CommandQueue } from "./queue.ts";

/** A checked region to be read. */
export interface Source extends Span {
  /** Which typed array it becomes. */
  readonly dtype: DType;
}

/**
 * Reads all sources after the work enqueued before. Bits are kept, NaN payloads included.
 * @throws {RangeError} where the sources together exceed the device's largest buffer.
 * @throws {DeviceLostError} where work enqueued before did not run.
 */
export async function readBack(
  device: Device,
  pool: BufferPool,
  queue: CommandQueue,
  sources: readonly Source[],
): Promise<(Float32Array | Uint32Array)[]> {
  const byteLength = sources.reduce((sum, source) => sum + source.byteLength, 0);
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = pool.create(byteLength, usage, "readback");
  try {
    await enqueueCopies(device, queue, sources, staging);
    device.health.check();
    const bytes = staging.getMappedRange();
    let begin = 0;
    return sources.map((source) => {
      const copy = bytes.slice(begin, begin += source.byteLength);
      return source.dtype === "f32" ? new Float32Array(copy) : new Uint32Array(copy);
    });
  } finally {
    pool.release(staging);
  }
}

/** Resolves when the copies have run and `staging` is mapped. */
function enqueueCopies(
  device: Device,
  queue: CommandQueue,
  sources: readonly Source[],
  staging: GPUBuffer,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (message: string) => {
    device.health.fail(message, "lost");
    try {
      device.health.check();
    } catch (failure) {
      reject(failure);
    }
  };
  queue.after(() => {
    const encoder = device.gpu.createCommandEncoder();
    let begin = 0;
    for (const { buffer, byteOffset, byteLength } of sources) {
      if (byteLength > 0) {
        encoder.copyBufferToBuffer(buffer, byteOffset, staging, begin, byteLength);
      }
      begin += byteLength;
    }
    queue.submit([encoder.finish()]);
    staging.mapAsync(GPUMapMode.READ).then(resolve, (error) => {
      // In the next turn, so that the event that says more about the same failure is heard first.
      setTimeout(() => fail(`cannot read back: ${error.message}`), 0);
    });
  }, () => fail("disposed before the read was done"));
  return promise;
}
