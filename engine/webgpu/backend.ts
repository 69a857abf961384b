/** WebGPU as a {@linkcode Backend}: any adapter, under Deno and in browsers. */
import type {
  Backend,
  Call,
  Executable,
  MemoryUse,
  Pass,
  Region,
  Roofline,
  WebGpuInfo,
} from "../backend/backend.ts";
import { type Adapter, variantName } from "../../kernels/kernel.ts";
import { checkCalls, checkRegion } from "../backend/call_check.ts";
import { limitsOf } from "./adapter.ts";
import { BufferPool, spanOf } from "./buffers.ts";
import type { WebGpuBuffer } from "./buffers.ts";
import { openGpuDevice, TIMESTAMPS } from "./device.ts";
import type { Device, DeviceChoice } from "./device.ts";
import { chooseShader, dispatchOf } from "./dispatch.ts";
import type { DispatchedCall, ShaderChoice } from "./dispatch.ts";
import { WebGpuExecutable } from "./executable.ts";
import { PassTimer } from "./pass_timer.ts";
import { PipelineCache } from "./pipelines.ts";
import { measureRoofline } from "./probes.ts";
import { CommandQueue } from "./queue.ts";
import { readBack } from "./readback.ts";

/** Submits of an executable of which one is timed, where a sample is asked for. */
const SAMPLED_SUBMITS = 64;

/** How to open a WebGPU backend. */
export interface WebGpuOptions extends DeviceChoice {
  /** Picks shader variants in place of the kernels' own choice, for audits. */
  readonly shader?: ShaderChoice;
}

/** A backend on WebGPU. */
export interface WebGpuBackend extends Backend {
  /** What the device is, and which shaders are in use. */
  readonly info: WebGpuInfo;
  /** What shader variants are chosen for. */
  readonly adapter: Adapter;
}

/**
 * Opens WebGPU.
 * @throws {NoDeviceError} where there is no adapter, or none but software and `adapter` is
 * `"hardware"`.
 */
export async function openWebGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  return new DeviceBackend(await openGpuDevice(options), options);
}

class DeviceBackend implements WebGpuBackend {
  readonly maxRegionBytes: number;
  /** Only with timestamps. */
  readonly roofline?: () => Promise<Roofline>;
  private readonly queue: CommandQueue;
  private readonly pool: BufferPool;
  private readonly pipelines: PipelineCache;
  private readonly choose: ShaderChoice;
  /** Submits of an executable of which one is timed; 0: none are. */
  private readonly timed: number;
  /** Shader variants in use by kernel. */
  private readonly variants = new Map<string, Set<string>>();

  constructor(private readonly device: Device, { shader, profile = false }: WebGpuOptions) {
    // Without timestamps a sample says nothing of passes.
    const isSampled = profile === "sample" && device.gpu.features.has(TIMESTAMPS);
    this.timed = isSampled ? SAMPLED_SUBMITS : Number(profile === true);
    this.queue = new CommandQueue(device.gpu, device.health);
    this.pool = new BufferPool(device, this.queue);
    this.pipelines = new PipelineCache(device.gpu);
    this.choose = shader ?? chooseShader;
    if (device.gpu.features.has(TIMESTAMPS)) {
      this.roofline = () => measureRoofline(device.gpu, this.queue, device.adapter.class);
    }
    this.maxRegionBytes = device.gpu.limits.maxStorageBufferBindingSize;
  }

  get adapter(): Adapter {
    return this.device.adapter;
  }

  get info(): WebGpuInfo {
    const { title: description, vendor, architecture, features, ...adapter } = this.device.adapter;
    const shaders: Record<string, string[]> = {};
    for (const name of [...this.variants.keys()].sort()) {
      shaders[name] = [...this.variants.get(name)!].sort();
    }
    const limits = limitsOf(this.device.gpu.limits);
    return {
      kind: "webgpu",
      description,
      class: adapter.class,
      vendor,
      architecture,
      features,
      limits,
      shaders,
    };
  }

  allocate(byteLength: number, label: string): WebGpuBuffer {
    this.device.health.checkOpen();
    return this.pool.storage(byteLength, label);
  }

  write(region: Region, data: Float32Array | Uint32Array): void {
    this.device.health.checkOpen();
    const what = `write to ${region.buffer.label}`;
    const { buffer, byteOffset } = spanOf(checkRegion(region, this.pool.owns, what));
    const dtype = data instanceof Float32Array ? "f32" : "u32";
    if (dtype !== region.dtype) {
      throw new TypeError(`${what}: the data is ${dtype}, the region is ${region.dtype}`);
    }
    if (data.length !== region.length) {
      throw new RangeError(
        `${what}: ${data.length} elements for a region of ${region.length}`,
      );
    }
    if (data.length === 0) return;
    // A copy as words: the caller may reuse its array at once, and NaN bits are kept.
    const words = new Uint32Array(new Uint32Array(data.buffer, data.byteOffset, data.length));
    this.queue.after(() => this.queue.write(buffer, byteOffset, words));
  }

  async read(regions: readonly Region[]): Promise<(Float32Array | Uint32Array)[]> {
    this.device.health.checkOpen();
    const sources = regions.map((region) => ({
      ...spanOf(checkRegion(region, this.pool.owns, `read of ${region.buffer.label}`)),
      dtype: region.dtype,
    }));
    return await readBack(this.device, this.pool, this.queue, sources);
  }

  async prepare(calls: readonly Call[], label: string): Promise<Executable> {
    const { gpu, health } = this.device;
    health.checkOpen();
    health.check();
    const dispatched: DispatchedCall[] = [];
    const passes: Pass[] = [];
    for (const [i, call] of checkCalls(calls, this.pool.owns, label).entries()) {
      const { kernel, params, constants } = call;
      const shader = this.choose(kernel, this.device.adapter, params, constants);
      const where = `Cannot prepare ${label}: call ${i}, ${kernel.name}`;
      const found = dispatchOf(call, shader, gpu.limits, where);
      if (found === undefined) continue;
      dispatched.push(found);
      passes.push({ call: i, variant: variantName(shader) });
    }
    const pipelines = await Promise.all(
      dispatched.map((call) => this.pipelines.get(call.kernel, call.shader, call.constants)),
    );
    for (const { kernel, shader } of dispatched) {
      const names = this.variants.get(kernel.name) ?? new Set();
      this.variants.set(kernel.name, names.add(variantName(shader)));
    }
    gpu.pushErrorScope("validation");
    const executable = new WebGpuExecutable(
      this.device,
      this.pool,
      this.queue,
      dispatched,
      passes,
      pipelines,
      label,
      this.timed > 0 ? new PassTimer(gpu, this.timed) : undefined,
    );
    const error = await gpu.popErrorScope();
    if (error !== null) {
      executable.dispose();
      throw new Error(`Cannot prepare ${label}: ${error.message.trim()}`);
    }
    return executable;
  }

  memory(): MemoryUse {
    return this.pool.memory();
  }

  async dispose(): Promise<void> {
    this.device.health.close();
    const drained = this.queue.drain();
    this.device.gpu.destroy();
    await drained;
    await this.device.gpu.lost;
  }
}
