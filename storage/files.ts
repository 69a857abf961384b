/** Checkpoints and models in files. Needs Deno's. */
import type { RowsInfo } from "../datasets/dataset.ts";
import type { Estimator } from "../models/estimator.ts";
import { writeFileAtomic } from "./atomic_file.ts";
import { decodeCheckpoint, encodeCheckpoint, type StoredCheckpoint } from "./checkpoint.ts";
import { encodeModel, type LoadModelOptions, restoreModel } from "./model.ts";

/**
 * Saves a trained model, atomically.
 * @param path The file; its folder must exist.
 * @param model Fitted or loaded, of any method.
 * @param data What it was trained on, to be named in the file: how the rows were scaled above all.
 * @throws {TypeError} for a model that is not fitted yet.
 * @example
 * ```ts
 * import { KMeans } from "../mod.ts";
 * import { loadModel, saveModel } from "./mod.ts";
 *
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const samples = { data: Float32Array.of(0, 0, 0, 1, 9, 9, 9, 8), n: 4, d: 2 };
 * const trained = new KMeans({ clusters: 2 });
 * const labels = await trained.fitPredict(samples);
 * await saveModel(path, trained);
 * await trained.dispose();
 *
 * const model = await loadModel(path);
 * console.log(labels, await model.predict(samples)); // twice the same
 * await model.dispose();
 * await Deno.remove(path);
 * ```
 */
export async function saveModel(path: string, model: Estimator, data?: RowsInfo): Promise<void> {
  await writeFileAtomic(path, await encodeModel(model, data));
}

/**
 * Loads a model that {@linkcode saveModel} saved, or that of a run: `RUN/checkpoint.safetensors`.
 * @throws {Deno.errors.NotFound} where there is no such file.
 * @throws {SyntaxError} for a damaged file, another schema, or a method that there is not.
 * @throws {RangeError} where the checkpoint lacks what predicting needs: the run was not finished.
 */
export async function loadModel(
  path: string,
  { backend }: LoadModelOptions = {},
): Promise<Estimator> {
  return await restoreModel(await readCheckpoint(path), path, backend);
}

/** Writes a checkpoint atomically: a killed process leaves the previous one. */
export async function writeCheckpoint(
  path: string,
  stored: Omit<StoredCheckpoint, "digest">,
): Promise<void> {
  await writeFileAtomic(path, await encodeCheckpoint(stored));
}

/**
 * Reads a checkpoint.
 * @throws {Deno.errors.NotFound} where there is none.
 * @throws {SyntaxError} for a damaged file, or one of another schema.
 */
export async function readCheckpoint(path: string): Promise<StoredCheckpoint> {
  return await decodeCheckpoint(await Deno.readFile(path), path);
}
