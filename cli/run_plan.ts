/** Checks everything that a training needs: of a new run, or of the rest of one. */
import type { Method } from "../models/method.ts";
import type { OptionValue, OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { type DataRecord, readCheckpoint, SCHEMA, writeCheckpoint } from "./checkpoint.ts";
import { columnStatistics } from "./columns.ts";
import {
  classesOf,
  type DataValues,
  load,
  loadOrOpen,
  requestOf,
  type Rows,
} from "./data_options.ts";
import { type DeviceValues, open } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { givenOptions, kebabCase, resolve } from "./method_options.ts";
import { type DataRequest, RunFolder, type RunRecord } from "./run_folder.ts";
import { unknownName } from "./suggest.ts";
import { formatDuration, writeError } from "./terminal.ts";
import type { RunPlan } from "./training_run.ts";
import { VERSION, VERSIONS } from "./version.ts";

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
}

/** A run that was started before. */
export type OpenedRun = Awaited<ReturnType<typeof RunFolder.open>>;

/** The method of a name. @throws {Failure} for a name that is none. */
export function findMethod(name: string): Method {
  if (Object.hasOwn(METHODS, name)) return METHODS[name];
  throw usageError(unknownName("model", name, Object.keys(METHODS)));
}

/** Whether a method starts from a pre-trained network. */
export function hasPretraining({ options }: Method): boolean {
  return options.some(({ name }) => name === "pretrainSteps");
}

/**
 * A new run: everything is checked before its folder is made.
 * @param loaded The rows, where they are loaded already.
 */
export async function planRun(
  method: Method,
  values: RunValues,
  loaded?: Rows,
): Promise<RunPlan> {
  const profile = values.profile ?? "default";
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  resolve(method, profile, given);
  if (values.from !== undefined && !hasPretraining(method)) {
    throw usageError(`--from is for models with pre-training, and ${method.name} has none`);
  }
  const request = requestOf(values);
  const dataset = loaded ?? await loadOrOpen(request);
  const options = settle(method, profile, given, dataset);
  const seed = Number(options.seed ?? 0);
  const name = `${method.name}-${dataset.name.replace(/\.[^.]*$/, "")}-seed${seed}`;
  const from = values.from === undefined ? undefined : await pretrainedOf(values.from, dataset);
  const shared = await common(method, values, dataset, request);
  const folder = await RunFolder.create(name.replace(/[^\w.-]+/g, "_"), values.out);
  await folder.lock();
  // A copy, so that the run's own folder is all that a resumption needs.
  if (from) await writeCheckpoint(folder.pretrained, from.checkpoint, from.manifest);
  const record: RunRecord = {
    schema: SCHEMA,
    status: "running",
    configuration: { model: method.name, profile, options },
    seed,
    data: { ...dataRecord(dataset), request },
    device: { ...requested(values), kind: "", description: "", details: {} },
    ...(values.from === undefined ? {} : { from: values.from }),
    versions: VERSIONS,
    seconds: 0,
  };
  const pretrained = from && { pretrained: from.checkpoint };
  return { ...shared, folder, record, ...pretrained };
}

/**
 * All options of a run on these rows: as many clusters as there are classes, unless they are given.
 * @throws {Failure} for values out of range, more clusters than rows, and rows that are no images
 * where the method needs images.
 */
export function settle(
  method: Method,
  profile: string,
  given: OptionValues,
  dataset: Rows,
): Record<string, OptionValue> {
  const checked = resolve(method, profile, given);
  if (method.needsImages && dataset.height === undefined) {
    throw usageError(
      `${method.name} needs images, and the rows of ${dataset.name} have no height and width; ` +
        "IDX and NPY files of shape [n, height, width] have",
    );
  }
  const clusters = classesOf(dataset);
  const isOpen = clusters !== undefined && method.profiles[profile].values.clusters === undefined;
  const options = isOpen ? resolve(method, profile, { clusters, ...given }) : checked;
  if (Number(options.clusters) <= dataset.n) return options;
  throw usageError(`--clusters is ${options.clusters}, and ${dataset.name} has ${dataset.n} rows`);
}

/** The pre-trained network of a run. @throws {Failure} where it kept none, or of other columns. */
async function pretrainedOf(run: string, { d, digest }: Rows) {
  const { folder } = await RunFolder.open(run);
  const found = await readCheckpoint(folder.pretrained).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw usageError(`--from: ${run} holds no pre-trained network; has it finished pre-training?`);
  });
  const { data } = found.manifest;
  if (data.d !== d) {
    throw usageError(`--from: ${run} was trained on ${data.d} columns, the data have ${d}`);
  }
  if (data.digest !== digest) {
    writeError(`note: ${run} was pre-trained on other data, ${data.name}\n`);
  }
  return found;
}

async function common(
  method: Method,
  { baseline, saveSteps, device, threads, tile, debug }: RunValues,
  dataset: Rows,
  request: DataRequest,
): Promise<Omit<RunPlan, "folder" | "record">> {
  const chosen = definedOf({ device, threads, tile, debug });
  return {
    method,
    dataset,
    device: chosen,
    backend: await open(chosen),
    baseline,
    ...(saveSteps === undefined ? {} : { saveSteps }),
    ...(dataset.scaling === "standard"
      ? { columns: columnStatistics(await load({ ...request, scale: "none" })) }
      : {}),
  };
}

function requested({ device = "auto", threads }: DeviceValues) {
  return { requested: device, ...(threads === undefined ? {} : { threads }) };
}

function dataRecord(dataset: Rows): DataRecord {
  const { name, digest, n, d, height, width, scaling, source } = dataset;
  const image = height === undefined || width === undefined ? {} : { height, width };
  return { name, digest, n, d, ...image, scaling, source };
}

/**
 * The rest of a run that was started before; undefined where it is finished.
 * @param loaded The rows, where they are loaded already.
 */
export async function planResumption(
  method: Method,
  values: RunValues,
  { folder, record }: OpenedRun,
  loaded?: Rows,
): Promise<RunPlan | undefined> {
  checkConflicts(method, values, record);
  if (record.status === "finished") {
    writeError(`${folder.path} is finished already: ${record.stopReason}\n`);
    return undefined;
  }
  await folder.lock();
  await folder.clean();
  const saved = await readCheckpoint(folder.checkpoint).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  const { data, labels, labelColumn, dataDir, scale, limit, stream } = record.data.request;
  const request = requestOf({
    data: values.data ?? data,
    ...definedOf({ labels, labelColumn, scale, limit, stream }),
    ...definedOf({ dataDir: values.dataDir ?? dataDir }),
  });
  const dataset = loaded ?? await loadOrOpen(request);
  if (dataset.digest !== record.data.digest) {
    throw usageError(
      `the data have changed since ${folder.path} was started: their digest is ` +
        `${dataset.digest.slice(0, 12)}…, it was ${record.data.digest.slice(0, 12)}…`,
    );
  }
  if (record.versions.dynae !== VERSION) {
    writeError(
      `note: the run was started by dynae ${record.versions.dynae}, this is ${VERSION}\n`,
    );
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
    ...await common(method, { ...values, ...device }, dataset, request),
    folder,
    record: { ...started, status: "running", versions: VERSIONS },
    ...(saved === undefined ? {} : { resume: saved.checkpoint }),
    ...(record.from === undefined
      ? {}
      : { pretrained: (await readCheckpoint(folder.pretrained)).checkpoint }),
  };
}

function definedOf<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** @throws {Failure} for an option that is not what the run was started with. */
function checkConflicts(
  method: Method,
  values: RunValues,
  { configuration, data, from }: RunRecord,
) {
  if (values.out !== undefined) {
    throw usageError("--resume goes on in its own folder, without --out");
  }
  const { labels, labelColumn, scale, limit, stream } = requestOf(values);
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  const pairs: [flag: string, given: unknown, stored: unknown][] = [
    ["model", values.model, configuration.model],
    ["from", values.from, from],
    ["profile", values.profile, configuration.profile],
    ["labels", labels, data.request.labels],
    ["label-column", labelColumn, data.request.labelColumn],
    ["scale", scale, data.request.scale],
    ["limit", limit, data.request.limit],
    ["stream", stream, data.request.stream],
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
