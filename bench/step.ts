/**
 * Times one full training step (batch gather, forward, loss, backward, Adam) of the autoencoder
 * d–500–500–2000–10 at batch 256: the CPU backend, WebGPU, and PyTorch on as many threads, alternating
 * in one run. Prints medians, best times and ratios; with --json an object. --save writes it to
 * bench/results/.
 *
 * usage: deno task bench [--inputs 784] [--rounds 9] [--threads 2] [--no-webgpu] [--json] [--save]
 */
import type { Backend } from "../engine/backend.ts";
import { openDevice } from "../engine/device.ts";
import { NoDeviceError } from "../engine/errors.ts";
import { advance } from "../engine/ops/counter.ts";
import { batchRows } from "../engine/ops/random.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { Adam } from "../engine/optim.ts";
import { trace } from "../engine/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import { Autoencoder } from "../models/autoencoder.ts";

const BATCH = 256;
const ROWS = 4096;
const HIDDEN = [500, 500, 2000];
const LATENT = 10;

/** Something whose steps are timed. */
interface Contender {
  readonly name: string;
  /** Steps of one measurement. */
  readonly steps: number;
  /** Seconds that `steps` steps take. */
  time(steps: number): Promise<number>;
  close(): Promise<void>;
}

/** Our engine on a device. */
async function ours(backend: Backend, inputs: number, steps: number): Promise<Contender> {
  const state = new State(backend);
  const random = new RandomStream(0, 1);
  const data = Float32Array.from({ length: ROWS * inputs }, () => random.uniform());
  const table = Table.upload(backend, "rows", data, ROWS, inputs);
  const net = new Autoencoder(state, { inputs, hidden: HIDDEN, latent: LATENT }, 0);
  const step = state.variable("step", [1], { dtype: "u32" });
  const adam = new Adam(state, "adam", net.parameters, { step, learningRate: 1e-4 });
  const batches = ROWS / BATCH;
  const program = await trace(backend, () => {
    const batch = { total: ROWS, batch: BATCH, batches, count: BATCH, seed: 0, stream: 1 };
    const x = gather(table, batchRows(step, { ...batch, order: "sequential" }));
    const loss = meanSquaredError(net.decode(net.encode(x)), x);
    adam.minimize(loss);
    advance(step);
    return { loss };
  }, "step");
  return {
    name: `dynae ${backend.info.kind}, ${backend.info.description}`,
    steps,
    async time(count) {
      const started = performance.now();
      program.run(count);
      await program.read();
      return (performance.now() - started) / 1000;
    },
    close: () => backend.dispose(),
  };
}

/** PyTorch in a process of its own, or undefined where it is not installed. */
async function torch(inputs: number, threads: number): Promise<Contender | undefined> {
  const script = new URL("./peers/torch_step.py", import.meta.url).pathname;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/usr/bin/python3", {
      args: [script, `${inputs}`, `${BATCH}`, `${threads}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch {
    return undefined;
  }
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  let pending = "";
  const nextLine = async () => {
    while (!pending.includes("\n")) {
      const { value, done } = await lines.read();
      if (done) return undefined;
      pending += value;
    }
    const end = pending.indexOf("\n");
    const line = pending.slice(0, end);
    pending = pending.slice(end + 1);
    return line;
  };
  const version = await nextLine();
  if (version === undefined) {
    await child.status;
    return undefined;
  }
  return {
    name: `${version}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    steps: 8,
    async time(count) {
      await writer.write(new TextEncoder().encode(`${count}\n`));
      return Number(await nextLine());
    },
    async close() {
      await writer.close();
      await child.status;
    },
  };
}

/** What a command prints, without white space around it; empty where it cannot run. */
async function output(command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return "";
  }
}

/** "AMD EPYC, 2 cores". */
async function machine(): Promise<string> {
  const info = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /model name\s*:\s*(.*)/.exec(info)?.[1] ?? Deno.build.arch;
  return `${model.trim()}, ${navigator.hardwareConcurrency} cores`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function option(name: string, fallback: number): number {
  const place = Deno.args.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(Deno.args[place + 1]);
}

const inputs = option("inputs", 784);
const rounds = option("rounds", 9);
const threads = option("threads", Math.min(2, navigator.hardwareConcurrency));
const contenders = [await ours(await openDevice({ device: "cpu", threads }), inputs, 8)];
if (!Deno.args.includes("--no-webgpu")) {
  try {
    contenders.push(await ours(await openDevice({ device: "webgpu" }), inputs, 2));
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    console.error("no WebGPU adapter: not measured");
  }
}
const peer = await torch(inputs, threads);
if (peer) contenders.push(peer);
else console.error("no PyTorch under /usr/bin/python3: not measured");
// On shared machines PyTorch may be faster on one thread; then that is shown too.
const single = peer && threads > 1 ? await torch(inputs, 1) : undefined;
if (single) contenders.push(single);

const times = new Map(contenders.map((contender) => [contender, [] as number[]]));
for (const contender of contenders) await contender.time(2);
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) {
    times.get(contender)!.push(1000 * await contender.time(contender.steps) / contender.steps);
  }
}
for (const contender of contenders) await contender.close();

const reference = peer && median(times.get(peer)!);
const rows = contenders.map((contender) => {
  const list = times.get(contender)!;
  const middle = median(list);
  return {
    name: contender.name,
    network: `${inputs}-500-500-2000-10`,
    batch: BATCH,
    medianMs: middle,
    bestMs: Math.min(...list),
    ratio_to_pytorch: reference ? middle / reference : null,
  };
});
const report = {
  date: new Date().toISOString().slice(0, 10),
  commit: await output("git", "rev-parse", "--short", "HEAD"),
  machine: await machine(),
  deno: Deno.version.deno,
  threads,
  rounds,
  rows,
};
if (Deno.args.includes("--save")) {
  const file = new URL(`./results/step-${inputs}-${threads}-threads.json`, import.meta.url);
  await Deno.mkdir(new URL("./results/", import.meta.url), { recursive: true });
  await Deno.writeTextFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
if (Deno.args.includes("--json")) {
  console.log(JSON.stringify(report, null, 2));
} else {
  console.log(`${inputs}-500-500-2000-10, batch ${BATCH}, one Adam step, ${rounds} rounds`);
  for (const { name, medianMs, bestMs, ratio_to_pytorch: ratio } of rows) {
    const share = ratio === null ? "" : `   ${ratio.toFixed(2)} × PyTorch`;
    console.log(
      `${name.padEnd(60)} median ${medianMs.toFixed(1).padStart(8)} ms   best ` +
        `${bestMs.toFixed(1).padStart(8)} ms${share}`,
    );
  }
}
