/**
 * Every profile of every method trains: after a few hundred steps of all its phases, losses and codes
 * are finite, codes differ from row to row, and rows are in more than one cluster.
 *
 * Rates, forms of errors, initialisers, optimisers, weights and thresholds are the profiles' own.
 * Networks, batches and steps are smaller, so that all of it takes seconds. What kills a network is
 * the squared norm of rows against the rate: digits are as large as USPS's (16×16, each pixel of
 * optdigits four times), where a rate of 0.1 on Caffe's error ½Σ/n leaves one code for all rows, as it
 * does on MNIST; on 8×8 pixels it would not.
 */
import { assert, assertGreater } from "@std/assert";
import { loadDataset } from "../datasets/load.ts";
import { openDevice } from "../engine/device.ts";
import type { Samples } from "../models/estimator.ts";
import type { Method } from "../models/method.ts";
import type { OptionValue, OptionValues } from "../models/options.ts";
import { RandomStream } from "../engine/random.ts";
import { METHODS } from "../models/registry.ts";
import { momentsOf } from "../models/shallow/kmeans.ts";

const ROWS = 512;
/** Sides of the digits against those of optdigits. */
const FACTOR = 2;
/** The mean variance of a column of an untrained code is some 1e-8, that of a dead one 0. */
const SMALLEST_VARIANCE = 1e-6;

/** What makes a run short, where a method has the option. */
const SHORT: Readonly<Record<string, OptionValue>> = {
  hidden: [64, 64, 128],
  channels: 4,
  batchSize: 32,
  pretrainSteps: 300,
  labelSteps: 100,
  moduleSteps: 100,
  steps: 100,
  checkInterval: 50,
  nInit: 2,
};

/** Of the module on the data, which has no other phase. */
const MODULE_STEPS = 400;

/** Columns of texts. */
const TERMS = 256;

/** Of the profiles that train layer by layer, which the others do not. */
const STACKED_STEPS = 800;

/** Digits whose pixels are squares of pixels. */
async function largeDigits(): Promise<Samples> {
  const { data, height, width, d } = await loadDataset("optdigits", { limit: ROWS });
  assert(data instanceof Float32Array && height !== undefined && width !== undefined);
  const side = FACTOR * width;
  const pixels = side * FACTOR * height;
  const large = Float32Array.from({ length: ROWS * pixels }, (_, i) => {
    const [row, pixel] = [Math.floor(i / pixels), i % pixels];
    const [y, x] = [Math.floor(pixel / side), pixel % side].map((at) => Math.floor(at / FACTOR));
    return data[row * d + y * width + x];
  });
  return { data: large, n: ROWS, d: pixels, height: FACTOR * height, width: side };
}

/** Term frequencies of texts on some topics, as rows of a norm. */
function texts(topics: number, norm: number): Samples {
  const [n, d, words] = [ROWS, TERMS, 60];
  const random = new RandomStream(0, 1);
  const data = new Float32Array(n * d);
  for (let row = 0; row < n; row++) {
    const counts = data.subarray(row * d, (row + 1) * d);
    const first = (row % topics) * d / topics;
    for (let word = 0; word < words; word++) {
      const isOfTopic = random.uniform() < 0.5;
      const term = isOfTopic ? first + random.uniform(0, d / topics) : random.uniform(0, d);
      counts[Math.floor(term)]++;
    }
    const factor = norm / Math.hypot(...counts);
    counts.forEach((count, term) => counts[term] = factor * count);
  }
  return { data, n, d };
}

/** What the profiles for texts are given. */
const TEXTS: Readonly<Record<string, Samples>> = {
  reuters10k: texts(4, Math.sqrt(TERMS)),
  "20news": texts(20, 1),
};

/** What a profile's run is given: its values, shortened. */
function shortened({ options, profiles }: Method, profile: string): Partial<OptionValues> {
  const { values } = profiles[profile];
  const has = (name: string) => options.some((option) => option.name === name);
  const isModuleAlone = has("averaging") && !has("pretrainSteps");
  const known = Object.entries(SHORT).filter(([name]) => has(name));
  return {
    ...values,
    ...Object.fromEntries(known),
    ...values.stackedSteps && { stackedSteps: STACKED_STEPS },
    ...isModuleAlone && { steps: MODULE_STEPS },
    // A Clustering Module's prior goes with the batch that its sums are taken over.
    ...has("prior") && values.batchSize && { batchSize: values.batchSize },
  };
}

for (const method of Object.values(METHODS)) {
  Deno.test(`every profile of ${method.name} trains`, async () => {
    const digits = await largeDigits();
    const backend = await openDevice({ device: "cpu" });
    for (const profile of Object.keys(method.profiles)) {
      const model = method.create(shortened(method, profile));
      const samples = TEXTS[profile] ?? digits;
      const { embedding, clusterCenters, labels, history } = await model.fit(samples, { backend });
      await model.dispose();
      const columns = embedding.length / ROWS;
      const { variances } = momentsOf(embedding, columns);
      const variance = variances.reduce((sum, value) => sum + value) / columns;
      const codes = Array.from(
        { length: ROWS },
        (_, row) => embedding.subarray(row * columns, (row + 1) * columns).join(),
      );
      const logged = history.flatMap((row) =>
        Object.values(row).filter((value) => typeof value === "number")
      );
      for (const values of [embedding, clusterCenters, logged]) {
        assert(values.every((value) => Number.isFinite(value)), `${profile}: not finite`);
      }
      assertGreater(variance, SMALLEST_VARIANCE, `${profile}: variance of the code`);
      assertGreater(new Set(codes).size, 1, `${profile}: distinct codes`);
      assertGreater(new Set(labels).size, 1, `${profile}: clusters`);
    }
    await backend.dispose();
  });
}
