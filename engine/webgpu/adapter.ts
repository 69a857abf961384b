/** Finding an adapter and saying what it is. Runs wherever `navigator.gpu` does. */
import type { AdapterClass } from "../../kernels/kernel.ts";
import { NoDeviceError } from "../backend/errors.ts";

/** What an adapter says about itself. */
export interface AdapterIdentity {
  /** The maker, or its PCI number. */
  readonly vendor: string;
  /** The family of GPUs, often empty. */
  readonly architecture: string;
  /** The maker's number of the device, often empty. */
  readonly device: string;
  /** The driver's name for it, often empty in browsers. */
  readonly description: string;
  /** Whether the runtime itself calls it a fallback. */
  readonly isFallbackAdapter?: boolean;
}

/** One adapter of this machine, as `info` prints it. */
export interface AdapterSummary extends AdapterIdentity {
  /** For people; never empty. */
  readonly title: string;
  /** Which shader variants suit it. */
  readonly class: AdapterClass;
  /** Optional features, sorted. */
  readonly features: readonly string[];
  /** The most that a device on it can be opened with. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Which adapter to ask for. */
export interface AdapterOptions {
  /** `"any"` (default) also takes software adapters; `"hardware"` only real GPUs. */
  readonly adapter?: "any" | "hardware";
  /** Which of several GPUs; `"high-performance"` by default. */
  readonly powerPreference?: GPUPowerPreference;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|softpipe|basic render|\bwarp\b|software/i;

/** Whether the adapter is a real GPU, and not a program that imitates one on the CPU. */
export function isHardware(info: AdapterIdentity): boolean {
  const { vendor, architecture, device, description } = info;
  return info.isFallbackAdapter !== true &&
    !SOFTWARE.test([vendor, architecture, device, description].join(" "));
}

/**
 * An adapter for the options.
 * @throws {NoDeviceError} where the runtime has no WebGPU or no adapter fits.
 */
export async function requestAdapter(options: AdapterOptions = {}): Promise<GPUAdapter> {
  const gpu = webGpu();
  if (gpu === undefined) throw new NoDeviceError("This runtime has no WebGPU (navigator.gpu)");
  const powerPreference = options.powerPreference ?? "high-performance";
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter === null) throw new NoDeviceError("WebGPU finds no adapter on this machine");
  if (options.adapter === "hardware" && !isHardware(adapter.info)) {
    throw new NoDeviceError(
      `WebGPU finds no GPU on this machine, only the software adapter ${titleOf(adapter.info)}`,
    );
  }
  return adapter;
}

/** What {@linkcode AdapterSummary} says about an adapter. */
export function summarize(adapter: GPUAdapter): AdapterSummary {
  const { vendor, architecture, device, description } = adapter.info;
  return {
    vendor,
    architecture,
    device,
    description,
    isFallbackAdapter: adapter.info.isFallbackAdapter === true,
    title: titleOf(adapter.info),
    class: isHardware(adapter.info) ? "hardware" : "software",
    features: [...adapter.features].sort(),
    limits: limitsOf(adapter.limits),
  };
}

/** All different adapters that WebGPU shows on this machine; empty where there are none. */
export async function listAdapters(): Promise<AdapterSummary[]> {
  const requests: GPURequestAdapterOptions[] = [
    { powerPreference: "high-performance" },
    { powerPreference: "low-power" },
    { forceFallbackAdapter: true },
  ];
  const found = new Map<string, AdapterSummary>();
  for (const request of requests) {
    const adapter = await webGpu()?.requestAdapter(request);
    if (!adapter) continue;
    const summary = summarize(adapter);
    const { vendor, architecture, device, title } = summary;
    const key = [vendor, architecture, device, title].join("\n");
    if (!found.has(key)) found.set(key, summary);
  }
  return [...found.values()];
}

/** All limits by name: they are getters of the prototype, which a spread would not see. */
export function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") result[name] = value;
  }
  return result;
}

function titleOf(info: AdapterIdentity): string {
  return info.description ||
    [info.vendor, info.architecture, info.device].filter((part) => part !== "").join(" ") ||
    "unnamed adapter";
}

function webGpu(): GPU | undefined {
  return (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
}
