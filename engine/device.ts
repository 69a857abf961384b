/** Opens a device by name. */
import type { Backend, DeviceInfo, Profiling } from "./backend/backend.ts";
import { NoDeviceError } from "./backend/errors.ts";
import type { TileChoice } from "./cpu/wasm/tiles.ts";

export type { TileChoice };

/** `auto`: a real GPU if there is one, else the CPU. `webgpu`: any adapter, software ones too. */
export type DeviceName = "auto" | "cpu" | "webgpu";

/** Options of {@linkcode openDevice}. */
export interface DeviceOptions {
  /** Default "auto". */
  readonly device?: DeviceName;
  /** Of the CPU backend; all cores by default. */
  readonly threads?: number;
  /** The tile of the CPU backend's matrix products, "auto" by default; see {@linkcode TileChoice}. */
  readonly tile?: TileChoice;
  /**
   * Times calls, for {@linkcode Program.times}: `true` those of every replay, which is slower; `"sample"`
   * those of a few. The results stay the same.
   */
  readonly profile?: Profiling;
}

/**
 * Opens a device. Backends are loaded only when asked for.
 * @throws {NoDeviceError} for "webgpu" where there is no adapter.
 * @throws {RangeError} for another name, or an unknown tile.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Backend> {
  const { device = "auto", ...cpu } = options;
  if (device !== "auto" && device !== "cpu" && device !== "webgpu") {
    throw new RangeError(`device must be auto, cpu or webgpu, got ${device}`);
  }
  if (device !== "cpu") {
    const { openWebGpuBackend } = await import("./webgpu/mod.ts");
    try {
      const adapter = device === "auto" ? "hardware" : "any";
      return await openWebGpuBackend({ adapter, profile: options.profile ?? false });
    } catch (error) {
      if (device === "webgpu" || !(error instanceof NoDeviceError)) throw error;
    }
  }
  const { openCpuBackend } = await import("./cpu/backend.ts");
  return await openCpuBackend(cpu);
}

/** Whether two devices give the same bytes, as far as they say: the number of threads does not matter. */
export function isSameArithmetic(a: DeviceInfo, b: DeviceInfo): boolean {
  if (a.kind === "cpu" && b.kind === "cpu") return a.relaxed === b.relaxed;
  return a.kind === b.kind && a.description === b.description;
}
