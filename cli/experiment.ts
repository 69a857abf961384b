/** Many runs that make one table: their plan, which is a file, so that any process can go on. */
import type { OptionValues } from "../models/options.ts";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import {
  type Check,
  count,
  digest,
  fields,
  flag,
  listOf,
  mapOf,
  object,
  oneOf,
  parseJson,
  such,
  text,
} from "../storage/fields.ts";
import { type DataRecord, OPTION_VALUE } from "../storage/manifest.ts";
import { METHODS } from "../models/registry.ts";
import { TILE_CHOICES } from "../engine/cpu/wasm/tiles.ts";
import { type AnyDataset, type DataValues, loadOrOpen, requestOf } from "./data_options.ts";
import type { DeviceValues } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { LOCK } from "./lock.ts";
import { kebabCase } from "./method_options.ts";
import { DATA_REQUEST, type DataRequest } from "./run_record.ts";
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
  /** `own`: part of each run; `shared`: another run's, which is the first setting's; `none`. */
  readonly pretraining: "own" | "shared" | "none";
}

/** What the runs are to show. */
export interface Design {
  /** Titles of the settings' cells. */
  readonly headings: readonly string[];
  /** Rows of the table. */
  readonly settings: readonly Setting[];
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
  /** Rows of the table; the shared pre-training, where there is one, is the first. */
  readonly settings: readonly PlannedSetting[];
  /** In the order in which they are run: those of the shared pre-training first. */
  readonly runs: readonly PlannedRun[];
  /** The data of all runs, and how to load them. */
  readonly data: Pick<DataRecord, "name" | "digest" | "n" | "d" | "source"> & {
    readonly request: DataRequest;
  };
  /** Where all runs compute. */
  readonly device: DeviceValues;
}

const SCHEMA = 2;

/** Of a folder beside the plan: no way out of the plan's own. */
const FILE_NAME = such(
  "a name of a folder",
  (value) => typeof value === "string" && /^(?!\.{0,2}$)[^/\\\0]+$/.test(value),
);

const SETTING_FIELDS = fields<PlannedSetting>({
  name: FILE_NAME,
  cells: listOf(text),
  model: oneOf(...Object.keys(METHODS)),
  profile: text,
  options: mapOf(OPTION_VALUE),
  pretraining: oneOf("own", "shared", "none"),
}, {});

const SETTING: Check = (value, place) => {
  SETTING_FIELDS(value, place);
  const { model, profile } = value as PlannedSetting;
  oneOf(...Object.keys(METHODS[model].profiles))(profile, `${place}.profile`);
};

const RUN = fields<PlannedRun>({ name: FILE_NAME, setting: count, seed: count }, {
  pretraining: FILE_NAME,
});

const PLANNED_DATA = fields<Plan["data"]>(
  { name: text, digest, n: count, d: count, source: text, request: DATA_REQUEST },
  {},
);

const PLAN_FIELDS = fields<Plan>({
  schema: oneOf(SCHEMA),
  command: oneOf("compare", "sweep"),
  request: fields<{ models?: string; model?: string; fromSamePretraining?: boolean }>(
    {},
    { models: text, model: text, fromSamePretraining: flag },
  ),
  headings: listOf(text),
  settings: listOf(SETTING),
  runs: listOf(RUN),
  data: PLANNED_DATA,
  device: fields<DeviceValues>({}, {
    device: oneOf("auto", "cpu", "webgpu"),
    threads: count,
    tile: oneOf(...TILE_CHOICES),
    debug: object,
  }),
}, {});

/** A plan, and that its parts are those of one. */
const PLAN: Check = (value, place) => {
  PLAN_FIELDS(value, place);
  const { headings, settings, runs } = value as Plan;
  settings.forEach(({ cells }, i) => listOf(text, headings.length)(cells, `settings[${i}].cells`));
  const isSetting = such(
    `below ${settings.length}, the number of settings`,
    (index) => index as number < settings.length,
  );
  const isRun = oneOf(...runs.map(({ name }) => name));
  runs.forEach(({ setting, pretraining }, i) => {
    isSetting(setting, `runs[${i}].setting`);
    if (pretraining !== undefined) isRun(pretraining, `runs[${i}].pretraining`);
  });
  such("a list of at least one", () => runs.length > 0)(runs, "runs");
};

/** What a plan is made of, next to its design. */
export interface ExperimentValues extends DataValues, Omit<DeviceValues, "debug"> {
  /** Runs of a setting: seeds 0 to this − 1. */
  readonly seeds: number;
}

/**
 * Plans every run, once all options have been checked against the data.
 * @throws {Failure} for options that do not fit, and networks that cannot share a pre-training.
 */
export async function planExperiment(
  command: string,
  { headings, settings: rows, pretraining }: Design,
  values: ExperimentValues,
  request: Request,
): Promise<{ plan: Plan; dataset: AnyDataset }> {
  const dataRequest = requestOf(values);
  if (dataRequest.stream) rows.forEach(({ model }) => checkStreamable(findMethod(model)));
  const dataset = await loadOrOpen(dataRequest);
  const settings = plannedSettings(rows, pretraining, dataset);
  const seeds = Array.from({ length: values.seeds }, (_, seed) => seed);
  const runsOf = (isChosen: (index: number) => boolean) =>
    seeds.flatMap((seed) =>
      settings.flatMap((setting, index): PlannedRun[] => {
        if (!isChosen(index)) return [];
        const from = setting.pretraining === "shared" && `${settings[0].name}-seed${seed}`;
        const run = { name: `${setting.name}-seed${seed}`, setting: index, seed };
        return [{ ...run, ...(from && { pretraining: from }) }];
      })
    );
  const isFirst = (index: number) => pretraining !== undefined && index === 0;
  const { name, digest, n, d, source } = dataset;
  const { device, threads, tile } = values;
  const plan: Plan = {
    schema: SCHEMA,
    command,
    request,
    headings,
    settings,
    runs: [...runsOf(isFirst), ...runsOf((index) => !isFirst(index))],
    data: { name, digest, n, d, source, request: dataRequest },
    device: {
      ...(device === undefined ? {} : { device }),
      ...(threads === undefined ? {} : { threads }),
      ...(tile === undefined ? {} : { tile }),
    },
  };
  return { plan, dataset };
}

/** Options that decide what a network computes. */
const NETWORK = ["hidden", "latent", "activation"];

/** Resolves all options; the shared pre-training, where there is one, comes first. */
function plannedSettings(
  rows: readonly Setting[],
  pretraining: Setting | undefined,
  dataset: AnyDataset,
): PlannedSetting[] {
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

/**
 * The plan of a folder; undefined where there is none yet.
 * @throws {Failure} for a folder that holds something else. @throws {SyntaxError} for a damaged plan.
 */
export async function readPlan(folder: string): Promise<Plan | undefined> {
  const path = `${folder}/plan.json`;
  let source: string;
  try {
    source = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await checkEmpty(folder);
    return undefined;
  }
  return parsePlan(source, path);
}

/** The plan that a text holds. @throws {SyntaxError} for a damaged one, or another layout. */
export function parsePlan(source: string, path: string): Plan {
  return parseJson<Plan>(source, path, PLAN);
}

async function checkEmpty(folder: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      // Left by a process that ended before it had a plan.
      if (name === LOCK || /^\.plan\.json\..*\.tmp$/.test(name)) continue;
      throw usageError(`${folder} holds ${name} and no plan.json; name another folder`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Writes `plan.json`, atomically. */
export async function writePlan(folder: string, plan: Plan): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const bytes = new TextEncoder().encode(`${JSON.stringify(plan, null, 2)}\n`);
  await writeFileAtomic(`${folder}/plan.json`, bytes);
}

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
    if (JSON.stringify(value) === JSON.stringify(stored)) continue;
    const was = stored === undefined ? "without it" : `with ${stored}`;
    throw usageError(
      `--${kebabCase(name)} ${value} conflicts with ${folder}, which was started ${was}`,
    );
  }
}
