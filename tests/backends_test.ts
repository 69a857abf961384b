import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import fc from "fast-check";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { confidence, softAssign } from "../engine/ops/assignment.ts";
import { type Module, Parameters, type ParameterSpec } from "../engine/network/module.ts";
import { add, mul, sub } from "../engine/ops/binary.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { type BatchOrder, batchRows, randomUniform } from "../engine/ops/random.ts";
import { sum } from "../engine/ops/sum.ts";
import { scale } from "../engine/ops/affine.ts";
import { copy, square } from "../engine/ops/unary.ts";
import { gather } from "../engine/ops/rows.ts";
import { Adam, type Optimizer, Sgd } from "../engine/network/optim.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { Augmentation, planBatches } from "../models/training/batches.ts";
import { Critic } from "../models/networks/critic.ts";
import { dynamicLosses, dynamicTargets } from "../models/dynae_losses.ts";
import { kmeans, meanVarianceOf } from "../models/shallow/kmeans.ts";
import { pretrainingLosses } from "../models/training/pretraining.ts";
import { Rows } from "../models/training/rows.ts";
import { Encoding } from "../models/training/whole_pass.ts";
import { gpuTest } from "./gpu.ts";

const ROWS = 150;
const SIDE = 6;
const CLUSTERS = 3;
const LATENT = 2;
const STEPS = 4;

/** Images of three kinds: a bright bar in one of three places, and noise. */
function images(): Float32Array {
  const random = new RandomStream(11, 1);
  return Float32Array.from({ length: ROWS * SIDE * SIDE }, (_, i) => {
    const row = Math.floor((i % (SIDE * SIDE)) / SIDE);
    const kind = Math.floor(i / (SIDE * SIDE)) % 3;
    return (Math.floor(row / 2) === kind ? 0.7 : 0) + random.uniform(0, 0.3);
  });
}

type Values = Record<string, ArrayLike<number>>;

/**
 * A few steps of everything that training is made of: shuffled batches, augmentation, the losses of
 * pre-training and clustering with critic, interpolation, confidence and targets, Adam and SGD; then
 * all codes, and k-means on them.
 */
async function train(backend: Backend, seed = 3): Promise<Values> {
  using state = new State(backend);
  const sizes = { inputs: SIDE * SIDE, hidden: [16], latent: LATENT };
  const net = new Autoencoder(state, sizes, seed);
  const critic = new Critic(state, sizes, seed);
  const data = images();
  using table = Table.upload(backend, "images", data, ROWS, SIDE * SIDE);
  const step = state.variable("step", [1], { dtype: "u32" });
  const losses = state.variable("losses", [4]);
  const centroids = state.variable("centroids", [CLUSTERS, LATENT], {
    data: Float32Array.of(0.3, 0, -0.2, 0.25, -0.1, -0.3),
  });
  const pictures = state.variable("pictures", [CLUSTERS, SIDE * SIDE], {
    data: data.slice(0, CLUSTERS * SIDE * SIDE),
  });
  // Between the confidences of this net, so that both kinds of targets occur.
  const thresholds = state.variable("thresholds", [2], { data: Float32Array.of(0.354, 0.015) });
  const adam = new Adam(state, "adam", net.parameters, {
    step,
    learningRate: 1e-3,
    decaySteps: 10,
  });
  const criticAdam = new Adam(state, "critic adam", critic.parameters, { step });
  const sgd = new Sgd(state, "sgd", net.parameters, { learningRate: 1e-2, momentum: 0.9 });
  const augmentation = new Augmentation(state, {
    height: SIDE,
    width: SIDE,
    rotation: 10,
    shift: 0.1,
    seed,
  });
  const plan = planBatches(ROWS, 32, "shuffled", seed);
  const build = () => {
    const rows = batchRows(step, { ...plan, count: plan.batch });
    const x = gather(table, rows);
    const augmented = augmentation.apply(x, step);
    const z = net.encode(augmented);
    const pretraining = pretrainingLosses(
      net,
      critic,
      augmented,
      z,
      net.decode(z),
      (high, stream) => randomUniform(step, [plan.batch], { seed, stream, high }),
      { critic: "trained", interpolationMax: 0.5, mixCoefficient: 0, pretrainError: "mean" },
    );
    const targets = { centroids, images: pictures, thresholds };
    const dynamic = dynamicLosses(net, z, dynamicTargets(x, net.encode(x), targets), 10);
    const { labels, mask } = confidence(softAssign(z, centroids), thresholds);
    adam.minimize(add(pretraining.reconstruction, scale(pretraining.interpolation!, 0.5)));
    criticAdam.minimize(pretraining.critic!);
    sgd.minimize(dynamic.total);
    const terms = [pretraining.reconstruction, pretraining.critic!, dynamic.code, dynamic.image];
    terms.forEach((term, i) => accumulate(losses, i, term));
    advance(step);
    return { rows, augmented: copy(augmented), z: copy(z), labels, mask };
  };
  using program = await trace(backend, build, "step");
  program.run(STEPS);
  const batch = await program.read();
  using encoding = await Encoding.create(Rows.of(table), (x) => net.encode(x), LATENT);
  await encoding.run();
  const codes = await encoding.codes.read();
  const found = await kmeans(backend, encoding.table, meanVarianceOf(codes, LATENT), {
    clusters: CLUSTERS,
    nInit: 3,
    seed,
  });
  const snapshot = await state.snapshot();
  return {
    ...batch,
    ...Object.fromEntries([...snapshot].map(([name, { data }]) => [name, data])),
    codes,
    clusters: found.labels,
    centres: found.centroids,
    inertias: found.inertias,
  };
}

/** Values that choices make: equal on every device for these data, whose choices are not close. */
const DISCRETE = ["rows", "labels", "mask", "clusters", "step"];

/** |actual − expected| ≤ 2e-4 + 1e-3·|expected|: float32 against float64 over four Adam steps. */
function assertAgree(actual: Values, expected: Values): void {
  assertEquals(Object.keys(actual), Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    if (DISCRETE.includes(name)) {
      assertEquals(Array.from(actual[name]), Array.from(values), name);
      continue;
    }
    for (let i = 0; i < values.length; i++) {
      const error = Math.abs(actual[name][i] - values[i]);
      const place = `${name}[${i}]: ${actual[name][i]} instead of ${values[i]}`;
      assert(error <= 2e-4 + 1e-3 * Math.abs(values[i]), place);
    }
  }
}

async function onCpu<T>(threads: number, body: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await openCpuBackend({ threads });
  try {
    return await body(backend);
  } finally {
    await backend.dispose();
  }
}

async function onWebGpu<T>(body: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await openWebGpuBackend();
  try {
    return await body(backend);
  } finally {
    await backend.dispose();
  }
}

Deno.test("training on the CPU agrees with the oracle, and not on trivial values", async () => {
  const expected = await train(new OracleBackend());
  const actual = await onCpu(2, train);
  assertAgree(actual, expected);
  const mask = Array.from(expected.mask);
  assert(mask.includes(0) && mask.includes(1), "both kinds of samples occur");
  assertEquals(new Set(Array.from(expected.clusters)).size, CLUSTERS);
  assertEquals(Array.from(expected.step), [STEPS]);
});

Deno.test("training on the CPU gives the same bytes for 1, 2 and 3 threads, and again", async () => {
  const one = await onCpu(1, train);
  for (const threads of [1, 2, 3]) assertEquals(await onCpu(threads, train), one);
  assertNotEquals(await onCpu(1, (backend) => train(backend, 4)), one);
});

gpuTest("training on WebGPU agrees with the oracle, and gives the same bytes again", async () => {
  const expected = await train(new OracleBackend());
  await onWebGpu(async (backend) => {
    const actual = await train(backend);
    assertAgree(actual, expected);
    assertEquals(await train(backend), actual);
  });
});

/** Parameters [4] with the loss Σ c·(w − a)², for which the gradient is 2c·(w − a). */
class Quadratic implements Module {
  w!: Variable;

  parameters(): ParameterSpec[] {
    const initializer = () => Float32Array.of(1, -2, 0.5, 3);
    return [{ name: "w", shape: [4], initializer, bind: (w) => void (this.w = w) }];
  }
}

const CURVATURE = [1, 0.5, 4, 0.25];
const CENTRE = [0, 1, -1, 2];

/** Σ c·(w − a)², its parameters w, and a counter of steps. */
function quadratic(state: State) {
  const model = new Quadratic();
  const parameters = new Parameters(state, { model }, 0);
  const step = state.variable("step", [1], { dtype: "u32" });
  const c = state.variable("c", [4], { data: Float32Array.from(CURVATURE) });
  const a = state.variable("a", [4], { data: Float32Array.from(CENTRE) });
  return { model, parameters, step, loss: () => sum(mul(c, square(sub(model.w, a)))) };
}

/** w after each of six steps of the optimiser that `make` gives. */
async function optimize(
  make: (state: State, parameters: Parameters, step: Variable) => Optimizer,
): Promise<number[][]> {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const { model, parameters, step, loss } = quadratic(state);
  const optimizer = make(state, parameters, step);
  using program = await trace(oracle, () => {
    optimizer.minimize(loss());
    advance(step);
    return { w: model.w };
  });
  const path: number[][] = [];
  for (let i = 0; i < 6; i++) {
    program.run();
    path.push([...(await program.read()).w]);
  }
  return path;
}

function assertPath(
  actual: number[][],
  update: (gradient: number, i: number, t: number) => number,
) {
  const w = [1, -2, 0.5, 3];
  actual.forEach((values, t) => {
    for (let i = 0; i < w.length; i++) {
      w[i] += update(2 * CURVATURE[i] * (w[i] - CENTRE[i]), i, t);
      assertAlmostEquals(values[i], w[i], 1e-9, `w[${i}] after step ${t}`);
    }
  });
}

Deno.test("SGD with momentum: v ← μ·v − η·g, w ← w + v", async () => {
  const v = [0, 0, 0, 0];
  assertPath(
    await optimize((state, parameters) =>
      new Sgd(state, "sgd", parameters, { learningRate: 0.05, momentum: 0.9 })
    ),
    (g, i) => v[i] = 0.9 * v[i] - 0.05 * g,
  );
});

for (const decaySteps of [0, 4]) {
  Deno.test(`Adam is algorithm 1 of its paper, ${decaySteps || "no"} steps of decay`, async () => {
    const [m, v] = [[0, 0, 0, 0], [0, 0, 0, 0]];
    assertPath(
      await optimize((state, parameters, step) =>
        new Adam(state, "adam", parameters, { step, learningRate: 0.125, decaySteps })
      ),
      (g, i, t) => {
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        const [meanHat, varianceHat] = [m[i] / (1 - 0.9 ** (t + 1)), v[i] / (1 - 0.999 ** (t + 1))];
        const share = decaySteps ? (1 + Math.cos(Math.PI * Math.min(t / decaySteps, 1))) / 2 : 1;
        return -0.125 * share * meanHat / (Math.sqrt(varianceHat) + 1e-8);
      },
    );
  });
}

Deno.test("Adam's rate falls by a factor every so many steps, down to a share", async () => {
  const [m, v] = [[0, 0, 0, 0], [0, 0, 0, 0]];
  const decay = { decaySteps: 2, decayFactor: 0.5, leastShare: 0.375 };
  assertPath(
    await optimize((state, parameters, step) =>
      new Adam(state, "adam", parameters, { step, learningRate: 0.125, ...decay })
    ),
    (g, i, t) => {
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const [meanHat, varianceHat] = [m[i] / (1 - 0.9 ** (t + 1)), v[i] / (1 - 0.999 ** (t + 1))];
      const share = [1, 1, 0.5, 0.5, 0.375, 0.375][t];
      return -0.125 * share * meanHat / (Math.sqrt(varianceHat) + 1e-8);
    },
  );
});

Deno.test("AdamW shrinks the parameters by a share of the rate, besides Adam's step", async () => {
  const [learningRate, weightDecay] = [0.125, 0.3];
  const path = await optimize((state, parameters, step) =>
    new Adam(state, "adam", parameters, { step, learningRate, weightDecay })
  );
  const [w, m, v] = [[1, -2, 0.5, 3], [0, 0, 0, 0], [0, 0, 0, 0]];
  path.forEach((values, t) => {
    for (let i = 0; i < w.length; i++) {
      const g = 2 * CURVATURE[i] * (w[i] - CENTRE[i]);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const [meanHat, varianceHat] = [m[i] / (1 - 0.9 ** (t + 1)), v[i] / (1 - 0.999 ** (t + 1))];
      w[i] *= 1 - learningRate * weightDecay;
      w[i] -= learningRate * meanHat / (Math.sqrt(varianceHat) + 1e-8);
      assertAlmostEquals(values[i], w[i], 1e-9, `w[${i}] after step ${t}`);
    }
  });
  await assertRejects(
    () =>
      optimize((state, parameters, step) =>
        new Adam(state, "adam", parameters, { step, weightDecay, decaySteps: 4 })
      ),
    RangeError,
    "Adam: a weightDecay, 0.3, needs a constant rate: decaySteps 0, not 4",
  );
});

Deno.test("Adam that takes over another one's moments goes on as the other would", async () => {
  const options = { learningRate: 0.125 };
  const path = await optimize((state, parameters, step) =>
    new Adam(state, "adam", parameters, { step, ...options })
  );
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const { model, parameters, step, loss } = quadratic(state);
  const [first, second] = ["first", "second"].map((name) =>
    new Adam(state, name, parameters, { step, ...options })
  );
  const stepOf = (adam: Adam, factor: number) =>
    trace(oracle, () => {
      adam.minimize(scale(loss(), factor));
      advance(step);
      return {};
    });
  using before = await stepOf(first, 1);
  using handover = await trace(oracle, () => {
    second.continueFrom(first, 3);
    return {};
  });
  using after = await stepOf(second, 3);
  before.run(3);
  handover.run();
  after.run(3);
  const w = await model.w.read();
  w.forEach((value, i) => assertAlmostEquals(value, path[5][i], 1e-6));
});

/** Uniform numbers [n] of a device at step `at`. */
async function draw(
  backend: Backend,
  n: number,
  { seed, stream, at, low = 0, high = 1 }: {
    seed: number;
    stream: number;
    at: number;
    low?: number;
    high?: number;
  },
): Promise<number[]> {
  using state = new State(backend);
  const step = state.variable("step", [1], { dtype: "u32", data: Uint32Array.of(at) });
  using program = await trace(
    backend,
    () => ({ u: randomUniform(step, [n], { seed, stream, low, high }) }),
  );
  program.run();
  return [...(await program.read()).u];
}

const KEYS = [
  { seed: 0, stream: 0, at: 0 },
  { seed: 7, stream: 3, at: 5 },
  { seed: 2 ** 32 - 1, stream: 2 ** 32 - 1, at: 2 ** 32 - 1 },
];

/** The host's stream equals the device's numbers, of which the first do not depend on how many. */
async function checkRandomNumbers(backend: Backend): Promise<void> {
  for (const key of KEYS) {
    const host = new RandomStream(key.seed, key.stream, key.at);
    const expected = Array.from({ length: 1000 }, () => host.uniform());
    for (const n of [1, 2, 65, 1000]) {
      assertEquals(await draw(backend, n, key), expected.slice(0, n));
    }
    // Exact too: the ends are powers of two.
    const signed = await draw(backend, 65, { ...key, low: -1, high: 1 });
    assertEquals(signed, expected.slice(0, 65).map((u) => 2 * u - 1));
  }
}

Deno.test("random numbers: host, oracle and CPU agree for any count and threads", async () => {
  await checkRandomNumbers(new OracleBackend());
  for (const threads of [1, 3]) await onCpu(threads, checkRandomNumbers);
});

gpuTest("random numbers: host and WebGPU agree for any count", async () => {
  await onWebGpu(checkRandomNumbers);
});

Deno.test("random numbers of other streams, steps and seeds differ", async () => {
  const oracle = new OracleBackend();
  const key = { seed: 1, stream: 2, at: 3 };
  const base = await draw(oracle, 64, key);
  for (const other of [{ seed: 2 }, { stream: 3 }, { at: 4 }]) {
    const values = await draw(oracle, 64, { ...key, ...other });
    assert(values.every((value, i) => value !== base[i]));
  }
});

/** Row numbers of the batches `0 … batches − 1` of an epoch. */
async function epochRows(
  backend: Backend,
  { total, batch, order, epoch = 0, count = batch }: {
    total: number;
    batch: number;
    order: BatchOrder;
    epoch?: number;
    count?: number;
  },
): Promise<number[][]> {
  using state = new State(backend);
  const plan = planBatches(total, batch, order, 5);
  const step = state.variable("step", [1], { dtype: "u32" });
  const batches: number[][] = [];
  const make = (rows: number) =>
    trace<{ rows: Tensor }>(backend, () => ({ rows: batchRows(step, { ...plan, count: rows }) }));
  using full = await make(Math.min(count, plan.batch));
  using last = await make(Math.min(count, plan.lastCount));
  for (let j = 0; j < plan.batches; j++) {
    step.write(Uint32Array.of(epoch * plan.batches + j));
    const program = j === plan.batches - 1 ? last : full;
    program.run();
    batches.push([...(await program.read()).rows]);
  }
  return batches;
}

const ORDERS: readonly BatchOrder[] = ["sequential", "shuffled", "sequentialShuffledWithin"];

Deno.test("an epoch visits every row at most once, and all but the left-out remainder", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 64 }),
      fc.constantFrom(...ORDERS),
      fc.nat(3),
      async (total, batch, order, epoch) => {
        const oracle = new OracleBackend();
        const rows = (await epochRows(oracle, { total, batch, order, epoch })).flat();
        assertEquals(new Set(rows).size, rows.length);
        assert(rows.every((row) => row < total));
        const effective = Math.min(batch, total);
        const left = order === "shuffled" ? total % effective : 0;
        assertEquals(rows.length, total - left);
      },
    ),
    { numRuns: 60 },
  );
});

/** The first rows of a smaller batch are those of the larger one, whatever the device. */
async function checkBatches(backend: Backend): Promise<void> {
  for (const order of ORDERS.filter((order) => order !== "sequentialShuffledWithin")) {
    const whole = await epochRows(new OracleBackend(), { total: 100, batch: 32, order });
    for (const count of [1, 7, 32]) {
      const part = await epochRows(backend, { total: 100, batch: 32, order, count });
      assertEquals(part, whole.map((rows) => rows.slice(0, count)));
    }
  }
}

Deno.test("row numbers do not depend on the batch's size, the device or its threads", async () => {
  for (const threads of [1, 3]) await onCpu(threads, checkBatches);
});

gpuTest("row numbers on WebGPU are the oracle's", async () => {
  await onWebGpu(checkBatches);
});

Deno.test("shuffled epochs differ; within a sequential batch the rows are permuted", async () => {
  const oracle = new OracleBackend();
  const options = { total: 64, batch: 16 };
  const first = await epochRows(oracle, { ...options, order: "shuffled" });
  const second = await epochRows(oracle, { ...options, order: "shuffled", epoch: 1 });
  assertNotEquals(first, second);
  const sequential = await epochRows(oracle, { ...options, order: "sequential" });
  const within = await epochRows(oracle, { ...options, order: "sequentialShuffledWithin" });
  assertNotEquals(within, sequential);
  assertEquals(within.map((rows) => rows.toSorted((a, b) => a - b)), sequential);
});

Deno.test("uniform numbers are uniform", async () => {
  const n = 20_000;
  const values = await draw(new OracleBackend(), n, { seed: 3, stream: 1, at: 9 });
  const mean = values.reduce((a, b) => a + b) / n;
  // Four standard errors of the mean, √(1/12n), and of the second moment.
  assertLess(Math.abs(mean - 0.5), 4 * Math.sqrt(1 / (12 * n)));
  const second = values.reduce((a, b) => a + b * b) / n;
  assertLess(Math.abs(second - 1 / 3), 4 * Math.sqrt(4 / (45 * n)));
  assert(values.every((u) => u >= 0 && u < 1));
});
