/** A WebGPU device and the memory of what went wrong on it. */
import type { Profiling } from "../backend/backend.ts";
import { DeviceLostError, type LossReason } from "../backend/errors.ts";
import type { Adapter } from "../../kernels/kernel.ts";
import { requestAdapter, summarize } from "./adapter.ts";
import type { AdapterOptions, AdapterSummary } from "./adapter.ts";

/** An open device. */
export interface Device {
  /** The runtime's device. */
  readonly gpu: GPUDevice;
  /** What it was opened on, and whether shaders may use subgroups on it. */
  readonly adapter: AdapterSummary & Adapter;
  /** Its first failure. */
  readonly health: Health;
}

/**
 * The first failure of a device. WebGPU reports failures of enqueued work as events; they are kept
 * here until somebody waits for results, because from the first one on all results are suspect.
 */
export class Health {
  private failure: DeviceLostError | undefined;
  private closing = false;

  /** Listens to the device's failures. `title` names the device in messages. */
  constructor(gpu: GPUDevice, private readonly title: string) {
    gpu.addEventListener("uncapturederror", (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      this.fail(error.message, reasonOf(error));
    });
    gpu.lost.then((info) => {
      if (!this.closing) this.fail(info.message || String(info.reason), "lost");
    });
  }

  /** Remembers a failure, unless there was one before. */
  fail(message: string, reason: LossReason): void {
    this.failure ??= new DeviceLostError(`${this.title}: ${message.trim()}`, reason);
  }

  /**
   * Asserts that nothing has failed.
   * @throws {DeviceLostError} the first failure, if there was any.
   */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** From now on the loss of the device is intended. */
  close(): void {
    this.closing = true;
  }

  /**
   * Asserts that the device is in use.
   * @throws {Error} after {@linkcode Health.close}.
   */
  checkOpen(): void {
    if (this.closing) throw new Error(`${this.title}: the device is disposed`);
  }
}

/** How to open a device. */
export interface DeviceChoice extends AdapterOptions {
  /** Asks for timestamps, where the adapter has them. */
  readonly profile?: Profiling;
}

/** The feature by which passes are timed. */
export const TIMESTAMPS = "timestamp-query";

/** The feature by which shaders may use subgroups. */
export const SUBGROUPS = "subgroups" as GPUFeatureName;

/**
 * Opens a device with the default limits, but for the buffer size, which is the adapter's: data sets
 * are larger than a binding and are bound by windows. Shaders may use subgroups where all have the
 * same size.
 * @throws {NoDeviceError} where no adapter fits the options.
 */
export async function openGpuDevice(
  { profile = false, ...options }: DeviceChoice = {},
): Promise<Device> {
  const found = await requestAdapter(options);
  const features: GPUFeatureName[] = profile && found.features.has(TIMESTAMPS) ? [TIMESTAMPS] : [];
  const request = (requiredFeatures: GPUFeatureName[]) =>
    found.requestDevice({
      label: "dynae",
      requiredFeatures,
      requiredLimits: { maxBufferSize: found.limits.maxBufferSize },
    });
  const { subgroupMinSize, subgroupMaxSize } = found.info;
  // Deno grants subgroups without naming them among the adapter's features: so they are asked for.
  const gpu = subgroupMinSize === subgroupMaxSize
    ? await request([...features, SUBGROUPS]).catch(() => request(features))
    : await request(features);
  const adapter = {
    ...summarize(found),
    ...(gpu.features.has(SUBGROUPS) ? { subgroupSize: subgroupMinSize } : {}),
  };
  return { gpu, adapter, health: new Health(gpu, adapter.title) };
}

function reasonOf(error: GPUError): LossReason {
  if (error instanceof GPUOutOfMemoryError) return "out-of-memory";
  return error instanceof GPUValidationError ? "validation" : "internal";
}
