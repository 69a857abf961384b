/**
 * Whether training holds on to memory. Trains a small autoencoder for many steps, or with --data fits
 * DynAE, and prints what the process (RSS) and the device's buffers take: of the autoencoder with the
 * slope of both over the second half of the run, when everything has warmed up.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { type DeviceName, openDevice } from "../engine/device.ts";
import { DynAE } from "../models/dynae.ts";
import { circumstances } from "./measure.ts";
import { networkName, prepare } from "./workload.ts";

interface Options {
  readonly device: DeviceName;
  readonly threads?: number;
  readonly steps?: number;
  readonly samples: number;
  readonly data?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** Memory after so many steps. */
interface Sample {
  readonly step: number;
  readonly rssBytes: number;
  /** Of the device's buffers. */
  readonly deviceBytes: number;
  readonly buffers: number;
}

/** What a run showed. */
interface Result {
  /** What was trained. */
  readonly what: string;
  readonly series: readonly Sample[];
  readonly peakRssBytes: number;
  /** Of a run whose steps are all alike. */
  readonly slopeBytesAStep?: { readonly rss: number; readonly device: number };
}

/** Steps that are trained by default. */
const STEPS = 100_000;
/** How often the peak of a fit is looked for. */
const PEAK_INTERVAL_MS = 100;
const MIB = 2 ** 20;

function take(backend: Backend, step: number): Sample {
  const { bytes, buffers } = backend.memory();
  return { step, rssBytes: Deno.memoryUsage().rss, deviceBytes: bytes, buffers };
}

/** Trains the autoencoder and samples between its steps. */
async function trainAutoencoder(
  backend: Backend,
  { steps = STEPS, samples }: Options,
): Promise<Result> {
  const sizes = { inputs: 64, hidden: [128] };
  const workload = await prepare(backend, "ae", sizes);
  const series: Sample[] = [];
  for (let i = 0; i <= samples; i++) {
    const step = Math.round(i * steps / samples);
    const count = step - (series.at(-1)?.step ?? 0);
    if (count > 0) await workload.run(count);
    series.push(take(backend, step));
  }
  workload.dispose();
  return {
    what: `${networkName(sizes)}, ${steps} steps of Adam`,
    series,
    peakRssBytes: Math.max(...series.map(({ rssBytes }) => rssBytes)),
    slopeBytesAStep: {
      rss: slope(series, (sample) => sample.rssBytes),
      device: slope(series, (sample) => sample.deviceBytes),
    },
  };
}

/** Fits DynAE, samples at its reports, and looks for the peak in between. */
async function fitDynAE(
  backend: Backend,
  { data, dataDir, steps, samples }: Options,
): Promise<Result> {
  const dataset = await loadDataset(data!, dataDir === undefined ? {} : { dataDir });
  const model = new DynAE({
    clusters: dataset.classes === undefined ? 10 : new Set(dataset.classes).size,
    ...(steps === undefined ? {} : { pretrainSteps: steps, constructionSteps: steps, steps }),
  });
  const series = [take(backend, 0)];
  let peakRssBytes = series[0].rssBytes;
  const watch = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, Deno.memoryUsage().rss);
  }, PEAK_INTERVAL_MS);
  let phase = "";
  let before = 0;
  let last = 0;
  const { pretrainSteps, constructionSteps, steps: mostSteps } = model.options;
  const interval = Math.ceil((pretrainSteps + constructionSteps + mostSteps) / samples);
  const { stopReason } = await model.fit(dataset, {
    backend,
    onEvent(event) {
      if (event.type !== "progress") return;
      if (event.phase !== phase) before = last;
      phase = event.phase;
      last = before + event.step;
      if (last - series.at(-1)!.step >= interval) series.push(take(backend, last));
    },
  });
  series.push(take(backend, last));
  clearInterval(watch);
  await model.dispose();
  const values = dataset.n * dataset.d;
  const what = `DynAE on ${dataset.name}, ${dataset.n} × ${dataset.d} ` +
    `(${(4 * values / MIB).toFixed(0)} MiB), ended by: ${stopReason}`;
  return {
    what,
    series,
    peakRssBytes: Math.max(peakRssBytes, ...series.map(({ rssBytes }) => rssBytes)),
  };
}

/** Least-squares slope of the second half of the series, in bytes a step. */
function slope(series: readonly Sample[], of: (sample: Sample) => number): number {
  const half = series.slice(series.length >> 1);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const step = mean(half.map((sample) => sample.step));
  const value = mean(half.map(of));
  const covariance = half.reduce((sum, s) => sum + (s.step - step) * (of(s) - value), 0);
  const variance = half.reduce((sum, s) => sum + (s.step - step) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}

function parse(): Options {
  const integer = (text: string) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new InvalidArgumentError("It must be an integer of at least 1.");
  };
  return new Command("deno task bench:memory")
    .description("Whether training holds on to memory: RSS and device memory over many steps.")
    .addOption(new Option("--device <name>").choices(["cpu", "webgpu"]).default("cpu"))
    .option("--threads <n>", "of the CPU (default: all cores)", integer)
    .option("--steps <n>", `steps (default: ${STEPS}); of a fit, those of each phase`, integer)
    .option("--samples <n>", "lines of the series, about", integer, 20)
    .option("--data <name|path>", "fit DynAE on it instead, and state the peak")
    .option("--data-dir <dir>", "where named sets lie")
    .option("--json", "print one JSON object")
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...Deno.args], { from: "user" })
    .opts();
}

const options = parse();
const { device, threads } = options;
const backend = await openDevice({ device, ...(threads === undefined ? {} : { threads }) });
const started = performance.now();
const result = options.data === undefined
  ? await trainAutoencoder(backend, options)
  : await fitDynAE(backend, options);
const report = {
  ...await circumstances(),
  device: backend.info.description,
  seconds: (performance.now() - started) / 1000,
  ...result,
  devicePeakBytes: backend.memory().peakBytes,
};
await backend.dispose();
if (options.json) {
  console.log(JSON.stringify(report, null, 2));
} else {
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  console.log(`${report.what}\n${report.device}, ${report.seconds.toFixed(0)} s`);
  console.log(formatTable(
    ["step", "RSS, MiB", "device, MiB", "buffers"],
    report.series.map(({ step, rssBytes, deviceBytes, buffers }) => [
      `${step}`,
      mib(rssBytes),
      mib(deviceBytes),
      `${buffers}`,
    ]),
  ));
  if (report.slopeBytesAStep) {
    const { rss, device } = report.slopeBytesAStep;
    console.log(
      `slope of the second half: RSS ${rss.toFixed(2)}, device ${device.toFixed(2)} bytes a step`,
    );
  }
  console.log(`peak RSS ${mib(report.peakRssBytes)} MiB`);
}
