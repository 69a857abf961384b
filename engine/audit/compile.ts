/**
 * Compiles all shaders with all their constants: with the compiler of this runtime (naga in Deno and
 * Firefox, Tint in Chrome), and with Tint through the npm package `webgpu`, which needs no GPU.
 */
import { type Constants, type Kernel, type Shader, variantName } from "../../kernels/kernel.ts";
import { NoDeviceError } from "../backend/errors.ts";
import { openGpuDevice, SUBGROUPS } from "../webgpu/device.ts";
import { mergeConstants, PipelineCache } from "../webgpu/pipelines.ts";

/** A shader compiler. */
export interface ShaderCompiler {
  /** For the table. */
  readonly name: string;
  /** Whether its device lets shaders use subgroups. */
  readonly hasSubgroups: boolean;
  /** Resolves where the shader compiles with these constants. Rejects with a ShaderError. */
  compile(kernel: Kernel, shader: Shader, constants: Constants): Promise<void>;
  /** Gives its device back. */
  dispose(): void;
}

/** The compilation of one shader: a row of the table. */
export interface CompileRow {
  /** The compiler's name. */
  readonly compiler: string;
  /** The kernel's name. */
  readonly kernel: string;
  /** The shader's file, and the constants that select it. */
  readonly shader: string;
  /** Different values of its constants that were compiled. */
  readonly combinations: number;
  /** One message for each that failed. */
  readonly errors: readonly string[];
}

/**
 * The compiler behind `navigator.gpu`.
 * @throws {NoDeviceError} where there is no adapter.
 */
export async function openRuntimeCompiler(): Promise<ShaderCompiler> {
  const { gpu, adapter } = await openGpuDevice();
  const name = "Deno" in globalThis ? "naga" : "this runtime";
  return new DeviceCompiler(`${name} (${adapter.title})`, gpu, navigator.gpu);
}

/**
 * Tint, on a device that executes nothing.
 * @throws {NoDeviceError} where the npm package `webgpu` is not installed or may not be loaded (it
 * is native code); the cause is kept.
 */
export async function openTintCompiler(): Promise<ShaderCompiler> {
  let dawn: { create(options: string[]): GPU };
  try {
    // Not a literal: the package's own declarations of WebGPU clash with Deno's.
    const name: string = "webgpu";
    dawn = await import(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NoDeviceError(`the npm package webgpu does not load: ${reason}`, { cause });
  }
  const instance = dawn.create(["backend=null"]);
  const adapter = await instance.requestAdapter();
  if (adapter === null) throw new NoDeviceError("the npm package webgpu has no null backend");
  const gpu = await adapter.requestDevice({ requiredFeatures: [SUBGROUPS] });
  return new DeviceCompiler("Tint", gpu, instance);
}

/**
 * Compiles every shader of the kernels with all constants that occur in its cases, one row for each
 * shader; none for shaders that use subgroups, where the compiler's device has none.
 */
export async function* compileKernels(
  compiler: ShaderCompiler,
  kernels: Readonly<Record<string, Kernel>>,
): AsyncGenerator<CompileRow> {
  for (const kernel of Object.values(kernels)) {
    for (const shader of kernel.shaders) {
      if (shader.subgroupSize !== undefined && !compiler.hasSubgroups) continue;
      const combinations = new Map<string, Constants>();
      for (const { constants } of [{ constants: {} }, ...kernel.cases()]) {
        const merged = mergeConstants(kernel, shader, constants);
        combinations.set(JSON.stringify(Object.entries(merged).sort()), merged);
      }
      const results = await Promise.allSettled(
        [...combinations.values()].map((constants) => compiler.compile(kernel, shader, constants)),
      );
      yield {
        compiler: compiler.name,
        kernel: kernel.name,
        shader: variantName(shader),
        combinations: combinations.size,
        errors: results.flatMap((result) =>
          result.status === "rejected" ? [String(result.reason)] : []
        ),
      };
    }
  }
}

class DeviceCompiler implements ShaderCompiler {
  readonly hasSubgroups: boolean;
  private readonly cache: PipelineCache;

  /** `instance` is only held: Dawn's devices crash when their instance is collected. */
  constructor(readonly name: string, private readonly gpu: GPUDevice, readonly instance: GPU) {
    this.hasSubgroups = gpu.features.has(SUBGROUPS);
    this.cache = new PipelineCache(gpu);
  }

  async compile(kernel: Kernel, shader: Shader, constants: Constants): Promise<void> {
    await this.cache.get(kernel, shader, constants);
  }

  dispose(): void {
    this.gpu.destroy();
  }
}
