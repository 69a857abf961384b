/** Trained models as bytes, of every method in the registry. Works wherever the models do. */
import type { RowsInfo } from "../datasets/dataset.ts";
import type { Backend } from "../engine/backend/backend.ts";
import type { Estimator } from "../models/estimator.ts";
import { ownOptionsOf } from "../models/method.ts";
import { METHODS } from "../models/registry.ts";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  recordOf,
  type StoredCheckpoint,
} from "./checkpoint.ts";

/**
 * A trained model as the bytes of a safetensors file.
 * @param model Fitted or loaded.
 * @param data What it was trained on, to be named in the file: how the rows were scaled above all.
 * @throws {TypeError} for a model that is not fitted yet, or of no method in the registry.
 */
export async function encodeModel(model: Estimator, data?: RowsInfo): Promise<Uint8Array> {
  if (!Object.hasOwn(METHODS, model.name)) {
    throw new TypeError(`Cannot save a ${model.name}: it is not in the registry of methods`);
  }
  const options = ownOptionsOf(METHODS[model.name], { ...model.options });
  return await encodeCheckpoint({
    checkpoint: await model.checkpoint(),
    manifest: {
      configuration: { model: model.name, options },
      ...(data === undefined ? {} : { data: recordOf(data) }),
    },
  });
}

/** How to load a model. */
export interface LoadModelOptions {
  /** Where to; absent: a device of the model's own, closed by its `dispose`. */
  readonly backend?: Backend;
}

/**
 * The model of the bytes that {@linkcode encodeModel} made, or of a run's checkpoint: it predicts and
 * transforms.
 * @param file Name of the file, for messages.
 * @throws {SyntaxError} for damaged bytes, another schema, or a method that there is not.
 * @throws {RangeError} where the checkpoint lacks what predicting needs: the run was not finished.
 */
export async function decodeModel(
  bytes: Uint8Array,
  { backend, file = "the model" }: LoadModelOptions & { readonly file?: string } = {},
): Promise<Estimator> {
  return await restoreModel(await decodeCheckpoint(bytes, file), file, backend);
}

/** The model of a checkpoint. @throws As {@linkcode decodeModel}. */
export async function restoreModel(
  { checkpoint, manifest: { configuration: { model, options } } }: StoredCheckpoint,
  file: string,
  backend?: Backend,
): Promise<Estimator> {
  try {
    const estimator = METHODS[model].create(options);
    await estimator.load(checkpoint, backend);
    return estimator;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot read ${file}: ${error.message}`, { cause: error });
  }
}
