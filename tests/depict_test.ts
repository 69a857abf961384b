import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import { AEKMeans } from "../models/ae_kmeans.ts";
import { ConvolutionalAutoencoder, halve } from "../models/networks/convolutional_autoencoder.ts";
import { DEPICT } from "../models/depict.ts";
import { crossEntropy } from "../models/losses.ts";
import type { DEPICTOptions } from "../models/depict_options.ts";
import { reconstructionLosses } from "../models/depict_pretraining.ts";
import {
  type Checkpoint,
  type FitContext,
  type FitResult,
  InterruptedError,
} from "../models/estimator.ts";
import { normalizedMutualInformation } from "../models/evaluation/metrics.ts";
import { holdOut } from "../models/training/held_out.ts";

const SIDE = 6;
const ROWS = 60;

/** Images with a bright bar in one of three places, and noise. */
function bars(): { data: Float32Array; n: number; d: number; height: number; width: number } {
  const random = new RandomStream(5, 1);
  const data = Float32Array.from({ length: ROWS * SIDE * SIDE }, (_, i) => {
    const row = Math.floor((i % (SIDE * SIDE)) / SIDE);
    const kind = Math.floor(i / (SIDE * SIDE)) % 3;
    return (Math.floor(row / 2) === kind ? 0.7 : 0) + random.uniform(0, 0.3);
  });
  return { data, n: ROWS, d: SIDE * SIDE, height: SIDE, width: SIDE };
}

const OPTIONS = {
  clusters: 3,
  channels: 16,
  batchSize: 20,
  nInit: 3,
  pretrainSteps: 300,
  labelSteps: 30,
  steps: 30,
  learningRate: 1e-4,
};

function draw(stream: number, shape: Shape): Float32Array {
  const random = new RandomStream(3, stream);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
}

/** The mean of (a − b)². */
function meanSquared(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;
}

Deno.test("the convolutions halve images as published, and leave no pixel out", () => {
  const published: [side: number, sizes: number[], kernels: number[], paddings: number[]][] = [
    [28, [13, 7], [4, 5], [0, 2]],
    [16, [7, 4], [4, 5], [0, 2]],
    [55, [28, 13], [5, 4], [2, 0]],
    [8, [3, 2], [4, 5], [0, 2]],
  ];
  for (const [side, sizes, kernels, paddings] of published) {
    const first = halve([side, side]);
    const second = halve(first.to);
    assertEquals([first, second].flatMap(({ to }) => to), sizes.flatMap((size) => [size, size]));
    assertEquals([first, second].map(({ k }) => k), kernels);
    assertEquals([first, second].map(({ padding }) => padding), paddings);
  }
  for (let height = 1; height <= 20; height++) {
    for (let width = 1; width <= 20; width++) {
      const { k, padding, to } = halve([height, width]);
      [height, width].forEach((side, axis) => {
        // The last patch reaches the last pixel, and begins before it.
        const last = (to[axis] - 1) * 2 - padding;
        assertEquals(last < side && last + k >= side, true, `${height}×${width}`);
      });
    }
  }
});

Deno.test("the losses are what their formulas say", async () => {
  const shapes = {
    images: [2, 4, 3, 1],
    reconstructed: [2, 4, 3, 1],
    h1: [2, 2, 2, 5],
    d1: [2, 2, 2, 5],
    h2: [2, 1, 1, 5],
    d2: [2, 1, 1, 5],
    q: [4, 3],
    logits: [4, 3],
  };
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, draw(i, shape)]),
  );
  using state = new State(new OracleBackend());
  const [images, reconstructed, h1, d1, h2, d2, q, logits] = Object.entries(shapes).map((
    [name, shape],
  ) => state.variable(name, shape, { data: values[name] }));
  using program = await trace(state.backend, () => ({
    ...reconstructionLosses(images, { h1, h2 }, { images: reconstructed, d1, d2 }, 0.1),
    clustering: crossEntropy(q, logits),
  }));
  program.run();
  const found = await program.read();
  const image = meanSquared(values.images, values.reconstructed);
  const hidden = 0.1 * (meanSquared(values.h1, values.d1) + meanSquared(values.h2, values.d2));
  let clustering = 0;
  for (let i = 0; i < 4; i++) {
    const row = values.logits.subarray(3 * i, 3 * i + 3);
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    row.forEach((value, k) =>
      clustering -= values.q[3 * i + k] * Math.log(Math.exp(value) / total)
    );
  }
  assertAlmostEquals(found.image[0], image, 1e-12);
  assertAlmostEquals(found.hidden[0], hidden, 1e-12);
  assertAlmostEquals(found.total[0], image + hidden, 1e-12);
  assertAlmostEquals(found.clustering[0], clustering / 4, 1e-12);
});

Deno.test("the network sees [0, 1] as [−1, 1], draws in [0, 1] and keeps the images' sizes", async () => {
  using state = new State(new OracleBackend());
  const sizes = { height: 7, width: 4, colours: 1, channels: 3, latent: 2 };
  const net = new ConvolutionalAutoencoder(state, sizes, 1);
  const data = Float32Array.from({ length: 56 }, (_, i) => i / 55);
  const x = state.variable("x", [2, 28], { data });
  using program = await trace(state.backend, () => {
    const z = net.encode(x);
    return { images: net.images(x), z, decoded: net.decode(z) };
  });
  program.run();
  const { images, z, decoded } = await program.read();
  images.forEach((value, i) => assertAlmostEquals(value, 2 * data[i] - 1, 1e-7));
  assertEquals([z.length, decoded.length], [4, 56]);
  assertEquals(z.every((value) => Math.abs(value) < 1), true);
  assertEquals(decoded.every((value) => value > 0 && value < 1), true);
  assertAlmostEquals((await net.draw(Float32Array.from(z)))[5], decoded[5], 1e-6);
  assertEquals(net.passRows, 1024);
  const large = { height: 28, width: 28, colours: 1, channels: 50, latent: 10 };
  assertEquals(new ConvolutionalAutoencoder(state, large, 1, "large ").passRows, 256);
});

Deno.test("DEPICT finds clear clusters, and logs what it stops by", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const model = new DEPICT(OPTIONS);
  const { labels, history, prototypes } = await model.fit(bars(), { backend });
  labels.forEach((label, i) => assertEquals(label, labels[i % 3]));
  assertEquals(new Set(labels).size, 3);
  // A prototype is bright where its cluster's bar is.
  for (let kind = 0; kind < 3; kind++) {
    const image = prototypes!.subarray(
      labels[kind] * SIDE * SIDE,
      (labels[kind] + 1) * SIDE * SIDE,
    );
    const brightness = [0, 1, 2].map((bar) =>
      image.subarray(bar * 2 * SIDE, (bar + 1) * 2 * SIDE).reduce((a, b) => a + b)
    );
    assertEquals(brightness.indexOf(Math.max(...brightness)), kind);
  }
  const changes = history.map(({ targetChange }) => targetChange).filter((c) => c !== undefined);
  assertEquals(changes.every((change) => Number(change) >= 0), true);
  assertEquals(history.some(({ agreement }) => Number(agreement) > 0.9), true);
  await model.dispose();
  const done = new DEPICT({ ...OPTIONS, tol: 1 });
  const { stopReason } = await done.fit(bars(), { backend });
  assertStringIncludes(stopReason, "below tol 1");
  await done.dispose();
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("DEPICT starts from its own pre-trained network, and from no fully connected one", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  let saved: Checkpoint | undefined;
  const savePretrained = (checkpoint: Checkpoint) => Promise.resolve(void (saved = checkpoint));
  const fit = async (options: object, context: object): Promise<FitResult> => {
    const model = new DEPICT({ ...OPTIONS, ...options });
    try {
      return await model.fit(bars(), { backend, ...context });
    } finally {
      await model.dispose();
    }
  };
  const whole = await fit({}, { savePretrained });
  const started = await fit({ pretrainSteps: 0 }, { pretrained: saved });
  assertEquals(started.labels, whole.labels);
  assertEquals(started.embedding, whole.embedding);
  const flat = new AEKMeans({ clusters: 3, hidden: [5], latent: 2, pretrainSteps: 2, nInit: 1 });
  await flat.fit(bars(), { backend, savePretrained });
  await flat.dispose();
  await assertRejects(
    () => fit({}, { pretrained: saved }),
    RangeError,
    "depict: the pre-trained network must be a convolutional one",
  );
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

/** Held out: 12 of 60 rows; the others are 2 batches. Rates at which the best weights are not the last. */
const VALIDATED: Partial<DEPICTOptions> = {
  ...OPTIONS,
  validationShare: 0.2,
  pretrainSteps: 200,
  pretrainPatience: 3,
  pretrainLearningRate: 0.02,
  pretrainDecay: false,
  labelSteps: 12,
  steps: 6,
  batchOrder: "shuffled",
  seed: 4,
};

/** A fit on the bars with one thread; all memory is free in the end. */
async function fitBars(options: Partial<DEPICTOptions>, context: FitContext = {}) {
  const backend = await openCpuBackend({ threads: 1 });
  const model = new DEPICT(options);
  try {
    return await model.fit(bars(), { backend, ...context });
  } finally {
    await model.dispose();
    assertEquals(backend.memory().bytes, 0);
    await backend.dispose();
  }
}

/** The values of a field of the log, in order. */
function logged(history: FitResult["history"], field: string): number[] {
  return history.filter((row) => field in row).map((row) => Number(row[field]));
}

/** The clean path's loss of some bars by saved weights: the mean over them, in float64. */
async function cleanLoss({ variables }: Checkpoint, numbers: Uint32Array): Promise<number> {
  using state = new State(new OracleBackend());
  const sizes = { height: SIDE, width: SIDE, colours: 1, channels: OPTIONS.channels, latent: 3 };
  const net = new ConvolutionalAutoencoder(state, sizes, 1);
  state.restore(variables, net.parameters.variables.map(({ name }) => name));
  const { data, d } = bars();
  const rows = Float32Array.from([...numbers].flatMap((i) => [...data.subarray(i * d, i * d + d)]));
  const x = state.variable("x", [numbers.length, d], { data: rows, saved: false });
  using program = await trace(state.backend, () => {
    const images = net.images(x);
    const clean = net.encodeLayers(images);
    return { loss: reconstructionLosses(images, clean, net.decodeLayers(clean.z), 0.1).total };
  });
  program.run();
  return (await program.read()).loss[0];
}

Deno.test("pre-training ends by the held-out rows, with the weights that were best for them", async () => {
  const { heldOut } = holdOut(ROWS, 0.2, 4);
  let pretrained: Checkpoint | undefined;
  const { history } = await fitBars(VALIDATED, {
    savePretrained: (checkpoint) => Promise.resolve(void (pretrained = checkpoint)),
  });
  const losses = logged(history, "heldOut");
  const least = Math.min(...losses);
  // Patience: the best is the fourth from the end, long before all steps are made.
  assertEquals(losses.indexOf(least), losses.length - 4);
  assert(losses.length < 100 && losses.length > 4, `${losses.length} epochs`);
  assert(losses.at(-1)! > 1.0001 * least);
  assertAlmostEquals(await cleanLoss(pretrained!, heldOut), least, 1e-5 * least);
  const steps = history.filter((row) => "heldOut" in row).map(({ step }) => step);
  assertEquals(steps, losses.map((_, i) => 2 * (i + 1)));
});

Deno.test("the first labels are left by what held-out rows say, with the best weights", async () => {
  const { heldOut } = holdOut(ROWS, 0.2, 4);
  const rough = {
    ...VALIDATED,
    clusters: 6,
    pretrainSteps: 4,
    learningRate: 0.03,
    steps: 0,
    patience: 2,
  };
  for (const labelSteps of [0, 40]) {
    const { history, labels, partitions } = await fitBars({ ...rough, labelSteps });
    const agreements = logged(history, "agreement");
    const [first] = Object.values(partitions);
    const of = (labels: Uint32Array) => heldOut.map((i) => labels[i]);
    const best = Math.max(...agreements);
    assertAlmostEquals(normalizedMutualInformation(of(first), of(labels)), best, 1e-12);
    if (labelSteps === 0) {
      assertEquals(agreements.length, 1);
      assert(Math.abs(normalizedMutualInformation(first, labels) - best) > 1e-3);
    } else {
      assertEquals(agreements.indexOf(best), agreements.length - 3);
      // 48 of the 60 rows are trained on: 2 batches an epoch.
      const rows = history.filter((row) => "agreement" in row);
      assertEquals(rows.map(({ step }) => step), rows.map((_, i) => 2 * i));
      assert(agreements.at(-1)! < best);
    }
  }
});

Deno.test("DEPICT with held-out rows, interrupted anywhere, ends with the bytes of one go", async () => {
  const run = (abortAt: number, resume?: Checkpoint) => {
    const controller = new AbortController();
    const saved: Checkpoint[] = [];
    const fitting = fitBars(VALIDATED, {
      ...(resume === undefined ? {} : { resume }),
      signal: controller.signal,
      saveSteps: 3,
      save(checkpoint) {
        if (saved.push(checkpoint) === abortAt) controller.abort();
        return Promise.resolve();
      },
    });
    return { fitting, saved };
  };
  const whole = run(Infinity);
  const expected = await whole.fitting;
  const last = whole.saved.at(-1)!;
  for (const abortAt of [2, Math.floor(whole.saved.length / 2), whole.saved.length - 3]) {
    const broken = run(abortAt);
    await assertRejects(() => broken.fitting, InterruptedError);
    const resumed = run(Infinity, broken.saved.at(-1));
    const found = await resumed.fitting;
    assertEquals(found.labels, expected.labels);
    assertEquals(found.embedding, expected.embedding);
    assertEquals(found.history, expected.history);
    assertEquals(resumed.saved.at(-1), last, `stopped at checkpoint ${abortAt}`);
  }
});

Deno.test("the true classes change nothing but the log, held-out rows or not", async () => {
  const truth = Uint32Array.from({ length: ROWS }, (_, i) => Math.floor(i / 20));
  for (const init of ["kmeans", "ac-pic"] as const) {
    const options = { ...VALIDATED, init };
    const [without, given] = [await fitBars(options), await fitBars(options, { truth })];
    assertEquals(given.labels, without.labels);
    assertEquals(given.embedding, without.embedding);
    assertEquals(logged(given.history, "heldOut"), logged(without.history, "heldOut"));
    assertEquals(logged(given.history, "agreement"), logged(without.history, "agreement"));
  }
});

Deno.test("DEPICT's labels are those of all rows where their stage ends within its first epoch", async () => {
  const truth = Uint32Array.from({ length: ROWS }, (_, i) => i % 3);
  const options = { ...OPTIONS, init: "ac-pic", batchSize: 4, labelSteps: 3 } as const;
  const { history } = await fitBars(options, { truth });
  const [row] = history.filter((row) => "agreement" in row);
  assertEquals([row.step, row.agreement, row.acc], [3, 1, 1]);
});

Deno.test("DEPICT begins with the labels of AC-PIC where it is told to", async () => {
  const options = { ...OPTIONS, init: "ac-pic" } as const;
  const { labels, partitions, history } = await fitBars(options);
  const first = partitions["AC-PIC on the pre-trained code"];
  // Numbered by the first row of each cluster.
  assertEquals([...first], Array.from({ length: ROWS }, (_, i) => i % 3));
  // The head begins with their mean codes, so that it agrees with them from the first epoch.
  assertEquals(logged(history, "agreement")[0] > 0.9, true);
  labels.forEach((label, i) => assertEquals(label, labels[i % 3]));
  await assertRejects(
    () => fitBars({ ...options, clusters: 50, pretrainSteps: 1 }),
    RangeError,
    "path integral: clusters must be from 1 to",
  );
  const few = { ...bars(), data: bars().data.subarray(0, 15 * SIDE * SIDE), n: 15 };
  const model = new DEPICT(options);
  const events: string[] = [];
  await assertRejects(
    () => model.fit(few, { onEvent: ({ type }) => events.push(type) }),
    RangeError,
    "takes 21 rows or more; got 15",
  );
  assertEquals(events, [], "before pre-training");
});

Deno.test("held-out rows and shuffled clustering need all rows on the device", async () => {
  const n = 1100;
  const read = (_: number, into: Float32Array) => Promise.resolve(void into.fill(0.5));
  const samples = { data: { read, windowRows: 1024 }, n, d: 36, height: 6, width: 6 };
  for (const options of [{ validationShare: 0.1 }, { batchOrder: "shuffled" }] as const) {
    const model = new DEPICT({ ...OPTIONS, ...options });
    await assertRejects(() => model.fit(samples), TypeError, "of these 1100 rows");
  }
});
