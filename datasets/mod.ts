/**
 * Data in: named sets and files of IDX, NPY, NPZ, Parquet and text, and folders of images, become a {@linkcode Dataset}; NPY and IDX out.
 * Nothing here knows the engine's tensors.
 * @module
 */
export * from "./array.ts";
export * from "./columns.ts";
export * from "./csv.ts";
export { type Notation, parseReal, type Separator } from "./csv_scanner.ts";
export * from "./dataset.ts";
export * from "./decode.ts";
export * from "./formats.ts";
export * from "./fetch.ts";
export * from "./gzip.ts";
export * from "./idx.ts";
export { readImageFolder } from "./image_folder.ts";
export type { ImageSize } from "./image_pixels.ts";
export { type ImageOptions, readImages } from "./image_rows.ts";
export { readClasses } from "./class_file.ts";
export * from "./class_lines.ts";
export * from "./classes.ts";
export * from "./load.ts";
export * from "./missing.ts";
export * from "./named.ts";
export * from "./npy.ts";
export { STANDARD_INPUT } from "./read_bytes.ts";
export * from "./scaling.ts";
export * from "./schema.ts";
export * from "./statistics.ts";
export * from "./sources.ts";
