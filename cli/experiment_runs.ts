/** Runs the runs of a plan, and tells how far they are. */
import { type AnyDataset, loadOrOpen } from "./data_options.ts";
import type { DebugTopics } from "./debug.ts";
import { EXIT, Failure } from "./errors.ts";
import type { Plan, PlannedRun } from "./experiment.ts";
import { RunFolder } from "./run_folder.ts";
import { findMethod, planResumption, planRun } from "./run_plan.ts";
import { recordIn, type RunState, stateOfFolder } from "./run_state.ts";
import { writeError } from "./terminal.ts";
import { runTraining } from "./training_run.ts";

/** How far a run of the plan in `folder` is. */
export async function stateOf(folder: string, run: PlannedRun): Promise<RunState> {
  const state = await stateOfFolder(`${folder}/${run.name}`);
  if (state.status !== "not started" || run.pretraining === undefined) return state;
  const source = await recordIn(`${folder}/${run.pretraining}`);
  return source?.status === "failed" ? { ...state, reason: `${run.pretraining} failed` } : state;
}

/** The data of a plan. @throws {Failure} where they have changed since it was made. */
export async function loadPlanned({ data }: Plan): Promise<AnyDataset> {
  const dataset = await loadOrOpen(data.request);
  if (dataset.digest === data.digest) return dataset;
  throw new Failure(
    `${data.request.data} has changed since the plan was made: its digest is ` +
      `${dataset.digest.slice(0, 12)}…, it was ${data.digest.slice(0, 12)}…`,
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
  dataset: AnyDataset,
  debug?: DebugTopics,
): Promise<void> {
  const path = `${folder}/${run.name}`;
  const { status, reason } = await stateOf(folder, run);
  if (status === "finished") return;
  if (status === "running") return writeError(`${path}: another process is training there\n`);
  if (run.pretraining !== undefined && status === "not started") {
    const source = await recordIn(`${folder}/${run.pretraining}`);
    if (source?.status !== "finished") {
      return writeError(`${path} waits: ${reason || `${run.pretraining} is not finished`}\n`);
    }
  }
  const { model, profile, options } = plan.settings[run.setting];
  const method = findMethod(model);
  const values = { ...plan.device, ...(debug && { debug }), baseline: false };
  if (status === "not started") await removeRests(path);
  const training = status === "not started"
    ? await planRun(method, {
      ...plan.data.request,
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
