/** ONNX files of every method, run by ONNX Runtime. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { applyScaling, type Scaling } from "../datasets/scaling.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { encodeOnnx, type OnnxOptions, type OnnxPart } from "../export/onnx/model.ts";
import type { Estimator, Samples } from "../models/estimator.ts";
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";

const CLUSTERS = 3;
const SIDE = 6;
const D = SIDE * SIDE;

const TINY: OptionValues = {
  clusters: CLUSTERS,
  hidden: [16],
  latent: 3,
  batchSize: 16,
  channels: 3,
  pretrainSteps: 20,
  constructionSteps: 9,
  labelSteps: 7,
  moduleSteps: 7,
  steps: 14,
  nInit: 2,
};

/** Raw images in 0 to 16 with a bright bar in one of three places, and noise; the first pixel is 5. */
function drawImages(n: number, stream: number): Float32Array {
  const random = new RandomStream(5, stream);
  return Float32Array.from({ length: n * D }, (_, i) => {
    if (i % D === 0) return 5;
    const isBright = Math.floor((i % D) / SIDE / 2) === Math.floor(i / D) % CLUSTERS;
    return Math.fround((isBright ? 11 : 0) + random.uniform(0, 5));
  });
}

const raw = drawImages(70, 1);
/** More rows than the model has seen, and not as many. */
const later = drawImages(201, 2);

function samplesOf(rows: Float32Array, scaling: Scaling): Samples & { data: Float32Array } {
  const data = new Float32Array(rows.length);
  applyScaling(rows, D, scaling, data);
  return { data, n: rows.length / D, d: D, height: SIDE, width: SIDE };
}

const divisor: Scaling = { kind: "divisor", divisor: 16 };
const columns = Array.from({ length: D }, (_, j) => raw.filter((_, i) => i % D === j));
const mean = columns.map((column) => column.reduce((sum, x) => sum + x, 0) / column.length);
/** The first column is constant. */
const standard: Scaling = {
  kind: "standard",
  mean,
  deviation: columns.map((column, j) => {
    return Math.sqrt(column.reduce((sum, x) => sum + (x - mean[j]) ** 2, 0) / column.length);
  }),
};

/** What an ONNX file makes of rows. */
async function runOnnx(file: Uint8Array, rows: Float32Array) {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  const outputs = await session.run({ rows: new Tensor("float32", rows, [rows.length / D, D]) });
  await session.release();
  return outputs;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assertEquals(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const bound = 2e-5 * Math.max(1, Math.abs(expected[i]));
    assert(
      Math.abs(actual[i] - expected[i]) <= bound,
      `${what}, element ${i}: ${actual[i]}, expected ${expected[i]}`,
    );
  }
}

/** Trains a method by small options on the images, and hands the model over. */
async function withTrained(
  name: string,
  scaling: Scaling,
  use: (model: Estimator) => Promise<void>,
  changes: OptionValues = {},
): Promise<void> {
  const known = METHODS[name].options.map((option) => option.name);
  const values = Object.entries({ ...TINY, ...changes }).filter(([key]) => known.includes(key));
  const model = METHODS[name].create(Object.fromEntries(values));
  const backend = await openCpuBackend({ threads: 1 });
  try {
    await model.fit(samplesOf(raw, scaling), { backend });
    await use(model);
  } finally {
    await model.dispose();
    await backend.dispose();
  }
}

/** Labels, probabilities, codes and reconstructions by ONNX Runtime and by the model. */
async function compare(model: Estimator, scaling: Scaling): Promise<void> {
  const samples = samplesOf(later, scaling);
  const clusters = await runOnnx(await encodeOnnx(model, "clusters", { scaling }), later);
  const labels = Array.from(await model.predict(samples));
  assert(new Set(labels).size > 1, "the model tells no rows apart");
  assertEquals(Array.from(clusters.label.data as BigInt64Array, Number), labels);
  assertEquals("probabilities" in clusters, METHODS[model.name].softAssignment !== undefined);
  if (clusters.probabilities) {
    const { data } = clusters.probabilities;
    assertClose(data as Float32Array, await model.predictProba(samples), "probabilities");
  }
  const codes = await model.transform(samples);
  if (codes.length === samples.data.length) return;
  const { code } = await runOnnx(await encodeOnnx(model, "encoder", { scaling }), later);
  assertEquals(code.dims, [later.length / D, codes.length * D / later.length]);
  assertClose(code.data as Float32Array, codes, "code");
}

for (const name of Object.keys(METHODS).filter((name) => name !== "n2d")) {
  for (const scaling of name === "depict" ? [divisor] : [divisor, standard]) {
    Deno.test(`${name}, ${scaling.kind}: ONNX Runtime gives what predict gives, row for row`, () =>
      withTrained(name, scaling, (model) => compare(model, scaling)));
  }
}

for (const covariance of ["diag", "isotropic"]) {
  Deno.test(`gmm, ${covariance}: ONNX Runtime gives what predict gives, row for row`, () =>
    withTrained("gmm", standard, (model) => compare(model, standard), { covariance }));
}

for (const name of ["dynae", "depict", "vade", "cm", "n2d"]) {
  Deno.test(`${name}: reconstructions come back in the units of the raw rows`, () =>
    withTrained(name, divisor, async (model) => {
      const file = await encodeOnnx(model, "autoencoder", { scaling: divisor });
      const { reconstruction } = await runOnnx(file, later);
      const codes = await model.transform(samplesOf(later, divisor));
      const drawn = await model.inverseTransform!(codes);
      assertClose(reconstruction.data as Float32Array, drawn.map((x) => 16 * x), "reconstruction");
    }));
}

Deno.test("a standardised column comes back to its mean where it was constant", () =>
  withTrained("ae-kmeans", standard, async (model) => {
    const file = await encodeOnnx(model, "autoencoder", { scaling: standard });
    const { data } = (await runOnnx(file, later)).reconstruction;
    assertEquals(
      (data as Float32Array).filter((_, i) => i % D === 0),
      new Float32Array(201).fill(5),
    );
  }));

/** What exporting a part of a method says. */
const REFUSALS: readonly (readonly [name: string, part: OnnxPart, message: string])[] = [
  ["n2d", "clusters", "n2d labels a row by the nearest rows of its training"],
  ["dec", "autoencoder", "dec trains its encoder without the decoder"],
  ["kmeans", "encoder", "kmeans clusters rows as they are: it has no encoder"],
];
for (const [name, part, message] of REFUSALS) {
  Deno.test(`${name} says why it has no ${part}`, () =>
    withTrained(name, divisor, async (model) => {
      await assertRejects(() => encodeOnnx(model, part), TypeError, message);
    }));
}

Deno.test("the bytes depend on the model alone, and name the columns", () =>
  withTrained("kmeans", divisor, async (model) => {
    const range = { min: 0, max: 1 };
    const names = [
      { name: "height", ...range },
      { categories: ["a", "b"], ...range },
      { number: 3, ...range },
    ];
    const options: OnnxOptions = { schema: { type: "text", range: [0, 1], columns: names } };
    const file = await encodeOnnx(model, "clusters", options);
    assertEquals(file, await encodeOnnx(model, "clusters", options));
    const text = new TextDecoder("latin1").decode(file);
    assert(
      text.includes('["height","column 1=a","column 1=b","column 3"]'),
      "the names of the columns",
    );
  }));
