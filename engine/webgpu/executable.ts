/** A prepared list of calls and its replay. */
import type { Executable, Pass, ReplayTimes } from "../backend/backend.ts";
import type { AdapterClass } from "../../kernels/kernel.ts";
import type { BufferPool } from "./buffers.ts";
import { windowOf } from "./buffers.ts";
import type { Device } from "./device.ts";
import type { DispatchedCall } from "./dispatch.ts";
import type { PassTimer } from "./pass_timer.ts";
import { isWritten } from "./pipelines.ts";
import type { Pipeline } from "./pipelines.ts";
import type { CommandQueue, Work } from "./queue.ts";

/** Dispatches a submit: enough that its fixed cost (about 0.1 ms) is shared by many. */
const DISPATCHES_A_SUBMIT = 2000;

/**
 * Work a submit, in FLOPs (a byte moved counts {@linkcode FLOPS_A_BYTE}): bounds its time to some
 * tenths of a second on slow devices, where drivers end what takes longer than about two seconds.
 */
const WORK_A_SUBMIT: Readonly<Record<AdapterClass, number>> = { hardware: 5e10, software: 5e9 };
const FLOPS_A_BYTE = 8;

/** Bytes of a window that stands in for an empty region, and the distance between two of them. */
const EMPTY_BYTES = 16;
const EMPTY_STRIDE = 256;

/** One dispatch, ready to be encoded. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly work: number;
}

/** Replays of one executable that wait in the queue. */
class Replay implements Work {
  private next = 0;

  constructor(
    readonly executable: WebGpuExecutable,
    private readonly gpu: GPUDevice,
    private readonly dispatches: readonly Dispatch[],
    private readonly budget: number,
    private steps: number,
    private readonly timer?: PassTimer,
  ) {}

  /** Appends replays. */
  add(steps: number): void {
    this.steps += steps;
  }

  /** Enqueues one submit: one pass over as many dispatches as it may hold, across steps. */
  advance(queue: CommandQueue): boolean {
    const encoder = this.gpu.createCommandEncoder();
    const timer = this.timer?.begin();
    const first = this.next;
    let pass = encoder.beginComputePass(timer?.stamps(0));
    let pipeline: GPUComputePipeline | undefined;
    let count = 0;
    let work = 0;
    while (this.steps > 0 && count < DISPATCHES_A_SUBMIT && work < this.budget) {
      const dispatch = this.dispatches[this.next];
      if (timer !== undefined && count > 0) {
        pass.end();
        pass = encoder.beginComputePass(timer.stamps(count));
        pipeline = undefined;
      }
      if (dispatch.pipeline !== pipeline) pass.setPipeline(pipeline = dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bindGroup);
      pass.dispatchWorkgroups(dispatch.x, dispatch.y);
      count++;
      work += dispatch.work;
      if (++this.next === this.dispatches.length) {
        this.next = 0;
        this.steps--;
      }
    }
    pass.end();
    if (timer === undefined) queue.submit([encoder.finish()]);
    else timer.submit(queue, encoder, first, count, this.dispatches.length);
    return this.steps === 0;
  }
}

/** A prepared list of calls of one device. */
export class WebGpuExecutable implements Executable {
  private readonly scratch: GPUBuffer[] = [];
  private dispatches: Dispatch[] | undefined;
  /** Only where replays are timed. */
  readonly times?: () => Promise<ReplayTimes>;

  /** Makes bind groups and the uniform buffer of `calls`, whose `pipelines` stand at the same places. */
  constructor(
    private readonly device: Device,
    private readonly pool: BufferPool,
    private readonly queue: CommandQueue,
    calls: readonly DispatchedCall[],
    readonly passes: readonly Pass[],
    pipelines: readonly Pipeline[],
    private readonly label: string,
    private readonly timer?: PassTimer,
  ) {
    if (timer !== undefined) this.times = () => timer.times(queue, passes.length);
    const uniforms = this.makeUniforms(calls);
    this.dispatches = calls.map((call, i) => {
      const { gpu, layout } = pipelines[i];
      const { flops, bytes } = call.kernel.cost(call.params, call.constants);
      return {
        pipeline: gpu,
        bindGroup: this.bind(call, layout, uniforms[i]),
        x: call.workgroups[0],
        y: call.workgroups[1],
        work: flops + FLOPS_A_BYTE * bytes,
      };
    });
  }

  /** Enqueues `steps` replays and returns at once. */
  run(steps: number): void {
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new RangeError(`${this.label}: ${steps} is no number of steps`);
    }
    if (this.dispatches === undefined) throw new Error(`${this.label} is disposed`);
    if (steps === 0 || this.dispatches.length === 0) return;
    const { last } = this.queue;
    if (last instanceof Replay && last.executable === this) {
      last.add(steps);
      return;
    }
    const { gpu, adapter } = this.device;
    const budget = WORK_A_SUBMIT[adapter.class];
    this.queue.push(new Replay(this, gpu, this.dispatches, budget, steps, this.timer));
  }

  /** Releases bind groups and uniforms after the replays enqueued before. */
  dispose(): void {
    if (this.dispatches !== undefined) this.timer?.dispose(this.queue);
    this.dispatches = undefined;
    for (const buffer of this.scratch.splice(0)) this.pool.release(buffer);
  }

  private makeUniforms(calls: readonly DispatchedCall[]): GPUBufferBinding[] {
    const alignment = this.device.gpu.limits.minUniformBufferOffsetAlignment;
    let byteLength = 0;
    const places = calls.map(({ uniform }) => {
      const offset = byteLength;
      const size = Math.max(16, Math.ceil(uniform.byteLength / 16) * 16);
      byteLength += Math.ceil(size / alignment) * alignment;
      return { offset, size };
    });
    if (byteLength === 0) return [];
    const buffer = this.make(byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    const words = new Uint32Array(byteLength / 4);
    for (const [i, { uniform }] of calls.entries()) words.set(uniform, places[i].offset / 4);
    this.queue.after(() => this.queue.write(buffer, 0, words));
    return places.map(({ offset, size }) => ({ buffer, offset, size }));
  }

  private bind(
    call: DispatchedCall,
    layout: GPUBindGroupLayout,
    uniform: GPUBufferBinding,
  ): GPUBindGroup {
    // Buffers of their own, one for either usage, so that an empty region reaches nothing of use.
    const empty = new Map<boolean, GPUBuffer>();
    const resources = call.spans.map((span, i) => {
      if (span.byteLength > 0) return windowOf(span);
      const written = isWritten(call.kernel.bindings[i].access);
      const buffer = empty.get(written) ??
        this.make(EMPTY_STRIDE * call.spans.length, GPUBufferUsage.STORAGE);
      empty.set(written, buffer);
      return { buffer, offset: i * EMPTY_STRIDE, size: EMPTY_BYTES };
    });
    return this.device.gpu.createBindGroup({
      label: `${this.label}: ${call.kernel.name}`,
      layout,
      entries: [...resources, uniform].map((resource, binding) => ({ binding, resource })),
    });
  }

  private make(byteLength: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.pool.create(byteLength, usage, this.label);
    this.scratch.push(buffer);
    return buffer;
  }
}
