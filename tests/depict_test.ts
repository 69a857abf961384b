import { assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { OracleBackend } from "../engine/oracle.ts";
import { trace } from "../engine/program.ts";
import { RandomStream } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/shape.ts";
import { State } from "../engine/state.ts";
import { AEKMeans } from "../models/ae_kmeans.ts";
import { ConvolutionalAutoencoder, halve } from "../models/networks/convolutional_autoencoder.ts";
import { crossEntropy, DEPICT, reconstructionLosses } from "../models/depict.ts";
import type { Checkpoint, FitResult } from "../models/estimator.ts";

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
  const sizes = { height: 7, width: 4, channels: 3, latent: 2 };
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
  const large = { height: 28, width: 28, channels: 50, latent: 10 };
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
