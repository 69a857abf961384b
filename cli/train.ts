/** `train`: clusters a data set and leaves a folder with everything that came out. */
import type { Command } from "commander";
import { kebabCase } from "./method_options.ts";
import type { Method } from "../models/method.ts";
import { METHODS } from "../models/registry.ts";
import { type DataRecord, readCheckpoint, SCHEMA, writeCheckpoint } from "./checkpoint.ts";
import { columnStatistics } from "./columns.ts";
import {
  addDataOptions,
  classesOf,
  type DataValues,
  load,
  loadOrOpen,
  requestOf,
  type Rows,
} from "./data_options.ts";
import { addDeviceOptions, type DeviceValues, open } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { addMethodOptions, givenOptions, integerOption, resolve } from "./method_options.ts";
import { type DataRequest, RunFolder, type RunRecord } from "./run_folder.ts";
import { unknownName } from "./suggest.ts";
import { formatResults } from "./tables.ts";
import { formatDuration, writeError, writeJson, writeOut } from "./terminal.ts";
import { type RunPlan, runTraining } from "./training_run.ts";
import { PROGRAM, VERSION, VERSIONS } from "./version.ts";

interface TrainValues extends DataValues, DeviceValues {
  readonly model?: string;
  readonly profile?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly from?: string;
  readonly saveSteps?: number;
  readonly baseline: boolean;
  readonly json?: boolean;
}

type OpenedRun = Awaited<ReturnType<typeof RunFolder.open>>;

/** See {@linkcode CommandModule}. The options of the chosen model become options of the command. */
export async function define(command: Command, args: readonly string[]): Promise<void> {
  const resume = valueOf(args, "--resume");
  const opened = resume === undefined ? undefined : await RunFolder.open(resume);
  const method = findMethod(
    opened?.record.configuration.model ?? valueOf(args, "--model") ?? "dynae",
  );
  command
    .option("--model <name>", `${Object.keys(METHODS).join(", ")} (default: dynae)`)
    .option("--profile <name>", "a set of option values (default: default)")
    .option("--data <name|path>", "a named set, or a file: IDX, NPY, CSV (default: optdigits)")
    .option("--labels <path>", "true classes of the rows, for scores alone");
  addDataOptions(command);
  addDeviceOptions(command);
  command
    .option("--out <dir>", "folder of the run (default: runs/MODEL-DATA-seedSEED)")
    .option("--resume <dir>", "go on with a run, bit for bit")
    .option("--from <dir>", "start from the pre-trained network of that run")
    .option("--save-steps <n>", "a checkpoint every n steps too", integerOption("--save-steps", 1))
    .option("--no-baseline", "leave out k-means on the data")
    .option("--json", "print the results as one JSON object");
  addMethodOptions(command, method);
  command.addHelpText("after", helpText(method));
  command.action(async (values: TrainValues) => {
    const plan = opened === undefined
      ? await planRun(method, values)
      : await planResumption(method, values, opened);
    const { folder, record } = plan === undefined
      ? opened!
      : { folder: plan.folder, record: await runTraining(plan) };
    if (values.json) return writeJson({ folder: folder.path, ...record });
    writeOut(`${formatResults(record)}\n`);
    writeError(`\nThe run is in ${folder.path}\n`);
  });
}

function helpText({ name, summary, citation, profiles }: Method): string {
  const lines = Object.entries(profiles).map(([profile, { description }]) =>
    `  ${profile.padEnd(10)}  ${description}`
  );
  const models = Object.values(METHODS).map((method) =>
    `  ${method.name.padEnd(10)}  ${method.summary}`
  );
  return `
Models (--model NAME --help shows another one's options):
${models.join("\n")}

${name}: ${summary}.
${citation}

Profiles of ${name}:
${lines.join("\n")}

Examples:
  ${PROGRAM} train
  ${PROGRAM} train --data rows.csv --label-column last --scale standard --clusters 3
  ${PROGRAM} train --resume runs/dynae-optdigits-seed0
`;
}

/** The value of an option before the command line is parsed. */
function valueOf(args: readonly string[], flag: string): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (arg === flag) return args[i + 1];
    if (arg.startsWith(`${flag}=`)) return arg.slice(flag.length + 1);
  }
}

function findMethod(name: string): Method {
  if (Object.hasOwn(METHODS, name)) return METHODS[name];
  throw usageError(unknownName("model", name, Object.keys(METHODS)));
}

/** A new run: everything is checked before its folder is made. */
async function planRun(method: Method, values: TrainValues): Promise<RunPlan> {
  const profile = values.profile ?? "default";
  const given = givenOptions(method, values as unknown as Record<string, unknown>);
  resolve(method, profile, given);
  if (values.from !== undefined && !method.options.some(({ name }) => name === "pretrainSteps")) {
    throw usageError(`--from is for models with pre-training, and ${method.name} has none`);
  }
  const request = requestOf(values);
  const dataset = await loadOrOpen(request);
  const clusters = classesOf(dataset);
  const isOpen = clusters !== undefined && method.profiles[profile].values.clusters === undefined;
  const options = resolve(method, profile, { ...(isOpen ? { clusters } : {}), ...given });
  if (Number(options.clusters) > dataset.n) {
    throw usageError(
      `--clusters is ${options.clusters}, and ${request.data} has ${dataset.n} rows`,
    );
  }
  const seed = Number(options.seed ?? 0);
  const name = `${method.name}-${dataset.name.replace(/\.[^.]*$/, "")}-seed${seed}`;
  const from = values.from === undefined ? undefined : await pretrainedOf(values.from, dataset);
  const shared = await common(method, values, dataset, request);
  const folder = await RunFolder.create(name.replace(/[^\w.-]+/g, "_"), values.out);
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
  { baseline, saveSteps, device, threads, debug }: TrainValues,
  dataset: Rows,
  request: DataRequest,
): Promise<Omit<RunPlan, "folder" | "record">> {
  const chosen = definedOf({ device, threads, debug });
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

/** The rest of a run that was started before; undefined where it is finished. */
async function planResumption(
  method: Method,
  values: TrainValues,
  { folder, record }: OpenedRun,
): Promise<RunPlan | undefined> {
  checkConflicts(method, values, record);
  if (record.status === "finished") {
    writeError(`${folder.path} is finished already: ${record.stopReason}\n`);
    return undefined;
  }
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
  const dataset = await loadOrOpen(request);
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
    record: { ...record, status: "running", versions: VERSIONS },
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
  values: TrainValues,
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
