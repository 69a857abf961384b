/**
 * Models and logs for other programs: ONNX, TensorBoard's events, CSV and Parquet.
 *
 * @example A model of rows → clusters for ONNX Runtime
 * ```ts
 * import { KMeans } from "../mod.ts";
 * import { encodeOnnx } from "./mod.ts";
 *
 * const model = new KMeans({ clusters: 2 });
 * await model.fit({ data: Float32Array.of(0, 0, 0, 1, 9, 9, 9, 8), n: 4, d: 2 });
 * const file = await encodeOnnx(model, "clusters");
 * console.log(file.length);
 * await model.dispose();
 * ```
 *
 * @module
 */
export { metricsTable } from "./metrics.ts";
export { encodeOnnx, type OnnxOptions, type OnnxPart } from "./onnx/model.ts";
export { encodeCsv, encodeParquet, type TableColumn } from "./tables.ts";
export { encodeEvents } from "./tensorboard.ts";
