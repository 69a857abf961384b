/**
 * Times full training steps (batch gather, forward, losses, backward, update) at batch 256: our
 * backends, PyTorch, and peers from npm, in turns in one run. Prints a table a step and network; see
 * `deno task bench --help` for the options.
 */
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import {
  type Entrant,
  entrants,
  FAMILIES,
  type Family,
  type Place,
  type StartedContender,
} from "./contenders.ts";
import { alternate, circumstances, save, type Timing } from "./measure.ts";
import { BATCH, flopsOf, networkName, type StepName, STEPS } from "./workload.ts";

interface Options extends StepOptions {
  readonly inputs: readonly number[];
  readonly steps: readonly StepName[];
  readonly peers: readonly Family[];
  readonly webgpu: boolean;
  readonly json?: boolean;
  readonly save?: boolean;
}

/** One line of a table. */
export interface StepRow {
  readonly name: string;
  readonly step: StepName;
  readonly network: string;
  readonly batch: number;
  readonly place: Place;
  readonly medianMs: number;
  readonly bestMs: number;
  /** Median against that of PyTorch with as many CPU threads as `--threads`, as it comes. */
  readonly ratio_to_pytorch: number | null;
  /** Against the fastest PyTorch on the same kind of hardware, in float32, with no more threads. */
  readonly ratio_to_fastest_pytorch: number | null;
  /** Of the step's products, by the median. */
  readonly gflops: number;
  /** Kernel calls of a step, of ours. */
  readonly calls: number | null;
  /** Rounds in which it was measured, and steps of one measurement. */
  readonly rounds: number;
  readonly count: number;
  /** Mean loss of the first two steps. */
  readonly loss: number;
}

/** Someone who was not measured. */
export interface Absence {
  readonly name: string;
  readonly step: StepName;
  readonly reason: string;
}

/** Steps before anything is measured. */
const WARM_UP = 2;

/**
 * The losses of the first steps differ by the random starts alone: by less than this factor, or two
 * contenders do not compute the same.
 */
const LOSS_FACTOR = 1.5;

/** A contender that has made its first steps, and their mean loss. */
interface StartedEntrant {
  readonly entrant: Entrant;
  readonly contender: StartedContender;
  readonly loss: number;
}

/** Starts a contender, which may compile at its first steps. */
async function warm(entrant: Entrant, step: StepName, inputs: number): Promise<StartedEntrant> {
  if (!entrant.steps.includes(step)) {
    throw new Error(`it has the step ${entrant.steps.join(", ")} alone`);
  }
  const contender = await entrant.start(step, { inputs });
  const { value: loss = NaN } = await contender.run(WARM_UP);
  return { entrant, contender, loss };
}

/** The contender, or an error where it takes longer; one that comes too late is closed. */
async function within(
  seconds: number | undefined,
  starting: Promise<StartedEntrant>,
): Promise<StartedEntrant> {
  if (seconds === undefined) return await starting;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    starting.then(({ contender }) => contender.close(), () => {});
    reject(new Error(`it was not ready within ${seconds.toFixed(0)} s`));
  }, 1000 * seconds);
  try {
    return await Promise.race([starting, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a step is measured. */
export interface StepOptions {
  /** Turns of every contender. */
  readonly rounds: number;
  /** On the CPU. */
  readonly threads: number;
  /** Seconds within which a contender must have made its first steps; any number by default. */
  readonly patience?: number;
  /** Aborted: what has been measured until then is all. */
  readonly signal?: AbortSignal;
}

/** Times all contenders on one step of one network. */
export async function measureStep(
  list: readonly Entrant[],
  step: StepName,
  inputs: number,
  { rounds, threads, patience, signal }: StepOptions,
): Promise<{ rows: StepRow[]; absent: Absence[] }> {
  const started: StartedEntrant[] = [];
  const absent: Absence[] = [];
  try {
    const ready = await Promise.allSettled(
      list.map((entrant) => within(patience, warm(entrant, step, inputs))),
    );
    for (const [i, result] of ready.entries()) {
      const fail = (reason: string) => void absent.push({ name: list[i].name, step, reason });
      if (result.status === "rejected") {
        fail((result.reason as Error).message);
        continue;
      }
      const { contender, loss } = result.value;
      const [first] = started;
      if (first && !(Math.abs(Math.log(loss / first.loss)) < Math.log(LOSS_FACTOR))) {
        await contender.close();
        fail(`its loss is ${loss}, that of ${first.contender.name} ${first.loss}`);
      } else {
        started.push(result.value);
      }
    }
    const timings = await alternate(started.map(({ contender }) => contender), {
      rounds,
      ...(signal && { signal }),
    });
    const entries = started.map((entry, i) => ({
      ...entry,
      place: entry.contender.place ?? entry.entrant.place,
      timing: timings[i],
    }));
    const pytorch = entries.filter(({ entrant }) => entrant.family === "torch");
    const reference = pytorch.find(({ place }) =>
      place.hardware === "cpu" && place.threads === threads
    );
    const rows = entries.map(({ entrant, contender, loss, place, timing }): StepRow => {
      const peers = pytorch.filter((peer) =>
        !peer.entrant.tf32 && peer.place.hardware === place.hardware &&
        peer.place.threads <= place.threads
      );
      return {
        name: contender.name,
        step,
        network: networkName({ inputs }, step),
        batch: BATCH,
        place,
        medianMs: timing.medianMs,
        bestMs: timing.bestMs,
        ratio_to_pytorch: ratio(timing, reference ? [reference.timing] : []),
        ratio_to_fastest_pytorch: entrant.family === "torch"
          ? null
          : ratio(timing, peers.map((peer) => peer.timing)),
        gflops: flopsOf(step, { inputs }) / timing.medianMs / 1e6,
        calls: contender.calls ?? null,
        rounds: timing.rounds,
        count: timing.count,
        loss,
      };
    });
    return { rows, absent };
  } finally {
    for (const { contender } of started) await contender.close();
  }
}

/** A median against the smallest of the others. */
function ratio({ medianMs }: Timing, others: readonly Timing[]): number | null {
  return others.length === 0 ? null : medianMs / Math.min(...others.map((other) => other.medianMs));
}

/** The table of one step and network. */
function format(rows: readonly StepRow[], absent: readonly Absence[], rounds: number): string {
  const shown = (value: number | null, digits: number) => value?.toFixed(digits) ?? "";
  const table = formatTable(
    [
      "",
      "median ms",
      "best ms",
      "× PyTorch",
      "× its fastest",
      "GFLOP/s",
      "calls",
      "rounds × steps",
    ],
    rows.map((row) => [
      row.name,
      shown(row.medianMs, 2),
      shown(row.bestMs, 2),
      shown(row.ratio_to_pytorch, 2),
      shown(row.ratio_to_fastest_pytorch, 2),
      shown(row.gflops, 1),
      shown(row.calls, 0),
      `${row.rounds} × ${row.count}`,
    ]),
  );
  const slow = rows.some((row) => row.rounds < rounds)
    ? `Those that take more than a second a step are measured in the first rounds alone.\n`
    : "";
  const missing = absent.map(({ name, reason }) => `not measured: ${name}: ${reason}\n`).join("");
  return `${table}\n${slow}${missing}`;
}

/** A list of names, or what there is. */
function namesOf<T extends string>(text: string, known: readonly T[]): T[] {
  return text.split(",").map((name) => {
    const found = known.find((other) => other === name);
    if (found === undefined) {
      throw new InvalidArgumentError(
        `There is no ${name || "empty name"}, only ${known.join(", ")}.`,
      );
    }
    return found;
  });
}

function integer(text: string, most = Infinity): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  const range = most < Infinity ? `from 1 to ${most}` : "of at least 1";
  throw new InvalidArgumentError(`It must be an integer ${range}.`);
}

function parse(args: readonly string[]): Options {
  const steps = Object.keys(STEPS) as StepName[];
  const threads = Math.min(2, navigator.hardwareConcurrency);
  const inputs: number[] = [];
  const command = new Command("deno task bench")
    .description("Times a training step of d-500-500-2000-10 at batch 256 beside its peers.")
    .option("--inputs <d,…>", "columns of the data; may be repeated (default: 784)", (text) => {
      inputs.push(...text.split(",").map((part) => integer(part)));
    })
    .option(
      "--steps <names>",
      `of ${steps.join(", ")} (default: all)`,
      (text) => namesOf(text, steps),
    )
    .option("--rounds <n>", "turns of every contender", (text) => integer(text), 9)
    .option("--threads <n>", "on the CPU", (text) => integer(text, 256), threads)
    .option(
      "--peers <names>",
      `of ${FAMILIES.join(", ")}, or all (default: dynae,torch)`,
      (text) => {
        const names = namesOf(text, [...FAMILIES, "all"]);
        return names.includes("all") ? FAMILIES : names;
      },
    )
    .option("--no-webgpu", "leave WebGPU out")
    .option("--json", "print one JSON object")
    .option("--save", "write bench/results/step-D-THREADS-threads.json")
    .addHelpText(
      "after",
      `\n${steps.map((name) => `${name.padEnd(12)} ${STEPS[name]}\n`).join("")}`,
    )
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...args], { from: "user" });
  const defaults = { steps, peers: ["dynae", "torch"] as const };
  return { ...defaults, ...command.opts(), inputs: inputs.length === 0 ? [784] : inputs };
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const list = await entrants({
    families: options.peers,
    threads: options.threads,
    webgpu: options.webgpu,
  });
  const header = { ...await circumstances(), threads: options.threads };
  const all: { rows: StepRow[]; absent: Absence[] } = { rows: [], absent: [] };
  for (const inputs of options.inputs) {
    const rows: StepRow[] = [];
    const absent: Absence[] = [];
    for (const step of options.steps) {
      const result = await measureStep(list, step, inputs, options);
      rows.push(...result.rows);
      absent.push(...result.absent);
      if (options.json) continue;
      console.log(`${networkName({ inputs }, step)}, batch ${BATCH}, ${STEPS[step]}`);
      console.log(format(result.rows, result.absent, options.rounds));
    }
    if (options.save) {
      await save(`step-${inputs}-${options.threads}-threads`, { ...header, rows, absent });
    }
    all.rows.push(...rows);
    all.absent.push(...absent);
  }
  if (options.json) console.log(JSON.stringify({ ...header, ...all }, null, 2));
}

if (import.meta.main) await main();
