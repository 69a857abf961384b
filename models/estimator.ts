/** The contract of every method: fit, predict, transform, fitPredict. */
import type { Backend } from "../engine/backend/backend.ts";
import type { DeviceOptions } from "../engine/device.ts";
import type { StepTimes } from "../engine/inspect/times.ts";
import type { Snapshot } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";

/** Rows that are read as they are needed, for data that outgrow memory. */
export interface RowSource {
  /**
   * Reads whole rows, all finite, from row `first` on.
   * @param into [rows, d] row-major, filled; its length says how many rows.
   */
  read(first: number, into: Float32Array): Promise<void>;
  /** Rows that are on the device at a time; absent: those of 64 MiB. Rounded to whole 1,024. */
  readonly windowRows?: number;
}

/** Whether rows are read from a source. */
export function isSource(data: Float32Array | RowSource): data is RowSource {
  return typeof (data as RowSource).read === "function";
}

/** Rows to cluster. A `Dataset` is one; so is `{ data, n, d }`. */
export interface Samples {
  /** [n, d] row-major, all finite; or where to read the rows from. */
  readonly data: Float32Array | RowSource;
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
  /** Of images: height · width · channels = d. */
  readonly height?: number;
  /** Of images. */
  readonly width?: number;
  /** Values of a pixel, side by side; absent: 1. */
  readonly channels?: number;
}

/**
 * The values of samples that a method needs in memory.
 * @throws {TypeError} where they are read from a source.
 */
export function valuesOf({ data }: Samples, method: string): Float32Array {
  if (!isSource(data)) return data;
  throw new TypeError(`${method} needs all rows in memory: give their values, not a source`);
}

/** A value of the log and of results. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One line of the log: phase, step, and what was measured there. */
export type LogRow = { [key: string]: Json };

/** The three scores of methods' papers: each in [0, 1] but ARI, which may be slightly negative. */
export interface Scores {
  /** Accuracy under the best naming of clusters by classes. */
  readonly acc: number;
  /** Normalized mutual information, by the arithmetic mean of the entropies. */
  readonly nmi: number;
  /** Adjusted Rand index. */
  readonly ari: number;
}

/** What `fit` returns. */
export interface FitResult {
  /** [n], in [0, K). */
  readonly labels: Uint32Array;
  /** [K, p] row-major: in the space that `transform` maps to. */
  readonly clusterCenters: Float32Array;
  /** [n, p] row-major: the training rows, transformed. */
  readonly embedding: Float32Array;
  /** p */
  readonly embeddingSize: number;
  /** [K, d] row-major: each centre as the method would draw it; absent where it cannot. */
  readonly prototypes?: Float32Array;
  /** Bayesian information criterion, of a mixture of the rows themselves: smaller is better. */
  readonly bic?: number;
  /** Steps (iterations) of the clustering phase; of pre-training where it is all that is trained. */
  readonly nIter: number;
  /** Why training ended, for people. */
  readonly stopReason: string;
  /** One row a check. */
  readonly history: readonly LogRow[];
  /** The partition that clustering began with, where there was one: a key of `partitions`. */
  readonly start?: string;
  /** [n, p] row-major: the codes that it is a partition of. */
  readonly startCodes?: Float32Array;
  /** Other partitions of the same rows, met on the way: k-means of the pre-trained code. */
  readonly partitions: Readonly<Record<string, Uint32Array>>;
}

/** How long the steps of a phase take; what depends on time is in nothing but this. */
export interface PhaseTimes extends StepTimes {
  /** Its name. */
  readonly phase: string;
}

/** What happens during `fit`, for progress lines and logs. */
export type TrainingEvent =
  | {
    readonly type: "progress";
    readonly phase: string;
    readonly step: number;
    readonly steps: number;
    readonly stepsPerSecond: number;
    readonly secondsLeft: number;
    /** Means since the last log row. */
    readonly losses: Readonly<Record<string, number>>;
  }
  | { readonly type: "log"; readonly row: LogRow }
  | { readonly type: "stage"; readonly name: string }
  /** At the end of a phase, on a device that times its passes. */
  | { readonly type: "times"; readonly times: PhaseTimes };

/** What all rows of a method on a network look like at a check, and at a row of pre-training's log. */
export interface TrainingSnapshot {
  /** Name of the phase. */
  readonly phase: string;
  /** Steps that it has made. */
  readonly step: number;
  /** [n], in [0, K); while the network is pre-trained there are no clusters yet, and they say nothing. */
  readonly labels: Uint32Array;
  /** [n, p] row-major. */
  readonly codes: Float32Array;
}

/** All that is needed to go on: variables, and the host's part. */
export interface Checkpoint {
  /** Values of the saved variables, by name. */
  readonly variables: ReadonlyMap<string, Snapshot>;
  /** What the host remembers: the log, and how far each phase is. */
  readonly host: { readonly [key: string]: Json };
}

/** What a trained model computes of rows: row i of each tensor depends on row i of x alone. */
export interface RowOutputs {
  /** What `transform` gives, [n, p]. */
  readonly code: Tensor;
  /**
   * The largest makes the label, ties to the lowest: [n, K]. Absent where rows are labelled by those that
   * the model was trained on.
   */
  readonly affinity?: Tensor;
  /** Soft assignments, each row summing to one, [n, K]; absent where the method's are hard. */
  readonly probabilities?: Tensor;
  /** What the decoder makes of the code, in the units of the samples, [n, d]; absent without one. */
  readonly reconstruction?: Tensor;
}

/** A trained model as a graph of ops on symbolic tensors, whose leaves are x and variables. */
export interface RowGraph extends RowOutputs {
  /** Any number of rows as `predict` takes them, [n, d]. */
  readonly x: Tensor;
}

/** Why a checkpoint cannot predict that was saved earlier. */
export const NO_CLUSTERS =
  "checkpoint: it was written before there were clusters; finish the run first, by --resume";

/** What surrounds a `fit`; everything is optional. */
export interface FitContext {
  /** Where to compute; absent: a device of the model's own, closed by `dispose`. */
  readonly backend?: Backend;
  /** Which device to open, where no backend is given. */
  readonly device?: DeviceOptions;
  /** True classes, which score the log's rows and touch nothing else. */
  readonly truth?: ArrayLike<number>;
  /** Called for every event, in order; training waits for its return. */
  readonly onEvent?: (event: TrainingEvent) => void;
  /**
   * Called at every check, and at every row of the log while the network is pre-trained, with labels and
   * codes, which are computed only where it is given.
   */
  readonly onSnapshot?: (snapshot: TrainingSnapshot) => void;
  /** Aborting saves a checkpoint and rejects with {@linkcode InterruptedError}. */
  readonly signal?: AbortSignal;
  /** Where checkpoints go. */
  readonly save?: (checkpoint: Checkpoint) => Promise<void>;
  /** Most seconds between two checkpoints. Default 30. */
  readonly saveSeconds?: number;
  /** Checkpoint after this many steps too, which makes the moments reproducible. */
  readonly saveSteps?: number;
  /** Continues from here, bit for bit. */
  readonly resume?: Checkpoint;
  /** Starts from the pre-trained network of another run: pre-training is left out. */
  readonly pretrained?: Checkpoint;
  /** Where the network goes once it is pre-trained, for other runs to start from. */
  readonly savePretrained?: (checkpoint: Checkpoint) => Promise<void>;
}

/** A clustering method with scikit-learn's contract. */
export interface Estimator<O = object> {
  /** Its method's name in the registry. */
  readonly name: string;
  /** All options, as it goes by them. */
  readonly options: O;
  /** Trains on `samples`. @throws {RangeError} for samples or options that do not fit. */
  fit(samples: Samples, context?: FitContext): Promise<FitResult>;
  /** `fit`, and its labels. */
  fitPredict(samples: Samples, context?: FitContext): Promise<Uint32Array>;
  /** Labels of new rows, [n]. @throws {TypeError} before fit. */
  predict(samples: Samples): Promise<Uint32Array>;
  /**
   * Soft assignments of new rows, [n, K] row-major, rows that sum to 1.
   * @throws {TypeError} before fit, and for a method whose assignments are hard. @throws {RangeError} for
   * a row so far from those of the training that float32 holds none of its affinities.
   */
  predictProba(samples: Samples): Promise<Float32Array>;
  /** Codes of new rows, [n, p] row-major. @throws {TypeError} before fit. */
  transform(samples: Samples): Promise<Float32Array>;
  /** What codes [m, p] stand for, [m, d] row-major; absent where a method cannot draw. */
  inverseTransform?(codes: Float32Array): Promise<Float32Array>;
  /**
   * Hands the model over as a graph, whose variables can be read until `use` has ended.
   * @throws {TypeError} before fit.
   */
  withGraph<T>(use: (graph: RowGraph) => Promise<T>): Promise<T>;
  /** What `load` needs to make the model again. @throws {TypeError} before fit. */
  checkpoint(): Promise<Checkpoint>;
  /** Loads what `fit` or `checkpoint` gave, so that predict and transform work. */
  load(checkpoint: Checkpoint, backend?: Backend): Promise<void>;
  /** Frees the device memory. */
  dispose(): Promise<void>;
}

/** `fit` was aborted by its signal; a checkpoint was saved where there is a place for it. */
export class InterruptedError extends Error {
  /** The class's name. */
  override name = "InterruptedError";
}

/** A loss is not finite. */
export class DivergedError extends Error {
  /** The class's name. */
  override name = "DivergedError";
}

/**
 * Checks samples against what a method needs.
 * @throws {RangeError} naming what does not fit. @throws {TypeError} for another array type.
 */
export function checkSamples(samples: Samples, clusters?: number, columns?: number): void {
  if (typeof samples !== "object" || samples === null || !("data" in samples)) {
    throw new TypeError(
      `samples: expected { data, n, d }, a Float32Array of n·d values with the numbers of rows and ` +
        `columns, found ${nameOf(samples)}`,
    );
  }
  const { data, n, d, height, width, channels = 1 } = samples;
  if (!(data instanceof Float32Array) && !isSource(data)) {
    throw new TypeError(
      "samples: data must be a Float32Array of n·d values, row-major, or a source",
    );
  }
  if (!(n >= 1) || !(d >= 1)) {
    throw new RangeError(`samples: n and d must be at least 1, they are ${n} and ${d}`);
  }
  if (!isSource(data) && data.length !== n * d) {
    throw new RangeError(`samples: ${n} × ${d} rows need ${n * d} values, data has ${data.length}`);
  }
  if (clusters !== undefined && clusters > n) {
    throw new RangeError(`clusters: ${clusters} clusters need as many rows, there are ${n}`);
  }
  if (columns !== undefined && d !== columns) {
    throw new RangeError(`samples: this model was trained on ${columns} columns, these have ${d}`);
  }
  if (height !== undefined && width !== undefined && height * width * channels !== d) {
    const values = channels === 1 ? "pixels" : `values in ${channels} channels`;
    throw new RangeError(
      `samples: ${height} × ${width} images have ${height * width * channels} ${values}, rows ${d}`,
    );
  }
  if (!isSource(data)) checkFinite(data, d);
}

/** What was given in place of samples, and how samples can be made of it. */
function nameOf(samples: unknown): string {
  if (Array.isArray(samples) && Array.isArray(samples[0])) {
    return "nested arrays; of rows [[…], …], { data: Float32Array.from(rows.flat()), " +
      "n: rows.length, d: rows[0].length } are samples";
  }
  if (Array.isArray(samples) || ArrayBuffer.isView(samples)) return "an array without n and d";
  return typeof samples === "object" ? "an object without data" : String(samples);
}

function checkFinite(data: Float32Array, d: number): void {
  let bad = 0;
  let place = -1;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      bad++;
      if (place < 0) place = i;
    }
  }
  if (bad > 0) {
    throw new RangeError(
      `samples: ${
        bad === 1 ? "1 value is not finite, " : `${bad} values are not finite, the first is `
      }` +
        `${data[place]} in row ${Math.floor(place / d)}, column ${place % d}`,
    );
  }
}
