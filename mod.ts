/**
 * dynae: deep clustering from scratch. A small autodiff tensor engine whose kernels are hand-written
 * WGSL trains autoencoders that cluster: DynAE, and what it is compared with.
 *
 * Here are the methods, the data, the scores, and saving and loading of a model. The engine is at
 * `./engine`, readers and writers of data at `./datasets`, and what a method is made of at `./methods`.
 * Importing has no side effects; devices and their backends are loaded when one is opened.
 *
 * @example Cluster rows
 * ```ts
 * import { KMeans } from "./mod.ts";
 *
 * const data = Float32Array.of(0, 0, 0, 1, 9, 9, 9, 8);
 * const model = new KMeans({ clusters: 2 });
 * const { labels } = await model.fit({ data, n: 4, d: 2 }, { device: { device: "cpu", threads: 1 } });
 * console.log(labels[0] === labels[1], labels[0] !== labels[2]);
 * await model.dispose();
 * ```
 *
 * @module
 */
export { AECM } from "./models/ae_cm.ts";
export { AEKMeans } from "./models/ae_kmeans.ts";
export { CM } from "./models/cm.ts";
export { DCN } from "./models/dcn.ts";
export { DEC } from "./models/dec.ts";
export { DEPICT } from "./models/depict.ts";
export { DKM } from "./models/dkm.ts";
export { DynAE } from "./models/dynae.ts";
export { GaussianMixture } from "./models/gmm.ts";
export { IDEC } from "./models/idec.ts";
export { KMeans } from "./models/kmeans_estimator.ts";
export { N2D } from "./models/n2d.ts";
export { SupervisedCM } from "./models/supervised_cm.ts";
export { VaDE } from "./models/vade.ts";
export { segment } from "./models/segmentation/segmentation.ts";
export { METHODS } from "./models/registry.ts";
export {
  DivergedError,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type RowGraph,
  type RowOutputs,
  type RowSource,
  type Samples,
  type TrainingEvent,
  type TrainingSnapshot,
} from "./models/estimator.ts";
export { OptionError } from "./models/options.ts";
export {
  accuracy,
  adjustedRandIndex,
  normalizedMutualInformation,
} from "./models/evaluation/metrics.ts";
export { diagnose } from "./models/evaluation/diagnostics.ts";
export type { Dataset } from "./datasets/dataset.ts";
export { loadDataset } from "./datasets/load.ts";
export { type DeviceOptions, openDevice } from "./engine/device.ts";
export { DeviceLostError, NoDeviceError } from "./engine/backend/errors.ts";
export { loadModel, saveModel } from "./storage/files.ts";
export { decodeModel, encodeModel } from "./storage/model.ts";
