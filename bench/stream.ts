/**
 * Rows that outgrow memory: times training steps and passes on a file of rows that are read as they
 * are needed, in turns with the same work on rows in memory, and states the memory that each takes.
 * The file is made in a temporary folder. See `deno task bench:stream --help` for the options.
 */
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { openDataset } from "../datasets/row_file.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openDevice } from "../engine/device.ts";
import { advance } from "../engine/ops/counter.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { Adam } from "../engine/network/optim.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { BatchPrograms } from "../models/training/batches.ts";
import type { Samples } from "../models/estimator.ts";
import { Rows } from "../models/training/rows.ts";
import { Encoding } from "../models/training/whole_pass.ts";
import { alternate, circumstances, type Contender, save } from "./measure.ts";
import { BATCH, HIDDEN, LATENT } from "./workload.ts";

const INPUTS = 784;
/** Rows that the contender in memory has. */
const RESIDENT_ROWS = 20_480;

interface Options {
  readonly rows: number;
  readonly rounds: number;
  readonly steps: number;
  readonly passes: readonly number[];
  readonly save?: boolean;
}

/** Writes an IDX file [rows, 28, 28] of random bytes, block by block. */
async function writeRows(path: string, rows: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const header = new DataView(new ArrayBuffer(16));
  [0x00000803, rows, 28, 28].forEach((word, i) => header.setUint32(4 * i, word));
  const writer = file.writable.getWriter();
  await writer.write(new Uint8Array(header.buffer));
  const random = new RandomStream(0, 1);
  const block = Uint32Array.from({ length: 2 ** 20 }, () => random.next());
  for (let left = rows * INPUTS; left > 0; left -= block.byteLength) {
    // Rotated, so that no two blocks are equal.
    block[left % block.length] = random.next();
    await writer.write(new Uint8Array(block.buffer, 0, Math.min(left, block.byteLength)));
  }
  await writer.close();
}

/** Training steps of the autoencoder on rows, over and over. */
async function training(name: string, samples: Samples): Promise<Contender> {
  const backend = await openDevice({ device: "cpu" });
  const rows = await Rows.open(backend, samples);
  const state = new State(backend);
  const net = new Autoencoder(state, { inputs: INPUTS, hidden: HIDDEN, latent: LATENT }, 0);
  const step = state.variable("step", [1], { dtype: "u32" });
  const adam = new Adam(state, "adam", net.parameters, { step, learningRate: 1e-4 });
  const settings = { batchSize: BATCH, order: "shuffled", seed: 0, step } as const;
  const programs = await BatchPrograms.trace(backend, rows, settings, "step", (x) => {
    adam.minimize(meanSquaredError(net.decode(net.encode(x)), x));
    advance(step);
    return {};
  });
  let done = 0;
  return {
    name,
    async run(count) {
      const started = performance.now();
      for (let left = count; left > 0;) {
        const { program, steps } = await programs.at(done);
        const now = Math.min(left, steps);
        program.run(now);
        done += now;
        left -= now;
      }
      await step.read();
      return { seconds: (performance.now() - started) / 1000 };
    },
    async close() {
      programs.dispose();
      rows.dispose();
      state.dispose();
      await backend.dispose();
    },
  };
}

/** Seconds that encoding so many rows of the file takes. */
async function encode(backend: Backend, path: string, limit: number): Promise<number> {
  const dataset = await openDataset(path, { limit });
  using _ = dataset.data;
  using rows = await Rows.open(backend, dataset);
  using state = new State(backend);
  const net = new Autoencoder(state, { inputs: INPUTS, hidden: HIDDEN, latent: LATENT }, 0);
  using encoding = await Encoding.create(rows, (x) => net.encode(x), LATENT);
  const started = performance.now();
  await encoding.run();
  await backend.read([{ ...encoding.codes.region, length: 1 }]);
  return (performance.now() - started) / 1000;
}

async function main({ rows, rounds, steps, passes, save: record }: Options): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/rows.idx3-ubyte`;
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, Deno.memoryUsage().rss)), 50);
  try {
    await writeRows(path, rows);
    const random = new RandomStream(0, 2);
    const values = Float32Array.from({ length: RESIDENT_ROWS * INPUTS }, () => random.uniform());
    const started = performance.now();
    const dataset = await openDataset(path);
    const opening = (performance.now() - started) / 1000;
    const contenders = [
      await training(`${RESIDENT_ROWS} rows in memory`, {
        data: values,
        n: RESIDENT_ROWS,
        d: INPUTS,
      }),
      await training(`${rows} rows in a file`, dataset),
    ];
    const seconds = steps * 0.07;
    const timings = await alternate(contenders, { rounds, seconds });
    const stepsPeak = peak;
    for (const contender of contenders) await contender.close();
    dataset.data.close();
    const backend = await openDevice({ device: "cpu" });
    peak = 0;
    const passTimes: { rows: number; seconds: number; peakMiB: number }[] = [];
    for (const limit of passes) {
      const taken = await encode(backend, path, limit);
      passTimes.push({ rows: limit, seconds: taken, peakMiB: Math.round(peak / 2 ** 20) });
    }
    await backend.dispose();
    const report = {
      ...await circumstances(),
      file: { rows, columns: INPUTS, bytes: rows * INPUTS, openingSeconds: opening },
      training: contenders.map(({ name }, i) => ({ name, ...timings[i] })),
      ratio: timings[1].medianMs / timings[0].medianMs,
      peakMiB: Math.round(stepsPeak / 2 ** 20),
      passes: passTimes,
    };
    if (record) await save("stream", report);
    console.log(`${INPUTS}-${HIDDEN.join("-")}-${LATENT}, batch ${BATCH}, Adam, cpu\n`);
    console.log(formatTable(
      ["training", "median ms a step", "best", "steps a turn"],
      report.training.map((row) => [
        row.name,
        row.medianMs.toFixed(1),
        row.bestMs.toFixed(1),
        `${row.count}`,
      ]),
    ));
    console.log(
      `\n${report.ratio.toFixed(3)} times as long as in memory; both held at most ` +
        `${report.peakMiB} MiB together\nopening and checking the file: ${opening.toFixed(1)} s\n`,
    );
    console.log(formatTable(
      ["encoding rows of the file", "s", "rows a second", "peak MiB so far"],
      passTimes.map((pass) => [
        `${pass.rows}`,
        pass.seconds.toFixed(2),
        Math.round(pass.rows / pass.seconds).toString(),
        `${pass.peakMiB}`,
      ]),
    ));
  } finally {
    clearInterval(watch);
    await Deno.remove(folder, { recursive: true });
  }
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("expected an integer from 1 up");
}

await new Command("bench:stream")
  .description("Training and encoding on rows that are read from a file, beside rows in memory.")
  .option("--rows <n>", "rows of the file, 784 bytes each", count, 1_000_000)
  .option("--rounds <n>", "rounds in which both have a turn", count, 5)
  .option("--steps <n>", "about as many steps a turn; a window holds 80", count, 160)
  .option(
    "--passes <list>",
    "numbers of rows to encode",
    (text) => text.split(",").map(count),
    [62_500, 250_000, 1_000_000],
  )
  .option("--save", "write bench/results/stream.json")
  .action((options: Options) =>
    main({ ...options, passes: options.passes.filter((rows) => rows <= options.rows) })
  )
  .parseAsync(Deno.args, { from: "user" });
