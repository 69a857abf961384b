/** Checks everything that a training needs: of a new run, or of the rest of one. */
import { type Estimator, isSource } from "../models/estimator.ts";
import { type Method, ownOptionsOf } from "../models/method.ts";
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { recordOf } from "../storage/checkpoint.ts";
import { SCHEMA } from "../storage/manifest.ts";
import { writeCheckpoint } from "../storage/files.ts";
import {
  type AnyDataset,
  classCountOf,
  type DataValues,
  definedOf,
  loadOrOpen,
  requestOf,
} from "./data_options.ts";
import { changeOf, classDigestOf } from "./data_change.ts";
import { type DeviceValues, open } from "./device_options.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import {
  checkedOptions,
  estimatorOf,
  givenOptions,
  kebabCase,
  unusedOptions,
} from "./method_options.ts";
import { checkFolder } from "./paths.ts";
import { RunFolder } from "./run_folder.ts";
import type { DataRequest, RunRecord } from "./run_record.ts";
import { readOwnCheckpoint, readPretrained } from "./run_checkpoint.ts";
import { checkSameNetwork } from "./same_network.ts";
import { unknownName } from "./suggest.ts";
import { formatDuration, writeError } from "./terminal.ts";
import type { RunPlan } from "./training_run.ts";
import { VERSION } from "../storage/version.ts";
import { VERSIONS } from "./version.ts";

/** What is asked of a run, next to the options of its method, which are fields of their own. */
export interface RunValues extends DataValues, DeviceValues {
  /** Name in the registry. */
  readonly model?: string;
  /** A set of option values; absent: `default`. */
  readonly profile?: string;
  /** Folder of a new run. */
  readonly out?: string;
  /** Folder of the run whose pre-trained network it starts from. */
  readonly from?: string;
  /** A checkpoint after this many steps too. */
  readonly saveSteps?: number;
  /** Whether k-means on the data is computed for comparison. */
  readonly baseline: boolean;
  /** Whether a report is made in the end; absent: whoever asks decides. */
  readonly report?: boolean;
}

/** A run that was started before. */
export type OpenedRun = Awaited<ReturnType<typeof RunFolder.open>>;

/** The method of a name. @throws {Failure} for a name that is none. */
export function findMethod(name: string): Method {
  if (Object.hasOwn(METHODS, name)) return METHODS[name];
  throw usageError(unknownName("model", name, Object.keys(METHODS)));
}

/**
 * A new run: everything is checked before its folder is made.
 * @param loaded The rows, where they are loaded already.
 */
export async function planRun(
  method: Method,
  values: RunValues,
  loaded?: AnyDataset,
): Promise<RunPlan> {
  const profile = values.profile ?? "default";
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  estimatorOf(method, profile, given);
  if (values.out !== undefined) await checkFolder("--out", values.out);
  const request = requestOf(values);
  if (request.stream) checkStreamable(method);
  const dataset = loaded ?? await loadOrOpen(request);
  const estimator = settle(method, profile, given, dataset);
  const options = ownOptionsOf(method, estimator.options);
  for (const problem of unusedOptions(method, given, options)) writeError(`note: ${problem}\n`);
  if (values.from !== undefined && !method.pretraining?.isUsed(options)) {
    throw usageError(
      method.pretraining
        ? `--from: ${method.name} pre-trains nothing by these options`
        : `--from is for models with pre-training, and ${method.name} has none`,
    );
  }
  const seed = Number(options.seed ?? 0);
  const name = `${method.name}-${dataset.name.replace(/\.[^.]*$/, "")}-seed${seed}`;
  const from = values.from === undefined ? undefined : await pretrainedOf(values.from, dataset);
  if (values.from !== undefined) await checkSameNetwork(values.from, method, options);
  const shared = await common(values, dataset);
  const record: RunRecord = {
    schema: SCHEMA,
    status: "running",
    configuration: { model: method.name, profile, options },
    seed,
    data: {
      ...recordOf(dataset),
      request,
      ...definedOf({ classDigest: await classDigestOf(dataset) }),
    },
    device: requested(values),
    ...leftOut(values),
    // The path as it is from any folder.
    ...(from && { from: await Deno.realPath(values.from!), pretrained: from.digest }),
    versions: VERSIONS,
    seconds: 0,
  };
  const folder = await RunFolder.create(folderName(name), values.out);
  try {
    // A copy, so that the run's own folder is all that a resumption needs.
    if (from) await writeCheckpoint(folder.pretrained, from);
    await folder.writeRecord(record);
  } catch (error) {
    await folder.abandon();
    throw error;
  }
  const pretrained = from && { pretrained: from.checkpoint };
  return { ...shared, estimator, folder, record, ...pretrained };
}

/** A name for a folder: letters and digits of every script stay. */
function folderName(name: string): string {
  return name.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "_");
}

/**
 * The estimator for these rows: as many clusters as there are classes, unless they are given.
 * @throws {Failure} for values out of range, more clusters than rows, rows that are no images where the
 * method needs images, and streamed rows where it needs all of them.
 */
export function settle(
  method: Method,
  profile: string,
  given: OptionValues,
  dataset: AnyDataset,
): Estimator<OptionValues> {
  if (method.needsImages && dataset.height === undefined) {
    throw usageError(
      `${method.name} needs images, and the rows of ${dataset.name} have no height and width; ` +
        "arrays of shape [n, height, width] have, and folders of images",
    );
  }
  if (isSource(dataset.data)) checkStreamable(method);
  const clusters = classCountOf(dataset);
  const isOpen = clusters !== undefined && method.profiles[profile].values.clusters === undefined;
  const estimator = estimatorOf(method, profile, isOpen ? { clusters, ...given } : given);
  const { options } = estimator;
  checkedOptions(method, () => method.checkColumns?.(options, dataset.d));
  if (Number(options.clusters) <= dataset.n) return estimator;
  const rows = dataset.n === 1 ? "1 row" : `${dataset.n} rows`;
  throw usageError(`--clusters is ${options.clusters}, and ${dataset.name} has ${rows}`);
}

/** @throws {Failure} where the method cannot read rows as it needs them. */
export function checkStreamable({ name, needsAllRows }: Method): void {
  if (needsAllRows) throw usageError(`${name} needs all rows in memory; leave --stream out`);
}

/** The pre-trained network of a run. @throws {Failure} where it kept none, or of other columns. */
async function pretrainedOf(run: string, { d, digest }: AnyDataset) {
  const { folder, record } = await RunFolder.open(run);
  const { data } = record;
  const found = await readPretrained(folder, record);
  if (found === undefined) {
    const { model, options } = record.configuration;
    throw usageError(
      METHODS[model].pretraining?.isUsed(options)
        ? `--from: ${run} holds no pre-trained network; has it finished pre-training?`
        : `--from: ${run} is a run of ${model}, which pre-trained no network`,
    );
  }
  if (data.d !== d) {
    throw usageError(`--from: ${run} was trained on ${data.d} columns, the data have ${d}`);
  }
  if (data.digest !== digest) {
    writeError(`note: ${run} was pre-trained on other data, ${data.name}\n`);
  }
  return found;
}

async function common(
  { saveSteps, device, threads, tile, debug }: RunValues,
  dataset: AnyDataset,
): Promise<Omit<RunPlan, "estimator" | "folder" | "record">> {
  const chosen = definedOf({ device, threads, tile, debug });
  return {
    dataset,
    device: chosen,
    backend: await open(chosen, "sample"),
    ...(saveSteps === undefined ? {} : { saveSteps }),
  };
}

/** What is not to be made beside the run's own results. */
function leftOut({ baseline, report }: RunValues): Pick<RunRecord, "baseline" | "report"> {
  return { ...(!baseline && { baseline }), ...(report === false && { report }) };
}

function requested({ device = "auto", threads }: DeviceValues) {
  return { requested: device, ...(threads === undefined ? {} : { threads }) };
}

/**
 * The rest of a run that was started before; undefined where it is finished.
 * @param loaded The rows, where they are loaded already.
 */
export async function planResumption(
  method: Method,
  values: RunValues,
  { folder, record }: OpenedRun,
  loaded?: AnyDataset,
): Promise<RunPlan | undefined> {
  await checkConflicts(method, values, record);
  if (record.status === "finished") {
    // What is damaged is said where it is found, and not by the one who trusts it.
    await readOwnCheckpoint(folder, record);
    if (values.data !== undefined) {
      const { data } = await sameData(values, { folder, record });
      if (!(data instanceof Float32Array)) data.close();
    }
    writeError(`${folder.path} is finished already: ${record.stopReason}\n`);
    return undefined;
  }
  await folder.lock();
  try {
    await folder.clean();
    return await restOf(method, values, { folder, record }, loaded);
  } catch (error) {
    folder.close();
    throw error;
  }
}

/**
 * The data of a run, from where they are now.
 * @param loaded The rows, where they are loaded already. @throws {Failure} where they are others.
 */
async function sameData(
  values: RunValues,
  { folder, record }: OpenedRun,
  loaded?: AnyDataset,
): Promise<AnyDataset> {
  const stored = record.data.request;
  const request = requestOf({
    ...stored,
    data: values.data ?? stored.data,
    ...definedOf({ dataDir: values.dataDir ?? stored.dataDir }),
  });
  const dataset = loaded ?? await loadOrOpen(request);
  const change = await changeOf(dataset, record.data);
  if (change === undefined) return dataset;
  throw usageError(`the data have changed since ${folder.path} was started: ${change}`);
}

/** What there is left to do in a folder that is locked. */
async function restOf(
  method: Method,
  values: RunValues,
  { folder, record }: OpenedRun,
  loaded?: AnyDataset,
): Promise<RunPlan> {
  const saved = await readOwnCheckpoint(folder, record);
  const dataset = await sameData(values, { folder, record }, loaded);
  if (record.versions.dynae !== VERSION) {
    writeError(
      `note: the run was started by dynae ${record.versions.dynae}, this is ${VERSION}\n`,
    );
  }
  const pretrained = record.pretrained === undefined
    ? undefined
    : await readPretrained(folder, record);
  if (record.pretrained !== undefined && pretrained === undefined) {
    throw new Failure(`Cannot read ${folder.pretrained}: there is no such file`, EXIT.failed);
  }
  const { failure: _, ...started } = record;
  const from = saved === undefined ? "from the beginning: it has no checkpoint yet" : "";
  writeError(
    `going on with ${folder.path} ${from || `after ${formatDuration(record.seconds)}`}\n`,
  );
  const { requested, threads } = record.device;
  const device = definedOf({
    device: values.device ?? requested as DeviceValues["device"],
    threads: values.threads ?? threads,
  });
  return {
    ...await common({ ...values, ...device }, dataset),
    estimator: checkedOptions(method, () => method.create(record.configuration.options)),
    folder,
    record: { ...started, ...leftOut(values), status: "running", versions: VERSIONS },
    ...(saved === undefined ? {} : { resume: saved.checkpoint }),
    ...(pretrained === undefined ? {} : { pretrained: pretrained.checkpoint }),
  };
}

/** A path as it is from any folder; of a folder that is gone, as it was given. */
async function realPath(path: string | undefined): Promise<string | undefined> {
  return path && await Deno.realPath(path).catch(() => path);
}

/** @throws {Failure} for an option that is not what the run was started with. */
async function checkConflicts(
  method: Method,
  values: RunValues,
  { configuration, data, from }: RunRecord,
): Promise<void> {
  if (values.out !== undefined) {
    throw usageError("--resume goes on in its own folder, without --out");
  }
  const { data: _, dataDir: __, ...request } = requestOf(values);
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  const pairs: [flag: string, given: unknown, stored: unknown][] = [
    ["model", values.model, configuration.model],
    ["from", await realPath(values.from), await realPath(from)],
    ["profile", values.profile, configuration.profile],
    ...Object.entries(request).map(([name, value]) =>
      [kebabCase(name), value, data.request[name as keyof DataRequest]] as [
        string,
        unknown,
        unknown,
      ]
    ),
    ...Object.entries(given).map(([name, value]) =>
      [kebabCase(name), value, configuration.options[name]] as [string, unknown, unknown]
    ),
  ];
  for (const [flag, value, stored] of pairs) {
    if (value === undefined || JSON.stringify(value) === JSON.stringify(stored)) continue;
    const was = stored === undefined ? "without it" : `with ${stored}`;
    throw usageError(`--${flag} ${value} conflicts with the run, which was started ${was}`);
  }
}
