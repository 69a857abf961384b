/** Runs the runs of a plan, and tells how far they are. */
import { type AnyDataset, loadOrOpen } from "./data_options.ts";
import { changeOf } from "./data_change.ts";
import type { DebugTopics } from "./debug.ts";
import { EXIT, Failure } from "./errors.ts";
import type { Plan, PlannedData, PlannedRun } from "./experiment.ts";
import { RunFolder } from "./run_folder.ts";
import { findMethod, planResumption, planRun } from "./run_plan.ts";
import { type RunState, stateOfFolder } from "./run_state.ts";
import { writeError } from "./terminal.ts";
import { runTraining } from "./training_run.ts";

/** How far a run of the plan in `folder` is. */
export async function stateOf(folder: string, run: PlannedRun): Promise<RunState> {
  const state = await stateOfFolder(`${folder}/${run.name}`);
  if (state.status !== "not started" || run.pretraining === undefined) return state;
  const { status } = await stateOfFolder(`${folder}/${run.pretraining}`);
  const isLost = status === "failed" || status === "damaged";
  return isLost ? { ...state, reason: `${run.pretraining} is ${status}` } : state;
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

async function loadPlanned(planned: PlannedData): Promise<AnyDataset> {
  const { request } = planned;
  const dataset = await loadOrOpen(request);
  const change = await changeOf(dataset, planned);
  if (change === undefined) return dataset;
  throw new Failure(
    `${request.data} has changed since the plan was made: ${change}`,
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
  if (status === "damaged") return writeError(`${path}: ${reason}\n`);
  if (status === "running") return writeError(`${path}: another process is training there\n`);
  if (run.pretraining !== undefined && status === "not started") {
    const source = await stateOfFolder(`${folder}/${run.pretraining}`);
    if (source.status !== "finished") {
      return writeError(`${path} waits: ${reason || `${run.pretraining} is not finished`}\n`);
    }
  }
  const { model, profile, options, set } = plan.settings[run.setting];
  const dataset = await rows.of(run);
  const method = findMethod(model);
  const values = { ...plan.device, ...(debug && { debug }), baseline: false };
  const start = async () =>
    await planRun(method, {
      ...plan.data[set].request,
      ...options,
      ...values,
      ...{ seed: run.seed, profile, out: path },
      ...(run.pretraining === undefined ? {} : { from: `${folder}/${run.pretraining}` }),
    }, dataset);
  const goOn = async () => {
    const opened = await RunFolder.open(path);
    try {
      return await planResumption(method, values, opened, dataset);
    } catch (error) {
      // What the table shall say of it.
      if (error instanceof SyntaxError) {
        const { message: failure } = error;
        await opened.folder.writeRecord({ ...opened.record, status: "failed", failure });
      }
      throw error;
    }
  };
  try {
    const training = await (status === "not started" ? start() : goOn());
    if (training !== undefined) await runTraining(training);
  } catch (error) {
    // A file that is damaged is the matter of its run; a usage error is that of all.
    const ends = [EXIT.interrupted, EXIT.usage, EXIT.noDevice] as readonly number[];
    if (error instanceof Failure && ends.includes(error.exitCode)) throw error;
    if ((error as Error).name === "NoDeviceError") throw error;
    writeError(`error: ${(error as Error).message}\n`);
  }
}
