/** What a new GPU is asked, most valuable first. */
import { auditKernels } from "../../engine/audit/kernels.ts";
import { openWebGpuTarget } from "../../engine/audit/targets.ts";
import { openDevice } from "../../engine/device.ts";
import { KERNELS } from "../../kernels/registry.ts";
import { makeCodes } from "../codes.ts";
import { entrants, type Family } from "../contenders.ts";
import { layOut } from "../graph.ts";
import { circumstances } from "../measure.ts";
import { TASKS } from "../pass_tasks.ts";
import { measurePass, ours } from "../passes.ts";
import { measureReplay } from "../replay.ts";
import { measureStep } from "../step.ts";
import { measureTiles, TABLE, tableWith, type TileTiming } from "../tiles.ts";
import { BATCH, type StepName, STEPS } from "../workload.ts";
import type { Budgeted } from "./schedule.ts";
import { runCommand, train, type TrainingOptions } from "./training.ts";

/** What every part is told. */
export interface PartOptions {
  /** Folder of the results. */
  readonly out: string;
  /** Of rows, rounds and steps; 1 on a GPU. */
  readonly scale: number;
  /** Where to look for PyTorch first. */
  readonly python?: string;
  /** Where named data sets lie. */
  readonly dataDir?: string;
  /** Of time. */
  readonly seconds: number;
}

/** Takes a row of results. */
export type Emit = (row: object) => void;

/** A part of the measurement. */
export interface Part extends Budgeted {
  /** For people. */
  readonly title: string;
  /** The fields of a row that the summary shows. */
  readonly columns: readonly string[];
  /** Whether the summary shows a row; all by default. */
  isShown?(row: Readonly<Record<string, unknown>>): boolean;
  /** Does the work. @param signal Aborted when the time is over. @throws its reason, if it was cut short. */
  run(options: PartOptions, emit: Emit, signal: AbortSignal): Promise<void>;
}

const INPUTS = 784;
const ROUNDS = 5;
/** Rows of the passes over whole data. */
const ROWS = 70_000;
/** Columns and clusters of those rows. */
const CODES = { columns: 10, clusters: 10, spread: 1.5, seed: 0 };
const NEIGHBOURS = 15;
const DEVICES = ["webgpu", "cpu"] as const;
const TRAINING_COLUMNS = [
  ...[
    "run",
    "data",
    "finished",
    "pretrainSteps",
    "steps",
    "acc",
    "nmi",
    "ari",
    "seconds",
    "stopReason",
  ],
];

function rowsAt(scale: number): number {
  return Math.max(BATCH, Math.round(scale * ROWS));
}

/** Times steps on WebGPU, beside the peers of these families that compute on a GPU. */
async function steps(
  names: readonly StepName[],
  families: readonly Family[],
  { scale, python, seconds }: PartOptions,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const all = await entrants({ families, threads: 1, webgpu: true, python });
  const list = all.filter(({ place }) => place.hardware === "gpu");
  for (const name of names) {
    const { rows, absent } = await measureStep(list, name, INPUTS, {
      rounds: Math.max(1, Math.round(scale * ROUNDS)),
      threads: 1,
      // What compiles for longer would leave nobody time to be measured.
      patience: 2 * seconds / 3,
      signal,
    });
    const own = rows.find(({ calls }) => calls !== null);
    for (const row of rows) {
      emit(
        own === undefined || row === own
          ? row
          : { ...row, dynaeOverThis: own.medianMs / row.medianMs },
      );
    }
    absent.forEach(emit);
    signal.throwIfAborted();
  }
}

/** The part of a step beside PyTorch's. */
function besidePyTorch(step: StepName): Part {
  return {
    name: `step-${step}`,
    title: STEPS[step],
    seconds: 55,
    columns: ["name", "medianMs", "bestMs", "dynaeOverThis", "calls", "reason"],
    run: (...args) => steps([step], ["dynae", "torch"], ...args),
  };
}

/** The part of a run of DynAE. */
function dynae(
  { partition, from }: Pick<TrainingOptions, "partition"> & { readonly from?: string },
): Part {
  return {
    name: `dynae-${partition}`,
    title: `DynAE's published schedule on USPS, first clusters by ${partition}`,
    // Whatever is left.
    seconds: Infinity,
    columns: TRAINING_COLUMNS,
    async run({ out, scale, dataDir }, emit, signal) {
      const row = await train({
        partition,
        folder: `${out}/dynae-${partition}`,
        scale,
        ...(from === undefined ? {} : { from: `${out}/${from}` }),
        ...(dataDir === undefined ? {} : { dataDir }),
      }, signal);
      emit(row);
      if (!row.finished) signal.throwIfAborted();
    },
  };
}

/** All parts, in their order. */
export const PARTS: readonly Part[] = [
  {
    name: "info",
    title: "where this was measured",
    seconds: 20,
    columns: ["date", "commit", "machine", "deno", "auto"],
    async run({ out }, emit) {
      const info = await runCommand(["info", "--json"], out);
      if (info.code !== 0) throw new Error(info.error);
      emit({ ...await circumstances(), ...JSON.parse(info.out) });
    },
  },
  {
    name: "audit",
    title: "kernels against their reference, every variant: breaches, and how many were audited",
    seconds: 90,
    columns: ["kernel", "variant", "verdict", "breaches", "audited", "passed", "leftOut"],
    isShown: ({ verdict }) => verdict !== "pass",
    async run({ scale }, emit, signal) {
      const target = await openWebGpuTarget();
      const kernels = Object.values(KERNELS);
      let [audited, passed] = [0, 0];
      const leftOut = kernels.flatMap((kernel) => target.leftOut(kernel)).length;
      const count = () => emit({ audited, passed, kernels: kernels.length, leftOut });
      for await (const row of auditKernels(target, KERNELS, scale < 1 ? { cases: 1 } : {})) {
        emit(row);
        audited++;
        if (row.verdict === "pass") passed++;
        if (!signal.aborted) continue;
        count();
        signal.throwIfAborted();
      }
      count();
      await target.dispose();
    },
  },
  ...(Object.keys(STEPS) as StepName[]).map(besidePyTorch),
  {
    name: "replay",
    title: "what a step costs the host: encoding and submitting, nothing executed",
    seconds: 20,
    columns: ["step", "dispatches", "medianMicroseconds", "bestMicroseconds"],
    async run({ scale }, emit) {
      const rounds = Math.max(3, Math.round(40 * scale));
      for await (const row of measureReplay(rounds, 10)) emit(row);
    },
  },
  {
    name: "tiles",
    title: "variants of the matrix products that beat the kernel's own choice",
    seconds: 75,
    columns: ["kernel", "row", "own", "microseconds"],
    isShown: ({ row, own }) => Array.isArray(row) && row[3] !== own,
    async run({ out, scale }, emit, signal) {
      const timings: TileTiming[] = [];
      const batches = scale < 1 ? { batches: [Math.max(16, Math.round(256 * scale))] } : {};
      const options = { grid: false, rounds: 3, seconds: 0.01, signal, ...batches };
      for await (const timing of measureTiles(options)) {
        timings.push(timing);
        emit(timing);
      }
      const table = await tableWith(timings);
      await Deno.writeTextFile(`${out}/tiles.json`, table);
      // The parts that follow run by it.
      if (scale === 1) await Deno.writeTextFile(TABLE, table);
      signal.throwIfAborted();
    },
  },
  {
    name: "steps-tuned",
    title: "the steps again, by the chosen variants",
    seconds: 25,
    columns: ["step", "medianMs", "bestMs", "calls", "reason"],
    run: (...args) => steps(Object.keys(STEPS) as StepName[], ["dynae"], ...args),
  },
  {
    name: "passes",
    title: `passes over whole data, of ${ROWS} rows where nothing else is said`,
    seconds: 45,
    columns: ["task", "rows", "name", "medianMs", "bestMs", "ratio", "value"],
    async run({ scale }, emit, signal) {
      for (const [name, task] of Object.entries(TASKS)) {
        // The graph has a part of its own.
        if (name === "neighbours" || name === "layout") continue;
        signal.throwIfAborted();
        const [first] = task.data;
        const data = { ...first, rows: Math.max(BATCH, Math.round(scale * first.rows)) };
        const threads = navigator.hardwareConcurrency;
        const contenders = [];
        for (const device of DEVICES) contenders.push(await ours(task, data, { device, threads }));
        const rows = await measurePass(name, data, contenders, Math.max(1, Math.round(3 * scale)));
        rows.forEach(emit);
      }
    },
  },
  {
    name: "graph",
    title: `neighbours, weights and layout of ${ROWS} rows`,
    seconds: 45,
    columns: ["device", "rows", "what", "seconds"],
    async run({ scale }, emit, signal) {
      const n = rowsAt(scale);
      const { data } = makeCodes({ ...CODES, rows: n });
      for (const device of DEVICES) {
        signal.throwIfAborted();
        const backend = await openDevice({ device });
        await layOut(backend, { data, n, d: CODES.columns }, NEIGHBOURS, 1, (what, seconds) => {
          emit({ device, rows: n, what, seconds });
        });
        await backend.dispose();
      }
    },
  },
  dynae({ partition: "kmeans" }),
  dynae({ partition: "graph", from: "dynae-kmeans" }),
];
