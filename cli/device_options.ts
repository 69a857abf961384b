/** The options by which commands choose a device. */
import type { Command } from "commander";
import type { Backend } from "../engine/backend.ts";
import { type DeviceName, openDevice } from "../engine/device.ts";
import { usageError } from "./errors.ts";
import { integerOption } from "./method_options.ts";
import { unknownName } from "./suggest.ts";

const DEVICES: readonly DeviceName[] = ["auto", "cpu", "webgpu"];

/** What {@linkcode addDeviceOptions} gives. */
export interface DeviceValues {
  /** Absent: auto. */
  readonly device?: DeviceName;
  /** Of the CPU. */
  readonly threads?: number;
}

/** Adds `--device` and `--threads`. */
export function addDeviceOptions(command: Command): void {
  command
    .option(
      "--device <auto|cpu|webgpu>",
      "auto: a GPU if there is one, else the CPU; webgpu: software adapters too",
      parseDevice,
    )
    .option("--threads <n>", "of the CPU (default: all cores)", parseThreads);
}

/** @throws {Failure} for a name that is no device. */
export function parseDevice(text: string): DeviceName {
  const device = DEVICES.find((name) => name === text);
  if (device === undefined) throw usageError(unknownName("device", text, DEVICES));
  return device;
}

function parseThreads(text: string): number {
  const threads = integerOption("--threads", 1)(text);
  if (threads <= 256) return threads;
  throw usageError(`--threads takes an integer from 1 to 256, got ${text}`);
}

/** Opens the device that the options name. */
export async function open({ device, threads }: DeviceValues): Promise<Backend> {
  return await openDevice({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
}
