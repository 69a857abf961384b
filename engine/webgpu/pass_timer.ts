import type { ReplayTimes } from "../backend/backend.ts";
import { TIMESTAMPS } from "./device.ts";
import type { CommandQueue } from "./queue.ts";

/** The most timestamps that WebGPU puts into one set: two of each of 2,048 passes. */
const MAX_QUERIES = 4096;
const STAMP_BYTES = 8;

/**
 * Times the passes of one executable by timestamps, which the device takes itself; where it has none,
 * whole submits, as the host sees them end. Browsers round timestamps to 0.1 ms.
 */
export class PassTimer {
  /** Timestamps and where they are resolved to, from the first submit on. */
  private queries: { readonly set: GPUQuerySet; readonly buffer: GPUBuffer } | undefined;
  private readonly hasStamps: boolean;
  /** Seconds by pass. */
  private readonly sums = new Map<number, number>();
  /** How often each pass has been submitted. */
  private readonly counts = new Map<number, number>();
  /** Submits to come before the next one that is timed. */
  private idle: number;
  /** Submits whose times are not known yet. */
  private readonly pending = new Set<Promise<void>>();
  private seconds = 0;
  private dispatches = 0;
  /** When the last submit was seen to end, in milliseconds. */
  private ended = 0;

  /**
   * A timer that has measured nothing: it times one of every `every` submits, not the very first if others
   * may follow, because caches are cold.
   */
  constructor(private readonly gpu: GPUDevice, private readonly every: number) {
    this.idle = Math.min(1, every - 1);
    this.hasStamps = gpu.features.has(TIMESTAMPS);
  }

  /** A submit begins. @returns What is to be told of it; undefined where it is not timed. */
  begin(): this | undefined {
    if (this.idle-- > 0) return undefined;
    this.idle = this.every - 1;
    return this;
  }

  /** How to begin the pass at a place of a submit. */
  stamps(place: number): GPUComputePassDescriptor {
    if (!this.hasStamps) return {};
    const querySet = this.made().set;
    const beginningOfPassWriteIndex = 2 * place;
    const endOfPassWriteIndex = 2 * place + 1;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** Submits `count` passes, of which the first is `first` of the `length` passes of a replay. */
  submit(
    queue: CommandQueue,
    encoder: GPUCommandEncoder,
    first: number,
    count: number,
    length: number,
  ): void {
    const work = this.hasStamps
      ? this.submitStamped(queue, encoder, first, count, length)
      : this.submitWatched(queue, encoder);
    this.dispatches += count;
    // A lost device is reported elsewhere; its last times are missing.
    const settled: Promise<void> = work.catch(() => {}).finally(() => {
      this.pending.delete(settled);
    });
    this.pending.add(settled);
  }

  /** What has been measured, after all work that is enqueued. */
  async times(queue: CommandQueue, length: number): Promise<ReplayTimes> {
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.after(resolve, resolve);
    await promise;
    await Promise.all(this.pending);
    if (!this.hasStamps) {
      return { steps: Math.floor(this.dispatches / (length || 1)), seconds: this.seconds };
    }
    const counts = Array.from({ length }, (_, pass) => this.counts.get(pass) ?? 0);
    const steps = length === 0 ? 0 : Math.min(...counts);
    // A sample may hold the beginning of a replay without its end.
    const passes = counts.map((count, pass) => ({
      seconds: steps === 0 ? 0 : this.sums.get(pass)! * steps / count,
      waiting: 0,
    }));
    const share = steps === 0 ? 0 : steps * length / this.dispatches;
    return { steps, seconds: this.seconds * share, passes };
  }

  /** Frees the timestamps' memory after the replays enqueued before; the sums stay. */
  dispose(queue: CommandQueue): void {
    queue.after(() => {
      this.queries?.set.destroy();
      this.queries?.buffer.destroy();
    });
  }

  private async submitStamped(
    queue: CommandQueue,
    encoder: GPUCommandEncoder,
    first: number,
    count: number,
    length: number,
  ): Promise<void> {
    const { set, buffer } = this.made();
    const size = 2 * count * STAMP_BYTES;
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const staging = this.gpu.createBuffer({ size, usage, label: "timestamps" });
    encoder.resolveQuerySet(set, 0, 2 * count, buffer, 0);
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const stamps = new BigUint64Array(staging.getMappedRange());
    // Some drivers let a short pass end before it begins.
    const between = (a: number, b: number) => Math.max(0, Number(stamps[b] - stamps[a]) / 1e9);
    for (let i = 0; i < count; i++) {
      const pass = (first + i) % length;
      this.sums.set(pass, (this.sums.get(pass) ?? 0) + between(2 * i, 2 * i + 1));
      this.counts.set(pass, (this.counts.get(pass) ?? 0) + 1);
    }
    this.seconds += between(0, 2 * count - 1);
    staging.destroy();
  }

  private async submitWatched(queue: CommandQueue, encoder: GPUCommandEncoder): Promise<void> {
    const submitted = performance.now();
    queue.submit([encoder.finish()]);
    await this.gpu.queue.onSubmittedWorkDone();
    const begun = Math.max(submitted, this.ended);
    this.ended = performance.now();
    this.seconds += (this.ended - begun) / 1000;
  }

  private made() {
    return this.queries ??= {
      set: this.gpu.createQuerySet({ type: "timestamp", count: MAX_QUERIES }),
      buffer: this.gpu.createBuffer({
        size: MAX_QUERIES * STAMP_BYTES,
        usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
        label: "timestamps",
      }),
    };
  }
}
