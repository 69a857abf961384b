/** Many runs that make one table: their plan. */
import type { OptionValues } from "../models/options.ts";
import type { DataRecord } from "../storage/manifest.ts";
import { classDigestOf, type DataDigests } from "./data_change.ts";
import {
  type AnyDataset,
  type DataValues,
  definedOf,
  loadOrOpen,
  requestsOf,
} from "./data_options.ts";
import type { DeviceValues } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { kebabCase } from "./method_options.ts";
import type { DataRequest } from "./run_record.ts";
import { checkStreamable, findMethod, settle } from "./run_plan.ts";

/** A row of the table: a model with its options, which is run with every seed. */
export interface Setting {
  /** What its runs are called. */
  readonly name: string;
  /** What the table shows of it, under {@linkcode Design.headings}. */
  readonly cells: readonly string[];
  /** Name in the registry. */
  readonly model: string;
  /** Name of its profile. */
  readonly profile: string;
  /** What differs from the profile. */
  readonly options: OptionValues;
}

/** A setting, once its options have been resolved. */
export interface PlannedSetting extends Setting {
  /** Index of its data among the plan's. */
  readonly set: number;
  /** `own`: part of each run; `shared`: another run's, which is the first setting's; `none`. */
  readonly pretraining: "own" | "shared" | "none";
}

/** Data of runs, and how to load them. */
export interface PlannedData
  extends Pick<DataRecord, "name" | "digest" | "n" | "d" | "source">, DataDigests {
  /** What tables call them, where it is not their name. */
  readonly title?: string;
  /** As they were asked for. */
  readonly request: DataRequest;
}

/** What the runs on a data set are to show. */
export interface Design {
  /** Titles of the settings' cells. */
  readonly headings: readonly string[];
  /** Rows of the table. */
  readonly settings: readonly Setting[];
  /** What tables call the data, where it is not their name. */
  readonly title?: string;
  /** Whose network all others of the same seed start from. */
  readonly pretraining?: Setting;
}

/** One run, in a folder of its name. */
export interface PlannedRun {
  /** Of its folder. */
  readonly name: string;
  /** Index of its row. */
  readonly setting: number;
  /** Of all its random numbers. */
  readonly seed: number;
  /** Name of the run whose pre-trained network it starts from. */
  readonly pretraining?: string;
}

/** Values of the command's options, as JSON. */
export type Request = Readonly<Record<string, unknown>>;

/** `plan.json` */
export interface Plan {
  /** Version of this layout. */
  readonly schema: number;
  /** The command that made it. */
  readonly command: string;
  /** What it was asked for. */
  readonly request: Request;
  /** Titles of the settings' cells. */
  readonly headings: readonly string[];
  /** Rows of the table; of each set the shared pre-training, where there is one, is the first. */
  readonly settings: readonly PlannedSetting[];
  /** In the order in which they are run: set by set, those of its shared pre-training first. */
  readonly runs: readonly PlannedRun[];
  /** In the order in which they were named. */
  readonly data: readonly PlannedData[];
  /** What the table shall say besides: sentences. */
  readonly notes?: readonly string[];
  /** Where all runs compute. */
  readonly device: DeviceValues;
}

/** Version of {@linkcode Plan}'s layout. */
export const SCHEMA = 3;

/** What a plan is made of, next to its design. */
export interface ExperimentValues extends DataValues, Omit<DeviceValues, "debug"> {
  /** Runs of a setting: seeds 0 to this − 1. */
  readonly seeds: number;
}

/**
 * Plans every run, once all options have been checked against the data.
 * @param designOf What the runs are to show, by what `--data` calls the set.
 * @returns The plan, and the rows of its first set.
 * @throws {Failure} for options that do not fit, and networks that cannot share a pre-training.
 */
export async function planExperiment(
  command: string,
  designOf: (data: string) => Design,
  values: ExperimentValues,
  request: Request,
): Promise<{ plan: Plan; dataset: AnyDataset }> {
  const requests = requestsOf(values);
  const designs = requests.map(({ data }) => designOf(data));
  const isOne = requests.length === 1;
  const data: PlannedData[] = [];
  const settings: PlannedSetting[] = [];
  const runs: PlannedRun[] = [];
  const prefixes = new Set<string>();
  let first: AnyDataset | undefined;
  for (const [set, dataRequest] of requests.entries()) {
    if (dataRequest.stream) {
      designs[set].settings.forEach(({ model }) => checkStreamable(findMethod(model)));
    }
    const dataset = await loadOrOpen(dataRequest);
    first ??= dataset;
    const { name, digest, n, d, source } = dataset;
    if (data.some((other) => other.name === name)) {
      throw usageError(`--data names two sets that are called ${name}; rename one of the files`);
    }
    const classes = definedOf({ classDigest: await classDigestOf(dataset) });
    const { title } = designs[set];
    data.push({
      name,
      digest,
      ...classes,
      n,
      d,
      source,
      ...definedOf({ title }),
      request: dataRequest,
    });
    const from = settings.length;
    const prefix = folderName(name, prefixes);
    const planned = plannedSettings(designs[set], dataset).map((setting): PlannedSetting =>
      isOne ? { ...setting, set } : {
        ...setting,
        set,
        name: `${prefix}-${setting.name}`,
        cells: [title ?? name, ...setting.cells],
      }
    );
    settings.push(...planned);
    runs.push(...runsOf(planned, from, values.seeds, designs[set].pretraining !== undefined));
  }
  checkNames(runs);
  const { device, threads, tile } = values;
  const { headings } = designs[0];
  const plan: Plan = {
    schema: SCHEMA,
    command,
    request,
    headings: isOne ? headings : ["data", ...headings],
    settings,
    runs,
    data,
    device: {
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
      ...(tile === undefined ? {} : { tile }),
    },
  };
  return { plan, dataset: first! };
}

/**
 * What the folders of a set's runs begin with: its name in letters that every file system has, numbered
 * where another set's is the same then, by the file systems too that take capitals for small letters.
 * @param taken What others begin with; this one is added.
 */
function folderName(set: string, taken: Set<string>): string {
  const plain = set.replace(/[^\w.-]+/g, "_");
  const numbered = (count: number) => count === 1 ? plain : `${plain}-${count}`;
  let count = 1;
  while (taken.has(numbered(count).toLowerCase())) count++;
  taken.add(numbered(count).toLowerCase());
  return numbered(count);
}

/** @throws {Failure} for two runs that would have one folder. */
function checkNames(runs: readonly PlannedRun[]): void {
  const twice = twiceNamed(runs);
  if (twice !== undefined) {
    throw usageError(`two runs would be called ${twice}; name sets and options otherwise`);
  }
}

/** A name that two runs have. */
export function twiceNamed(runs: readonly PlannedRun[]): string | undefined {
  const names = new Set<string>();
  return runs.find(({ name }) => names.size === names.add(name.toLowerCase()).size)?.name;
}

/**
 * The runs of a set, seed by seed.
 * @param from Index of its first setting. @param isShared Whether that is all others' pre-training.
 */
function runsOf(
  settings: readonly PlannedSetting[],
  from: number,
  seeds: number,
  isShared: boolean,
): PlannedRun[] {
  const all = Array.from(
    { length: seeds },
    (_, seed) =>
      settings.map(({ name, pretraining }, i): PlannedRun => ({
        name: `${name}-seed${seed}`,
        setting: from + i,
        seed,
        ...(pretraining === "shared" && { pretraining: `${settings[0].name}-seed${seed}` }),
      })),
  ).flat();
  if (!isShared) return all;
  const isFirst = ({ setting }: PlannedRun) => setting === from;
  return [...all.filter(isFirst), ...all.filter((run) => !isFirst(run))];
}

/** Options that decide what a network computes. */
const NETWORK = ["hidden", "latent", "activation"];

/** Resolves all options; the shared pre-training, where there is one, comes first. */
function plannedSettings(
  { settings: rows, pretraining }: Design,
  dataset: AnyDataset,
): Omit<PlannedSetting, "set">[] {
  const resolve = ({ model, profile, options }: Setting): OptionValues =>
    settle(findMethod(model), profile, options, dataset).options;
  const settings = pretraining === undefined ? rows : [pretraining, ...rows];
  return settings.map((setting) => {
    const options = resolve(setting);
    const own = findMethod(setting.model).pretraining;
    if (!own?.isUsed(options)) return { ...setting, pretraining: "none" };
    if (pretraining === undefined || setting === pretraining || own.network !== "dense") {
      return { ...setting, pretraining: "own" };
    }
    checkShared(setting, options, pretraining, resolve(pretraining));
    return { ...setting, pretraining: "shared" };
  });
}

/** @throws {Failure} for another network, and for options that nothing would come of. */
function checkShared(
  { name, options: given }: Setting,
  options: OptionValues,
  pretraining: Setting,
  shared: OptionValues,
): void {
  const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const other = NETWORK.find((option) => !isEqual(options[option], shared[option]));
  if (other !== undefined) {
    throw usageError(
      `--from-same-pretraining needs equal networks: --${other} of ${name} is ${options[other]}, ` +
        `and ${shared[other]} in the pre-training by ${pretraining.model}`,
    );
  }
  const idle = Object.keys(given).find((option) =>
    /^(pretrain|stacked)/.test(option) && !isEqual(given[option], pretraining.options[option])
  );
  if (idle === undefined) return;
  throw usageError(
    `--from-same-pretraining: ${name} has no pre-training of its own that its ` +
      `${kebabCase(idle)} could change`,
  );
}

/** Options that change no byte of a run, and may differ each time that a plan goes on. */
const FREE = ["threads", "tile"];

/** What of a request is no option, but an argument. */
const ARGUMENTS = ["table"];

/** @throws {Failure} for a value that is not what the plan was made with. */
export function checkRequest(
  folder: string,
  { command, request }: Plan,
  now: string,
  given: Request,
): void {
  if (command !== now) throw usageError(`${folder} was started by ${command}, not by ${now}`);
  for (const [name, value] of Object.entries(given)) {
    const stored = request[name];
    if (FREE.includes(name) || JSON.stringify(value) === JSON.stringify(stored)) continue;
    const was = stored === undefined ? "without it" : `with ${stored}`;
    const what = ARGUMENTS.includes(name) ? `the ${name}` : `--${kebabCase(name)}`;
    throw usageError(`${what} ${value} conflicts with ${folder}, which was started ${was}`);
  }
}
