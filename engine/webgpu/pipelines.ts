/** Compiling shaders, each combination of a shader and its constants once. */
import {
  type Access,
  type Constants,
  joinedName,
  joinedSource,
  type Kernel,
  placeOf,
  type Shader,
  type ShaderText,
} from "../../kernels/kernel.ts";
import { ShaderError } from "../backend/errors.ts";

/** A compiled kernel and the layout of its bind group. */
export interface Pipeline {
  /** The runtime's pipeline. */
  readonly gpu: GPUComputePipeline;
  /** Storage buffers in the order of the bindings, then the uniform. */
  readonly layout: GPUBindGroupLayout;
}

/** The constants with which a variant is compiled: the kernel's, the call's, the variant's. */
export function mergeConstants(kernel: Kernel, shader: Shader, constants: Constants): Constants {
  return { ...kernel.constants, ...constants, ...shader.constants };
}

/** The compiled kernels of one device. */
export class PipelineCache {
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly modules = new Map<string, Promise<GPUShaderModule>>();
  private subgroupDirective: Promise<string> | undefined;
  private readonly pipelines = new Map<string, Promise<Pipeline>>();

  /** An empty cache. */
  constructor(private readonly gpu: GPUDevice) {}

  /**
   * The pipeline of a variant with merged constants. Those asked for together compile in parallel.
   * @throws {ShaderError} where the shader does not compile with these constants.
   */
  get(kernel: Kernel, shader: Shader, constants: Constants): Promise<Pipeline> {
    const accesses = kernel.bindings.map((binding) => binding.access);
    const names = Object.keys(constants).sort();
    const key = JSON.stringify([
      joinedName(shader),
      accesses.map(isWritten),
      names.map((name) => [name, constants[name]]),
      joinedSource(shader),
    ]);
    let pipeline = this.pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.compile(kernel, shader, constants);
      this.pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  private async compile(kernel: Kernel, shader: Shader, constants: Constants): Promise<Pipeline> {
    const module = await this.module(shader);
    const layout = this.layout(kernel.bindings.map((binding) => binding.access));
    try {
      const gpu = await this.gpu.createComputePipelineAsync({
        label: kernel.name,
        layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main", constants: { ...constants } },
      });
      return { gpu, layout };
    } catch (error) {
      const message = error instanceof Error ? error.message.trim() : String(error);
      throw new ShaderError(
        `${message} (constants ${JSON.stringify(constants)})`,
        joinedName(shader),
      );
    }
  }

  private module(shader: Shader): Promise<GPUShaderModule> {
    const key = `${joinedName(shader)}\n${joinedSource(shader)}`;
    let module = this.modules.get(key);
    if (module === undefined) {
      module = this.compileModule(shader);
      this.modules.set(key, module);
    }
    return module;
  }

  private async compileModule(shader: Shader): Promise<GPUShaderModule> {
    if (shader.subgroupSize === undefined) return await compileModule(this.gpu, shader);
    return await compileModule(
      this.gpu,
      shader,
      await (this.subgroupDirective ??= subgroupDirective(this.gpu)),
    );
  }

  private layout(accesses: readonly Access[]): GPUBindGroupLayout {
    const key = accesses.map((access) => isWritten(access) ? "w" : "r").join("");
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      const types: GPUBufferBindingType[] = accesses.map((access) =>
        isWritten(access) ? "storage" : "read-only-storage"
      );
      layout = this.gpu.createBindGroupLayout({
        label: key,
        entries: [...types, "uniform" as const].map((type, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type },
        })),
      });
      this.layouts.set(key, layout);
    }
    return layout;
  }
}

/**
 * What the compiler wants before a shader that uses subgroups: the directive, or, as naga up to
 * version 29, nothing. No line of its own, so that the places of errors stay right.
 */
async function subgroupDirective(gpu: GPUDevice): Promise<string> {
  const directive = "enable subgroups; ";
  const probe = { file: "", source: "@compute @workgroup_size(1) fn main() {}" };
  try {
    await compileModule(gpu, probe, directive);
    return directive;
  } catch {
    return "";
  }
}

/** Whether the shader declares the binding `read_write`. */
export function isWritten(access: Access): boolean {
  return access !== "read";
}

/**
 * Compiles WGSL on a device of any WebGPU implementation.
 * @throws {ShaderError} with the place of the first error.
 */
async function compileModule(
  gpu: GPUDevice,
  shader: ShaderText,
  directive = "",
): Promise<GPUShaderModule> {
  const name = joinedName(shader);
  gpu.pushErrorScope("validation");
  const code = directive + joinedSource(shader);
  const module = gpu.createShaderModule({ code, label: name });
  const [failure, info] = await Promise.all([gpu.popErrorScope(), module.getCompilationInfo()]);
  const error = info.messages.find((message) => message.type === "error");
  if (error !== undefined) {
    const { lineNum, linePos } = error;
    const { file, line } = lineNum > 0 ? placeOf(shader, lineNum) : { file: name, line: 0 };
    throw new ShaderError(error.message.trim(), file, line, linePos);
  }
  if (failure !== null) throw new ShaderError(failure.message.trim(), name);
  return module;
}
