/** `reproduce`: a paper's table or figure, run anew, beside what is published. */
import type { Command } from "commander";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { usageError } from "./errors.ts";
import type { LogRow } from "../models/estimator.ts";
import { definedOf } from "./data_options.ts";
import type { Plan } from "./experiment.ts";
import {
  addExperimentOptions,
  type ExperimentCommandValues,
  experimentHelp,
  runExperiment,
  storedPlan,
} from "./experiment_command.ts";
import type { OwnFiles } from "./plan_file.ts";
import type { DataRequest } from "./run_record.ts";
import type { RunState } from "./run_state.ts";
import { addHelp } from "./help.ts";
import { checkedProfile, designOf, parseScale, trialNotes } from "./reproduce/design.ts";
import type { FinishedRun, PaperTable } from "./reproduce/paper_table.ts";
import { TABLES } from "./reproduce/registry.ts";
import { isFirstSeed } from "./reproduce/first_seed.ts";
import { scoreCharts } from "./reproduce/scores_chart.ts";
import { integerOption } from "./method_options.ts";
import { parseGoal, readLogs } from "./run_log.ts";
import { unknownName } from "./suggest.ts";

interface Values extends Omit<ExperimentCommandValues, "scale"> {
  /** Factor of all schedules. */
  readonly scale?: number;
}

/** What tables with rows of their own write before they are run. */
const OWN_FILES: OwnFiles = Object.fromEntries(
  Object.values(TABLES).flatMap(({ data, rowsOfItsOwn }) =>
    rowsOfItsOwn ? [[data, rowsOfItsOwn]] : []
  ),
);

/** See {@linkcode CommandModule}. */
export async function define(command: Command, args: readonly string[]): Promise<void> {
  const stored = await storedPlan(args, OWN_FILES);
  command
    .argument("[table]", `${Object.keys(TABLES).join(", ")}; a folder knows its own`)
    .option(
      "--scale <x>",
      "shorten every schedule to this share, to try a table; all outputs say so (default: 1)",
      parseScale,
    );
  addExperimentOptions(command, addImageSets, "the table's own");
  const list = Object.entries(TABLES).map(([name, { summary, data, seeds }]) =>
    `  ${name.padEnd(12)}${summary}\n${" ".repeat(14)}(${data}; ${seeds} ${
      seeds === 1 ? "seed" : "seeds"
    })`
  ).join("\n");
  addHelp(command, {
    details: `
Tables, with the sets and seeds that they have unasked:
${list}

Profiles: default is thrifty, minutes a run on two cores; official has the authors' schedules, where a
model has such a profile. Published figures stand beside ours where they were at hand. Pictures are
written beside the tables.
${experimentHelp("reproduce")}`,
    about: "the tables, how runs are resumed or queued",
    examples: [
      "reproduce methods --data usps --out runs/methods",
      "reproduce curves --data optdigits --seeds 1 --scale 0.02 --out runs/trial",
    ],
  });
  command.action(async (given: string | undefined, { scale: asked, ...values }: Values) => {
    const name = given ?? stored?.request.table as string | undefined;
    if (name === undefined) {
      throw usageError(`name the table to reproduce: ${Object.keys(TABLES).join(", ")}`);
    }
    const table = tableOf(name);
    const started = stored?.request.scheduleScale as number | undefined;
    if (asked !== undefined && started !== undefined && asked !== started) {
      throw usageError(
        `--scale ${asked} conflicts with ${values.out}, which was started with ${started}`,
      );
    }
    const scale = asked ?? started ?? 1;
    const trial = trialNotes(scale, values.limit ?? stored?.request.limit as number | undefined);
    const profile = checkedProfile(values.profile ?? "default");
    const goal = values.stepsTo ?? (table.stepsTo && parseGoal(table.stepsTo));
    const { data, seeds } = table;
    const own = stored ? {} : await rowsOf(table, values);
    const shown = { ...values, ...own, ...given && { table: given }, ...goal && { stepsTo: goal } };
    await runExperiment(command, shown, stored, {
      // Under a name of its own: the scale of data is another thing.
      defaults: { table: name, scheduleScale: scale, profile, data, seeds },
      designOf: (data) => designOf(table, data, { scale, profile }),
      notes: notesOf(table, trial),
      ownFiles: OWN_FILES,
      findings: (out, plan, states, logs) => oursOf(table, finishedRuns(out, plan, states, logs)),
      pictures: async (out, plan, states) => {
        const logs = await readLogs(out, plan, states);
        return await writePictures(table, out, finishedRuns(out, plan, states, logs), trial);
      },
    });
  });
}

/** Adds the options by which sets of images are named. */
function addImageSets(command: Command): void {
  command
    .optionsGroup("Data:")
    .option("--data <name,name,…>", "data sets, in place of the table's own")
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)")
    .option("--limit <n>", "take the first rows only", integerOption("--limit", 1));
}

function tableOf(name: string): PaperTable {
  if (Object.hasOwn(TABLES, name)) return TABLES[name];
  throw usageError(unknownName("table", name, Object.keys(TABLES)));
}

/** Writes a new table's rows, where it has its own. @returns Their request. @throws {Failure} for others. */
async function rowsOf(
  { data: name, rowsOfItsOwn }: PaperTable,
  { out, data }: Values,
): Promise<Pick<DataRequest, "data" | "classColumn"> | Record<never, never>> {
  if (rowsOfItsOwn === undefined) return {};
  if (data !== undefined) {
    throw usageError(`this table has rows of its own, and takes no --data; got ${data}`);
  }
  await Deno.mkdir(out, { recursive: true });
  await writeFileAtomic(`${out}/${name}`, new TextEncoder().encode(rowsOfItsOwn()));
  return { data: `${out}/${name}`, classColumn: "class" };
}

/** What a new table says of itself, in sentences. @param trial Those of a trial. */
function notesOf({ published, notes }: PaperTable, trial: readonly string[]): string[] {
  return [
    ...trial,
    ...notes,
    published ? `Published: ${published.source}.` : "No published figures stand beside these.",
  ];
}

/** The finished runs of a plan, as a table sees them. */
function finishedRuns(
  out: string,
  { headings, settings, runs, data }: Plan,
  states: readonly RunState[],
  logs: ReadonlyMap<string, readonly LogRow[]>,
): FinishedRun[] {
  const [from, to] = [data.length > 1 ? 1 : 0, headings.indexOf("profile")];
  return runs.flatMap(({ name, setting: index, seed }, i): FinishedRun[] => {
    const { status, record } = states[i];
    if (status !== "finished" || record === undefined) return [];
    const setting = settings[index];
    const set = data[setting.set];
    const title = setting.cells.slice(from, to).filter((cell) => cell !== "").join(", ");
    const published = setting.cells[headings.indexOf("published")];
    return [{
      path: `${out}/${name}`,
      data: set.name,
      dataTitle: set.title ?? set.name,
      title,
      ...definedOf({ published }),
      setting,
      seed,
      record,
      log: logs.get(name) ?? [],
    }];
  });
}

/** What the runs of seed 0 have beside the published figures, as these are told, in a sentence. */
function oursOf(table: PaperTable, runs: readonly FinishedRun[]): string[] {
  const found = runs.filter(isFirstSeed).flatMap((run) => {
    const text = table.ours?.(run);
    return text === undefined ? [] : [`${run.dataTitle}, ${run.title}: ${text}`];
  });
  return found.length === 0 ? [] : [`Ours in that form, of seed 0: ${found.join("; ")}.`];
}

/** Writes what there is to draw. @param trial Sentences for each. @returns The names of the files. */
async function writePictures(
  { pictures, headings }: PaperTable,
  out: string,
  runs: readonly FinishedRun[],
  trial: readonly string[],
): Promise<string[]> {
  const profiles = [...new Set(runs.map(({ setting }) => setting.profile))].join(", ");
  const note = [`Profile: ${profiles}.`, ...trial].join(" ");
  const drawn = pictures
    ? await pictures(runs, note)
    : scoreCharts(runs, headings.join(", "), note);
  for (const [name, picture] of Object.entries(drawn)) {
    await writeFileAtomic(`${out}/${name}`, new TextEncoder().encode(picture));
  }
  return Object.keys(drawn);
}
