/** The devices that kernels are audited on, and the variants of a kernel on each. */
import type { Backend } from "../backend/backend.ts";
import { type Kernel, runsOn, type Shader, variantName } from "../../kernels/kernel.ts";
import { openCpuBackend } from "../cpu/backend.ts";
import { openWebGpuBackend } from "../webgpu/backend.ts";
import type { AdapterOptions } from "../webgpu/adapter.ts";
import { chooseShader } from "../webgpu/dispatch.ts";

/** One way in which a device can run a kernel. */
export interface AuditVariant {
  /** For the table: {@linkcode variantName} of a shader, or "relaxed, 2 threads". */
  readonly name: string;
  /** The backend, set to this variant until another one's backend is asked for. */
  backend(): Backend;
}

/** A device under audit. */
export interface AuditTarget {
  /** Value of `--device` that opens it again. */
  readonly device: string;
  /** For people. */
  readonly description: string;
  /** All variants of a kernel that the device can run, each of which is audited. */
  variants(kernel: Kernel): readonly AuditVariant[];
  /** Names of the variants that it cannot run, which are not. */
  leftOut(kernel: Kernel): readonly string[];
  /** Opens the device anew after it was lost. */
  reopen(): Promise<void>;
  /** Gives the device back. */
  dispose(): Promise<void>;
}

/**
 * WebGPU, with all shaders of a kernel as variants that can run on this adapter, whichever it would
 * choose.
 * @throws {NoDeviceError} where no adapter fits the options.
 */
export async function openWebGpuTarget(options: AdapterOptions = {}): Promise<AuditTarget> {
  let forced: Shader | undefined;
  const open = () =>
    openWebGpuBackend({
      ...options,
      shader: (...call) => forced ?? chooseShader(...call),
    });
  let backend = await open();
  return {
    device: "webgpu",
    description: backend.info.description,
    variants: (kernel) =>
      kernel.shaders.filter((shader) => runsOn(shader, backend.adapter)).map((shader) => ({
        name: variantName(shader),
        backend() {
          forced = shader;
          return backend;
        },
      })),
    leftOut: (kernel) =>
      kernel.shaders.filter((shader) => !runsOn(shader, backend.adapter)).map(variantName),
    async reopen() {
      await backend.dispose();
      backend = await open();
    },
    dispose: () => backend.dispose(),
  };
}

/**
 * The CPU backend, with and without relaxed WebAssembly instructions, each on one thread and on
 * `threads`, by default one a core.
 * @throws {RangeError} for a number of threads that the backend does not take.
 */
export async function openCpuTarget(threads = availableThreads()): Promise<AuditTarget> {
  const settings = [false, true].flatMap((strict) =>
    [...new Set([1, threads])].map((count) => ({ strict, threads: count }))
  );
  const open = () => Promise.all(settings.map((setting) => openCpuBackend(setting)));
  const close = () => Promise.all(backends.map((backend) => backend.dispose()));
  let backends = await open();
  return {
    device: "cpu",
    description: backends[0].info.description,
    variants: () =>
      settings.map(({ strict, threads }, i) => ({
        name: `${strict ? "strict" : "relaxed"}, ${threads} ${
          threads === 1 ? "thread" : "threads"
        }`,
        backend: () => backends[i],
      })),
    leftOut: () => [],
    async reopen() {
      await close();
      backends = await open();
    },
    async dispose() {
      await close();
    },
  };
}

function availableThreads(): number {
  return Math.min(16, globalThis.navigator?.hardwareConcurrency ?? 1);
}
