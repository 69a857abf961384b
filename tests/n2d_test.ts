/** N2D: clusters by the layout of a code; labels of new rows by their neighbours. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import type { Checkpoint } from "../models/estimator.ts";
import { accuracy, adjustedRandIndex } from "../models/evaluation/metrics.ts";
import { AEKMeans } from "../models/ae_kmeans.ts";
import { agreed, meanByDistance, N2D, N2D_METHOD, votedLabels } from "../models/n2d.ts";

async function withCpu<T>(use: (backend: Backend) => Promise<T>, threads = 1): Promise<T> {
  const backend = await openCpuBackend({ threads });
  try {
    const result = await use(backend);
    assertEquals(backend.memory().bytes, 0);
    return result;
  } finally {
    await backend.dispose();
  }
}

/** Rows in four places, in turns. */
function blobs(n: number, stream: number) {
  const random = new RandomStream(9, stream);
  const truth = Array.from({ length: n }, (_, i) => i % 4);
  const rows = truth.flatMap((which) => Array.from({ length: 5 }, (_, c) => c === which ? 1 : 0));
  const data = Float32Array.from(rows, (value) => value + random.uniform(-0.2, 0.2));
  return { samples: { data, n, d: 5 }, truth };
}

Deno.test("clusters are found, new rows join them, and so they do after saving", async () => {
  const { samples, truth } = blobs(400, 2);
  const others = blobs(203, 3);
  const options = { clusters: 4, hidden: [32], latent: 3, pretrainSteps: 300 };
  await withCpu(async (backend) => {
    const model = new N2D(options);
    const { labels, history } = await model.fit(samples, { backend });
    assertEquals(adjustedRandIndex(truth, labels), 1);
    assertEquals(history.at(-1)!.phase, "mixture");
    assertEquals(await model.predict(samples), labels);
    const predicted = await model.predict(others.samples);
    // By the same numbers: rows 0 to 3 are of the four places.
    assertEquals([...predicted], others.truth.map((which) => labels[which]));
    const saved = await model.checkpoint();
    await withCpu(async (elsewhere) => {
      const loaded = new N2D(options);
      await loaded.load(saved, elsewhere);
      assertEquals(await loaded.predict(samples), labels);
      assertEquals(await loaded.predict(others.samples), predicted);
      await loaded.dispose();
    }, 2);
    await model.dispose();
  });
});

Deno.test("digits are found far better than by chance, those of other rows too", async () => {
  const digits = await loadDataset("optdigits", { limit: 1200 });
  const part = (first: number, n: number) => {
    const { data, classes, d, height, width } = digits;
    const rows = data.slice(first * d, (first + n) * d);
    return {
      samples: { data: rows, n, d, ...height && width ? { height, width } : {} },
      truth: classes!.slice(first, first + n),
    };
  };
  const [seen, unseen] = [part(0, 900), part(900, 300)];
  await withCpu(async (backend) => {
    const model = new N2D({ hidden: [64], latent: 6, pretrainSteps: 400, pretrainDecay: false });
    const found = accuracy(seen.truth, await model.fitPredict(seen.samples, { backend }));
    const predicted = accuracy(unseen.truth, await model.predict(unseen.samples));
    assert(found > 0.6 && predicted > 0.6, `${found}, ${predicted}`);
    await model.dispose();
  });
});

Deno.test("the layout has as many dimensions as clusters, or as asked for", async () => {
  const { samples } = blobs(60, 4);
  const small = { clusters: 3, hidden: [4], latent: 2, pretrainSteps: 3 };
  await withCpu(async (backend) => {
    for (const [components, dimensions] of [[0, 3], [5, 5]]) {
      let last: Checkpoint | undefined;
      const save = (saved: Checkpoint) => Promise.resolve(void (last = saved));
      const model = new N2D({ ...small, components, neighbours: 90, minDist: 0.3 });
      await model.fit(samples, { backend, save });
      assertEquals(last!.variables.get("layout")!.shape, [60, dimensions]);
      await model.dispose();
    }
  });
});

Deno.test("a checkpoint without the known rows is an error", async () => {
  const { samples } = blobs(40, 5);
  const options = { clusters: 2, hidden: [4], latent: 2, pretrainSteps: 3 };
  await withCpu(async (backend) => {
    const other = new AEKMeans(options);
    await other.fit(samples, { backend });
    const checkpoint = await other.checkpoint();
    await other.dispose();
    await assertRejects(() => new N2D(options).load(checkpoint, backend), RangeError, "checkpoint");
  });
});

Deno.test("a vote weighs by 1/distance; the nearest decides at no distance and among equals", () => {
  const vote = (labels: number[], distances: number[]) =>
    votedLabels(
      {
        count: labels.length,
        rows: Uint32Array.from(labels, (_, i) => i),
        squaredDistances: Float32Array.from(distances, (distance) => distance ** 2),
      },
      Uint32Array.from(labels),
    )[0];
  assertEquals(vote([2, 1, 1], [1, 1.5, 1.5]), 1);
  assertEquals(vote([2, 1, 1], [1, 2.5, 2.5]), 2);
  assertEquals(vote([2, 1, 1], [1, 2, 2]), 2);
  assertEquals(vote([1, 2, 2], [2, 4, 4]), 1);
  assertEquals(vote([3, 1, 1, 1], [0, 0.01, 0.01, 0.01]), 3);
  assertEquals(vote([4], [7]), 4);
  assertEquals([...votedLabels({
    count: 2,
    rows: Uint32Array.of(2, 0, 1, 0),
    squaredDistances: Float32Array.of(1, 4, 0, 1),
  }, Uint32Array.of(7, 8, 9))], [9, 8]);
});

Deno.test("soft assignments of a row are its neighbours', by 1/distance; a known row has its own", () => {
  const known = [1, 0, 0.5, 0.5, 0, 1];
  const mean = (distances: number[], rows: number[]) =>
    meanByDistance(
      {
        count: rows.length,
        rows: Uint32Array.from(rows),
        squaredDistances: Float32Array.from(distances, (distance) => distance ** 2),
      },
      known,
      2,
    );
  assertEquals([...mean([0, 1], [1, 0])], [0.5, 0.5]);
  // Weights 1/2 and 1/6: shares 3/4 and 1/4.
  assertEquals([...mean([2, 6], [0, 2])], [0.75, 0.25]);
  assertEquals([...mean([1, 1, 1], [0, 1, 2])], [0.5, 0.5]);
});

Deno.test("rows of equal codes agree on the most frequent label, the lowest of several", () => {
  const codes = Float32Array.of(1, 0, /**/ 0, 1, /**/ 1, 0, /**/ 1, -0, /**/ 0, 1, /**/ 0, 2);
  const agree = (...labels: number[]) => [...agreed(codes, 2, Uint32Array.from(labels))];
  assertEquals(agree(2, 1, 2, 0, 0, 4), [2, 0, 2, 2, 0, 4]);
  assertEquals(agree(3, 5, 2, 1, 5, 0), [1, 5, 1, 1, 5, 0]);
  assertEquals([...agreed(new Float32Array(0), 3, new Uint32Array(0))], []);
});

Deno.test("the published constants are the official profile's", () => {
  const { options } = N2D_METHOD.create(N2D_METHOD.profiles.official.values);
  const { hidden, latent, clusters, neighbours, minDist, components, nInit, rotation, shift } =
    options;
  assertEquals([hidden, latent, clusters], [[500, 500, 2000], 10, 10]);
  assertEquals([neighbours, minDist, components, nInit], [20, 0, 0, 1]);
  assertEquals([rotation, shift, options.pretrainError], [0, 0, "mean"]);
  // 1000 epochs of MNIST's batches.
  const batches = Math.ceil(70_000 / Number(options.batchSize));
  assertEquals(options.pretrainSteps, 1000 * batches);
});
