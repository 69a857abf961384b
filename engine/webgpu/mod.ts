/** The WebGPU backend. */
export { openWebGpuBackend } from "./backend.ts";
export type { WebGpuOptions } from "./backend.ts";
export { isHardware, listAdapters } from "./adapter.ts";
export type { AdapterIdentity, AdapterOptions, AdapterSummary } from "./adapter.ts";
export type { ShaderChoice } from "./dispatch.ts";
