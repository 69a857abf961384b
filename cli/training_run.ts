/** Runs a training from start or checkpoint to its end, and writes down what happens. */
import { encodeNpy } from "../datasets/npy.ts";
import { classColumn, labelsCsv, shareColumn } from "../export/labels.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { isSameArithmetic } from "../engine/device.ts";
import { DeviceLostError } from "../engine/backend/errors.ts";
import {
  type Checkpoint,
  type Estimator,
  type FitResult,
  InterruptedError,
  type LogRow,
  type PhaseTimes,
  type Scores,
  type TrainingEvent,
} from "../models/estimator.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import { sampledCut } from "../models/evaluation/cluster_indices.ts";
import { type Certainty, certaintyOf } from "../models/evaluation/certainty.ts";
import {
  diagnose,
  type StartCuts,
  startCutsOf,
  warningsOf,
} from "../models/evaluation/diagnostics.ts";
import { warningFactsOf } from "../models/method.ts";
import { score } from "../models/evaluation/scoring.ts";
import { METHODS } from "../models/registry.ts";
import { centroidStrip, rangeOf } from "../report/image_grid.ts";
import { writeCheckpoint } from "../storage/files.ts";
import type { AnyDataset } from "./data_options.ts";
import { close, type DeviceValues, open } from "./device_options.ts";
import { EXIT, Failure } from "./errors.ts";
import { Interrupt } from "./interrupt.ts";
import { asTyped } from "./method_options.ts";
import { Progress } from "./progress.ts";
import { manifestOf } from "./run_checkpoint.ts";
import type { RunFolder } from "./run_folder.ts";
import type { RunRecord, RunResults } from "./run_record.ts";
import { formatDuration, shellWord, writeError } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** Everything that a training needs, checked. */
export interface RunPlan {
  /** What is trained. */
  readonly estimator: Estimator;
  /** On what. */
  readonly dataset: AnyDataset;
  /** Where everything goes. */
  readonly folder: RunFolder;
  /** As it stands at the start. */
  readonly record: RunRecord;
  /** What a lost device is opened again by. */
  readonly device: DeviceValues;
  /** Opened by `device`; the training closes it. */
  readonly backend: Backend;
  /** A checkpoint after this many steps too. */
  readonly saveSteps?: number;
  /** Where to go on from. */
  readonly resume?: Checkpoint;
  /** The pre-trained network to start from. */
  readonly pretrained?: Checkpoint;
}

/** How often a lost device is opened again. */
const RETRIES = 3;

interface Outcome {
  readonly result: FitResult;
  readonly certainty: Certainty;
  /** The normalised cut. */
  readonly cut: number | null;
  /** See `startCutsOf`. */
  readonly startCuts: StartCuts | null;
  /** Of the same rows, for comparison; in the order of the table. */
  readonly partitions: Readonly<Record<string, Uint32Array>>;
  readonly device: RunRecord["device"];
}

/**
 * Trains, and fills the folder.
 * @returns What `run.json` holds in the end.
 * @throws {Failure} with exit code 130 after an interrupt, once what there is to keep is written.
 */
export async function runTraining(plan: RunPlan): Promise<RunRecord> {
  const { folder, dataset } = plan;
  const method = METHODS[plan.record.configuration.model];
  const started = performance.now();
  const progress = new Progress();
  let { record } = plan;
  const update = async (changes: Partial<RunRecord>) => {
    const seconds = plan.record.seconds + (performance.now() - started) / 1000;
    record = { ...record, ...changes, seconds: Math.round(1000 * seconds) / 1000 };
    await folder.writeRecord(record);
  };
  using interrupt = new Interrupt(", to write a checkpoint");
  try {
    const hear = (event: TrainingEvent) => {
      if (event.type === "log") folder.log(event.row);
      if (event.type === "times") record = withTimes(record, event.times);
      progress.event(event);
    };
    const outcome = await fitWithRetries(plan, {
      progress,
      hear,
      update,
      signal: interrupt.signal,
    });
    progress.finish();
    await writeFiles(plan, outcome);
    const { nIter } = outcome.result;
    const stopReason = asTyped(method, outcome.result.stopReason);
    const results = resultsOf(dataset, plan.record, outcome);
    await update({ status: "finished", device: outcome.device, stopReason, steps: nIter, results });
    for (const warning of results.warnings) writeError(`warning: ${warning}\n`);
    writeError(`${stopReason}, after ${formatDuration(record.seconds)}\n`);
    return record;
  } catch (error) {
    progress.finish();
    if (error instanceof InterruptedError) {
      await update({ status: "interrupted" });
      const kept = await folder.hasCheckpoint()
        ? "the checkpoint is written. Go on with"
        : "there was nothing to keep yet. Start it again with";
      writeError(`interrupted; ${kept}\n  ${PROGRAM} train --resume ${shellWord(folder.path)}\n`);
      throw new Failure("", EXIT.interrupted);
    }
    if (error instanceof Error) error.message = asTyped(method, error.message);
    await update({ status: "failed", failure: (error as Error).message });
    writeError(`${folder.path} keeps what was written before:\n`);
    throw error;
  } finally {
    folder.close();
  }
}

/** A phase that went on after an interruption has the times of its last part. */
function withTimes(record: RunRecord, { phase, steps, kernels }: PhaseTimes): RunRecord {
  const others = (record.times ?? []).filter((times) => times.phase !== phase);
  const rounded = kernels.map(({ milliseconds, ...kernel }) => {
    return { ...kernel, milliseconds: Number(milliseconds.toPrecision(4)) };
  });
  return { ...record, times: [...others, { phase, steps, kernels: rounded }] };
}

/** Who is told of a training. */
interface Listeners {
  /** The line on the terminal. */
  readonly progress: Progress;
  /** Takes its events. */
  readonly hear: (event: TrainingEvent) => void;
  /** Writes the record, changed so. */
  readonly update: (changes: Partial<RunRecord>) => Promise<void>;
  /** Aborted by an interrupt. */
  readonly signal: AbortSignal;
}

/** Fits; a lost device is opened again and the training goes on from its last checkpoint. */
async function fitWithRetries(plan: RunPlan, listeners: Listeners): Promise<Outcome> {
  const { progress, update } = listeners;
  let last = plan.resume;
  for (let losses = 0;; losses++) {
    const backend = losses === 0 ? plan.backend : await open(plan.device, "sample");
    const device = () => ({ ...plan.record.device, used: backend.info });
    try {
      checkDevice(plan, backend, last);
      await update({ device: device() });
      const save = async (checkpoint: Checkpoint) => {
        await writeCheckpoint(plan.folder.checkpoint, {
          checkpoint,
          manifest: manifestOf(plan.record),
        });
        last = checkpoint;
        await update({});
      };
      const outcome = await fit(plan, backend, listeners, save, last);
      return { ...outcome, device: device() };
    } catch (error) {
      const isLost = error instanceof DeviceLostError && error.reason !== "validation";
      if (!isLost || losses >= RETRIES) throw error;
      progress.finish();
      const from = last === undefined ? "the beginning" : "the last checkpoint";
      writeError(`${error.message}; going on from ${from}, try ${losses + 1} of ${RETRIES}\n`);
    } finally {
      await close(backend);
    }
  }
}

/** The promise of equal bits holds on the same device only. */
function checkDevice({ record }: RunPlan, { info }: Backend, resumed: unknown): void {
  const { used } = record.device;
  if (resumed === undefined || used === undefined || isSameArithmetic(used, info)) return;
  writeError(
    `note: the run was made on ${used.description}, this is ${info.description}: results will ` +
      "agree with those of an uninterrupted run within rounding, not bit for bit\n",
  );
}

async function fit(
  plan: RunPlan,
  backend: Backend,
  { hear, signal }: Listeners,
  save: (checkpoint: Checkpoint) => Promise<void>,
  resume: Checkpoint | undefined,
): Promise<Omit<Outcome, "device">> {
  const { estimator, dataset, folder, record, saveSteps, pretrained } = plan;
  const { options } = record.configuration;
  folder.startMetrics((resume?.host.history ?? []) as LogRow[]);
  const result = await estimator.fit(dataset, {
    backend,
    signal,
    save,
    ...(dataset.classes === undefined ? {} : { truth: dataset.classes }),
    ...(saveSteps === undefined ? {} : { saveSteps }),
    ...(resume === undefined ? {} : { resume }),
    ...(pretrained === undefined ? {} : { pretrained }),
    savePretrained: (checkpoint) =>
      writeCheckpoint(folder.pretrained, { checkpoint, manifest: manifestOf(plan.record) }),
    onEvent: hear,
  });
  const isSoft = METHODS[record.configuration.model].softAssignment !== undefined;
  const certainty = await certaintyOf(estimator, isSoft, dataset, result, backend);
  const { labels, embedding, embeddingSize } = result;
  const k = Number(options.clusters);
  const cut = await sampledCut(backend, embedding, embeddingSize, labels, k, record.seed);
  const startCuts = await startCutsOf(backend, result, k, record.seed);
  await estimator.dispose();
  const isResident = dataset.data instanceof Float32Array;
  if (record.baseline === false || !isResident || record.configuration.model === "kmeans") {
    return { result, certainty, cut, startCuts, partitions: result.partitions };
  }
  hear({ type: "stage", name: "k-means on the data" });
  const kmeans = new KMeans({ clusters: k, seed: record.seed });
  const baselineLabels = await kmeans.fitPredict(dataset, { backend, signal });
  await kmeans.dispose();
  const partitions = { "k-means on the data": baselineLabels, ...result.partitions };
  return { result, certainty, cut, startCuts, partitions };
}

async function writeFiles(
  { folder, dataset }: RunPlan,
  { result, certainty }: Outcome,
): Promise<void> {
  const { labels, embedding, embeddingSize, prototypes } = result;
  const { n, data, height, width, channels = 1 } = dataset;
  const columns = [
    ...classColumn(dataset),
    shareColumn(certainty.name, (i) => certainty.values[i]),
  ];
  await folder.write("labels.csv", labelsCsv(labels, dataset, columns));
  await folder.write("embedding.npy", encodeNpy(embedding, [n, embeddingSize]));
  if (prototypes !== undefined && height !== undefined && width !== undefined) {
    const values = data instanceof Float32Array ? data : prototypes;
    const picture = { height, width, channels, range: rangeOf(values) };
    await folder.write("centroids.png", await centroidStrip(prototypes, picture));
  }
}

function resultsOf(
  { classes: truth }: AnyDataset,
  { configuration }: RunRecord,
  { result, partitions, cut: normalizedCut, startCuts }: Outcome,
): RunResults {
  const method = METHODS[configuration.model];
  const clusters = Number(configuration.options.clusters);
  const found = diagnose(result, clusters, Number(configuration.options.seed ?? 0));
  const { sizes, stopReason: _, ...diagnostics } = found;
  const { bic } = result;
  const candidates = result.history.filter((row) => row.phase === "start");
  const shape = {
    clusterSizes: sizes,
    diagnostics: {
      ...diagnostics,
      ...startCuts && { startCuts },
      normalizedCut,
      ...bic !== undefined && { bic },
    },
    warnings: warningsOf(found, { ...warningFactsOf(method, configuration.options), startCuts })
      .map((warning) => asTyped(method, warning)),
    ...candidates.length > 0 && { candidates },
  };
  if (truth === undefined) return { ...shape, partitions: {} };
  const scores: [string, Scores][] = Object.entries(partitions).map(([name, labels]) => [
    name,
    score(truth, labels),
  ]);
  return {
    ...score(truth, result.labels),
    ...shape,
    partitions: Object.fromEntries(scores),
  };
}
