/**
 * Times passes over a whole data set on the CPU backend, each in turns with scikit-learn or PyTorch
 * on the same rows: k-means, embedding, assignment, the nearest samples, augmentation. See
 * `deno task bench:passes --help` for the options.
 */
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { type DeviceOptions, openDevice } from "../engine/device.ts";
import { advance } from "../engine/ops/counter.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { Augmentation } from "../models/training/batches.ts";
import {
  kmeans,
  type KMeansOptions,
  meanVarianceOf,
  nearestRows,
} from "../models/shallow/kmeans.ts";
import { ExpectationMaximization, standardizationOf } from "../models/shallow/mixture.ts";
import { Rows } from "../models/training/rows.ts";
import { Assignment, Encoding } from "../models/training/whole_pass.ts";
import { makeCodes } from "./codes.ts";
import { alternate, circumstances, type Contender, save } from "./measure.ts";
import { PeerError, startPeer } from "./peer.ts";

const COLUMNS = 10;
const CLUSTERS = 10;
const THRESHOLDS = [0.3, 0.15];
/** Columns and layers of the embedding. */
const INPUTS = 784;
const HIDDEN = [500, 500, 2000];
const SIDE = 28;
/** Iterations of the task of that name, without a tolerance: as much work for everyone. */
const ITERATIONS = 20;

/** Of the mixture's task: columns as USPS has, and steps without a tolerance. */
const MIXTURE_COLUMNS = 256;
const EM_STEPS = 5;

/** The rows that a task works on. */
export interface PassData {
  readonly rows: number;
  /** Standard deviation of the blobs' centres. */
  readonly spread: number;
  readonly seed: number;
}

/** A pass, ready to run: what it comes to, for the `number`-th time. */
type Work = (number: number) => Promise<number>;

/** What can be timed. */
export interface PassTask {
  readonly title: string;
  /** Data sets by default. */
  readonly data: readonly PassData[];
  /** Floating-point operations a row, where the products are all that counts. */
  readonly flops?: number;
  /** Whether the peer multiplies with BLAS, whose threads may serve it better than its own. */
  readonly blas?: boolean;
  prepare(backend: Backend, data: PassData): Work | Promise<Work>;
}

/** Blobs that overlap much, less and little. */
const BLOBS: readonly PassData[] = [1, 1.5, 2].map((spread, seed) => ({
  rows: 70_000,
  spread,
  seed,
}));

/** The passes, by name. */
export const TASKS: Readonly<Record<string, PassTask>> = {
  kmeans: {
    title:
      `k-means to convergence, d ${COLUMNS}, K ${CLUSTERS}, 10 restarts; the value is the inertia`,
    data: BLOBS,
    prepare: (backend, data) => clusterCodes(backend, data, {}),
  },
  iterations: {
    title: `k-means, ${ITERATIONS} iterations of each of 10 restarts; the value is the inertia`,
    data: BLOBS.slice(0, 1),
    prepare: (backend, data) =>
      clusterCodes(backend, data, { maxIterations: ITERATIONS, tolerance: 0 }),
  },
  nearest: {
    title: `nearest row of each of ${CLUSTERS} centroids; the value is the sum of their numbers`,
    data: BLOBS.slice(0, 1),
    prepare(backend, data) {
      const { points, centres } = upload(backend, data);
      const table = Table.of(points);
      return async () => {
        const rows = await nearestRows(backend, table, centres);
        return rows.reduce((sum, row) => sum + row, 0);
      };
    },
  },
  assign: {
    title: `soft assignment, labels and mask; the value is the number of unconflicted rows`,
    data: BLOBS.slice(0, 1),
    async prepare(backend, data) {
      const { state, points, centres } = upload(backend, data);
      const thresholds = state.variable("thresholds", [2], { data: Float32Array.from(THRESHOLDS) });
      const labels = state.variable("labels", [data.rows], { dtype: "u32" });
      const assignment = await Assignment.create(points, centres, thresholds, labels);
      return async () => (await assignment.run()).unconflicted;
    },
  },
  encode: {
    title: `embedding through ${[INPUTS, ...HIDDEN, COLUMNS].join("–")}`,
    data: [{ rows: 10_000, spread: 1, seed: 0 }],
    flops: [INPUTS, ...HIDDEN].reduce(
      (sum, width, i) => sum + 2 * width * [...HIDDEN, COLUMNS][i],
      0,
    ),
    blas: true,
    async prepare(backend, { rows }) {
      const state = new State(backend);
      const random = new RandomStream(0, 1);
      const data = Float32Array.from({ length: rows * INPUTS }, () => random.uniform());
      const table = Table.upload(backend, "rows", data, rows, INPUTS);
      const sizes = { inputs: INPUTS, hidden: HIDDEN, latent: COLUMNS };
      const net = new Autoencoder(state, sizes, 0);
      const encoding = await Encoding.create(Rows.of(table), (x) => net.encode(x), COLUMNS);
      const oneCode = { ...encoding.codes.region, length: 1 };
      return async () => {
        await encoding.run();
        await backend.read([oneCode]);
        return rows;
      };
    },
  },
  mixture: {
    title:
      `${EM_STEPS} steps of EM, full covariances, d ${MIXTURE_COLUMNS}, K ${CLUSTERS}, from a partition; ` +
      "the value is the mean log-likelihood",
    // As many rows as USPS has.
    data: [{ rows: 9298, spread: 0.1, seed: 0 }],
    blas: true,
    async prepare(backend, { rows, ...data }) {
      const columns = MIXTURE_COLUMNS;
      const codes = makeCodes({ rows, columns, clusters: CLUSTERS, ...data });
      const labels = Uint32Array.from({ length: rows }, (_, row) => row % CLUSTERS);
      const em = await ExpectationMaximization.create(
        backend,
        codes.data,
        columns,
        standardizationOf(codes.data, columns),
        {
          clusters: CLUSTERS,
          covariance: "full",
          maxIterations: EM_STEPS,
          tolerance: 0,
          prior: 1,
          sigma2: 0,
          regCovar: 1e-3,
          seed: 0,
        },
      );
      return async () => (await em.fromPartition(labels)).objectives.at(-1)!;
    },
  },
  augment: {
    title: `rotation and shift of ${SIDE}×${SIDE} images, bilinear`,
    data: [{ rows: 256, spread: 1, seed: 0 }],
    async prepare(backend, { rows }) {
      const state = new State(backend);
      const random = new RandomStream(0, 1);
      const x = state.variable("images", [rows, SIDE * SIDE], {
        data: Float32Array.from({ length: rows * SIDE * SIDE }, () => random.uniform()),
      });
      const step = state.variable("step", [1], { dtype: "u32" });
      const options = { rotation: 10, shift: 0.1, height: SIDE, width: SIDE, seed: 0 };
      const augmentation = new Augmentation(state, options);
      const program = await trace(backend, () => {
        const moved = augmentation.apply(x, step);
        advance(step);
        return { moved };
      }, "augmentation");
      return async () => {
        program.run();
        await step.read();
        return rows;
      };
    },
  },
};

/** The codes of a data set and their centres, on the device. */
function upload(backend: Backend, { rows, spread, seed }: PassData) {
  const state = new State(backend);
  const options = { rows, columns: COLUMNS, clusters: CLUSTERS, spread, seed };
  const { data, centres } = makeCodes(options);
  return {
    state,
    data,
    points: state.variable("codes", [rows, COLUMNS], { data }),
    centres: state.variable("centres", [CLUSTERS, COLUMNS], { data: centres }),
  };
}

/** k-means from another seed each time. */
function clusterCodes(backend: Backend, data: PassData, options: Partial<KMeansOptions>): Work {
  const { points, data: values } = upload(backend, data);
  const table = Table.of(points);
  return async (seed) => {
    const variance = meanVarianceOf(values, COLUMNS);
    const result = await kmeans(backend, table, variance, { clusters: CLUSTERS, ...options, seed });
    return result.inertia;
  };
}

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
  { blas }: PassTask,
  data: PassData,
  threads: number,
): Promise<Contender>[] {
  const script = new URL("./peers/passes.py", import.meta.url).pathname;
  const settings = [{ openmp: threads, openblas: 1 }];
  if (threads > 1) settings.push({ openmp: 1, openblas: blas ? threads : 1 });
  return settings.map(({ openmp, openblas }) =>
    startPeer({
      command: "/usr/bin/python3",
      args: [script, name, `${data.rows}`, `${openmp}`, `${data.spread}`, `${data.seed}`],
      env: { OMP_NUM_THREADS: `${openmp}`, OPENBLAS_NUM_THREADS: `${openblas}` },
      title: (version) => `${version}, OpenMP ${openmp}, OpenBLAS ${openblas}`,
    })
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
    const values: number[] = [];
    for (const contender of contenders) values.push((await contender.run(1)).value ?? NaN);
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
      value: values[i],
    }));
  } finally {
    for (const contender of contenders) await contender.close();
  }
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
    const rows: PassRow[] = [];
    for (const data of sets) {
      const contenders = await contendersOf(name, data, options.threads);
      rows.push(...await measurePass(name, data, contenders, options.rounds));
    }
    all.push(...rows);
    if (!options.json) console.log(`${task.title}\n${format(rows)}\n`);
  }
  const report = { ...await circumstances(), threads: options.threads, rows: all };
  if (options.save) await save(`passes-${options.threads}-threads`, report);
  if (options.json) console.log(JSON.stringify(report, null, 2));
}

if (import.meta.main) await main();
