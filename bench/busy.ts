/**
 * What is left of the rate of training steps while another process computes on one of the cores: our CPU
 * backend and PyTorch, with and without a neighbour that this bench starts, in turns in one run.
 */
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { entrants, FAMILIES, type StartedContender } from "./contenders.ts";
import { alternate, circumstances, type Contender, save } from "./measure.ts";
import { BATCH, networkName, STEPS } from "./workload.ts";

/** A process that computes all the time, while it is not stopped. */
class Neighbour implements Disposable {
  private readonly process = new Deno.Command("deno", { args: ["eval", "for (;;);"] }).spawn();

  constructor() {
    this.work(false);
  }

  /** Lets it compute, or stops it. */
  work(on: boolean): void {
    this.process.kill(on ? "SIGCONT" : "SIGSTOP");
  }

  [Symbol.dispose](): void {
    this.process.kill("SIGKILL");
  }
}

/** The contender, beside the neighbour or without. */
function beside(neighbour: Neighbour, isBusy: boolean, contender: StartedContender): Contender {
  return {
    ...contender,
    async run(count) {
      neighbour.work(isBusy);
      try {
        return await contender.run(count);
      } finally {
        neighbour.work(false);
      }
    },
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be an integer of at least 1.");
}

const { rounds, inputs, threads, json, save: saves } = new Command("deno task bench:busy")
  .description("Times the autoencoder's step with and without a neighbour on one of the cores.")
  .option("--inputs <d>", "columns of the data", positive, 784)
  .option("--rounds <n>", "turns of every contender", positive, 15)
  .option("--threads <n>", "of the CPU", positive, Math.min(2, navigator.hardwareConcurrency))
  .option("--json", "print one JSON object")
  .option("--save", "write bench/results/busy-THREADS-threads.json")
  .allowExcessArguments(false)
  .parse(Deno.args, { from: "user" })
  .opts<
    { rounds: number; inputs: number; threads: number; json?: boolean; save?: boolean }
  >();

const families = FAMILIES.filter((family) => family === "dynae" || family === "torch");
const started: StartedContender[] = [];
const absent: string[] = [];
for (const entrant of await entrants({ families, threads, webgpu: false })) {
  try {
    if (entrant.place.hardware === "cpu") started.push(await entrant.start("ae", { inputs }));
  } catch (error) {
    absent.push(`not measured: ${entrant.name}: ${(error as Error).message}`);
  }
}
using neighbour = new Neighbour();
const timings = await alternate(
  [false, true].flatMap((isBusy) =>
    started.map((contender) => beside(neighbour, isBusy, contender))
  ),
  { rounds },
);
const rows = started.map(({ name }, i) => {
  const [alone, busy] = [timings[i], timings[started.length + i]];
  return {
    name,
    aloneMs: alone.medianMs,
    busyMs: busy.medianMs,
    /** Of the rate without the neighbour. */
    left: alone.medianMs / busy.medianMs,
    left_best: alone.bestMs / busy.bestMs,
  };
});
for (const contender of started) await contender.close();
const report = {
  ...await circumstances(),
  threads,
  network: networkName({ inputs }),
  batch: BATCH,
  rows,
};
if (json) {
  console.log(JSON.stringify({ ...report, absent }, null, 2));
} else {
  console.log(`${report.network}, batch ${BATCH}, ${STEPS.ae}, ${rounds} rounds`);
  console.log(formatTable(
    ["", "alone ms", "with a neighbour", "rate left", "of the best"],
    rows.map(({ name, aloneMs, busyMs, left, left_best }) => [
      name,
      ...[aloneMs, busyMs, left, left_best].map((value) => value.toFixed(2)),
    ]),
  ));
  absent.forEach((line) => console.log(line));
}
if (saves) await save(`busy-${threads}-threads`, report);
