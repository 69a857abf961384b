/**
 * Kills trainings and comparisons at random moments, goes on with them, and compares what they leave
 * with what an uninterrupted one leaves: `deno task kills`, or with the number of kills.
 */
import { command, writeBlobs } from "../command_line.ts";
import { formatTable } from "../../engine/inspect/text.ts";

/** Most kills of one run before it may end. */
const MOST = 4;
/** The share of moments that lie before the first row of the log, where folders are made. */
const EARLY = 0.2;

const DEVICE = ["--device", "cpu", "--threads", "1"];
const BLOBS = ["--data", "blobs.csv", "--class-column", "last"];
const DIGITS = ["--data", "optdigits", "--limit", "300", "--batch-size", "32", "--n-init", "2"];
const NETWORK = ["--hidden", "16", "--latent", "2", "--pretrain-steps", "60"];
const SAVE = ["--save-steps", "4", "--no-baseline"];

interface Subject {
  readonly name: string;
  /** Of a start. */
  readonly start: readonly string[];
  /** Of going on with a folder. */
  goOn(out: string): readonly string[];
  /** The folders of its runs, in its own. */
  readonly runs: readonly string[];
}

function training(model: string, ...args: readonly string[]): Subject {
  return {
    name: model,
    start: ["train", "--model", model, "--seed", "3", ...args, ...DEVICE, ...SAVE],
    goOn: (out) => ["train", "--resume", out, ...SAVE],
    runs: ["."],
  };
}

const SUBJECTS: readonly Subject[] = [
  training("kmeans", "--data", "optdigits", "--limit", "2000", "--n-init", "10"),
  training("gmm", ...BLOBS, "--n-init", "20", "--tolerance", "1e-9"),
  training(
    ...["dynae", ...DIGITS, ...NETWORK, "--construction-steps", "60", "--steps", "60"] as const,
    ...["--log-interval", "20", "--check-interval", "10", "--critic", "trained", "--tol", "0"],
  ),
  training("idec", ...DIGITS, ...NETWORK, "--steps", "80", "--check-interval", "10"),
  training("dcn", ...DIGITS, ...NETWORK, "--steps", "80", "--check-interval", "10"),
  training("n2d", ...DIGITS, ...NETWORK),
  {
    name: "compare",
    start: [
      ...["compare", ...BLOBS, "--models", "dynae,kmeans", "--seeds", "2", ...DEVICE],
      ...["--hidden", "8,8", "--latent", "2", "--pretrain-steps", "150"],
      ...["--construction-steps", "60", "--set", "dynae.steps=100", "--tol", "0"],
    ],
    goOn: (out) => ["compare", "--out", out],
    runs: ["dynae-seed0", "dynae-seed1", "kmeans-seed0", "kmeans-seed1"],
  },
];

/** Files of a run whose bytes do not depend on how often it died. */
const FILES = [
  ...["labels.csv", "embedding.npy", "checkpoint.safetensors", "metrics.jsonl"],
  ...["centroids.png", "pretrained.safetensors"],
];

/** What a subject came to. */
interface Outcome {
  readonly kills: number;
  /** Of them, before there was a checkpoint. */
  readonly early: number;
  readonly runs: number;
  /** Where bytes differed, or a process failed. */
  readonly problems: readonly string[];
}

/** Runs to the end, or to a kill after so many milliseconds. */
async function run(
  args: readonly string[],
  folder: string,
  killAfter = Infinity,
): Promise<{ killed: boolean; code: number; err: string; seconds: number }> {
  const started = performance.now();
  const child = command(args, folder).spawn();
  const timer = killAfter === Infinity ? undefined : setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }, killAfter);
  const { code, signal, stderr } = await child.output();
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;
  return { killed: signal === "SIGKILL", code, err: new TextDecoder().decode(stderr), seconds };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return await Deno.readFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
}

/** What of a run must not depend on kills, by file; of `run.json`, all but what is timed. */
async function contentOf(folder: string): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  for (const name of FILES) {
    const bytes = await readIfThere(`${folder}/${name}`);
    if (bytes === undefined) continue;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
    content.set(name, `${bytes.length} bytes ${hash.toHex()}`);
  }
  const { seconds: _, times: __, device: { used, ...asked }, ...record } = JSON.parse(
    await Deno.readTextFile(`${folder}/run.json`),
  );
  // Whether a process merges vectors is timed; the tile that follows from it changes no byte.
  const { tile: ___, pairs: ____, ...device } = used;
  content.set("run.json", JSON.stringify({ ...record, asked, device }));
  return content;
}

/** When the log of the first run began, in milliseconds after the start. */
async function logStart(folder: string, { runs: [first] }: Subject, from: number): Promise<number> {
  const info = await Deno.stat(`${folder}/whole/${first}/.lock`);
  return Math.max(0, info.birthtime!.getTime() - from);
}

/** Kills a subject `kills` times. */
async function check(subject: Subject, kills: number, folder: string): Promise<Outcome> {
  const from = Date.now();
  const whole = await run([...subject.start, "--out", "whole"], folder);
  if (whole.code !== 0) throw new Error(`${subject.name}: ${whole.err}`);
  const begins = await logStart(folder, subject, from);
  let seconds = whole.seconds;
  const problems: string[] = [];
  let [done, early, runs] = [0, 0, 0];
  while (done < kills) {
    const out = `broken${runs++}`;
    const points: string[] = [];
    const next = async (killAfter?: number) => {
      const isStarted = await readIfThere(
        `${folder}/${out}/${subject.name === "compare" ? "plan.json" : "run.json"}`,
      ) !== undefined;
      const args = isStarted ? subject.goOn(out) : [...subject.start, "--out", out];
      return await run(args, folder, killAfter);
    };
    const wanted = Math.min(kills - done, 1 + Math.floor(Math.random() * MOST));
    while (points.length < wanted) {
      const share = Math.random();
      const moment = Math.random() < EARLY
        ? share * begins
        : begins + share * (1000 * seconds - begins);
      const { killed, code, err, seconds: lasted } = await next(moment);
      // Other work on the machine may have slowed the first one down.
      if (!killed && points.length === 0) seconds = Math.min(seconds, lasted);
      if (!killed && code !== 0) problems.push(`${out} after ${points}: ${err}`);
      if (!killed) break;
      points.push(`${Math.round(moment)} ms`);
      const checkpoint = `${folder}/${out}/${subject.runs[0]}/checkpoint.safetensors`;
      if (await readIfThere(checkpoint) === undefined) early++;
    }
    done += points.length;
    const { code, err } = await next();
    if (code !== 0) {
      problems.push(`${out}, killed after ${points.join(", ")}: ${err}`);
      continue;
    }
    for (const name of subject.runs) {
      const [expected, actual] = await Promise.all(
        ["whole", out].map((path) => contentOf(`${folder}/${path}/${name}`)),
      );
      const files = new Set([...expected.keys(), ...actual.keys()]);
      for (const file of files) {
        if (expected.get(file) === actual.get(file)) continue;
        problems.push(
          `${out}/${name}/${file} after ${points.join(", ")}: ` +
            `${actual.get(file)}, expected ${expected.get(file)}`,
        );
      }
    }
    await Deno.remove(`${folder}/${out}`, { recursive: true });
  }
  return { kills: done, early, runs, problems };
}

const total = Number(Deno.args[0] ?? 100);
const rows: string[][] = [];
let failed = 0;
for (const [i, subject] of SUBJECTS.entries()) {
  const kills = Math.floor(total * (i + 1) / SUBJECTS.length) -
    Math.floor(total * i / SUBJECTS.length);
  const folder = await Deno.makeTempDir();
  try {
    await writeBlobs(folder);
    const { problems, ...outcome } = await check(subject, kills, folder);
    failed += problems.length;
    problems.forEach((problem) => console.error(`${subject.name}: ${problem}`));
    rows.push([
      subject.name,
      ...[outcome.kills, outcome.early, outcome.runs, problems.length].map(String),
    ]);
    console.error(rows.at(-1)!.join("  "));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
const header = ["", "kills", "before a checkpoint", "runs", "differences"];
console.log(formatTable(header, rows));
if (failed > 0) Deno.exit(1);
