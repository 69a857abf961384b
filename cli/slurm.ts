/** Submits the runs of a plan as an array job of Slurm, a task each. */
import { definedOf } from "./data_options.ts";
import type { DeviceValues } from "./device_options.ts";
import { EXIT, Failure } from "./errors.ts";
import type { Plan } from "./experiment.ts";
import { listOf, parseJson, text } from "../storage/fields.ts";
import type { RunState } from "./run_state.ts";
import { shellWord, writeError } from "./terminal.ts";
import { PROGRAM, startingWords } from "./version.ts";

/**
 * Submits every run that is not finished; those that start from another's pre-training wait for it.
 * @param folder Of the plan, as the nodes see it from the current folder.
 * @param states One for each run of the plan.
 * @param sbatchArgs More arguments, separated by spaces.
 * @throws {Failure} where Slurm may not or cannot be asked, says no, or has jobs of the plan still.
 */
export async function submit(
  folder: string,
  { command, runs, device }: Plan,
  states: readonly RunState[],
  sbatchArgs = "",
): Promise<void> {
  const tasks = runs.flatMap((run, i) => states[i].status === "finished" ? [] : [{ i, run }]);
  if (tasks.length === 0) return writeError(`${folder}: all runs are finished\n`);
  // A name of options or a remote place is none of a path.
  const path = `${/^[./]/.test(folder) ? folder : `./${folder}`}/slurm`;
  await checkQueue(`${path}/jobs.json`);
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${path}/task.sh`, taskScript(folder, command, device));
  const given = sbatchArgs.split(/\s+/).filter((arg) => arg !== "");
  const jobs: string[] = [];
  const isLater = ({ run }: { run: Plan["runs"][number] }) => run.pretraining !== undefined;
  const first = tasks.filter((task) => !isLater(task));
  for (const wave of [first, tasks.filter(isLater)]) {
    if (wave.length === 0) continue;
    const job = await ask("sbatch", [
      "--parsable",
      `--array=${wave.map(({ i }) => i).join(",")}`,
      `--job-name=${command}`,
      // sbatch fills in what follows a single %.
      `--output=${path.replaceAll("%", "%%")}/%A_%a.log`,
      // Whatever became of it: a run whose pre-training failed says so by itself.
      ...(jobs.length === 0 ? [] : [`--dependency=afterany:${jobs[0]}`]),
      ...given,
      `${path}/task.sh`,
    ]);
    jobs.push(job.trim().split(";")[0]);
    await Deno.writeTextFile(`${path}/jobs.json`, `${JSON.stringify(jobs)}\n`);
  }
  writeError(
    `submitted ${tasks.length} runs as ${jobs.length === 1 ? "job" : "jobs"} ` +
      `${jobs.join(", ")}; they write to ${path}. The tables of what is finished:\n` +
      `  ${PROGRAM} ${command} --out ${shellWord(folder)} --gather\n`,
  );
}

/** What a task of the array does: it may write into the folder, and nowhere else. */
function taskScript(folder: string, command: string, { threads, tile }: DeviceValues): string {
  // A plan may go on with others than those that it holds.
  const own = Object.entries(definedOf({ threads, tile }))
    .map(([name, value]) => `--${name}=${value}`);
  const words = [...startingWords(folder), command, "--out", folder, ...own];
  return `#!/bin/sh\nexec ${words.map(shellWord).join(" ")} --task "$SLURM_ARRAY_TASK_ID"\n`;
}

/** @throws {Failure} where jobs that were submitted before still wait or run. */
async function checkQueue(path: string): Promise<void> {
  const source = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "[]";
    throw error;
  });
  const submitted = parseJson<string[]>(source, path, listOf(text), "its list of jobs");
  if (submitted.length === 0) return;
  const queue = await ask("squeue", ["--me", "--noheader", "--format=%F"]);
  const open = new Set(queue.split("\n").map((line) => line.trim()));
  const waiting = submitted.filter((job) => open.has(job));
  if (waiting.length === 0) return;
  throw new Failure(
    `Slurm still has ${waiting.join(", ")} of this plan; wait, or end it by scancel`,
    EXIT.failed,
  );
}

/** The standard output of a program of Slurm. */
async function ask(program: "sbatch" | "squeue", args: string[]): Promise<string> {
  const { state } = await Deno.permissions.query({ name: "run", command: program });
  if (state !== "granted") {
    throw new Failure(
      `${program} may not be started: --launcher slurm needs deno run -P=slurm in place of -P, ` +
        `on a machine with Slurm's ${program} on its PATH`,
      EXIT.failed,
    );
  }
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Failure(`${program}: ${decoder.decode(stderr).trim()}`, EXIT.failed);
}
