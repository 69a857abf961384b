/**
 * Times passes over a whole data set on the CPU backend, each in turns with its peers on the same rows:
 * k-means, mixtures, embedding, assignment, neighbours, layouts, augmentation. See
 * `deno task bench:passes --help` for the options.
 */
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { type DeviceOptions, openDevice } from "../engine/device.ts";
import { alternate, circumstances, type Contender, save } from "./measure.ts";
import { type PassData, type PassTask, TASKS } from "./pass_tasks.ts";
import { PeerError, startPeer } from "./peer.ts";

/** A backend of ours as a contender. */
export async function ours(
  task: PassTask,
  data: PassData,
  device: DeviceOptions,
): Promise<Contender> {
  const backend = await openDevice(device);
  const work = await task.prepare(backend, data);
  let number = 0;
  return {
    name: `dynae ${backend.info.kind}, ${backend.info.description}`,
    async run(count) {
      const started = performance.now();
      let value = NaN;
      for (let i = 0; i < count; i++) value = await work(number++);
      return { seconds: (performance.now() - started) / 1000, value };
    },
    close: () => backend.dispose(),
  };
}

/**
 * The peers of a task. Two thread pools, OpenMP's and OpenBLAS's, get in each other's way, so that
 * only one of them has several threads; on a busy machine none may be best.
 */
function peers(
  name: string,
  { blas, ways = [""] }: PassTask,
  data: PassData,
  threads: number,
): Promise<Contender>[] {
  const script = fileURLToPath(new URL("./peers/passes.py", import.meta.url));
  const settings = [{ openmp: threads, openblas: 1 }];
  if (threads > 1) settings.push({ openmp: 1, openblas: blas ? threads : 1 });
  return settings.flatMap(({ openmp, openblas }) =>
    ways.map((way) =>
      startPeer({
        command: "/usr/bin/python3",
        args: [script, name, `${data.rows}`, `${openmp}`, `${data.spread}`, `${data.seed}`, way],
        env: {
          OMP_NUM_THREADS: `${openmp}`,
          OPENBLAS_NUM_THREADS: `${openblas}`,
          NUMBA_NUM_THREADS: `${openmp}`,
          PYTHONWARNINGS: "ignore",
        },
        title: (version) =>
          `${version}${way && `, ${way}`}, OpenMP ${openmp}, OpenBLAS ${openblas}`,
      })
    )
  );
}

/** One line of a table. */
export interface PassRow {
  readonly task: string;
  readonly rows: number;
  readonly spread: number;
  readonly name: string;
  readonly medianMs: number;
  readonly bestMs: number;
  /** Of the first contender's median to the fastest other's; null in the others' rows. */
  readonly ratio: number | null;
  readonly gflops: number | null;
  readonly value: number;
}

/** Our CPU backend, and the peers that there are. */
async function contendersOf(
  name: string,
  data: PassData,
  threads: number,
): Promise<Contender[]> {
  const task = TASKS[name];
  const contenders = [await ours(task, data, { device: "cpu", threads })];
  for (const starting of peers(name, task, data, threads)) {
    try {
      contenders.push(await starting);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      console.error(`not measured: the peer of ${name}: ${error.message}`);
    }
  }
  return contenders;
}

/** Times a task on a data set, and closes the contenders. */
export async function measurePass(
  name: string,
  data: PassData,
  contenders: readonly Contender[],
  rounds: number,
): Promise<PassRow[]> {
  const task = TASKS[name];
  try {
    const timings = await alternate(contenders, { rounds });
    const fastest = Math.min(...timings.slice(1).map(({ medianMs }) => medianMs));
    return contenders.map((contender, i) => ({
      task: name,
      rows: data.rows,
      spread: data.spread,
      name: contender.name,
      medianMs: timings[i].medianMs,
      bestMs: timings[i].bestMs,
      ratio: i === 0 && fastest < Infinity ? timings[i].medianMs / fastest : null,
      gflops: task.flops ? task.flops * data.rows / timings[i].medianMs / 1e6 : null,
      value: timings[i].value,
    }));
  } finally {
    for (const contender of contenders) await contender.close();
  }
}

/** b of time ∝ N^b, by least squares of the logarithms, from three numbers of rows on. */
export function exponentOf(times: readonly (readonly [rows: number, ms: number])[]): number | null {
  if (new Set(times.map(([rows]) => rows)).size < 3) return null;
  const points = times.map((pair) => pair.map(Math.log));
  const [x, y] = [0, 1].map((i) =>
    points.reduce((sum, point) => sum + point[i], 0) / points.length
  );
  const [xy, xx] = [1, 0].map((i) =>
    points.reduce((sum, point) => sum + (point[0] - x) * (point[i] - [x, y][i]), 0)
  );
  return xy / xx;
}

/** How the time of every contender grows with the rows, where the data differ in nothing else. */
function formatGrowth(rows: readonly PassRow[]): string {
  const names = [...new Set(rows.map(({ name }) => name))];
  const lines = names.map((name) => {
    const own = rows.filter((row) => row.name === name);
    const exponent = exponentOf(own.map(({ rows, medianMs }) => [rows, medianMs]));
    return exponent === null ? "" : `${name}: time ∝ N^${exponent.toFixed(2)}\n`;
  });
  return lines.join("");
}

function format(rows: readonly PassRow[]): string {
  return formatTable(
    ["rows", "spread", "", "median ms", "best ms", "× peer", "GFLOP/s", "value"],
    rows.map(({ rows, spread, name, medianMs, bestMs, ratio, gflops, value }) => [
      `${rows}`,
      `${spread}`,
      name,
      medianMs.toFixed(2),
      bestMs.toFixed(2),
      ratio?.toFixed(2) ?? "",
      gflops?.toFixed(1) ?? "",
      `${value}`,
    ]),
  );
}

interface Options {
  readonly tasks: readonly string[];
  readonly rows: readonly number[];
  readonly rounds: number;
  readonly threads: number;
  readonly json?: boolean;
  readonly save?: boolean;
}

function integer(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("It must be an integer of at least 1.");
}

function taskNames(text: string): string[] {
  return text.split(",").map((name) => {
    if (name in TASKS) return name;
    throw new InvalidArgumentError(
      `There is no ${name || "empty name"}, only ${Object.keys(TASKS).join(", ")}.`,
    );
  });
}

function parse(args: readonly string[]): Options {
  const threads = Math.min(2, navigator.hardwareConcurrency);
  const names = Object.keys(TASKS);
  const integers = (text: string) => text.split(",").map(integer);
  const command = new Command("deno task bench:passes")
    .description("Times passes over whole data sets beside scikit-learn and PyTorch.")
    .option("--tasks <names>", `of ${names.join(", ")} (default: all)`, taskNames, names)
    .option("--rows <n,…>", "rows of the data, in place of each task's own", integers, [])
    .option("--rounds <n>", "turns of every contender", integer, 7)
    .option("--threads <n>", "on the CPU", integer, threads)
    .option("--json", "print one JSON object")
    .option("--save", "write bench/results/passes-THREADS-threads.json")
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...args], { from: "user" });
  return command.opts();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const all: PassRow[] = [];
  for (const name of options.tasks) {
    const task = TASKS[name];
    const sets = options.rows.length > 0
      ? options.rows.map((rows) => ({ ...task.data[0], rows }))
      : task.data;
    if (!options.json) console.log(task.title);
    const rows: PassRow[] = [];
    for (const data of sets) {
      const contenders = await contendersOf(name, data, options.threads);
      const found = await measurePass(name, data, contenders, options.rounds);
      rows.push(...found);
      if (!options.json) console.log(format(found));
    }
    all.push(...rows);
    if (!options.json) console.log(formatGrowth(rows));
  }
  const report = { ...await circumstances(), threads: options.threads, rows: all };
  if (options.save) await save(`passes-${options.threads}-threads`, report);
  if (options.json) console.log(JSON.stringify(report, null, 2));
}

if (import.meta.main) await main();
