/**
 * What every backend refuses before it prepares calls: whatever can be said of a call from its
 * kernel's descriptor and its regions alone, in the same words everywhere. What depends on a device's
 * limits is checked by that device.
 */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import { type Call, type DeviceBuffer, type Region, REGION_ALIGNMENT } from "./backend.ts";

/** Whether a buffer was made by the backend that is to use it, freed or not. */
export type Owns<B extends DeviceBuffer> = (buffer: DeviceBuffer) => buffer is B;

/** A region whose buffer is the backend's own. */
export interface OwnRegion<B extends DeviceBuffer> extends Region {
  readonly buffer: B;
}

/** A call that passed: its constants are complete, its regions the backend's own. */
export interface CheckedCall<B extends DeviceBuffer> extends Call {
  readonly regions: readonly OwnRegion<B>[];
}

/**
 * Checks calls, and completes their constants with the kernels' defaults.
 * @param label What is prepared, for messages.
 * @throws {TypeError} for a wrong number of regions, another element type, a buffer that is freed or
 * another device's, a parameter or constant that is missing or unknown, and for memory that a call
 * writes and also reads or writes through another binding.
 * @throws {RangeError} for a u32 parameter that is none, and for a region that leaves its buffer, is
 * not aligned, or is shorter than what the kernel touches.
 */
export function checkCalls<B extends DeviceBuffer>(
  calls: readonly Call[],
  owns: Owns<B>,
  label: string,
): CheckedCall<B>[] {
  return calls.map((call, i) =>
    checkCall(call, owns, `Cannot prepare ${label}: call ${i}, ${call.kernel.name}`)
  );
}

function checkCall<B extends DeviceBuffer>(
  { kernel, params, constants: given, regions: bound }: Call,
  owns: Owns<B>,
  where: string,
): CheckedCall<B> {
  const { bindings } = kernel;
  checkParams(kernel, params, where);
  const constants = completeConstants(kernel, given, where);
  if (bound.length !== bindings.length) {
    throw new TypeError(`${where}: binds ${bindings.length} regions, got ${bound.length}`);
  }
  const needed = kernel.lengths(params, constants);
  const regions = bindings.map(({ name, type }, i) => {
    const what = `${where}: ${name}`;
    const region = checkRegion(bound[i], owns, what);
    if (type !== "word" && type !== region.dtype) {
      throw new TypeError(`${what} must be ${type}, its region is ${region.dtype}`);
    }
    if (region.length < needed[i]) {
      throw new RangeError(`${what} needs ${needed[i]} elements, its region has ${region.length}`);
    }
    return region;
  });
  checkAliasing(kernel, regions, where);
  return { kernel, params, constants, regions };
}

/**
 * Checks where a region lies.
 * @param what What looks at it, for messages.
 * @returns the region, known to be of the backend's own memory.
 * @throws {TypeError} where the buffer is another device's, or freed.
 * @throws {RangeError} where the region leaves its buffer, or is not aligned.
 */
export function checkRegion<B extends DeviceBuffer>(
  { buffer, offset, length, dtype }: Region,
  owns: Owns<B>,
  what: string,
): OwnRegion<B> {
  if (!owns(buffer)) {
    throw new TypeError(`${what}: the buffer ${buffer.label} belongs to another device`);
  }
  if (buffer.freed) throw new TypeError(`${what}: the buffer ${buffer.label} is freed`);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new RangeError(`${what}: offset ${offset}, length ${length} is no region`);
  }
  if (offset % REGION_ALIGNMENT !== 0) {
    throw new RangeError(
      `${what}: offset ${offset} is not a multiple of ${REGION_ALIGNMENT} elements`,
    );
  }
  if (4 * (offset + length) > buffer.byteLength) {
    throw new RangeError(
      `${what}: elements ${offset} to ${offset + length} leave the buffer ${buffer.label} of ` +
        `${buffer.byteLength / 4}`,
    );
  }
  return { buffer, offset, length, dtype };
}

function checkParams(kernel: Kernel, params: Params, where: string): void {
  for (const { name, type } of kernel.params) {
    const value: unknown = params[name];
    if (typeof value !== "number") throw new TypeError(`${where}: parameter ${name} is missing`);
    if (type === "u32" && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
      throw new RangeError(`${where}: parameter ${name} = ${value} is no u32`);
    }
  }
  for (const name of Object.keys(params)) {
    if (kernel.params.every((parameter) => parameter.name !== name)) {
      throw new TypeError(`${where}: has no parameter ${name}`);
    }
  }
}

function completeConstants(kernel: Kernel, given: Constants, where: string): Constants {
  for (const [name, value] of Object.entries<unknown>(given)) {
    if (!(name in kernel.constants)) throw new TypeError(`${where}: has no constant ${name}`);
    if (typeof value !== "number") {
      throw new TypeError(`${where}: constant ${name} must be a number, got ${value}`);
    }
  }
  return { ...kernel.constants, ...given };
}

/**
 * WebGPU counts a whole buffer as written where any window of it is written, so that in one call a
 * buffer is either read only or written only through windows that do not overlap.
 */
function checkAliasing({ bindings }: Kernel, regions: readonly Region[], where: string): void {
  regions.forEach((a, i) => {
    if (bindings[i].access === "read" || a.length === 0) return;
    regions.forEach((b, j) => {
      if (j === i || b.length === 0 || a.buffer !== b.buffer) return;
      const pair = `${where}: ${bindings[i].name} and ${bindings[j].name}`;
      if (bindings[j].access === "read") {
        throw new TypeError(
          `${pair} write and read the buffer ${a.buffer.label} in one call, which WebGPU forbids ` +
            "even for separate regions; give one of them its own buffer",
        );
      }
      if (a.offset < b.offset + b.length && b.offset < a.offset + a.length) {
        throw new TypeError(`${pair} write overlapping regions of the buffer ${a.buffer.label}`);
      }
    });
  });
}
