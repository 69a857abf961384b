/** The file of a plan: what it must be like, and that no folder of something else becomes one. */
import { TILE_CHOICES } from "../engine/cpu/wasm/tiles.ts";
import { METHODS } from "../models/registry.ts";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import {
  type Check,
  count,
  digest,
  fields,
  flag,
  listOf,
  mapOf,
  number,
  object,
  oneOf,
  parseJson,
  such,
  text,
} from "../storage/fields.ts";
import { OPTION_VALUE } from "../storage/manifest.ts";
import type { DeviceValues } from "./device_options.ts";
import { usageError } from "./errors.ts";
import {
  type Plan,
  type PlannedData,
  type PlannedRun,
  type PlannedSetting,
  SCHEMA,
  twiceNamed,
} from "./experiment.ts";
import { LOCK } from "./lock.ts";
import { PLAN } from "./run_folder.ts";
import { DATA_REQUEST } from "./run_record.ts";

/** Of a folder beside the plan: no way out of the plan's own. */
const FILE_NAME = such(
  "a name of a folder",
  (value) => typeof value === "string" && /^(?!\.{0,2}$)[^/\\\0]+$/.test(value),
);

const SETTING_FIELDS = fields<PlannedSetting>({
  set: count,
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

const PLANNED_DATA = fields<PlannedData>(
  { name: text, digest, n: count, d: count, source: text, request: DATA_REQUEST },
  { classDigest: digest, title: text },
);

const PLAN_FIELDS = fields<Plan>({
  schema: oneOf(SCHEMA),
  command: oneOf("compare", "sweep", "reproduce"),
  request: fields<{
    models?: string;
    model?: string;
    fromSamePretraining?: boolean;
    table?: string;
    scheduleScale?: number;
  }>({}, {
    models: text,
    model: text,
    fromSamePretraining: flag,
    table: text,
    scheduleScale: number,
  }),
  headings: listOf(text),
  settings: listOf(SETTING),
  runs: listOf(RUN),
  data: listOf(PLANNED_DATA),
  device: fields<DeviceValues>({}, {
    device: oneOf("auto", "cpu", "webgpu"),
    threads: count,
    tile: oneOf(...TILE_CHOICES),
    debug: object,
  }),
}, { notes: listOf(text) });

/** A plan, and that its parts are those of one. */
const WHOLE_PLAN: Check = (value, place) => {
  PLAN_FIELDS(value, place);
  const { headings, settings, runs, data } = value as Plan;
  const isSet = such(
    `below ${data.length}, the number of sets`,
    (set) => set as number < data.length,
  );
  settings.forEach(({ set }, i) => isSet(set, `settings[${i}].set`));
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
  such("a folder for each run", () => twiceNamed(runs) === undefined)(runs, "runs");
};

/** Files that a command writes into a folder before its plan, by their names: what each holds. */
export type OwnFiles = Readonly<Record<string, () => string>>;

/**
 * The plan of a folder; undefined where there is none yet.
 * @param own What may be there before a plan.
 * @throws {Failure} for a folder that holds something else. @throws {SyntaxError} for a damaged plan.
 */
export async function readPlan(
  folder: string,
  own: OwnFiles = {},
): Promise<Plan | undefined> {
  const path = `${folder}/${PLAN}`;
  let source: string;
  try {
    source = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await checkEmpty(folder, own);
    return undefined;
  }
  return parsePlan(source, path);
}

/** The plan that a text holds. @throws {SyntaxError} for a damaged one, or another layout. */
export function parsePlan(source: string, path: string): Plan {
  return parseJson<Plan>(source, path, WHOLE_PLAN);
}

async function checkEmpty(folder: string, own: OwnFiles): Promise<void> {
  // Left by a process that ended before it had a plan; of the same name, something of the user's.
  const isLeft = async (name: string) =>
    name === LOCK || /^\.plan\.json\..*\.tmp$/.test(name) ||
    Object.hasOwn(own, name) && await Deno.readTextFile(`${folder}/${name}`) === own[name]();
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (await isLeft(name)) continue;
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
  await writeFileAtomic(`${folder}/${PLAN}`, bytes);
}
