import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { describePlan, formatPlan } from "../engine/inspect/plan.ts";
import { addTimes, formatRoofline, formatTimes, stepTimesOf } from "../engine/inspect/times.ts";
import { advance } from "../engine/ops/counter.ts";
import { batchRows } from "../engine/ops/random.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { Adam } from "../engine/network/optim.ts";
import { observePrograms, type Program, trace } from "../engine/planner/program.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { gpuTest } from "./gpu.ts";

const ROWS = 64, BATCH = 16, INPUTS = 12, HIDDEN = 20, LATENT = 3, STEPS = 5;

/** One training step of a small autoencoder, and its variables. */
async function prepare(backend: Backend) {
  const state = new State(backend);
  const data = Float32Array.from({ length: ROWS * INPUTS }, (_, i) => Math.sin(i));
  const table = Table.upload(backend, "rows", data, ROWS, INPUTS);
  const net = new Autoencoder(state, { inputs: INPUTS, hidden: [HIDDEN], latent: LATENT }, 0);
  const step = state.variable("step", [1], { dtype: "u32" });
  const adam = new Adam(state, "adam", net.parameters, { step });
  const program = await trace(backend, () => {
    const batch = { total: ROWS, batch: BATCH, batches: ROWS / BATCH, count: BATCH, seed: 0 };
    const x = gather(table, batchRows(step, { ...batch, stream: 1, order: "sequential" }));
    const loss = meanSquaredError(net.decode(net.encode(x)), x);
    adam.minimize(loss);
    advance(step);
    return { loss };
  }, "small");
  return { program, state, net };
}

/** Replays the step, and gives what it leaves. */
async function train(backend: Backend): Promise<Map<string, unknown>> {
  const { program, state } = await prepare(backend);
  program.run(STEPS);
  const snapshot = await state.snapshot();
  await backend.dispose();
  return snapshot;
}

Deno.test("a plan's description names every call, with its work", async () => {
  const backend = await openCpuBackend({ threads: 2 });
  const observed: Program[] = [];
  observePrograms(backend, (program) => void observed.push(program));
  const { program, net } = await prepare(backend);
  assertEquals(observed, [program]);
  const plan = describePlan(program);
  assertEquals(plan.label, "small");
  const kernels = plan.calls.map(({ kernel }) => kernel);
  assertEquals(kernels, program.plan.calls.map(({ kernel }) => kernel.name));
  const layers = [[INPUTS, HIDDEN], [HIDDEN, LATENT], [LATENT, HIDDEN], [HIDDEN, INPUTS]];
  const flopsOf = (name: string) =>
    plan.calls.filter(({ kernel }) => kernel === name).map(({ flops }) => flops);
  assertEquals(flopsOf("dense"), layers.map(([k, n]) => 2 * BATCH * k * n + BATCH * n));
  // Nobody needs the gradient of the first layer's input.
  const products = layers.slice(1).reverse().map(([k, n]) => 2 * BATCH * k * n);
  assertEquals(flopsOf("dense_input_gradient"), products);
  const first = plan.calls[kernels.indexOf("dense")];
  assertEquals(first.ops, ["dense", "relu"]);
  assertEquals(first.variants, ["dense"]);
  assertEquals(first.reads.map(({ buffer }) => buffer).slice(1), [
    "encoder.0.weight",
    "encoder.0.bias",
  ]);
  assertEquals(first.writes.map(({ shape }) => shape), [[BATCH, HIDDEN]]);
  assertEquals(plan.calls[0].variants, ["reference"]);
  assertEquals(plan.packs, [{ length: net.parameters.arena.size, inPlace: 8, copied: 0 }]);
  assert(plan.calls.some(({ packed }) => packed));
  assertEquals(plan.buffers, program.plan.buffers.length);
  assert(plan.sharedBytes > 0 && plan.unsharedBytes > 0);
  const text = formatPlan(plan);
  for (const name of [...kernels, "dense + relu", "16×12, 12×20, 20 → 16×20", "0 copied"]) {
    assertStringIncludes(text, name);
  }
  assertEquals(program.passes.length, plan.calls.flatMap(({ variants }) => variants).length);
  await assertRejects(() => program.times(), TypeError, "small: nothing is timed");
  await backend.dispose();
});

/** Checks that all passes of a device that is opened for profiling are timed. */
async function checkTimes(backend: Backend): Promise<void> {
  const { program } = await prepare(backend);
  assertEquals((await program.times()).steps, 0);
  program.run(STEPS);
  program.run(1);
  program.dispose();
  const times = await program.times();
  assertEquals(times.steps, STEPS + 1);
  assert(times.seconds > 0);
  const passes = times.passes!;
  assertEquals(passes.length, program.passes.length);
  assert(passes.every(({ seconds, waiting }) => seconds >= waiting && waiting >= 0));
  // A clock may be too coarse for a pass, but not for all of them.
  const sum = passes.reduce((total, { seconds }) => total + seconds, 0);
  assert(sum > 0 && sum <= 1.01 * times.seconds, `${sum} of ${times.seconds} s`);
  const measured = { plan: describePlan(program), times };
  const [total, ...others] = addTimes([measured, measured]);
  assertEquals(others, []);
  assertEquals(total.times.steps, 2 * times.steps);
  const text = formatTimes(total, { flops: 1e9, bytes: 1e9 });
  for (const { kernel } of measured.plan.calls) assertStringIncludes(text, kernel);
  assertStringIncludes(text, "small: 12 steps in");
  assertStringIncludes(text, "of limit");
  await backend.dispose();
}

for (const threads of [1, 2]) {
  Deno.test(`cpu: every pass is timed, ${threads} threads`, async () => {
    await checkTimes(await openCpuBackend({ threads, profile: true }));
  });
}

/** Checks what a device says of the kernels of {@linkcode prepare} that times a sample of its replays. */
async function checkSample(backend: Backend, replays: number, timed: number): Promise<void> {
  const { program } = await prepare(backend);
  assertEquals(await stepTimesOf([program]), undefined);
  for (let i = 0; i < replays; i++) {
    program.run(1);
    await program.read();
  }
  program.dispose();
  const { steps, kernels } = (await stepTimesOf([program]))!;
  assertEquals(steps, timed);
  const counts = Map.groupBy(program.plan.calls, ({ kernel }) => kernel.name);
  assertEquals(
    new Set(kernels.map(({ kernel, calls }) => `${calls} of ${kernel}`)),
    new Set(Array.from(counts, ([name, calls]) => `${calls.length} of ${name}`)),
  );
  const times = kernels.map(({ milliseconds }) => milliseconds);
  assertEquals(times, times.toSorted((a, b) => b - a));
  assert(times[0] > 0 && times.at(-1)! >= 0);
  await backend.dispose();
}

for (const threads of [1, 2]) {
  Deno.test(`cpu: of a sample one replay in sixteen is timed, not the first, ${threads} threads`, async () => {
    await checkSample(await openCpuBackend({ threads, profile: "sample" }), 34, 3);
  });
}

gpuTest("webgpu: of a sample one submit in 64 is timed, not the first", async () => {
  await checkSample(await openWebGpuBackend({ profile: "sample" }), 66, 2);
});

Deno.test("two programs that take turns have the times of their steps together", async () => {
  const backend = await openCpuBackend({ threads: 1, profile: true });
  const programs = [(await prepare(backend)).program, (await prepare(backend)).program];
  programs[0].run(3);
  programs[1].run(1);
  const { steps, kernels } = (await stepTimesOf(programs))!;
  assertEquals(steps, 4);
  const alone = (await stepTimesOf(programs.slice(0, 1)))!;
  assertEquals(alone.steps, 3);
  assertEquals(
    new Set(kernels.map(({ kernel, calls }) => `${kernel} ${calls}`)),
    new Set(alone.kernels.map(({ kernel, calls }) => `${kernel} ${calls}`)),
  );
  await backend.dispose();
});

Deno.test({
  name: "cpu: passes are timed, and the device is measured, without workers too",
  permissions: { read: false },
  async fn() {
    await checkTimes(await openCpuBackend({ profile: true }));
    await checkRoofline(await openCpuBackend());
  },
});

gpuTest("webgpu: every pass is timed", async () => {
  await checkTimes(await openWebGpuBackend({ profile: true }));
});

gpuTest("webgpu: an adapter without timestamps times whole steps", async () => {
  const features = GPUSupportedFeatures.prototype;
  const { has } = features;
  features.has = function (name) {
    return name !== "timestamp-query" && has.call(this, name);
  };
  try {
    const backend = await openWebGpuBackend({ profile: true });
    const { program } = await prepare(backend);
    program.run(STEPS);
    const times = await program.times();
    assertEquals([times.steps, times.passes, backend.roofline], [STEPS, undefined, undefined]);
    assert(times.seconds > 0);
    assertStringIncludes(formatTimes({ plan: describePlan(program), times }), "cannot time passes");
    await backend.dispose();
  } finally {
    features.has = has;
  }
});

Deno.test("timing changes no byte of the results", async () => {
  const plain = await train(await openCpuBackend({ threads: 2 }));
  assertEquals(await train(await openCpuBackend({ threads: 2, profile: true })), plain);
});

gpuTest("webgpu: timing changes no byte of the results", async () => {
  const plain = await train(await openWebGpuBackend());
  assertEquals(await train(await openWebGpuBackend({ profile: true })), plain);
});

async function checkRoofline(backend: Backend): Promise<void> {
  const bytes = backend.memory().bytes;
  const roofline = await backend.roofline!();
  assert(roofline.flops > 1e7 && roofline.flops < 1e15, `${roofline.flops} FLOP/s`);
  assert(roofline.bytes > 1e7 && roofline.bytes < 1e15, `${roofline.bytes} B/s`);
  assertEquals(backend.memory().bytes, bytes);
  assertStringIncludes(formatRoofline(roofline), "GFLOP/s");
  await backend.dispose();
}

Deno.test("cpu: the device is measured on all threads", async () => {
  await checkRoofline(await openCpuBackend({ threads: 2 }));
});

gpuTest("webgpu: the device is measured", async () => {
  await checkRoofline(await openWebGpuBackend({ profile: true }));
});
