/** The options by which commands choose a device. */
import type { Command } from "commander";
import type { Backend, Profiling } from "../engine/backend/backend.ts";
import { TILE_CHOICES } from "../engine/cpu/wasm/tiles.ts";
import { type DeviceName, openDevice, type TileChoice } from "../engine/device.ts";
import { addDebugOption, type DebugTopics, Inspection } from "./debug.ts";
import { usageError } from "./errors.ts";
import { integerOption } from "./method_options.ts";
import { unknownName } from "./suggest.ts";
import { quietWayland } from "./wayland.ts";

const inspections = new WeakMap<Backend, Inspection>();

const DEVICES: readonly DeviceName[] = ["auto", "cpu", "webgpu"];

/** What {@linkcode addDeviceOptions} gives. */
export interface DeviceValues {
  /** Absent: auto. */
  readonly device?: DeviceName;
  /** Of the CPU. */
  readonly threads?: number;
  /** Of the CPU's matrix products. */
  readonly tile?: TileChoice;
  /** What to show of the programs that run. */
  readonly debug?: DebugTopics;
}

/** Adds `--device`, `--threads` and the `--debug` of commands that compute. */
export function addDeviceOptions(command: Command): void {
  command
    .option(
      "--device <auto|cpu|webgpu>",
      "auto: a GPU if there is one, else the CPU; webgpu: software adapters too",
      parseDevice,
    )
    .option("--threads <n>", "of the CPU (default: all cores)", parseThreads)
    .option(
      `--tile <${TILE_CHOICES.join("|")}>`,
      "of the CPU's matrix products; results are the same (default: auto)",
      parseTile,
    );
  addDebugOption(command, "computing");
}

/** @throws {Failure} for a name that is no device. */
export function parseDevice(text: string): DeviceName {
  const device = DEVICES.find((name) => name === text);
  if (device === undefined) throw usageError(unknownName("device", text, DEVICES));
  return device;
}

function parseTile(text: string): TileChoice {
  const tile = TILE_CHOICES.find((name) => name === text);
  if (tile === undefined) throw usageError(unknownName("tile", text, TILE_CHOICES));
  return tile;
}

function parseThreads(text: string): number {
  const threads = integerOption("--threads", 1)(text);
  if (threads <= 256) return threads;
  throw usageError(`--threads takes an integer from 1 to 256, got ${text}`);
}

/**
 * Opens the device that the options name; give it back to {@linkcode close}.
 * @param profile What it times, if `--debug` asks for no more.
 */
export async function open(
  { device, threads, tile, debug }: DeviceValues,
  profile: Profiling = false,
): Promise<Backend> {
  if (device !== "cpu") quietWayland();
  const backend = await openDevice({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(tile === undefined ? {} : { tile }),
    profile: debug?.has("time") || profile,
  });
  if (debug !== undefined) inspections.set(backend, new Inspection(backend, debug));
  return backend;
}

/** Frees a device, once what `--debug time` has measured is shown. */
export async function close(backend: Backend): Promise<void> {
  await inspections.get(backend)?.finish();
  await backend.dispose();
}
