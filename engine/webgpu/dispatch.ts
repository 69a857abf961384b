/** How a call is dispatched on a device: its variant, uniform and workgroups, within the limits. */
import type { CheckedCall } from "../backend/call_check.ts";
import type { Adapter, Constants, Kernel, Params, Shader } from "../../kernels/kernel.ts";
import type { Span, WebGpuBuffer } from "./buffers.ts";
import { spanOf } from "./buffers.ts";
import { mergeConstants } from "./pipelines.ts";

/** Picks the variant of a kernel in place of its own `choose`, for audits. */
export type ShaderChoice = (
  kernel: Kernel,
  adapter: Adapter,
  params: Params,
  constants: Constants,
) => Shader;

/** A call that is ready to be encoded. */
export interface DispatchedCall {
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
 * How a call is dispatched.
 * @param where The call, for messages.
 * @returns `undefined` where there is nothing to do.
 * @throws {RangeError} where regions or the number of workgroups are above the device's limits.
 */
export function dispatchOf(
  { kernel, params, constants: own, regions }: CheckedCall<WebGpuBuffer>,
  shader: Shader,
  limits: DispatchLimits,
  where: string,
): DispatchedCall | undefined {
  const spans = regions.map(spanOf);
  checkBindings(kernel, spans, limits, where);
  const constants = mergeConstants(kernel, shader, own);
  if (kernel.extent(params, constants) === 0) return undefined;
  const total = shader.workgroups(params, constants);
  if (total === 0) return undefined;
  const workgroups = foldWorkgroups(total, limits.maxComputeWorkgroupsPerDimension, where);
  return {
    kernel,
    shader,
    params,
    constants,
    uniform: packParams(kernel, params),
    spans,
    workgroups,
  };
}

/**
 * Workgroups in x and y whose product is at least `total`, as square as needed and no more. The
 * shader unfolds them with `id.x + id.y * num_workgroups.x` and returns past the end.
 * @throws {RangeError} where even `limit`² are not enough.
 */
export function foldWorkgroups(total: number, limit: number, where: string): [number, number] {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new RangeError(`${where}: ${total} is no number of workgroups`);
  }
  if (total <= limit) return [total, 1];
  const y = Math.ceil(total / limit);
  if (y > limit) {
    throw new RangeError(`${where}: ${total} workgroups, but the device takes at most ${limit}²`);
  }
  return [Math.ceil(total / y), y];
}

/** The uniform of a call: one word a parameter. */
export function packParams(kernel: Kernel, params: Params): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(kernel.params.length);
  const floats = new Float32Array(words.buffer);
  for (const [i, { name, type }] of kernel.params.entries()) {
    (type === "f32" ? floats : words)[i] = params[name];
  }
  return words;
}

function checkBindings(
  { bindings }: Kernel,
  spans: readonly Span[],
  limits: DispatchLimits,
  where: string,
): void {
  const { maxStorageBufferBindingSize: maxBytes, maxStorageBuffersPerShaderStage: most } = limits;
  if (spans.length > most) {
    throw new RangeError(
      `${where}: ${spans.length} bindings, but the device binds at most ${most} storage buffers`,
    );
  }
  spans.forEach(({ byteLength }, i) => {
    if (byteLength <= maxBytes) return;
    throw new RangeError(
      `${where}: the region of ${bindings[i].name} has ${byteLength} bytes, but the device binds ` +
        `at most ${maxBytes} (maxStorageBufferBindingSize); split the data into chunks`,
    );
  });
}
