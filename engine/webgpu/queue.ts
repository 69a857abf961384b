/** The order of work on a device, and the bound on how much of it is under way. */
import type { Health } from "./device.ts";

/**
 * Submits in a group. Completion is asked for once a group, because in Deno asking is waiting: both
 * `onSubmittedWorkDone()` and `mapAsync()` hold the thread until the device is idle, and settle 10 ms
 * later. The device idles then until the host has encoded the next submit.
 */
const SUBMITS_A_GROUP = 8;

/** Groups under way at once: while one is being noticed, the other keeps the device busy. */
const MAX_GROUPS = 2;

/** Bytes of `writeBuffer` after which a submit lets the runtime release its staging memory. */
const MAX_STAGED_BYTES = 64 << 20;

/** A piece of work in the queue. */
export interface Work {
  /** Enqueues the next part on the device. Returns whether that was the last one. */
  advance(queue: CommandQueue): boolean;
  /** Told when the work is dropped because the device is given up. */
  cancel?(): void;
}

/**
 * Work waits here until fewer than {@linkcode MAX_GROUPS} groups of submits are under way, so that a
 * million steps can be enqueued at once: nobody waits, and memory stays bounded.
 */
export class CommandQueue {
  private readonly waiting: Work[] = [];
  /** Submits of the group that is not complete. */
  private submits = 0;
  /** Complete groups that the device has not finished. */
  private groups = 0;
  private stagedBytes = 0;
  private idle: PromiseWithResolvers<void> | undefined;

  /** A queue before the device's own. */
  constructor(private readonly gpu: GPUDevice, private readonly health: Health) {}

  /** The last in the order, where it still waits at least in part: it may be given more to do. */
  get last(): Work | undefined {
    return this.waiting.at(-1);
  }

  /** Puts work after all other work. Returns at once. */
  push(work: Work): void {
    this.waiting.push(work);
    this.pump();
  }

  /** Does `action` after all work enqueued before has been handed to the device. */
  after(action: () => void, cancel?: () => void): void {
    const advance = () => {
      action();
      return true;
    };
    this.push(cancel === undefined ? { advance } : { advance, cancel });
  }

  /** Hands commands to the device. For {@linkcode Work.advance}. */
  submit(commands: GPUCommandBuffer[]): void {
    this.gpu.queue.submit(commands);
    this.stagedBytes = 0;
    if (++this.submits === SUBMITS_A_GROUP) this.completeGroup();
  }

  /** Hands bytes to the device. For {@linkcode Work.advance}. */
  write(buffer: GPUBuffer, byteOffset: number, data: Uint32Array<ArrayBuffer>): void {
    this.gpu.queue.writeBuffer(buffer, byteOffset, data);
    this.stagedBytes += data.byteLength;
    if (this.stagedBytes > MAX_STAGED_BYTES) this.submit([]);
  }

  /** Drops the work that waits and resolves when nothing is under way. */
  async drain(): Promise<void> {
    for (const work of this.waiting.splice(0)) work.cancel?.();
    if (this.submits > 0) this.completeGroup();
    if (this.groups === 0) return;
    this.idle ??= Promise.withResolvers();
    await this.idle.promise;
  }

  private completeGroup(): void {
    this.submits = 0;
    this.groups++;
    const settled = () => {
      this.groups--;
      this.pump();
    };
    this.gpu.queue.onSubmittedWorkDone().then(settled, (error) => {
      this.health.fail(String(error), "lost");
      settled();
    });
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.groups < MAX_GROUPS) {
      let done = true;
      try {
        done = this.waiting[0].advance(this);
      } catch (error) {
        this.health.fail(String(error), "internal");
      }
      if (done) this.waiting.shift();
    }
    if (this.groups === 0) this.idle?.resolve();
  }
}
