/** What `compare` and `sweep` share: their options, and what becomes of a plan. */
import type { Command } from "commander";
import { addConfigOptions } from "./config.ts";
import {
  addTrainingData,
  type AnyDataset,
  type DataValues,
  definedOf,
  requestsOf,
} from "./data_options.ts";
import { addDeviceOptions, type DeviceValues } from "./device_options.ts";
import { agreementsOf } from "./agreement.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import {
  checkRequest,
  type Design,
  type Plan,
  planExperiment,
  type Request,
} from "./experiment.ts";
import { execute, PlannedRows, stateOf } from "./experiment_runs.ts";
import type { RunState } from "./run_state.ts";
import { LOCK, Lock } from "./lock.ts";
import { integerOption, valueOf } from "./method_options.ts";
import type { LogRow } from "../models/estimator.ts";
import { checkFolder } from "./paths.ts";
import { type OwnFiles, readPlan, writePlan } from "./plan_file.ts";
import { type Goal, parseGoal, readLogs } from "./run_log.ts";
import { submit } from "./slurm.ts";
import { unknownName } from "./suggest.ts";
import { summarize, type Summary } from "./summary.ts";
import { toCsv, toJson, toLatex, toMarkdown } from "./summary_tables.ts";
import { formatDuration, shellWord, writeError, writeJson, writeSummary } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** What a command makes of its options. */
export interface Experiment {
  /** Of the request, where values are not given. */
  readonly defaults?: Request;
  /** Makes the design for a data set; called for a new plan only. */
  designOf(data: string): Design;
  /** Sentences for a new plan's table. */
  readonly notes?: readonly string[];
  /** What the command itself has written into the folder of a new plan. */
  readonly ownFiles?: OwnFiles;
  /** What it has to say of the runs that are finished, for the table: sentences. */
  findings?(
    out: string,
    plan: Plan,
    states: readonly RunState[],
    logs: ReadonlyMap<string, readonly LogRow[]>,
  ): string[];
  /** Draws what is finished into the folder. @returns The names of the files. */
  pictures?(out: string, plan: Plan, states: readonly RunState[]): Promise<string[]>;
}

/** What {@linkcode addExperimentOptions} gives, next to the options of methods. */
export interface ExperimentCommandValues extends DataValues, DeviceValues {
  /** Folder of plan, runs and tables. */
  readonly out: string;
  /** Runs of a setting. */
  readonly seeds?: number;
  /** Whether all runs of a seed start from one pre-trained network. */
  readonly fromSamePretraining?: boolean;
  /** A set of option values. */
  readonly profile?: string;
  /** The accuracy that the table shall tell the steps to. */
  readonly stepsTo?: Goal;
  /** Whether tables are made of what there is, and nothing is run. */
  readonly gather?: boolean;
  /** Index of the only run to be run. */
  readonly task?: number;
  /** Who runs the runs; absent: this process. */
  readonly launcher?: "slurm";
  /** More arguments for sbatch. */
  readonly sbatchArgs?: string;
  /** Whether the table is printed as JSON. */
  readonly json?: boolean;
}

/** The options that say what is to be done now, and are no part of the plan. */
const CONTROLS = "out gather task launcher sbatchArgs json debug stepsTo config".split(" ");

/** Runs of a setting, unasked. */
const SEEDS = 5;

/**
 * Adds the options of all commands of this kind.
 * @param addData Adds those by which data are named. @param seeds What help says of their number unasked.
 */
export function addExperimentOptions(
  command: Command,
  addData = addSets,
  seeds: number | string = SEEDS,
): void {
  command
    .requiredOption("--out <dir>", "folder of runs and tables; given again, it goes on")
    .option(
      "--seeds <n>",
      `runs of each setting, with seeds from 0 (default: ${seeds})`,
      integerOption("--seeds", 1),
    )
    .option("--profile <name>", "a set of option values (default: default)");
  addData(command);
  command.optionsGroup("Device:");
  addDeviceOptions(command);
  command
    .optionsGroup("Runs:")
    .option("--launcher <slurm>", "submit the runs as an array job, and return", parseLauncher)
    .option("--sbatch-args <args>", "for sbatch, separated by spaces")
    .option(
      "--steps-to <acc>",
      "tell the steps to this accuracy, or with + to the start's and so much more: 0.9, +0.02",
      parseGoal,
    )
    .option("--gather", "run nothing; make the tables of what there is")
    .option("--task <i>", "only this run of the plan, from 0", integerOption("--task", 0))
    .option("--json", "print the table and every run's values as one JSON object");
  addConfigOptions(command);
}

function addSets(command: Command): void {
  addTrainingData(
    command,
    "true classes of the rows, for scores alone",
    "named sets, comma-separated;",
  );
}

/** Adds `--from-same-pretraining`. */
export function addSharingOption(command: Command): void {
  command.option(
    "--from-same-pretraining",
    "one pre-training a seed, by ae-kmeans, from which all networks of dense layers start",
  );
}

/** Help on folders and clusters, which all commands of this kind need. */
export function experimentHelp(command: string): string {
  return `
A folder each run, as train makes them, and table.md, .csv, .json, .tex: mean ± standard deviation
(n − 1) over the seeds, best and worst. Runs that are not finished stay in the tables. The same command again, or
  ${PROGRAM} ${command} --out DIR
goes on: finished runs stay, interrupted ones are resumed, failed ones are tried again.

On a cluster with Slurm, from a folder that its nodes see too:
  deno run -P=slurm cli.ts ${command} … --launcher slurm --sbatch-args "--time=2:00:00 --gres=gpu:1"
  ${PROGRAM} ${command} --out DIR --gather
`;
}

function parseLauncher(text: string): "slurm" {
  if (text === "slurm") return text;
  throw usageError(unknownName("launcher", text, ["slurm"]));
}

/**
 * The plan in the folder that the command line names, before it is parsed.
 * @param own What may be there before a plan.
 */
export async function storedPlan(
  args: readonly string[],
  own: OwnFiles = {},
): Promise<Plan | undefined> {
  const out = valueOf(args, "--out");
  if (out === undefined) return undefined;
  await checkFolder("--out", out);
  return await readPlan(out, own);
}

/**
 * Makes a plan or goes on with the stored one, and makes the tables.
 * @throws {Failure} where runs are left that are not finished.
 */
export async function runExperiment(
  command: Command,
  values: ExperimentCommandValues,
  stored: Plan | undefined,
  { defaults, designOf, notes, ownFiles, findings, pictures }: Experiment,
): Promise<void> {
  const { out, gather, task, launcher, sbatchArgs, stepsTo } = values;
  const name = command.name();
  if (sbatchArgs !== undefined && launcher === undefined) {
    throw usageError("--sbatch-args is for --launcher slurm");
  }
  const given = givenRequest(values);
  if (stored === undefined && (gather || task !== undefined)) {
    throw usageError(`${out} holds no plan.json; start it by ${name} without --gather and --task`);
  }
  if (stored !== undefined) checkRequest(out, stored, name, given);
  const made = stored === undefined
    ? await start(name, values, { seeds: SEEDS, ...defaults, ...given }, designOf, notes)
    : undefined;
  using lock = gather || (launcher && stored) ? undefined : await lockFor(values);
  if (made !== undefined) await keep(out, made.plan, ownFiles);
  const { plan, dataset } = made ?? { plan: deviceChanged(stored!, values) };
  if (task !== undefined) return await runTask(values, plan, task);
  if (launcher !== undefined) {
    // Tasks may begin at once.
    lock?.[Symbol.dispose]();
    return await submit(out, plan, await statesOf(out, plan), sbatchArgs);
  }
  const tables = () => writeTables(out, plan, findings, stepsTo);
  if (!gather) {
    await runAll(values, plan, new PlannedRows(plan, dataset), tables).finally(tables);
  }
  const summary = await tables();
  if (values.json) writeJson(toJson(summary));
  else writeSummary(toMarkdown(summary));
  const files = await pictures?.(out, plan, await statesOf(out, plan)) ?? [];
  const names = ["table.md", "table.csv", "table.json", "table.tex", ...files].join(", ");
  writeError(`\nThe tables are in ${out}: ${names}\n`);
  const open = summary.rows.reduce((sum, { runs, finished }) => sum + runs.length - finished, 0);
  if (open === 0 || gather) return;
  throw new Failure(`${open} of ${plan.runs.length} runs are not finished`, EXIT.failed);
}

/** A plan that goes on with the threads and the tile that are given now. */
function deviceChanged(plan: Plan, { threads, tile }: DeviceValues): Plan {
  return { ...plan, device: { ...plan.device, ...definedOf({ threads, tile }) } };
}

/**
 * Keeps others from running the plan, or from making another one, until it is disposed of; tasks, which
 * have a run each, share it.
 * @throws {Failure} where another process does so.
 */
async function lockFor({ out, task }: ExperimentCommandValues): Promise<Lock> {
  await Deno.mkdir(out, { recursive: true });
  const lock = await Lock.take(`${out}/${LOCK}`, task !== undefined);
  if (lock !== undefined) return lock;
  throw new Failure(`${out}: another process is running its runs`, EXIT.failed);
}

/** Writes a new plan. @throws {Failure} where another process has made one meanwhile. */
async function keep(out: string, plan: Plan, own?: OwnFiles): Promise<void> {
  if (await readPlan(out, own) === undefined) return await writePlan(out, plan);
  throw new Failure(
    `${out}: another process has made a plan there meanwhile; start it again to go on with it`,
    EXIT.failed,
  );
}

/** What is given of a plan, with absolute paths. */
function givenRequest(values: ExperimentCommandValues): Request {
  const requests = requestsOf(values);
  const { data: _, ...request } = requests[0];
  const kept = Object.entries(values).filter(([name]) => !CONTROLS.includes(name));
  return {
    ...Object.fromEntries(kept),
    ...(values.data === undefined ? {} : { data: namesOf(requests) }),
    ...request,
  };
}

/** `--data`, with absolute paths. */
function namesOf(requests: readonly { readonly data: string }[]): string {
  return requests.map(({ data }) => data).join(",");
}

async function start(
  command: string,
  values: ExperimentCommandValues,
  request: Request,
  designOf: Experiment["designOf"],
  notes: readonly string[] = [],
): Promise<{ plan: Plan; dataset: AnyDataset }> {
  const made = await planExperiment(command, designOf, { ...values, seeds: SEEDS, ...request }, {
    data: namesOf(requestsOf(values)),
    ...request,
  });
  return notes.length === 0 ? made : { ...made, plan: { ...made.plan, notes } };
}

/** Runs what is not finished, run by run. @param tables Writes the tables of what there is. */
async function runAll(
  { out, debug }: ExperimentCommandValues,
  plan: Plan,
  rows: PlannedRows,
  tables: () => Promise<unknown>,
): Promise<void> {
  const states = await Promise.all(plan.runs.map((run) => stateOf(out, run)));
  const open = states.filter(({ status }) => status !== "finished").length;
  const started = performance.now();
  let done = 0;
  for (const [i, run] of plan.runs.entries()) {
    if ((await stateOf(out, run)).status === "finished") continue;
    const seconds = (performance.now() - started) / 1000;
    // As if the others took as long as those that are done.
    const left = done === 0 ? "" : `, about ${formatDuration(seconds / done * (open - done))} left`;
    writeError(`\n${i + 1} of ${plan.runs.length}: ${run.name}${left}\n`);
    done++;
    try {
      await execute(out, plan, run, rows, debug);
    } catch (error) {
      if (error instanceof Failure && error.exitCode === EXIT.interrupted) {
        writeError(
          `or with this and all other runs\n  ${PROGRAM} ${plan.command} --out ${shellWord(out)}\n`,
        );
      }
      throw error;
    }
    await tables();
  }
}

/** One run of the plan. @throws {Failure} where it is not finished then. */
async function runTask(
  { out, debug }: ExperimentCommandValues,
  plan: Plan,
  task: number,
): Promise<void> {
  const run = plan.runs[task];
  if (run === undefined) {
    throw usageError(`--task takes an integer from 0 to ${plan.runs.length - 1}, got ${task}`);
  }
  await execute(out, plan, run, new PlannedRows(plan), debug);
  const { status, reason } = await stateOf(out, run);
  if (status === "finished") return;
  const because = reason === "" ? "" : `: ${reason}`;
  throw new Failure(`${run.name} is not finished, but ${status}${because}`, EXIT.failed);
}

async function statesOf(out: string, { runs }: Plan): Promise<RunState[]> {
  return await Promise.all(runs.map((run) => stateOf(out, run)));
}

async function writeTables(
  out: string,
  plan: Plan,
  findings: Experiment["findings"],
  goal?: Goal,
): Promise<Summary> {
  const states = await statesOf(out, plan);
  const logs = await readLogs(out, plan, states);
  const summary = summarize(plan, states, {
    agreements: await agreementsOf(out, plan, states),
    logs,
    notes: findings?.(out, plan, states, logs) ?? [],
    ...goal && { goal },
  });
  const files = {
    "table.md": toMarkdown(summary),
    "table.csv": toCsv(summary),
    "table.tex": toLatex(summary),
    "table.json": `${JSON.stringify(toJson(summary), null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFileAtomic(`${out}/${name}`, new TextEncoder().encode(text));
  }
  return summary;
}
