/** Everything that is checked about a call before it is enqueued, and its workgroups. */
import type { Call, Region } from "../backend.ts";
import type { Adapter, Constants, Kernel, Params, Shader } from "../../kernels/kernel.ts";
import type { BufferPool, Span } from "./buffers.ts";
import { spanOf } from "./buffers.ts";
import { isWritten, mergeConstants } from "./pipelines.ts";

/** Picks the variant of a kernel in place of its own `choose`, for audits. */
export type ShaderChoice = (
  kernel: Kernel,
  adapter: Adapter,
  params: Params,
  constants: Constants,
) => Shader;

/** A call that passed all checks. */
export interface CheckedCall {
  /** What it computes. */
  readonly kernel: Kernel;
  /** The variant that computes it. */
  readonly shader: Shader;
  /** As in the call. */
  readonly params: Params;
  /** Merged: see {@linkcode mergeConstants}. */
  readonly constants: Constants;
  /** The uniform's words, in the order of `struct Params`. */
  readonly uniform: Uint32Array<ArrayBuffer>;
  /** The regions, in the order of the bindings. */
  readonly spans: readonly Span[];
  /** Workgroups in x and y. */
  readonly workgroups: readonly [number, number];
}

/** The limits that a call is checked against. */
export interface DispatchLimits {
  /** Bytes of one region. */
  readonly maxStorageBufferBindingSize: number;
  /** Bindings of one kernel. */
  readonly maxStorageBuffersPerShaderStage: number;
  /** Workgroups in x and in y. */
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** The variant that runs a call on an adapter. */
export const chooseShader: ShaderChoice = (kernel, adapter, params, constants) =>
  kernel.choose?.(adapter, params, { ...kernel.constants, ...constants }) ?? kernel.shaders[0];

/**
 * Checks a call.
 * @returns `undefined` where there is nothing to do.
 * @throws {TypeError} where parameters or regions do not fit the kernel's bindings.
 * @throws {RangeError} where a region or the number of workgroups is above the device's limits.
 */
export function checkCall(
  call: Call,
  shader: Shader,
  pool: BufferPool,
  limits: DispatchLimits,
): CheckedCall | undefined {
  const { kernel, params } = call;
  const uniform = packParams(kernel, params);
  const spans = checkRegions(kernel, call.regions, pool, limits);
  checkAliasing(kernel, call.regions, spans);
  const constants = mergeConstants(kernel, shader, call.constants);
  if (kernel.extent(params, constants) === 0) return undefined;
  const total = shader.workgroups(params, constants);
  if (total === 0) return undefined;
  const workgroups = foldWorkgroups(total, limits.maxComputeWorkgroupsPerDimension, kernel.name);
  return { kernel, shader, params, constants, uniform, spans, workgroups };
}

/**
 * Workgroups in x and y whose product is at least `total`, as square as needed and no more. The
 * shader unfolds them with `id.x + id.y * num_workgroups.x` and returns past the end.
 * @throws {RangeError} where even `limit`² are not enough.
 */
export function foldWorkgroups(total: number, limit: number, kernel: string): [number, number] {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new RangeError(`${kernel}: ${total} is no number of workgroups`);
  }
  if (total <= limit) return [total, 1];
  const y = Math.ceil(total / limit);
  if (y > limit) {
    throw new RangeError(`${kernel}: ${total} workgroups, but the device takes at most ${limit}²`);
  }
  return [Math.ceil(total / y), y];
}

/**
 * The uniform of a call: one word a parameter.
 * @throws {TypeError} for a parameter that is missing or unknown.
 * @throws {RangeError} for a u32 that is not one.
 */
export function packParams(kernel: Kernel, params: Params): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(kernel.params.length);
  const floats = new Float32Array(words.buffer);
  for (const [i, { name, type }] of kernel.params.entries()) {
    const value = params[name];
    if (typeof value !== "number") {
      throw new TypeError(`${kernel.name}: parameter ${name} is missing`);
    }
    if (type === "f32") {
      floats[i] = value;
    } else {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
        throw new RangeError(`${kernel.name}: parameter ${name} = ${value} is no u32`);
      }
      words[i] = value;
    }
  }
  for (const name of Object.keys(params)) {
    if (!kernel.params.some((parameter) => parameter.name === name)) {
      throw new TypeError(`${kernel.name}: has no parameter ${name}`);
    }
  }
  return words;
}

function checkRegions(
  kernel: Kernel,
  regions: readonly Region[],
  pool: BufferPool,
  limits: DispatchLimits,
): Span[] {
  const { maxStorageBufferBindingSize: maxBytes, maxStorageBuffersPerShaderStage } = limits;
  if (regions.length !== kernel.bindings.length) {
    throw new TypeError(
      `${kernel.name}: ${regions.length} regions for ${kernel.bindings.length} bindings`,
    );
  }
  if (regions.length > maxStorageBuffersPerShaderStage) {
    throw new RangeError(
      `${kernel.name}: ${regions.length} bindings, but the device binds at most ` +
        `${maxStorageBuffersPerShaderStage} storage buffers`,
    );
  }
  return kernel.bindings.map((binding, i) => {
    const what = `${kernel.name}, binding ${binding.name}`;
    if (binding.type !== "word" && binding.type !== regions[i].dtype) {
      throw new TypeError(`${what}: is ${binding.type}, the region is ${regions[i].dtype}`);
    }
    const span = spanOf(pool, regions[i], what);
    if (span.byteLength > maxBytes) {
      throw new RangeError(
        `${what}: the region has ${span.byteLength} bytes, but the device binds at most ` +
          `${maxBytes} (maxStorageBufferBindingSize); split the data into chunks`,
      );
    }
    return span;
  });
}

/**
 * WebGPU counts a whole buffer as written where any window of it is written, so that in one call a
 * buffer is either read only or written only through windows that do not overlap.
 */
function checkAliasing(kernel: Kernel, regions: readonly Region[], spans: readonly Span[]): void {
  const { bindings } = kernel;
  for (let i = 0; i < spans.length; i++) {
    if (!isWritten(bindings[i].access) || spans[i].byteLength === 0) continue;
    for (let j = 0; j < spans.length; j++) {
      if (j === i || spans[j].byteLength === 0 || spans[i].buffer !== spans[j].buffer) continue;
      const [a, b] = [spans[i], spans[j]];
      const pair = `${kernel.name}: bindings ${bindings[i].name} and ${bindings[j].name}`;
      if (!isWritten(bindings[j].access)) {
        throw new TypeError(
          `${pair} write and read the buffer ${
            regions[i].buffer.label
          } in one call, which WebGPU ` +
            "forbids even for separate regions; give one of them its own buffer",
        );
      }
      if (
        a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
      ) {
        throw new TypeError(
          `${pair} write overlapping regions of the buffer ${regions[i].buffer.label}`,
        );
      }
    }
  }
}
