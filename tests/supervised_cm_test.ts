/** The supervised Clustering Module: its losses beside plain loops, all labels, few labels, errors. */
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { loadDataset } from "../datasets/load.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import type { Checkpoint } from "../models/estimator.ts";
import { crossEntropy } from "../models/losses.ts";
import {
  drawLabels,
  heldOutAccuracy,
  movedCentroids,
  SupervisedCM,
  supervisedLosses,
} from "../models/supervised_cm.ts";

const [N, K, P] = [6, 4, 3];
const random = new RandomStream(7, 1);
const uniform = (length: number) => Float32Array.from({ length }, () => random.uniform(-1, 1));

/** Computes on the oracle what `build` makes of matrices. */
async function compute<O extends Outputs>(
  given: Readonly<Record<string, readonly [shape: readonly number[], data: Float32Array]>>,
  build: (tensors: Record<string, Tensor>) => O,
) {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const variables = Object.fromEntries(
    Object.entries(given).map(([name, [shape, data]]) => [
      name,
      state.variable(name, shape, { data }),
    ]),
  );
  using program = await trace(oracle, () => build(variables));
  program.run();
  return await program.read();
}

function oneHot(labels: readonly number[]): Float32Array {
  return Float32Array.from({ length: labels.length * K }, (_, i) => {
    return labels[Math.floor(i / K)] === i % K ? 1 : 0;
  });
}

/** γ of row i. */
function softmaxOf(logits: Float32Array, i: number): number[] {
  const powers = [...logits.slice(i * K, (i + 1) * K)].map(Math.exp);
  const total = powers.reduce((sum, value) => sum + value);
  return powers.map((value) => value / total);
}

Deno.test("the loss is cross-entropy and w times the module's, by plain loops", async () => {
  const labels = [0, 2, 2, 1, 0, 3];
  const [logits, z, centroids] = [uniform(N * K), uniform(N * P), uniform(K * P)];
  const result = await compute({
    logits: [[N, K], logits],
    y: [[N, K], oneHot(labels)],
    z: [[N, P], z],
    centroids: [[K, P], centroids],
  }, ({ logits, y, z, centroids }) => {
    const weights = { weight: 0.5, prior: 1.3, normalize: true };
    const all = supervisedLosses({ logits, y }, { z, logits, centroids }, weights);
    const { total: alone } = supervisedLosses({ logits, y }, undefined, weights);
    return { entropy: crossEntropy(y, logits), total: all.total, alone };
  });
  let [entropy, distances, prior] = [0, 0, 0];
  const shares = new Float64Array(K);
  for (let i = 0; i < N; i++) {
    const gamma = softmaxOf(logits, i);
    entropy -= Math.log(gamma[labels[i]]) / N;
    gamma.forEach((share, k) => {
      shares[k] += share / N;
      for (let j = 0; j < P; j++) {
        distances += share * (z[i * P + j] - centroids[k * P + j]) ** 2 / (N * P);
      }
    });
  }
  for (const share of shares) prior += (1 - 1.3) * Math.log(share);
  assertAlmostEquals(result.entropy[0], entropy, 1e-9);
  assertAlmostEquals(result.alone[0], entropy, 1e-9);
  assertAlmostEquals(result.total[0], entropy + 0.5 * (distances + prior), 1e-8);
});

Deno.test("centroids move to the class means of a batch; absent classes stay", async () => {
  const labels = [0, 2, 2, 0, 0, 2];
  const [z, centroids] = [uniform(N * P), uniform(K * P)];
  const { moved } = await compute({
    y: [[N, K], oneHot(labels)],
    z: [[N, P], z],
    centroids: [[K, P], centroids],
  }, ({ y, z, centroids }) => ({ moved: movedCentroids(centroids, z, y, 0.9) }));
  for (let k = 0; k < K; k++) {
    const rows = labels.flatMap((label, i) => label === k ? [i] : []);
    for (let j = 0; j < P; j++) {
      const old = centroids[k * P + j];
      const mean = rows.reduce((sum, i) => sum + z[i * P + j], 0) / rows.length;
      const expected = rows.length === 0 ? old : 0.9 * old + 0.1 * mean;
      assertAlmostEquals(moved[k * P + j], expected, 1e-7);
    }
  }
});

Deno.test("labels are drawn class by class, by the seed", () => {
  const truth = Uint32Array.from({ length: 90 }, (_, i) => i % 3);
  const labels = drawLabels(truth, 3, 4, () => 5);
  for (let k = 0; k < 3; k++) assertEquals(labels.filter((label) => label === k).length, 5);
  labels.forEach((label, i) => label < 0 || assertEquals(label, truth[i]));
  assertEquals(drawLabels(truth, 3, 4, () => 5), labels);
  assertEquals(drawLabels(truth, 3, 4, () => 99), Int32Array.from(truth));
  assertEquals(heldOutAccuracy([0, 1, 1, 0], [0, 0, 1, 1], [-1, 1, -1, -1]), 2 / 3);
  assertEquals(heldOutAccuracy([0], [0], [0]), null);
});

const SMALL = { hidden: [64, 64], pretrainSteps: 0, steps: 700, learningRate: 2e-3 } as const;

Deno.test("with the labels of four fifths it is as good as cross-entropy alone", async () => {
  const digits = await loadDataset("optdigits");
  const truth = digits.classes!;
  const labels = drawLabels(truth, 10, 0, (count) => Math.round(0.8 * count));
  const backend = await openCpuBackend({ threads: 1 });
  try {
    const accuracies: number[] = [];
    for (const weight of [1, 0]) {
      const model = new SupervisedCM({ ...SMALL, weight });
      const found = await model.fit(digits, labels, { backend });
      accuracies.push(heldOutAccuracy(truth, found.labels, labels)!);
      await model.dispose();
    }
    const [ours, entropyAlone] = accuracies;
    assertGreater(ours, entropyAlone - 0.01, `${accuracies}`);
    assertGreater(ours, 0.95);
  } finally {
    await backend.dispose();
  }
});

/** Four clusters in 8 columns. */
const blobs = (() => {
  const truth = Uint32Array.from({ length: 160 }, (_, i) => i % 4);
  const data = Float32Array.from({ length: 160 * 8 }, (_, i) => {
    return random.uniform(-0.4, 0.4) + (i % 4 === truth[Math.floor(i / 8)] ? 1 : 0);
  });
  return { samples: { data, n: 160, d: 8 }, truth };
})();

const device = { device: { device: "cpu", threads: 1 } } as const;
const TINY = { clusters: 4, hidden: [16], latent: 4, pretrainSteps: 40, steps: 100 } as const;

Deno.test("few labels: it learns, logs, predicts, loads, and goes on bit for bit", async () => {
  const { samples, truth } = blobs;
  const labels = drawLabels(truth, 4, 1, () => 2);
  for (const centroids of ["average", "orthonormal"] as const) {
    const options = { ...TINY, centroids, centroidGradient: centroids === "average" };
    const model = new SupervisedCM(options);
    const saved: Checkpoint[] = [];
    // deno-lint-ignore require-await
    const save = async (checkpoint: Checkpoint) => void saved.push(checkpoint);
    const fitted = await model.fit(samples, labels, { ...device, truth, save, saveSteps: 30 });
    assertGreater(heldOutAccuracy(truth, fitted.labels, labels)!, 0.8);
    assertEquals(
      fitted.history.at(-1)!.heldOutAccuracy,
      heldOutAccuracy(truth, fitted.labels, labels),
    );
    assertEquals(await model.predict(samples), fitted.labels);
    assertEquals(await model.transform(samples), fitted.embedding);
    if (centroids === "orthonormal") {
      assertEquals([...fitted.clusterCenters.slice(0, 5)], [1, 0, 0, 0, 0]);
    }
    await model.dispose();

    const loaded = new SupervisedCM(options);
    const backend = await openCpuBackend({ threads: 1 });
    await loaded.load(saved.at(-1)!, backend);
    assertEquals(await loaded.predict(samples), fitted.labels);
    await loaded.dispose();
    await backend.dispose();

    for (const place of [1, Math.floor(saved.length / 2), saved.length - 2]) {
      const again = new SupervisedCM(options);
      const resumed = await again.fit(samples, labels, { ...device, truth, resume: saved[place] });
      assertEquals(resumed.embedding, fitted.embedding);
      assertEquals(resumed.clusterCenters, fitted.clusterCenters);
      await again.dispose();
    }
  }
});

Deno.test("one batch serves both losses where every row is labelled", async () => {
  const { samples, truth } = blobs;
  const model = new SupervisedCM({ ...TINY, pretrainSteps: 0, learningRate: 1e-2 });
  const { labels, clusterCenters, history } = await model.fit(samples, truth, device);
  assertGreater(labels.filter((label, i) => label === truth[i]).length, 150);
  assertEquals(clusterCenters.length, 16);
  assertLess(history.at(-1)!.crossEntropy as number, history[0].crossEntropy as number + 1e-9);
  await model.dispose();
});

Deno.test("what the classifier cannot do is said", async () => {
  const { samples, truth } = blobs;
  const model = new SupervisedCM(TINY);
  const fails = (labels: ArrayLike<number>, message: string) =>
    assertRejects(() => model.fit(samples, labels, device), RangeError, message);
  await fails(truth.map(() => 0).slice(1), "160 rows need as many labels, got 159");
  await fails(Int32Array.from(truth, () => -1), "no row is labelled; it is not defined without");
  await fails(Int32Array.from(truth, (k) => k === 2 ? -1 : k), "class 2 of 4 has none");
  await fails(Int32Array.from(truth, (k) => k + 1), "that of row 3 is 4");
  await fails([0.5, ...truth.slice(1)], "that of row 0 is 0.5");
  await assertRejects(() => model.predict(samples), TypeError, "not fitted yet");
  assertThrows(
    () => new SupervisedCM({ centroids: "orthonormal", latent: 4 }),
    RangeError,
    "at least the classes, 10; got 4",
  );
  assertThrows(() => new SupervisedCM({ momentum: 2 }), RangeError, "supervised-cm: momentum");
  const source = { ...samples, data: { read: () => Promise.resolve() } };
  await assertRejects(
    () => model.fit(source, truth, device),
    TypeError,
    "supervised-cm needs all rows",
  );
  await model.dispose();
});
