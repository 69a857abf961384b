/**
 * Trained models and checkpoints, as bytes and in files of safetensors.
 * @module
 */
export * from "./atomic_file.ts";
export * from "./checkpoint.ts";
export * from "./files.ts";
export { type Configuration, type DataRecord, type Manifest, SCHEMA } from "./manifest.ts";
export * from "./model.ts";
export * from "./safetensors.ts";
