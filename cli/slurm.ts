/** Submits the runs of a plan as an array job of Slurm, a task each. */
import { EXIT, Failure } from "./errors.ts";
import type { Plan } from "./experiment.ts";
import type { RunState } from "./run_state.ts";
import { writeError } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/**
 * Submits every run that is not finished; those that start from another's pre-training wait for it.
 * @param folder Of the plan, as the nodes see it from the current folder.
 * @param states One for each run of the plan.
 * @param sbatchArgs More arguments, separated by spaces.
 * @throws {Failure} where Slurm may not or cannot be asked, says no, or has jobs of the plan still.
 */
export async function submit(
  folder: string,
  { command, runs }: Plan,
  states: readonly RunState[],
  sbatchArgs = "",
): Promise<void> {
  const tasks = runs.flatMap((run, i) => states[i].status === "finished" ? [] : [{ i, run }]);
  if (tasks.length === 0) return writeError(`${folder}: all runs are finished\n`);
  const path = `${folder}/slurm`;
  await checkQueue(`${path}/jobs.json`);
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${path}/task.sh`, taskScript(folder, command));
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
      `--output=${path}/%A_%a.log`,
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
      `  ${PROGRAM} ${command} --out ${folder} --gather\n`,
  );
}

/** What a task of the array does. */
function taskScript(folder: string, command: string): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const words = [Deno.execPath(), "run", "-P", new URL("../cli.ts", import.meta.url).href, command];
  return [
    "#!/bin/sh",
    `exec ${words.map(quote).join(" ")} --out ${quote(folder)} --task "$SLURM_ARRAY_TASK_ID"`,
    "",
  ].join("\n");
}

/** @throws {Failure} where jobs that were submitted before still wait or run. */
async function checkQueue(path: string): Promise<void> {
  const submitted: string[] = await Deno.readTextFile(path).then(JSON.parse, (error) => {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
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
