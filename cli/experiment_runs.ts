/** Runs the runs of a plan, and tells how far they are. */
import { type AnyDataset, loadOrOpen } from "./data_options.ts";
import type { DebugTopics } from "./debug.ts";
import { EXIT, Failure } from "./errors.ts";
import type { Plan, PlannedData, PlannedRun } from "./experiment.ts";
import { RunFolder, type RunRecord } from "./run_folder.ts";
import { findMethod, planResumption, planRun } from "./run_plan.ts";
import { formatDuration, writeError } from "./terminal.ts";
import { runTraining } from "./training_run.ts";

/** How far a run is. */
export interface RunState {
  /** A run that was killed is `stopped`. */
  readonly status: "not started" | "running" | "stopped" | "interrupted" | "failed" | "finished";
  /** Why it is not finished, for people; empty where there is nothing to say. */
  readonly reason: string;
  /** What the run says of itself; absent before its start. */
  readonly record?: RunRecord;
}

/** How far a run of the plan in `folder` is. */
export async function stateOf(folder: string, run: PlannedRun): Promise<RunState> {
  const path = `${folder}/${run.name}`;
  const record = await recordOf(path);
  if (await RunFolder.isLocked(path)) {
    return { status: "running", reason: "", ...(record && { record }) };
  }
  if (record === undefined) {
    const source = run.pretraining && await recordOf(`${folder}/${run.pretraining}`);
    const reason = source && source.status === "failed" ? `${run.pretraining} failed` : "";
    return { status: "not started", reason };
  }
  const { status, seconds, failure = "" } = record;
  if (status === "finished") return { status, reason: "", record };
  if (status === "failed") return { status, reason: failure, record };
  const reason = `after ${formatDuration(seconds)}`;
  return { status: status === "running" ? "stopped" : status, reason, record };
}

async function recordOf(path: string): Promise<RunRecord | undefined> {
  try {
    await Deno.stat(`${path}/run.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return (await RunFolder.open(path)).record;
}

/** The data of a plan's runs, one set at a time. */
export class PlannedRows {
  private set = 0;

  /** @param plan Whose. @param loaded Rows of its first set, where they are loaded already. */
  constructor(private readonly plan: Plan, private loaded?: AnyDataset) {}

  /** The rows of a run. @throws {Failure} where they have changed since the plan was made. */
  async of({ setting }: PlannedRun): Promise<AnyDataset> {
    const { set } = this.plan.settings[setting];
    if (this.loaded === undefined || this.set !== set) {
      // Room for the next ones.
      this.loaded = undefined;
      this.loaded = await loadPlanned(this.plan.data[set]);
      this.set = set;
    }
    return this.loaded;
  }
}

async function loadPlanned({ request, digest }: PlannedData): Promise<AnyDataset> {
  const dataset = await loadOrOpen(request);
  if (dataset.digest === digest) return dataset;
  throw new Failure(
    `${request.data} has changed since the plan was made: its digest is ` +
      `${dataset.digest.slice(0, 12)}…, it was ${digest.slice(0, 12)}…`,
    EXIT.failed,
  );
}

/**
 * Starts a run, or goes on with it, and returns when it ends, well or not; a finished one stays.
 * What goes wrong in the run is written in its folder and on stderr.
 * @throws {Failure} with exit code 130 after an interrupt.
 * @throws What keeps every run from starting: changed data, no device.
 */
export async function execute(
  folder: string,
  plan: Plan,
  run: PlannedRun,
  rows: PlannedRows,
  debug?: DebugTopics,
): Promise<void> {
  const path = `${folder}/${run.name}`;
  const { status, reason } = await stateOf(folder, run);
  if (status === "finished") return;
  if (status === "running") return writeError(`${path}: another process is training there\n`);
  if (run.pretraining !== undefined && status === "not started") {
    const source = await recordOf(`${folder}/${run.pretraining}`);
    if (source?.status !== "finished") {
      return writeError(`${path} waits: ${reason || `${run.pretraining} is not finished`}\n`);
    }
  }
  const { model, profile, options, set } = plan.settings[run.setting];
  const dataset = await rows.of(run);
  const method = findMethod(model);
  const values = { ...plan.device, ...(debug && { debug }), baseline: false };
  if (status === "not started") await removeRests(path);
  const training = status === "not started"
    ? await planRun(method, {
      ...plan.data[set].request,
      ...options,
      ...values,
      ...{ seed: run.seed, profile, out: path },
      ...(run.pretraining === undefined ? {} : { from: `${folder}/${run.pretraining}` }),
    }, dataset)
    : await planResumption(method, values, await RunFolder.open(path), dataset);
  if (training === undefined) return;
  try {
    await runTraining(training);
  } catch (error) {
    if (error instanceof Failure && error.exitCode === EXIT.interrupted) throw error;
    writeError(`error: ${(error as Error).message}\n`);
  }
}

/** A process that was killed before it could write `run.json` may leave the rest behind. */
async function removeRests(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
