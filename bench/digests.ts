/**
 * Whether a change of the code has left every method's bytes alone: digests of short runs of all
 * methods under all profiles, on the CPU backend by one and by two threads and on WebGPU. Bytes depend
 * on the machine, so both states of the code are run on the same one.
 *
 *   deno task digests --record before.json     in the state before
 *   deno task digests --compare before.json    in the state after
 */
import { Command, Option } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { TILE_CHOICES } from "../engine/cpu/wasm/tiles.ts";
import { type DeviceOptions, openDevice, type TileChoice } from "../engine/device.ts";
import type { Checkpoint, FitResult } from "../models/estimator.ts";
import type { Method } from "../models/method.ts";
import type { OptionValue } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";

/** Rows of optdigits that are clustered. */
const ROWS = 600;

/** What makes a run short, where a method has the option. */
const SHORT: Readonly<Record<string, OptionValue>> = {
  hidden: [96, 64, 160],
  channels: 4,
  pretrainSteps: 9,
  stackedSteps: 4,
  constructionSteps: 8,
  labelSteps: 6,
  moduleSteps: 6,
  steps: 14,
  checkInterval: 5,
  logInterval: 4,
  nInit: 2,
  maxIterations: 8,
  featureDiagnostics: true,
};

/** Names of changed digests that a line shows. */
const SHOWN = 5;

/** Where the runs compute. */
const DEVICES: Readonly<Record<string, DeviceOptions>> = {
  "cpu, 1 thread": { device: "cpu", threads: 1 },
  "cpu, 2 threads": { device: "cpu", threads: 2 },
  webgpu: { device: "webgpu" },
};

/** What a run left, digest by digest. */
type Digests = Readonly<Record<string, string>>;

/** Of every run: `method profile, device`. */
type Recorded = Record<string, Digests>;

interface Options {
  readonly record?: string;
  readonly compare?: string;
  readonly only?: string;
  readonly device?: string;
  readonly tile?: TileChoice;
}

async function digest(value: BufferSource | string): Promise<string> {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.slice(0, 8).toHex();
}

/** Digests of labels, codes, log, partitions, and every tensor of the last checkpoint. */
async function digestsOf(result: FitResult, checkpoint: Checkpoint | undefined): Promise<Digests> {
  const partitions = Object.entries(result.partitions).map(([name, labels]) =>
    `${name} ${labels.join()}`
  );
  const tensors = [...checkpoint?.variables ?? []].sort(([a], [b]) => a < b ? -1 : 1);
  return {
    labels: await digest(result.labels as Uint32Array<ArrayBuffer>),
    embedding: await digest(result.embedding as Float32Array<ArrayBuffer>),
    centers: await digest(result.clusterCenters as Float32Array<ArrayBuffer>),
    metrics: await digest(JSON.stringify(result.history)),
    partitions: await digest(partitions.join("\n")),
    ...Object.fromEntries(
      await Promise.all(tensors.map(async ([name, { data }]) => [
        `checkpoint: ${name}`,
        await digest(data as Float32Array<ArrayBuffer>),
      ])),
    ),
  };
}

/** A short run of a profile; a failure is part of what is compared. */
async function run(method: Method, profile: string, backend: Backend): Promise<Digests> {
  const { values } = method.profiles[profile];
  const short = Object.entries(SHORT).filter(([name]) =>
    method.options.some((option) => option.name === name)
  );
  const samples = await loadDataset("optdigits", { limit: ROWS });
  const model = method.create({
    ...Object.fromEntries(method.options.map(({ name, default: value }) => [name, value])),
    ...values,
    ...Object.fromEntries(short),
    clusters: 10,
  });
  let last: Checkpoint | undefined;
  try {
    const result = await model.fit(samples, {
      backend,
      ...(samples.classes === undefined ? {} : { truth: samples.classes }),
      saveSeconds: Infinity,
      save: (checkpoint) => {
        last = checkpoint;
        return Promise.resolve();
      },
    });
    return await digestsOf(result, last);
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    await model.dispose();
  }
}

async function runAll({ only, device: wanted, tile }: Options): Promise<Recorded> {
  const all: Recorded = {};
  for (const [device, options] of Object.entries(DEVICES)) {
    if (wanted !== undefined && !device.startsWith(wanted)) continue;
    const backend = await openDevice({ ...options, ...(tile === undefined ? {} : { tile }) });
    for (const method of Object.values(METHODS)) {
      if (only !== undefined && !only.split(",").includes(method.name)) continue;
      for (const profile of Object.keys(method.profiles)) {
        const name = `${method.name} ${profile}, ${device}`;
        const started = performance.now();
        all[name] = await run(method, profile, backend);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        console.error(`${name}: ${all[name].error ?? all[name].labels} (${seconds} s)`);
      }
    }
    await backend.dispose();
  }
  return all;
}

/** Prints what differs; whether nothing does. */
function compare(before: Recorded, after: Recorded): boolean {
  const rows = Object.entries(after).flatMap(([name, digests]) => {
    const old = before[name] ?? {};
    const names = new Set([...Object.keys(old), ...Object.keys(digests)]);
    const changed = [...names].filter((what) => old[what] !== digests[what]);
    if (changed.length === 0) return [];
    const more = changed.length > SHOWN ? "; …" : "";
    return [[name, `${changed.length}`, changed.slice(0, SHOWN).join("; ") + more]];
  });
  const digests = Object.values(after).reduce((sum, run) => sum + Object.keys(run).length, 0);
  if (rows.length > 0) console.log(formatTable(["run", "changed", "which"], rows));
  console.log(`${Object.keys(after).length} runs, ${digests} digests, ${rows.length} runs differ`);
  return rows.length === 0;
}

const command = new Command("digests")
  .description("digests of short runs of every method and profile on every device")
  .option("--record <file>", "write them to a file")
  .option("--compare <file>", "compare them with those of a file")
  .option("--only <names>", "of these methods, with commas between")
  .addOption(new Option("--device <name>", "of one device").choices(["cpu", "webgpu"]))
  .addOption(new Option("--tile <name>", "of the CPU's matrix products").choices(TILE_CHOICES));
const options = command.parse(Deno.args, { from: "user" }).opts<Options>();
const before = options.compare && JSON.parse(await Deno.readTextFile(options.compare));
const after = await runAll(options);
if (options.record) await Deno.writeTextFile(options.record, `${JSON.stringify(after, null, 1)}\n`);
if (before && !compare(before, after)) Deno.exit(1);
