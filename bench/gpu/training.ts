/** DynAE's published schedule on USPS by the command line, as far as the time goes, and on from there. */
import { fileURLToPath } from "node:url";
import { DYNAE_METHOD } from "../../models/dynae.ts";
import { kebabCase } from "../../models/options.ts";
import { readCheckpoint } from "../../storage/files.ts";
import { reasonIn } from "../peer.ts";
import { GRACE_SECONDS } from "./schedule.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROFILE = "official";
/** Exit code of a training that has stopped at an interrupt, its checkpoint written. */
const INTERRUPTED = 130;
/** Of the grace, what is left to say how far a training came that had to be killed. */
const REPORT_SECONDS = 5;

/** What a run is made of. */
export interface TrainingOptions {
  /** How the first clusters are found. */
  readonly partition: "kmeans" | "graph";
  /** Folder of the run; where there is one already, it goes on. */
  readonly folder: string;
  /** Folder of the run whose pre-trained network it starts from. */
  readonly from?: string;
  /** Of the published numbers of steps. */
  readonly scale: number;
  /** Where named data sets lie. */
  readonly dataDir?: string;
}

/**
 * Runs the command line.
 * @param folder What it may write in, beside the tree. @param signal Aborted: it is interrupted, as by
 *   Ctrl-C.
 */
export async function runCommand(
  args: readonly string[],
  folder: string,
  signal?: AbortSignal,
): Promise<{ code: number; out: string; error: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-P", `--allow-write=${folder}`, "cli.ts", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const interrupt = () => {
    child.kill("SIGINT");
    // Nobody else would end it.
    timer = setTimeout(() => child.kill("SIGKILL"), 1000 * (GRACE_SECONDS - REPORT_SECONDS));
  };
  signal?.addEventListener("abort", interrupt);
  const { code, stdout, stderr } = await child.output();
  signal?.removeEventListener("abort", interrupt);
  clearTimeout(timer);
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), error: text.decode(stderr) };
}

/**
 * Trains until the schedule or the time is at its end.
 * @returns Scores, or how far it came.
 * @throws {Error} with the command's last words, where it fails.
 */
export async function train(
  { partition, folder, from, scale, dataDir }: TrainingOptions,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { values } = DYNAE_METHOD.profiles[PROFILE];
  const planned = DYNAE_METHOD.create(values).options;
  const scaled = (steps: string) => [
    `--${kebabCase(steps)}`,
    `${Math.max(10, Math.round(scale * Number(planned[steps])))}`,
  ];
  const start = await isThere(`${folder}/run.json`) ? ["--resume", folder] : [
    ...["--out", folder, "--model", "dynae", "--profile", PROFILE, "--data", "usps"],
    ...["--partition", partition, "--no-baseline"],
    ...["pretrainSteps", "steps"].flatMap(scaled),
    ...(partition === "graph" ? scaled("constructionSteps") : []),
    ...(from === undefined ? [] : ["--from", from]),
  ];
  const { code, out, error } = await runCommand(
    [
      ...["train", ...start, "--device", "webgpu", "--json"],
      ...(dataDir === undefined ? [] : ["--data-dir", dataDir]),
    ],
    folder,
    signal,
  );
  const run = `${PROFILE}, ${partition} start`;
  if (code === 0) {
    const { results, seconds, steps, stopReason, data: { name } } = JSON.parse(out);
    const { acc, nmi, ari, partitions } = results;
    return {
      run,
      data: name,
      finished: true,
      acc,
      nmi,
      ari,
      seconds,
      steps,
      stopReason,
      partitions,
    };
  }
  if (code !== INTERRUPTED && !signal.aborted) {
    throw new Error(reasonIn(error) ?? `train: exit code ${code}`);
  }
  const { data: { name }, seconds } = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
  return { run, data: name, finished: false, seconds, ...await stepsKept(folder) };
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Steps of both phases in the checkpoint, from which the run goes on. */
async function stepsKept(
  folder: string,
): Promise<{ readonly pretrainSteps: number; readonly steps: number }> {
  const path = `${folder}/checkpoint.safetensors`;
  if (!await isThere(path)) return { pretrainSteps: 0, steps: 0 };
  const { checkpoint: { variables } } = await readCheckpoint(path);
  const stepsOf = (phase: string) => variables.get(`${phase} step`)?.data[0] ?? 0;
  return { pretrainSteps: stepsOf("pretraining"), steps: stepsOf("clustering") };
}
